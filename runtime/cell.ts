/**
 * The part of an actor that both hosts share: its mailbox (`Incoming`), its calls and streams in both directions, their
 * deadlines and credits (`Outgoing`), and what happens to them when the other side dies. A host gives it a clock, a way to send a frame, and tells
 * it what arrives and which links come and go. It knows no thread and no simulation.
 *
 * The host's duties, in order: `new Cell(…)`; `linkUp(peer)` and `linkDown(peer, reason)` as links come and go, in order
 * with their frames; `receive(peer, frame)`; `activate(protocol, handlers)` once the actor has started (messages wait
 * until then); `close()` at the end.
 */
import type { ErrorData } from "../protocols/errors.ts";
import { InkubeError } from "../protocols/errors.ts";
import type { Methods, Protocol } from "../protocols/protocol.ts";
import { signature } from "../protocols/protocol.ts";
import type { Down, DownDetails, DownReason, Handlers, Logger, Ref } from "./actor.ts";
import type { ProtocolSummary } from "./call-errors.ts";
import { actorDown, noLink, notEncodable, protocolMismatch, whyNotEncodable } from "./call-errors.ts";
import type { Clock } from "./clock.ts";
import type { Envelope, Frame } from "./frame.ts";
import { CALL, CANCEL, CAST, CREDIT, END, FAIL, ITEM, OPEN, REFUSE, REPLY, SPEAK, TAKEN } from "./frame.ts";
import type { IncomingStatistics } from "./incoming.ts";
import { Incoming, isPromise } from "./incoming.ts";
import { Link } from "./link.ts";
import { OutgoingStream } from "./messages.ts";
import { Outgoing } from "./outgoing.ts";
import type { Refuse } from "./send-each.ts";
import type { Recorder } from "./trace/recorder.ts";

export interface CellHost {
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly log: Logger;
  /** Sends one frame; the array is the host's from then on. What can't be encoded is refused, and the rest goes on. A link that is gone meanwhile loses it, and the cell is told by `linkDown`. */
  transmit(peer: string, envelopes: Envelope[], refuse: Refuse): void;
  /** Runs `action` when the current turn is over, so that what one turn sends leaves together; sooner while `lone` says so. */
  atEndOfTurn(action: () => void, lone?: () => boolean): void;
  /** Counts a handled message where a watchdog sees it. */
  progress(): void;
  /** The actor has broken an invariant. Does not return to it. */
  crash(error: unknown): void;
  /** How long to handle messages before timers, and other actors of the thread, get a turn. Absent: for ever. */
  readonly turns?: Turns;
}

export interface Turns {
  readonly budgetMs: number;
  /** What handling so many messages takes, where time stands still meanwhile. */
  costMs?(messages: number): number;
  /** Runs `action` in the next turn. */
  next(action: () => void): void;
}

export interface MailboxOptions {
  /** Calls, casts and streams that wait or are under way. Beyond it calls and streams fail with MAILBOX_FULL and casts are dropped. */
  readonly mailboxMax: number;
}

/** Far above what a healthy actor has under way; low enough that a stuck one does not take the heap with it. */
export const MAILBOX_MAX = 100_000;

/** Dead letters of one reason that are recorded each; of more, those that double the count. */
const DEAD_LETTERS_RECORDED = 16;

/** Codes on the wire, in the place of NOT_ENCODABLE: that one an actor may hand on as its own. */
const UNSENT = { answer: "NOT_ENCODABLE:answer", item: "NOT_ENCODABLE:item" } as const;

/** What an actor has done and has to do, as counted since its start. */
export interface CellStatistics extends IncomingStatistics {
  /** By reason. */
  readonly deadLetters: { readonly [reason: string]: number };
}

export class Cell {
  private readonly name: string;
  private readonly host: CellHost;
  private readonly links = new Map<string, Link>();
  private readonly monitors = new Map<string, ((down: Down) => void)[]>();
  private readonly deadLetters = new Map<string, number>();
  private readonly outgoing: Outgoing;
  private readonly incoming: Incoming;

  constructor(name: string, host: CellHost, options: MailboxOptions = { mailboxMax: MAILBOX_MAX }) {
    this.name = name;
    this.host = host;
    this.outgoing = new Outgoing({
      name,
      host,
      links: this.links,
      refuse: (peer, envelope, cause) => this.refuse(peer, envelope, cause),
      heldMax: options.mailboxMax,
      deadLetter: (reason, subject, peer) => this.deadLetter(reason, subject, peer),
      guard: (work) => this.guard(work),
    });
    this.incoming = new Incoming({
      name,
      host,
      outgoing: this.outgoing,
      mailboxMax: options.mailboxMax,
      dispatch: (link, envelope) => this.dispatch(link, envelope),
      deadLetter: (reason, subject, peer) => this.deadLetter(reason, subject, peer),
      guard: (work) => this.guard(work),
    });
  }

