/**
 * The half of a cell that receives: requests wait, are put aside or are handled, within the turn's time; what is under way
 * is counted and answered. The other half is `Outgoing`.
 */
import { InkubeError } from "../protocols/errors.ts";
import type { MailboxDefinition, Methods, Protocol } from "../protocols/protocol.ts";
import { signature } from "../protocols/protocol.ts";
import type { Handlers } from "./actor.ts";
import { cancelled, mailboxFull, unknownMethod } from "./call-errors.ts";
import type { CellHost } from "./cell.ts";
import type { Envelope } from "./frame.ts";
import type { OPEN } from "./frame.ts";
import { CALL, CAST, END, FAIL, ITEM, REFUSE, REPLY, TAKEN } from "./frame.ts";
import type { Link } from "./link.ts";
import type { Joined, Request, Waiting } from "./mailbox.ts";
import { Lane, Mailbox } from "./mailbox.ts";
import { IncomingMessage, OutgoingStream, STASHED } from "./messages.ts";
import type { Outgoing } from "./outgoing.ts";

/** How often the time is looked at while messages are handled one after the other: a power of two. */
const MESSAGES_PER_LOOK = 16;

/** A request that is not handled yet, outside of the mailbox. */
interface Held {
  readonly link: Link;
  /** The link's life that it came in. */
  readonly session: number;
  readonly envelope: Request;
  readonly deadlineMs: number;
  readonly joined: readonly Joined<Link>[];
}

/** What has been done with requests and is to be done, as counted since the actor's start. */
export interface IncomingStatistics {
  readonly waiting: number;
  readonly underWay: number;
  readonly stashed: number;
  readonly suspended: boolean;
  readonly methods: { readonly [method: string]: { readonly handled: number; readonly failed: number } };
}

/** What the other half does. */
interface Whole {
  readonly name: string;
  readonly host: CellHost;
  readonly outgoing: Outgoing;
  readonly mailboxMax: number;
  /** Handles one envelope: a request by `request`. */
  dispatch(link: Link, envelope: Envelope): void;
  deadLetter(reason: string, subject: string, peer: string): void;
  guard(work: () => void): void;
}

export class Incoming {
  private readonly whole: Whole;
  private readonly name: string;
  private readonly host: CellHost;
  private readonly outgoing: Outgoing;
  private readonly mailboxMax: number;
  private served: Protocol<Methods> | undefined;
  private lanes: readonly Lane<Link>[] | undefined;
  private early: Held[] = [];
  private stashed: Held[] = [];
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

  constructor(whole: Whole) {
    this.whole = whole;
    this.name = whole.name;
    this.host = whole.host;
    this.outgoing = whole.outgoing;
    this.mailboxMax = whole.mailboxMax;
  }

  /** Messages waiting or under way. */
  get depth(): number {
    return this.underWay + this.mailbox.waiting + this.early.length + this.stashed.length;
  }

  /** The actor has had its turn: what arrives now only makes the queue longer. */
  get busy(): boolean {
    return this.yielding;
  }

  activate<M extends Methods>(protocol: Protocol<M>, handlers: Handlers<M>, links: Iterable<Link>): void {
    this.served = protocol as unknown as Protocol<Methods>;
    for (const link of links) if (link.heard !== 0) this.checkSpoken(link);
    this.lanes = protocol.ids.map((id) => {
      const definition = protocol.methods[id] as unknown as MailboxDefinition & { readonly bufferMax?: number };
      return new Lane(id, handlers[id] as Lane<Link>["handler"], definition, definition.bufferMax ?? 0);
    });
    const early = this.early;
    this.early = [];
    this.host.recorder.turn();
    let atMs = this.host.clock.monotonicMs();
    for (const [index, held] of early.entries()) {
      this.acceptHeld(held);
      if ((index + 1) % MESSAGES_PER_LOOK === 0) atMs = this.look(atMs);
    }
  }

  // Introspection

