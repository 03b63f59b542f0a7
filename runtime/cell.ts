/**
 * The part of an actor that both hosts share: its mailbox, its calls and streams in both directions, their deadlines and
 * credits, and what happens to them when the other side dies. A host gives it a clock, a way to send a frame, and tells
 * it what arrives and which links come and go. It knows no thread and no simulation.
 *
 * The host's duties, in order: `new Cell(…)`; `linkUp(peer)` and `linkDown(peer, reason)` as links come and go, in order
 * with their frames; `receive(peer, frame)`; `activate(protocol, handlers)` once the actor has started (messages wait
 * until then); `close()` at the end.
 */
import { InkubeError } from "../protocols/errors.ts";
import type { MailboxDefinition, Methods, Protocol } from "../protocols/protocol.ts";
import { signature } from "../protocols/protocol.ts";
import type { Down, DownDetails, DownReason, Handlers, Logger, Ref } from "./actor.ts";
import type { ProtocolSummary } from "./call-errors.ts";
import { actorDown, cancelled, mailboxFull, noLink, protocolMismatch, unknownMethod } from "./call-errors.ts";
import type { Clock } from "./clock.ts";
import type { Envelope, Frame } from "./frame.ts";
import { CALL, CANCEL, CAST, CREDIT, END, FAIL, ITEM, OPEN, REFUSE, REPLY, SPEAK, TAKEN } from "./frame.ts";
import { Link } from "./link.ts";
import type { Joined, Request, Waiting } from "./mailbox.ts";
import { Lane, Mailbox } from "./mailbox.ts";
import { IncomingMessage, OutgoingStream, STASHED } from "./messages.ts";
import { Outgoing } from "./outgoing.ts";
import type { Recorder } from "./trace/recorder.ts";

export interface CellHost {
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly log: Logger;
  /** Sends one frame; the array is the host's from then on. A link that is gone meanwhile loses it, and the cell is told by `linkDown`. */
  transmit(peer: string, envelopes: Envelope[]): void;
  /** Runs `action` when the current turn is over, so that what one turn sends leaves together; sooner while `lone` says so. */
  atEndOfTurn(action: () => void, lone?: () => boolean): void;
  /** Counts a handled message where a watchdog sees it. */
  progress(): void;
  /** The actor has broken an invariant. Does not return to it. */
  crash(error: unknown): void;
  /** Where timers and other actors share the thread: how long to handle messages before they get a turn. */
  readonly turns?: { readonly budgetMs: number; next(action: () => void): void };
}

export interface MailboxOptions {
  /** Calls, casts and streams that wait or are under way. Beyond it calls and streams fail with MAILBOX_FULL and casts are dropped. */
  readonly mailboxMax: number;
}

/** Far above what a healthy actor has under way; low enough that a stuck one does not take the heap with it. */
export const MAILBOX_MAX = 100_000;

/** How often the time is looked at while messages are handled one after the other: a power of two. */
const MESSAGES_PER_LOOK = 16;
/** Dead letters of one reason that are recorded each; of more, those that double the count. */
const DEAD_LETTERS_RECORDED = 16;

interface Stashed {
  readonly link: Link;
  readonly envelope: Request;
  readonly deadlineMs: number;
}

/** What an actor has done and has to do, as counted since its start. */
export interface CellStatistics {
  readonly waiting: number;
  readonly underWay: number;
  readonly stashed: number;
  readonly suspended: boolean;
  readonly methods: { readonly [method: string]: { readonly handled: number; readonly failed: number } };
  /** By reason. */
  readonly deadLetters: { readonly [reason: string]: number };
}

export class Cell {
  private readonly name: string;
  private readonly host: CellHost;
  private readonly mailboxMax: number;
  private readonly links = new Map<string, Link>();
  private readonly monitors = new Map<string, ((down: Down) => void)[]>();
  private served: Protocol<Methods> | undefined;
  private lanes: readonly Lane<Link>[] | undefined;
  private early: { readonly link: Link; readonly envelope: Request; readonly deadlineMs: number }[] = [];
  private stashed: Stashed[] = [];
  private readonly mailbox = new Mailbox<Link>();
  private underWay = 0;
  /** Of those, the streams: they have no end of their own. */
  private openStreams = 0;
  private onSettled: (() => void) | undefined;
  private suspended = false;
  /** The turn's budget is used up; the next turn goes on. */
  private yielding = false;
  private spentMs = 0;
  /** When the frame that is being handled arrived. */
  private arrivedMs = 0;
  private readonly deadLetters = new Map<string, number>();
  private readonly outgoing: Outgoing;