  /** Messages waiting or under way. */
  get depth(): number {
    return this.incoming.depth;
  }

  /** The actor has had its turn: what arrives now only makes the queue longer. */
  get busy(): boolean {
    return this.incoming.busy;
  }

  activate<M extends Methods>(protocol: Protocol<M>, handlers: Handlers<M>): void {
    this.incoming.activate(protocol, handlers, this.links.values());
  }

  statistics(): CellStatistics {
    return { ...this.incoming.statistics(), deadLetters: Object.fromEntries(this.deadLetters) };
  }

  /** From now on messages wait, but those of `system` priority. What is under way goes on. */
  suspend(): void {
    this.incoming.suspend();
  }

  /** Resolves when no call or cast is under way. */
  settled(): Promise<void> {
    return this.incoming.settled();
  }

  resume(): void {
    this.incoming.resume();
  }

  unstash(): void {
    this.incoming.unstash();
  }

  /** A message that nobody will handle. All are counted, the first of each reason recorded. */
  deadLetter(reason: string, subject: string, peer: string): void {
    const count = (this.deadLetters.get(reason) ?? 0) + 1;
    this.deadLetters.set(reason, count);
    if (count > DEAD_LETTERS_RECORDED && (count & (count - 1)) !== 0) return;
    const detail = count > DEAD_LETTERS_RECORDED ? `${reason} (${count} so far)` : reason;
    this.host.recorder.record("dead-letter", subject, peer, this.host.recorder.cause(), detail);
  }

  /** Names the actors that may be referred to; a call to one that is not up yet fails with ACTOR_DOWN. */
  declare(peer: string): void {
    if (!this.links.has(peer)) this.links.set(peer, new Link(peer));
  }

  linkUp(peer: string): void {
    this.declare(peer);
    const link = this.links.get(peer)!;
    // One that has a new link without a word of the old one's end.
    if (link.up) this.linkDown(peer, "exit");
    link.begin();
    for (const wake of [...link.onUp]) wake();
  }

  linkDown(peer: string, reason: DownReason, details?: DownDetails): void {
    if (!this.linkLost(peer, reason, details)) return;
    this.tellDown({ actor: peer, reason, ...(details === undefined ? {} : { details }) });
  }

  /**
   * The first half of `linkDown`, for a host that sees the end before its reason, or before it is sure of it: what is under
   * way over the link fails now. `tellDown` follows. False when the link was down already.
   */
  linkLost(peer: string, reason?: DownReason, details?: DownDetails): boolean {
    const link = this.links.get(peer);
    if (link === undefined || !link.up) return false;
    link.up = false;
    link.downReason = reason;
    link.downDetails = details;
    link.outbox = [];
    const error = this.outgoing.closing ?? actorDown(peer, reason, details);
    const streams = this.outgoing.failAll(link, error);
    const messages = this.incoming.linkLost(link);
    this.guard(() => {
      for (const stream of streams) stream.consumer.end(error);
      for (const message of messages) message.abort(error);
    });
    return true;
  }

  /** The second half of `linkDown`: those who watch the actor are told. */
  tellDown(down: Down): void {
    const link = this.links.get(down.actor);
    if (link?.up === false) {
      link.downReason = down.reason;
      link.downDetails = down.details;
    }
    this.guard(() => {
      for (const listener of this.monitors.get(down.actor) ?? []) listener(down);
    });
  }

  monitor(peer: string, onDown: (down: Down) => void): void {
    if (!this.links.has(peer)) throw noLink(this.name, peer);
    this.monitors.set(peer, [...(this.monitors.get(peer) ?? []), onDown]);
  }

  receive(peer: string, frame: Frame): void {
    const link = this.links.get(peer);
    if (link === undefined || !link.up || this.outgoing.closed) return;
    this.host.recorder.observe(frame.lamport);
    this.host.recorder.turn();
    // Answers too: an actor that waits for many is at work.
    this.host.progress();
    this.incoming.takeFrame(link, frame.envelopes);
  }

  ref<M extends Methods>(protocol: Protocol<M>, peer: string): Ref<M> {
    return this.outgoing.ref(protocol, peer);
  }

  /** Runs work that is not part of the message that is being handled. */
  detached<T>(work: () => T): T {
    const { current } = this.outgoing;
    this.outgoing.current = undefined;
    try {
      return work();
    } finally {
      this.outgoing.current = current;
    }
  }

  /**
   * What is to be sent leaves now; then every call under way is rejected, every stream ended, and the cell is silent: with
   * `error`, and so is what is asked for later; without one, as if the peers had ended.
   */
  close(error?: InkubeError): void {
    for (const link of this.links.values()) this.outgoing.flush(link);
    this.outgoing.closing = error;
    for (const peer of this.links.keys()) this.linkDown(peer, "normal");
    this.outgoing.stopTimer();
    this.outgoing.closed = true;
    // Calls that wait for a link to come up again.
    for (const link of this.links.values()) for (const wake of [...link.onUp]) wake();
  }