  statistics(): IncomingStatistics {
    return {
      waiting: this.mailbox.waiting + this.early.length,
      underWay: this.underWay,
      stashed: this.stashed.length,
      suspended: this.suspended,
      methods: Object.fromEntries(
        (this.lanes ?? []).map(({ name, handled, failed }) => [name, { handled, failed }] as const),
      ),
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
    this.takeUp();
  }

  unstash(): void {
    const stashed = this.stashed;
    this.stashed = [];
    this.host.recorder.turn();
    for (const held of stashed) this.acceptHeld(held);
  }

  /** Handles the envelopes of a frame one by one, and looks at the time now and then. */
  takeFrame(link: Link, envelopes: readonly Envelope[]): void {
    let atMs = this.host.clock.monotonicMs();
    this.arrivedMs = atMs;
    for (let index = 0; index < envelopes.length; index++) {
      this.whole.dispatch(link, envelopes[index]!);
      if ((index + 1) % MESSAGES_PER_LOOK === 0) atMs = this.look(atMs);
    }
    const rest = envelopes.length % MESSAGES_PER_LOOK;
    if (rest !== 0) this.spend(atMs, rest);
  }

  /** A call, cast or stream over the link. */
  request(link: Link, envelope: Request): void {
    this.host.progress();
    const deadlineMs = envelope[0] === CALL ? this.arrivedMs + envelope[4] : Infinity;
    this.accept(link, link.session, envelope, deadlineMs, NONE_JOINED);
  }

  /** Nobody waits any more for the answers over the link. The messages that are returned are to be aborted. */
  linkLost(link: Link): readonly IncomingMessage[] {
    const incoming = link.incoming.entries();
    for (const [id] of incoming) this.finish(link, id);
    const abandoned = [...link.waiting.values()];
    link.waiting.clear();
    for (const entry of abandoned) this.handOn(entry);
    // Casts are owed to nobody; an answer over a new link would be taken for another's.
    const owed = (each: Held): boolean => each.link === link && each.envelope[0] !== CAST;
    this.early = this.early.filter((each) => !owed(each));
    this.stashed = this.stashed.flatMap((each) => (owed(each) ? heirOf(each) : each));
    return incoming.map(([, message]) => message);
  }

  /** Nothing that waits is handled any more. */
  sever(): void {
    this.early = [];
    this.stashed = [];
    this.mailbox.clear();
  }

  /** Between two messages of many. */
  private look(fromMs: number): number {
    this.host.recorder.turn();
    return this.spend(fromMs, MESSAGES_PER_LOOK);
  }

  /** Counts the time since `fromMs`, for so many messages, against the turn. When it is used up, what comes waits for the next one. */
  private spend(fromMs: number, messages: number): number {
    const { turns } = this.host;
    if (turns === undefined) return fromMs;
    const nowMs = this.host.clock.monotonicMs();
    this.spentMs += nowMs - fromMs + (turns.costMs?.(messages) ?? 0);
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

  /** Handles what waits, as long as the turn lasts: first what is in line for its method, which came before the rest. */
  private takeUp(): void {
    for (const lane of this.lanes ?? []) this.goOnInLine(lane);
    this.handleWhile(() => this.mailbox.next());
  }

  /** Handles one message after the other that `next` finds, as long as the turn lasts. */
  private handleWhile(next: () => Waiting<Link> | undefined): void {
    let atMs = this.host.clock.monotonicMs();
    let taken = 0;
    while (!this.suspended && !this.yielding && !this.outgoing.closed) {
      const entry = next();
      if (entry === undefined) break;
      this.begin(entry);
      if (++taken % MESSAGES_PER_LOOK === 0) atMs = this.look(atMs);
    }
    if (!this.yielding) this.spend(atMs, taken % MESSAGES_PER_LOOK);
  }

  /** Method ids mean nothing between two protocols, so nothing of a peer that speaks another one is carried out. */
  checkSpoken(link: Link): void {
    const { served } = this;
    // One that has not started says what it serves when it has.
    if (served === undefined || link.foreign || link.heard === served.fingerprint) return;
    link.foreign = true;
    this.early = this.early.filter((each) => each.link !== link);
    this.outgoing.send(link, [REFUSE, served.name, served.version, signature(served.methods)]);
  }

  cancel(link: Link, id: number): void {
    const message = link.incoming.get(id);
    if (message !== undefined) {
      this.finish(link, id);
      return this.whole.guard(() => message.abort(cancelled(message.method)));
    }
    const entry = link.waiting.get(id);
    if (entry !== undefined) {
      link.waiting.delete(id);
      return this.handOn(entry);
    }
    const is = (each: Held): boolean => each.link === link && each.envelope[0] !== CAST && each.envelope[1] === id;
    if (this.early.length > 0) this.early = this.early.filter((each) => !is(each));
    if (this.stashed.length > 0) this.stashed = this.stashed.flatMap((each) => (is(each) ? heirOf(each) : each));
  }

  /** An item of a stream can't be sent: its actor gives it up. The host may be in the midst of a frame. */
  endUnsent(link: Link, id: number, error: InkubeError): void {
    const sink = link.incoming.get(id);
    if (!(sink instanceof OutgoingStream)) return;
    this.finish(link, id);
    this.host.atEndOfTurn(() => this.whole.guard(() => sink.abort(error)));
  }

  /** Nobody waits for its own answer any more; it is still handled for those whose messages it replaced. */
  private handOn(entry: Waiting<Link>): void {
    const [heir] = heirOf(entry);
    if (heir === undefined || heir.envelope[0] !== CALL) return this.mailbox.leave(entry);
    entry.link = heir.link;
    entry.session = heir.session;
    entry.envelope = heir.envelope;
    entry.joined.splice(0, entry.joined.length, ...heir.joined);
    heir.link.waiting.set(heir.envelope[1], entry);
  }

  private acceptHeld({ link, session, envelope, deadlineMs, joined }: Held): void {
    this.accept(link, session, envelope, deadlineMs, joined);
  }

  /** A message has arrived: it is handled now, or waits, or is refused. */
  private accept(
    link: Link,
    session: number,
    envelope: Request,
    deadlineMs: number,
    joined: readonly Joined<Link>[],
  ): void {
    if (link.foreign)
      return this.whole.deadLetter(
        "another protocol",
        String(envelope[0] === CAST ? envelope[1] : envelope[2]),
        link.peer,
      );
    if (this.lanes === undefined) {
      if (this.depth >= this.mailboxMax) {
        this.refuse(link, session, envelope, `${this.mailboxMax} wait until it has started`, joined);
      } else this.early.push({ link, session, envelope, deadlineMs, joined });
      return;
    }
    const method = envelope[0] === CAST ? envelope[1] : envelope[2];
    const lane = this.lanes[method];
    if (lane === undefined) return this.refuseUnknown(link, envelope, method);
    if (lane.system) return this.start(lane, link, session, envelope, deadlineMs, joined);
    if (this.depth >= this.mailboxMax) {
      return this.refuse(link, session, envelope, `${this.mailboxMax} wait or are under way`, joined);
    }
    const ready = !this.suspended && !this.yielding && !this.mailbox.queued;
    if (ready && (lane.plain || lane.running < lane.concurrencyMax)) {
      return this.start(lane, link, session, envelope, deadlineMs, joined);
    }
    this.wait(lane, { link, session, envelope, deadlineMs, joined }, ready);
  }

  private wait(lane: Lane<Link>, held: Held, inLine: boolean): void {
    const { link, session, envelope, deadlineMs, joined } = held;
    const request = envelope[0] === CAST ? envelope[2] : envelope[3];
    const admission = this.mailbox.admit(lane, link, session, envelope, request, deadlineMs, inLine);
    if (admission.verdict === "refused") return this.refuse(link, session, envelope, admission.reason, joined);
    const { entry } = admission;
    if (admission.verdict === "replaced") {
      const { previous } = admission;
      if (previous.envelope[0] === CALL) {
        const id = previous.envelope[1];
        if (previous.link.waiting.get(id) === entry) {
          previous.link.waiting.delete(id);
          entry.joined.push({ link: previous.link, id, session: previous.session });
        }
      }
    }
    entry.joined.push(...joined);
    if (envelope[0] !== CAST) link.waiting.set(envelope[1], entry);
    if (admission.verdict === "replaced") return;
    const { dropped } = admission;
    if (dropped === undefined) return;
    if (dropped.envelope[0] !== CAST) dropped.link.waiting.delete(dropped.envelope[1]);
    this.refuse(dropped.link, dropped.session, dropped.envelope, "newer ones took its place", dropped.joined);
  }

  /** A message that has waited is taken up. */
  private begin(entry: Waiting<Link>): void {
    this.mailbox.leave(entry);
    this.host.recorder.turn();
    const { link, session, envelope } = entry;
    if (envelope[0] !== CAST) link.waiting.delete(envelope[1]);
    if (entry.deadlineMs <= this.host.clock.monotonicMs() && entry.joined.length === 0) {
      return this.whole.deadLetter("deadline passed", entry.lane.name, link.peer);
    }
    this.start(entry.lane, link, session, envelope, entry.deadlineMs, entry.joined);
  }

  private goOnInLine(lane: Lane<Link>): void {
    if (lane.line.size > 0) this.handleWhile(() => this.mailbox.nextInLine(lane));
  }

  private refuse(link: Link, session: number, envelope: Request, why: string, joined: readonly Joined<Link>[]): void {
    if (envelope[0] === CAST) {
      const lane = this.lanes?.[envelope[1]];
      if (lane !== undefined) this.taken(lane, link, session);
      return this.whole.deadLetter(`mailbox full: ${why}`, lane?.name ?? String(envelope[1]), link.peer);
    }
    const error = mailboxFull(this.name, why).toData();
    this.outgoing.send(link, envelope[0] === CALL ? [FAIL, envelope[1], error] : [END, envelope[1], error]);
    for (const other of joined) this.sendJoined(other, [FAIL, other.id, error]);
  }

  private refuseUnknown(link: Link, envelope: Request, method: number): void {
    this.whole.deadLetter("unknown method", String(method), link.peer);
    if (envelope[0] === CAST) return;
    const error = unknownMethod(this.name, method).toData();
    this.outgoing.send(link, envelope[0] === CALL ? [FAIL, envelope[1], error] : [END, envelope[1], error]);
  }

  private start(
    lane: Lane<Link>,
    link: Link,
    session: number,
    envelope: Request,
    deadlineMs: number,
    joined: readonly Joined<Link>[],
  ): void {
    if (envelope[0] === CALL) this.handleCall(lane, link, session, envelope, deadlineMs, joined);
    else if (envelope[0] === CAST) this.handleCast(lane, link, session, envelope);
    else this.handleOpen(lane, link, session, envelope);
  }

  private handleCall(
    lane: Lane<Link>,
    link: Link,
    session: number,
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
      if (result instanceof Failed && result.error === STASHED) {
        this.stash({ link, session, envelope, deadlineMs, joined });
      } else this.answer(lane, link, id, result, joined);
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
        const held = { link, session, envelope, deadlineMs, joined };
        if (link.incoming.get(id) === message) {
          this.finish(link, id);
          this.stash(held);
        } else for (const heir of heirOf(held)) this.stash(heir);
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

  private stash(held: Held): void {
    const { link, session, envelope, joined } = held;
    if (this.depth >= this.mailboxMax) {
      this.refuse(link, session, envelope, `${this.mailboxMax} wait or are put aside`, joined);
    } else this.stashed.push(held);
  }

  /** A cast of a method that holds its senders back has been handled, or never will be. A link made anew begins with all of its room. */
  private taken(lane: Lane<Link>, link: Link, session: number): void {
    if (lane.policy?.whenFull !== "block" || link.session !== session) return;
    this.outgoing.send(link, [TAKEN, this.lanes!.indexOf(lane), 1]);
  }

  private handleCast(
    lane: Lane<Link>,
    link: Link,
    session: number,
    envelope: Envelope & { readonly 0: typeof CAST },
  ): void {
    const { recorder } = this.host;
    const sequence = recorder.message("cast", lane.name, link.peer, envelope[3]);
    const message = new IncomingMessage(link.peer, lane.name, this.name, sequence);
    const result = this.run(lane, envelope[2], message, sequence);
    if (!isPromise(result)) return this.castDone(lane, link, session, envelope, result);
    this.underWay++;
    lane.running++;
    const settled = (value: unknown): void => {
      this.underWay--;
      lane.running--;
      this.noteSettled();
      this.castDone(lane, link, session, envelope, value);
      this.goOnInLine(lane);
    };
    result.then(settled, (error: unknown) => settled(new Failed(error)));
  }

  private castDone(lane: Lane<Link>, link: Link, session: number, envelope: Request, value: unknown): void {
    if (value instanceof Failed && value.error === STASHED) {
      return this.stash({ link, session, envelope, deadlineMs: Infinity, joined: NONE_JOINED });
    }
    this.taken(lane, link, session);
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

  private handleOpen(
    lane: Lane<Link>,
    link: Link,
    session: number,
    envelope: Envelope & { readonly 0: typeof OPEN },
  ): void {
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
      if (error === STASHED) {
        // Canceled meanwhile, or its link is gone: the id may be another stream's by now.
        if (link.incoming.get(id) !== sink) return;
        this.finish(link, id);
        this.stash({ link, session, envelope, deadlineMs: Infinity, joined: NONE_JOINED });
        return;
      }
      lane.failed++;
      if (error instanceof InkubeError) sink.end(error);
      else this.host.crash(error);
    };
    const result = this.run(lane, envelope[3], sink, sequence);
    if (result instanceof Failed) fail(result.error);
    else if (isPromise(result)) result.then(undefined, fail);
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
}

/** What a handler threw. */
class Failed {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

const NONE_JOINED: readonly Joined<Link>[] = [];

/** The same message for the first of those whose messages it replaced who still waits; empty when nobody does. */
function heirOf(held: Held): readonly Held[] {
  const { envelope, deadlineMs, joined } = held;
  if (envelope[0] !== CALL) return [];
  const index = joined.findIndex(({ link, session }) => link.session === session && link.up);
  const heir = joined[index];
  if (heir === undefined) return [];
  const [, , method, request, timeoutMs, , waiting] = envelope;
  const { link, session } = heir;
  const inItsName: Request = [CALL, heir.id, method, request, timeoutMs, 0, waiting ?? []];
  return [{ link, session, envelope: inItsName, deadlineMs, joined: joined.slice(index + 1) }];
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && typeof (value as Promise<unknown>).then === "function";
}