  constructor(name: string, host: CellHost, options: MailboxOptions = { mailboxMax: MAILBOX_MAX }) {
    this.name = name;
    this.host = host;
    this.mailboxMax = options.mailboxMax;
    this.outgoing = new Outgoing({
      name,
      host,
      links: this.links,
      heldMax: this.mailboxMax,
      deadLetter: (reason, subject, peer) => this.deadLetter(reason, subject, peer),
      guard: (work) => this.guard(work),
    });
  }

  /** Messages waiting or under way. */
  get depth(): number {
    return this.underWay + this.mailbox.waiting + this.early.length + this.stashed.length;
  }

  /** The actor has had its turn: what arrives now only makes the queue longer. */
  get busy(): boolean {
    return this.yielding;
  }

  activate<M extends Methods>(protocol: Protocol<M>, handlers: Handlers<M>): void {
    this.served = protocol as unknown as Protocol<Methods>;
    for (const link of this.links.values()) if (link.heard !== 0) this.checkSpoken(link);
    this.lanes = protocol.ids.map((id) => {
      const definition = protocol.methods[id] as unknown as MailboxDefinition & { readonly bufferMax?: number };
      return new Lane(id, handlers[id] as Lane<Link>["handler"], definition, definition.bufferMax ?? 0);
    });
    const early = this.early;
    this.early = [];
    this.host.recorder.turn();
    let atMs = this.host.clock.monotonicMs();
    for (const [index, { link, envelope, deadlineMs }] of early.entries()) {
      this.accept(link, envelope, deadlineMs);
      if (index % MESSAGES_PER_LOOK === 0) atMs = this.look(atMs);
    }
  }

  // Introspection

  statistics(): CellStatistics {
    return {
      waiting: this.mailbox.waiting + this.early.length,
      underWay: this.underWay,
      stashed: this.stashed.length,
      suspended: this.suspended,
      methods: Object.fromEntries(
        (this.lanes ?? []).map(({ name, handled, failed }) => [name, { handled, failed }] as const),
      ),
      deadLetters: Object.fromEntries(this.deadLetters),
    };
  }

  /** From now on messages wait, but those of `system` priority. What is under way goes on. */
  suspend(): void {
    this.suspended = true;
  }

  /** Resolves when no call or cast is under way. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.onSettled = resolve;
      this.noteSettled();
    });
  }

  resume(): void {
    if (!this.suspended) return;
    this.suspended = false;
    for (const lane of this.lanes ?? []) this.goOnInLine(lane);
    this.takeUp();
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
    if (link.up) this.linkDown(peer, "killed");
    link.begin();
    for (const wake of [...link.onUp]) wake();
  }

  linkDown(peer: string, reason: DownReason, details?: DownDetails): void {
    if (!this.linkLost(peer, reason)) return;
    this.tellDown({ actor: peer, reason, ...(details === undefined ? {} : { details }) });
  }

  /**
   * The first half of `linkDown`, for a host that sees the end before its reason: what is under way over the link fails
   * now. `tellDown` follows. False when the link was down already.
   */
  linkLost(peer: string, reason?: DownReason): boolean {
    const link = this.links.get(peer);
    if (link === undefined || !link.up) return false;
    link.up = false;
    link.outbox = [];
    const error = actorDown(peer, reason);
    const streams = this.outgoing.failAll(link, error);
    const incoming = link.incoming.entries();
    for (const [id] of incoming) this.finish(link, id);
    const abandoned = [...link.waiting.values()];
    link.waiting.clear();
    for (const entry of abandoned) this.handOn(entry);
    // Casts are owed to nobody; an answer over a new link would be taken for another's.
    const owed = (each: { readonly link: Link; readonly envelope: Request }): boolean =>
      each.link === link && each.envelope[0] !== CAST;
    this.early = this.early.filter((each) => !owed(each));
    this.stashed = this.stashed.filter((each) => !owed(each));
    this.guard(() => {
      for (const stream of streams) stream.consumer.end(error);
      for (const [, message] of incoming) message.abort(error);
    });
    return true;
  }