  /**
   * The actor is dead, and its thread lives on: nothing arrives, nothing leaves, and nothing that it waits for is ever
   * settled, so that its code does not run on.
   */
  sever(): void {
    this.outgoing.closed = true;
    this.outgoing.severed = true;
    this.outgoing.stopTimer();
    this.links.clear();
    this.incoming.sever();
  }

  private dispatch(link: Link, envelope: Envelope): void {
    switch (envelope[0]) {
      case CALL:
      case CAST:
      case OPEN:
        return this.incoming.request(link, envelope);
      case TAKEN:
        return link.gates.get(envelope[1])?.leave(envelope[2]);
      case REPLY: {
        const call = link.calls.get(envelope[1]);
        if (call === undefined) return;
        this.outgoing.settle(link, envelope[1], call);
        return call.resolve(envelope[2]);
      }
      case FAIL: {
        const call = link.calls.get(envelope[1]);
        if (call === undefined) return;
        this.outgoing.settle(link, envelope[1], call);
        return call.reject(errorOf(envelope[2], link.peer, call.method));
      }
      case ITEM:
        this.handleItem(link, envelope[1], envelope[2]);
        return;
      case CREDIT: {
        const message = link.incoming.get(envelope[1]);
        if (message instanceof OutgoingStream) message.credit(envelope[2]);
        return;
      }
      case END: {
        const stream = link.streams.get(envelope[1]);
        link.streams.delete(envelope[1]);
        if (stream === undefined) return;
        const error = envelope[2] === null ? undefined : errorOf(envelope[2], link.peer, stream.method);
        this.guard(() => stream.consumer.end(error));
        return;
      }
      case CANCEL:
        return this.incoming.cancel(link, envelope[1]);
      case SPEAK:
        link.heard = envelope[1];
        return this.incoming.checkSpoken(link);
      case REFUSE: {
        const [, name, version, methods] = envelope;
        return this.refusedBy(link, { name, version, methods });
      }
    }
  }

  /** An envelope can't be encoded: whoever asked for it, here or at the peer, fails alone. */
  private refuse(peer: string, envelope: Envelope, cause: unknown): Envelope | undefined {
    const link = this.links.get(peer);
    if (link === undefined) return undefined;
    const why = whyNotEncodable(cause);
    switch (envelope[0]) {
      case CALL:
      case CAST:
      case OPEN:
        this.outgoing.refuse(link, envelope, why);
        return undefined;
      case REPLY:
      case FAIL:
        this.deadLetter("not encodable", "answer", peer);
        return [FAIL, envelope[1], unsent("answer", why)];
      case ITEM:
      case END: {
        this.deadLetter("not encodable", "item", peer);
        const data = unsent("item", why);
        this.incoming.endUnsent(link, envelope[1], InkubeError.fromData(data));
        // What the actor pushed after it is not for anybody any more.
        return [END, envelope[1], data];
      }
      case CREDIT:
      case CANCEL:
      case TAKEN:
      case SPEAK:
      case REFUSE:
        throw new Error("broken invariant: the runtime's own message can't be encoded", { cause });
    }
  }

  private refusedBy(link: Link, served: ProtocolSummary): void {
    const { spoken } = link;
    if (spoken === undefined || link.refused !== undefined) return;
    const { name, version, methods } = spoken;
    const error = protocolMismatch(link.peer, served, { name, version, methods: signature(methods) });
    link.refused = error;
    const streams = this.outgoing.failAll(link, error);
    this.guard(() => {
      for (const { consumer } of streams) consumer.end(error);
    });
    this.tellDown({
      actor: link.peer,
      reason: "protocol-mismatch",
      details: { message: error.message, code: error.code },
    });
  }

  private handleItem(link: Link, id: number, item: unknown): void {
    const stream = link.streams.get(id);
    if (stream === undefined) return;
    this.host.progress();
    const handled = (): void => {
      if (link.streams.get(id) !== stream) return;
      stream.handled++;
      if (stream.handled * 2 < stream.window) return;
      this.outgoing.send(link, [CREDIT, id, stream.handled]);
      stream.handled = 0;
    };
    this.guard(() => {
      const result = stream.consumer.next(item);
      if (isPromise(result)) result.then(handled, (error: unknown) => this.host.crash(error));
      else handled();
    });
  }

  /** What a listener of the actor throws is the actor's own failure. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.host.crash(error);
    }
  }
}

/** In the place of an answer or item that can't be encoded; the caller knows of which method. */
function unsent(what: "answer" | "item", why: string): ErrorData {
  return { code: UNSENT[what], message: why, retryable: false };
}

function errorOf(data: ErrorData, peer: string, method: string): InkubeError {
  for (const what of ["answer", "item"] as const) {
    if (data.code === UNSENT[what]) return notEncodable(peer, method, what, data.message);
  }
  return InkubeError.fromData(data);
}