  /** The second half of `linkDown`: those who watch the actor are told. */
  tellDown(down: Down): void {
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
    const { envelopes } = frame;
    let atMs = this.host.clock.monotonicMs();
    this.arrivedMs = atMs;
    for (let index = 0; index < envelopes.length; index++) {
      this.dispatch(link, envelopes[index]!);
      if ((index + 1) % MESSAGES_PER_LOOK === 0) atMs = this.look(atMs);
    }
    if (envelopes.length % MESSAGES_PER_LOOK !== 0) this.spend(atMs);
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

  /** What is to be sent leaves now; then every call under way is rejected, every stream ended, and the cell is silent. */
  close(): void {
    for (const link of this.links.values()) this.outgoing.flush(link);
    for (const peer of this.links.keys()) this.linkDown(peer, "normal");
    this.outgoing.stopTimer();
    this.outgoing.closed = true;
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
    this.early = [];
    this.stashed = [];
    this.mailbox.clear();
  }

  // Incoming

  /** Between two messages of many. */
  private look(fromMs: number): number {
    this.host.recorder.turn();
    return this.spend(fromMs);
  }

  /** Counts the time since `fromMs` against the turn. When it is used up, what comes waits for the next one. */
  private spend(fromMs: number): number {
    const { turns } = this.host;
    if (turns === undefined) return fromMs;
    const nowMs = this.host.clock.monotonicMs();
    this.spentMs += nowMs - fromMs;
    if (this.spentMs >= turns.budgetMs && !this.yielding && !this.outgoing.closed) {
      this.spentMs = 0;
      this.yielding = true;
      turns.next(() => {
        this.yielding = false;
        this.takeUp();
      });
    }
    return nowMs;
  }

  /** Handles what waits, as long as the turn lasts. */
  private takeUp(): void {
    let atMs = this.host.clock.monotonicMs();
    for (let taken = 1; !this.suspended && !this.yielding && !this.outgoing.closed; taken++) {
      const entry = this.mailbox.next();
      if (entry === undefined) break;
      this.begin(entry);
      if (taken % MESSAGES_PER_LOOK === 0) atMs = this.look(atMs);
    }
    if (!this.yielding) this.spend(atMs);
  }

  private dispatch(link: Link, envelope: Envelope): void {
    switch (envelope[0]) {
      case CALL:
        this.host.progress();
        return this.accept(link, envelope, this.arrivedMs + envelope[4]);
      case CAST:
      case OPEN:
        this.host.progress();
        return this.accept(link, envelope, Infinity);
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
        return call.reject(InkubeError.fromData(envelope[2]));
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
        const error = envelope[2] === null ? undefined : InkubeError.fromData(envelope[2]);
        if (stream !== undefined) this.guard(() => stream.consumer.end(error));
        return;
      }
      case CANCEL:
        return this.cancel(link, envelope[1]);
      case SPEAK:
        link.heard = envelope[1];
        return this.checkSpoken(link);
      case REFUSE: {
        const [, name, version, methods] = envelope;
        return this.refusedBy(link, { name, version, methods });
      }
    }
  }

  /** Method ids mean nothing between two protocols, so nothing of a peer that speaks another one is carried out. */
  private checkSpoken(link: Link): void {
    const { served } = this;
    // One that has not started says what it serves when it has.
    if (served === undefined || link.foreign || link.heard === served.fingerprint) return;
    link.foreign = true;
    this.early = this.early.filter((each) => each.link !== link);
    this.outgoing.send(link, [REFUSE, served.name, served.version, signature(served.methods)]);
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

  private cancel(link: Link, id: number): void {
    const message = link.incoming.get(id);
    if (message !== undefined) {
      this.finish(link, id);
      return this.guard(() => message.abort(cancelled(message.method)));
    }
    const entry = link.waiting.get(id);
    if (entry !== undefined) {
      link.waiting.delete(id);
      return this.handOn(entry);
    }
    const other = (each: { readonly link: Link; readonly envelope: Request }): boolean =>
      each.link !== link || each.envelope[0] === CAST || each.envelope[1] !== id;
    if (this.early.length > 0) this.early = this.early.filter(other);
    if (this.stashed.length > 0) this.stashed = this.stashed.filter(other);
  }

  /** Nobody waits for its own answer any more; it is still handled for those whose messages it replaced. */
  private handOn(entry: Waiting<Link>): void {
    for (;;) {
      const heir = entry.joined.shift();
      if (heir === undefined) return this.mailbox.leave(entry);
      if (heir.link.session !== heir.session || !heir.link.up || entry.envelope[0] !== CALL) continue;
      const [, , method, request, timeoutMs, , waiting] = entry.envelope;
      entry.link = heir.link;
      entry.envelope = [CALL, heir.id, method, request, timeoutMs, 0, waiting ?? []];
      heir.link.waiting.set(heir.id, entry);
      return;
    }
  }

  /** A message has arrived: it is handled now, or waits, or is refused. */
  private accept(link: Link, envelope: Request, deadlineMs: number): void {
    if (link.foreign)
      return this.deadLetter("another protocol", String(envelope[0] === CAST ? envelope[1] : envelope[2]), link.peer);
    if (this.lanes === undefined) {
      if (this.depth >= this.mailboxMax) this.refuse(link, envelope, `${this.mailboxMax} wait until it has started`);
      else this.early.push({ link, envelope, deadlineMs });
      return;
    }
    const method = envelope[0] === CAST ? envelope[1] : envelope[2];
    const lane = this.lanes[method];
    if (lane === undefined) return this.refuseUnknown(link, envelope, method);
    if (lane.system) return this.start(lane, link, envelope, deadlineMs, NONE_JOINED);
    if (this.depth >= this.mailboxMax) return this.refuse(link, envelope, `${this.mailboxMax} wait or are under way`);
    const ready = !this.suspended && !this.yielding && !this.mailbox.queued;
    if (ready && (lane.plain || lane.running < lane.concurrencyMax)) {
      return this.start(lane, link, envelope, deadlineMs, NONE_JOINED);
    }
    this.wait(lane, link, envelope, deadlineMs, ready);
  }

  private wait(lane: Lane<Link>, link: Link, envelope: Request, deadlineMs: number, inLine: boolean): void {
    const request = envelope[0] === CAST ? envelope[2] : envelope[3];
    const admission = this.mailbox.admit(lane, link, envelope, request, deadlineMs, inLine);
    if (admission.verdict === "refused") return this.refuse(link, envelope, admission.reason);
    const { entry } = admission;
    if (admission.verdict === "replaced") {
      const { previous } = admission;
      if (previous.envelope[0] === CALL) {
        const id = previous.envelope[1];
        if (previous.link.waiting.get(id) === entry) {
          previous.link.waiting.delete(id);
          entry.joined.push({ link: previous.link, id, session: previous.link.session });
        }
      }
    }
    if (envelope[0] !== CAST) link.waiting.set(envelope[1], entry);
    if (admission.verdict === "replaced") return;
    const { dropped } = admission;
    if (dropped === undefined) return;
    if (dropped.envelope[0] !== CAST) dropped.link.waiting.delete(dropped.envelope[1]);
    this.refuse(dropped.link, dropped.envelope, "newer ones took its place");
  }

  /** A message that has waited is taken up. */
  private begin(entry: Waiting<Link>): void {
    this.mailbox.leave(entry);
    this.host.recorder.turn();
    const { link, envelope } = entry;
    if (envelope[0] !== CAST) link.waiting.delete(envelope[1]);
    if (entry.deadlineMs <= this.host.clock.monotonicMs() && entry.joined.length === 0) {
      return this.deadLetter("deadline passed", entry.lane.name, link.peer);
    }
    this.start(entry.lane, link, envelope, entry.deadlineMs, entry.joined);
  }

  private goOnInLine(lane: Lane<Link>): void {
    while (!this.suspended && !this.outgoing.closed) {
      const entry = this.mailbox.nextInLine(lane);
      if (entry === undefined) return;
      this.begin(entry);
    }
  }

  unstash(): void {
    const stashed = this.stashed;
    this.stashed = [];
    this.host.recorder.turn();
    for (const { link, envelope, deadlineMs } of stashed) this.accept(link, envelope, deadlineMs);
  }

  private refuse(link: Link, envelope: Request, why: string): void {
    if (envelope[0] === CAST) {
      const lane = this.lanes?.[envelope[1]];
      if (lane !== undefined) this.taken(lane, link);
      return this.deadLetter(`mailbox full: ${why}`, lane?.name ?? String(envelope[1]), link.peer);
    }
    const error = mailboxFull(this.name, why).toData();
    this.outgoing.send(link, envelope[0] === CALL ? [FAIL, envelope[1], error] : [END, envelope[1], error]);
  }

  private refuseUnknown(link: Link, envelope: Request, method: number): void {
    this.deadLetter("unknown method", String(method), link.peer);
    if (envelope[0] === CAST) return;
    const error = unknownMethod(this.name, method).toData();
    this.outgoing.send(link, envelope[0] === CALL ? [FAIL, envelope[1], error] : [END, envelope[1], error]);
  }

  private start(
    lane: Lane<Link>,
    link: Link,
    envelope: Request,
    deadlineMs: number,
    joined: readonly Joined<Link>[],
  ): void {
    if (envelope[0] === CALL) this.handleCall(lane, link, envelope, deadlineMs, joined);
    else if (envelope[0] === CAST) this.handleCast(lane, link, envelope);
    else this.handleOpen(lane, link, envelope);
  }

  private handleCall(
    lane: Lane<Link>,
    link: Link,
    envelope: Envelope & { readonly 0: typeof CALL },
    deadlineMs: number,
    joined: readonly Joined<Link>[],
  ): void {
    const id = envelope[1];
    const { recorder } = this.host;
    const sequence = recorder.message("call", lane.name, link.peer, envelope[5]);
    const waiting = envelope[6] === undefined ? link.caller : [...envelope[6], link.peer];
    const timeoutMs =
      deadlineMs === this.arrivedMs + envelope[4] ? envelope[4] : deadlineMs - this.host.clock.monotonicMs();
    const message = new IncomingMessage(link.peer, lane.name, this.name, sequence, timeoutMs, deadlineMs, waiting);
    const result = this.run(lane, envelope[3], message, sequence);
    if (!isPromise(result)) {
      if (result instanceof Failed && result.error === STASHED) this.stash(link, envelope, deadlineMs);
      else this.answer(lane, link, id, result, joined);
      return;
    }
    link.incoming.set(id, message);
    this.underWay++;
    lane.running++;
    const settled = (value: unknown): void => {
      lane.running--;
      if (link.incoming.get(id) === message) {
        this.finish(link, id);
        this.answer(lane, link, id, value, joined);
      } else if (joined.length > 0) this.answer(lane, undefined, id, value, joined);
      this.goOnInLine(lane);
    };
    result.then(settled, (error: unknown) => {
      if (error === STASHED) {
        lane.running--;
        if (link.incoming.get(id) === message) {
          this.finish(link, id);
          this.stash(link, envelope, deadlineMs);
        }
        this.goOnInLine(lane);
      } else settled(new Failed(error));
    });
  }

  /** Runs a handler as far as it goes by itself. What it throws is returned as `Failed`. */
  private run(lane: Lane<Link>, request: unknown, message: IncomingMessage, sequence: number): unknown {
    const { recorder } = this.host;
    const outer = this.outgoing.current;
    const outerSequence = recorder.enter(sequence);
    this.outgoing.current = message;
    lane.handled++;
    try {
      return lane.handler(request, message);
    } catch (error) {
      return new Failed(error);
    } finally {
      this.outgoing.current = outer;
      recorder.enter(outerSequence);
    }
  }

  /** Answers a call, and those that joined it; `link` is undefined when only those are left. */
  private answer(
    lane: Lane<Link>,
    link: Link | undefined,
    id: number,
    value: unknown,
    joined: readonly Joined<Link>[],
  ): void {
    if (!(value instanceof Failed)) {
      if (link !== undefined) this.outgoing.send(link, [REPLY, id, value]);
      for (const other of joined) this.sendJoined(other, [REPLY, other.id, value]);
      return;
    }
    lane.failed++;
    const { error } = value;
    if (!(error instanceof InkubeError)) return this.host.crash(error);
    const data = error.toData();
    if (link !== undefined) this.outgoing.send(link, [FAIL, id, data]);
    for (const other of joined) this.sendJoined(other, [FAIL, other.id, data]);
  }

  private sendJoined(other: Joined<Link>, envelope: Envelope): void {
    if (other.link.session === other.session) this.outgoing.send(other.link, envelope);
  }

  private stash(link: Link, envelope: Request, deadlineMs: number): void {
    if (this.depth >= this.mailboxMax) this.refuse(link, envelope, `${this.mailboxMax} wait or are put aside`);
    else this.stashed.push({ link, envelope, deadlineMs });
  }

  /** Casts of a method that holds its senders back have been handled, or never will be. */
  private taken(lane: Lane<Link>, link: Link): void {
    if (lane.policy?.whenFull === "block") this.outgoing.send(link, [TAKEN, this.lanes!.indexOf(lane), 1]);
  }

  private handleCast(lane: Lane<Link>, link: Link, envelope: Envelope & { readonly 0: typeof CAST }): void {
    const { recorder } = this.host;
    const sequence = recorder.message("cast", lane.name, link.peer, envelope[3]);
    const message = new IncomingMessage(link.peer, lane.name, this.name, sequence);
    const result = this.run(lane, envelope[2], message, sequence);
    if (!isPromise(result)) return this.castDone(lane, link, envelope, result);
    this.underWay++;
    lane.running++;
    const settled = (value: unknown): void => {
      this.underWay--;
      lane.running--;
      this.noteSettled();
      this.castDone(lane, link, envelope, value);
      this.goOnInLine(lane);
    };
    result.then(settled, (error: unknown) => settled(new Failed(error)));
  }

  private castDone(lane: Lane<Link>, link: Link, envelope: Request, value: unknown): void {
    if (value instanceof Failed && value.error === STASHED) return this.stash(link, envelope, Infinity);
    this.taken(lane, link);
    if (!(value instanceof Failed)) return;
    lane.failed++;
    const { error } = value;
    if (!(error instanceof InkubeError)) return this.host.crash(error);
    this.host.log.warn("a message was refused", {
      from: link.peer,
      method: lane.name,
      code: error.code,
      error: error.message,
    });
  }

  private handleOpen(lane: Lane<Link>, link: Link, envelope: Envelope & { readonly 0: typeof OPEN }): void {
    const id = envelope[1];
    const { recorder } = this.host;
    const sequence = recorder.message("stream", lane.name, link.peer, envelope[5]);
    const sink = new OutgoingStream(
      link.peer,
      lane.name,
      this.name,
      sequence,
      envelope[4],
      {
        item: (item) => this.outgoing.send(link, [ITEM, id, item]),
        end: (error) => {
          if (link.incoming.get(id) !== sink) return;
          this.finish(link, id);
          this.outgoing.send(link, [END, id, error?.toData() ?? null]);
        },
      },
      lane.bufferMax,
    );
    link.incoming.set(id, sink);
    this.underWay++;
    this.openStreams++;
    const fail = (error: unknown): void => {
      lane.failed++;
      if (error === STASHED) {
        this.finish(link, id);
        this.stash(link, envelope, Infinity);
      } else if (error instanceof InkubeError) sink.end(error);
      else this.host.crash(error);
    };
    const result = this.run(lane, envelope[3], sink, sequence);
    if (result instanceof Failed) fail(result.error);
    else if (isPromise(result)) result.then(undefined, fail);
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

  private finish(link: Link, id: number): void {
    if (link.incoming.get(id) instanceof OutgoingStream) this.openStreams--;
    if (!link.incoming.delete(id)) return;
    this.underWay--;
    this.noteSettled();
  }

  private noteSettled(): void {
    if (this.onSettled === undefined || this.underWay > this.openStreams) return;
    this.onSettled();
    this.onSettled = undefined;
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

/** What a handler threw. */
class Failed {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

const NONE_JOINED: readonly Joined<Link>[] = [];

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && typeof (value as Promise<unknown>).then === "function";
}

/** Without a reason: the link is gone before anybody could say why. */
