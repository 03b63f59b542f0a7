/**
 * The part of an actor that both hosts share: its mailbox, its calls and streams in both directions, their deadlines and
 * credits, and what happens to them when the other side dies. A host gives it a clock, a way to send a frame, and tells
 * it what arrives and which links come and go. It knows no thread and no simulation.
 *
 * The host's duties, in order: `new Cell(…)`; `linkUp(peer)` and `linkDown(peer, reason)` as links come and go, in order
 * with their frames; `receive(peer, frame)`; `activate(protocol, handlers)` once the actor has started (messages wait
 * until then); `close()` at the end.
 */
import type { ErrorData } from "../protocols/errors.ts";
import { InkubeError } from "../protocols/errors.ts";
import type { CallDefinition, Methods, Protocol, StreamDefinition } from "../protocols/protocol.ts";
import type {
  CallOptions,
  Cause,
  Consumer,
  Down,
  DownDetails,
  DownReason,
  Handlers,
  Logger,
  Ref,
  Subscription,
} from "./actor.ts";
import type { Clock, Timer } from "./clock.ts";
import type { Envelope, Frame, WireCause } from "./frame.ts";
import { CALL, CANCEL, CAST, CREDIT, END, FAIL, ITEM, OPEN, REPLY } from "./frame.ts";
import { IncomingMessage, OutgoingStream } from "./messages.ts";
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
}

export interface MailboxOptions {
  /** Calls, casts and streams that wait or are under way. Beyond it calls and streams fail with MAILBOX_FULL and casts are dropped. */
  readonly mailboxMax: number;
}

/** Far above what a healthy actor has under way; low enough that a stuck one does not take the heap with it. */
export const MAILBOX_MAX = 100_000;

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadlineMs: number;
  readonly method: string;
  readonly unlisten: (() => void) | undefined;
}

interface PendingStream {
  readonly consumer: Consumer<unknown>;
  readonly window: number;
  readonly method: string;
  /** Items handled since credit was last given. */
  handled: number;
}

type Handler = (request: unknown, message: unknown) => unknown;

class Link {
  readonly peer: string;
  up = false;
  nextId = 1;
  outbox: Envelope[] = [];
  flushAsked = false;
  readonly calls = new Map<number, PendingCall>();
  readonly streams = new Map<number, PendingStream>();
  readonly incoming = new Map<number, IncomingMessage>();

  constructor(peer: string) {
    this.peer = peer;
  }
}

export class Cell {
  private readonly name: string;
  private readonly host: CellHost;
  private readonly mailboxMax: number;
  private readonly links = new Map<string, Link>();
  private readonly monitors = new Map<string, ((down: Down) => void)[]>();
  private methods:
    | readonly { readonly name: string; readonly handler: Handler; readonly bufferMax: number }[]
    | undefined;
  private waiting: { readonly link: Link; readonly envelope: Envelope }[] = [];
  private underWay = 0;
  private deadlineTimer: Timer | undefined;
  private deadlineTimerAtMs = Infinity;
  private closed = false;
  private severed = false;

  constructor(name: string, host: CellHost, options: MailboxOptions = { mailboxMax: MAILBOX_MAX }) {
    this.name = name;
    this.host = host;
    this.mailboxMax = options.mailboxMax;
  }

  /** Messages waiting or under way. */
  get depth(): number {
    return this.underWay + this.waiting.length;
  }

  activate<M extends Methods>(protocol: Protocol<M>, handlers: Handlers<M>): void {
    this.methods = protocol.ids.map((id) => {
      const definition = protocol.methods[id] as unknown as StreamDefinition;
      return { name: id, handler: handlers[id] as Handler, bufferMax: definition.bufferMax };
    });
    const waiting = this.waiting;
    this.waiting = [];
    for (const { link, envelope } of waiting) this.dispatch(link, envelope);
  }

  /** Names the actors that may be referred to; a call to one that is not up yet fails with ACTOR_DOWN. */
  declare(peer: string): void {
    if (!this.links.has(peer)) this.links.set(peer, new Link(peer));
  }

  linkUp(peer: string): void {
    this.declare(peer);
    const link = this.links.get(peer)!;
    if (link.up) this.linkDown(peer, "killed");
    link.up = true;
    link.nextId = 1;
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
    for (const [id, call] of link.calls) this.settle(link, id, call, () => call.reject(error));
    const streams = [...link.streams.values()];
    link.streams.clear();
    const incoming = [...link.incoming.values()];
    link.incoming.clear();
    this.underWay -= incoming.length;
    this.guard(() => {
      for (const stream of streams) stream.consumer.end(error);
      for (const message of incoming) message.abort(error);
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
    if (link === undefined || !link.up || this.closed) return;
    this.host.recorder.observe(frame.lamport);
    for (const envelope of frame.envelopes) this.dispatch(link, envelope);
  }

  ref<M extends Methods>(protocol: Protocol<M>, peer: string): Ref<M> {
    const link = this.links.get(peer);
    if (link === undefined) throw noLink(this.name, peer);
    const ids = new Map(protocol.ids.map((id, index) => [id, index]));
    return {
      name: peer,
      call: (method, request, options) => {
        const definition = protocol.methods[method] as unknown as CallDefinition;
        return this.call(link, ids.get(method)!, method, request, definition.timeoutMs, options) as never;
      },
      cast: (method, request) => {
        if (!link.up) this.host.recorder.record("dead-letter", method, peer, this.host.recorder.cause(), "");
        else this.send(link, [CAST, ids.get(method)!, request, this.host.recorder.currentSequence]);
      },
      stream: (method, request, consumer) => {
        const definition = protocol.methods[method] as unknown as StreamDefinition;
        return this.open(link, ids.get(method)!, method, request, definition.window, consumer);
      },
    };
  }

  /** What is to be sent leaves now; then every call under way is rejected, every stream ended, and the cell is silent. */
  close(): void {
    for (const link of this.links.values()) this.flush(link);
    for (const peer of this.links.keys()) this.linkDown(peer, "normal");
    this.deadlineTimer?.cancel();
    this.closed = true;
  }

  /**
   * The actor is dead, and its thread lives on: nothing arrives, nothing leaves, and nothing that it waits for is ever
   * settled, so that its code does not run on.
   */
  sever(): void {
    this.closed = true;
    this.severed = true;
    this.deadlineTimer?.cancel();
    this.links.clear();
    this.waiting = [];
  }

  // Outgoing

  private call(
    link: Link,
    method: number,
    methodName: string,
    request: unknown,
    defaultTimeoutMs: number,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs;
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      if (this.severed) return;
      if (!link.up || this.closed) return reject(actorDown(link.peer, "killed"));
      if (signal?.aborted === true) return reject(cancelled(methodName));
      if (!(timeoutMs > 0)) return reject(deadlineExceeded(link.peer, methodName));
      const id = link.nextId++;
      const onAbort = (): void => {
        const call = link.calls.get(id);
        if (call !== undefined) this.abandon(link, id, call, cancelled(methodName));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const unlisten = signal && ((): void => signal.removeEventListener("abort", onAbort));
      const deadlineMs = this.host.clock.monotonicMs() + timeoutMs;
      link.calls.set(id, { resolve, reject, deadlineMs, method: methodName, unlisten });
      this.armDeadline(deadlineMs);
      const cause = options?.cause === undefined ? this.host.recorder.currentSequence : this.wireCause(options.cause);
      this.send(link, [CALL, id, method, request, timeoutMs, cause]);
    });
  }

  private open(
    link: Link,
    method: number,
    methodName: string,
    request: unknown,
    window: number,
    consumer: Consumer<unknown>,
  ): Subscription {
    const id = link.nextId++;
    if (!link.up || this.closed) {
      const error = actorDown(link.peer, "killed");
      let canceled = false;
      this.host.atEndOfTurn(() => {
        if (!canceled) this.guard(() => consumer.end(error));
      });
      return { cancel: () => void (canceled = true) };
    }
    const stream: PendingStream = { consumer, window, method: methodName, handled: 0 };
    link.streams.set(id, stream);
    this.send(link, [OPEN, id, method, request, window, this.host.recorder.currentSequence]);
    return {
      cancel: () => {
        // The id may be another stream's by now when the link was made anew.
        if (link.streams.get(id) !== stream) return;
        link.streams.delete(id);
        this.send(link, [CANCEL, id]);
      },
    };
  }

  private send(link: Link, envelope: Envelope): void {
    if (!link.up) return;
    link.outbox.push(envelope);
    if (link.flushAsked) return;
    link.flushAsked = true;
    this.host.atEndOfTurn(
      () => {
        link.flushAsked = false;
        this.flush(link);
      },
      () => link.outbox.length === 1,
    );
  }

  private flush(link: Link): void {
    const outbox = link.outbox;
    if (outbox.length === 0 || !link.up) return;
    link.outbox = [];
    this.host.transmit(link.peer, outbox);
  }

  private settle(link: Link, id: number, call: PendingCall, how: () => void): void {
    link.calls.delete(id);
    call.unlisten?.();
    how();
  }

  private abandon(link: Link, id: number, call: PendingCall, error: InkubeError): void {
    this.settle(link, id, call, () => call.reject(error));
    this.send(link, [CANCEL, id]);
  }

  /** One timer serves all deadlines: it stands at the earliest, and is only moved forward. */
  private armDeadline(deadlineMs: number): void {
    if (deadlineMs >= this.deadlineTimerAtMs) return;
    this.deadlineTimer?.cancel();
    this.deadlineTimerAtMs = deadlineMs;
    const delayMs = Math.max(1, Math.ceil(deadlineMs - this.host.clock.monotonicMs()));
    this.deadlineTimer = this.host.clock.after(delayMs, () => this.sweepDeadlines());
  }

  private sweepDeadlines(): void {
    this.deadlineTimerAtMs = Infinity;
    const nowMs = this.host.clock.monotonicMs();
    let earliestMs = Infinity;
    for (const link of this.links.values()) {
      for (const [id, call] of link.calls) {
        if (call.deadlineMs <= nowMs) this.abandon(link, id, call, deadlineExceeded(link.peer, call.method));
        else if (call.deadlineMs < earliestMs) earliestMs = call.deadlineMs;
      }
    }
    if (earliestMs < Infinity) this.armDeadline(earliestMs);
  }

  // Incoming

  private dispatch(link: Link, envelope: Envelope): void {
    switch (envelope[0]) {
      case CALL:
      case CAST:
      case OPEN:
        this.host.progress();
        if (this.methods === undefined) this.enqueue(link, envelope);
        else if (envelope[0] === CALL) this.handleCall(link, envelope);
        else if (envelope[0] === CAST) this.handleCast(link, envelope);
        else this.handleOpen(link, envelope);
        return;
      case REPLY: {
        const call = link.calls.get(envelope[1]);
        if (call !== undefined) this.settle(link, envelope[1], call, () => call.resolve(envelope[2]));
        return;
      }
      case FAIL: {
        const call = link.calls.get(envelope[1]);
        if (call !== undefined) {
          this.settle(link, envelope[1], call, () => call.reject(InkubeError.fromData(envelope[2])));
        }
        return;
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
      case CANCEL: {
        const message = link.incoming.get(envelope[1]);
        if (message !== undefined) {
          this.finish(link, envelope[1]);
          this.guard(() => message.abort(cancelled(message.method)));
        }
        return;
      }
    }
  }

  private enqueue(link: Link, envelope: Envelope): void {
    if (this.depth >= this.mailboxMax) this.refuse(link, envelope);
    else this.waiting.push({ link, envelope });
  }

  private refuse(link: Link, envelope: Envelope): void {
    const error = new InkubeError(
      "MAILBOX_FULL",
      `${this.name} has ${this.mailboxMax} messages under way; try again later`,
      {
        retryable: true,
      },
    ).toData();
    if (envelope[0] === CALL) this.send(link, [FAIL, envelope[1], error]);
    else if (envelope[0] === OPEN) this.send(link, [END, envelope[1], error]);
    else if (envelope[0] === CAST)
      this.host.recorder.record("dead-letter", String(envelope[1]), link.peer, "", "mailbox full");
  }

  private handleCall(link: Link, envelope: Envelope & { readonly 0: typeof CALL }): void {
    const [, id, methodId, request, timeoutMs, wireCause] = envelope;
    const method = this.methods?.[methodId];
    if (method === undefined) return this.send(link, [FAIL, id, unknownMethod(this.name, methodId)]);
    if (this.depth >= this.mailboxMax) return this.refuse(link, envelope);
    const recorder = this.host.recorder;
    const sequence = recorder.record("call", method.name, link.peer, this.readCause(link, wireCause), "");
    const message = new IncomingMessage(link.peer, method.name, timeoutMs, `${this.name}#${sequence}`);
    link.incoming.set(id, message);
    this.underWay++;
    const answer = (value: unknown): void => {
      if (link.incoming.get(id) !== message) return;
      this.finish(link, id);
      this.send(link, [REPLY, id, value]);
    };
    const fail = (error: unknown): void => {
      if (!(error instanceof InkubeError)) return this.host.crash(error);
      if (link.incoming.get(id) !== message) return;
      this.finish(link, id);
      this.send(link, [FAIL, id, error.toData()]);
    };
    try {
      const result = recorder.during(sequence, () => method.handler(request, message));
      if (isPromise(result)) result.then(answer, fail);
      else answer(result);
    } catch (error) {
      fail(error);
    }
  }

  private handleCast(link: Link, envelope: Envelope & { readonly 0: typeof CAST }): void {
    const [, methodId, request, wireCause] = envelope;
    const method = this.methods?.[methodId];
    if (method === undefined || this.depth >= this.mailboxMax) {
      this.host.recorder.record("dead-letter", method?.name ?? String(methodId), link.peer, "", "");
      return;
    }
    const recorder = this.host.recorder;
    const sequence = recorder.record("cast", method.name, link.peer, this.readCause(link, wireCause), "");
    const message = new IncomingMessage(link.peer, method.name, Infinity, `${this.name}#${sequence}`);
    const fail = (error: unknown): void => {
      if (!(error instanceof InkubeError)) return this.host.crash(error);
      this.host.log.warn("a message was refused", {
        from: link.peer,
        method: method.name,
        code: error.code,
        error: error.message,
      });
    };
    try {
      const result = recorder.during(sequence, () => method.handler(request, message));
      if (!isPromise(result)) return;
      this.underWay++;
      result.then(
        () => void this.underWay--,
        (error: unknown) => {
          this.underWay--;
          fail(error);
        },
      );
    } catch (error) {
      fail(error);
    }
  }

  private handleOpen(link: Link, envelope: Envelope & { readonly 0: typeof OPEN }): void {
    const [, id, methodId, request, credits, wireCause] = envelope;
    const method = this.methods?.[methodId];
    if (method === undefined) return this.send(link, [END, id, unknownMethod(this.name, methodId)]);
    if (this.depth >= this.mailboxMax) return this.refuse(link, envelope);
    const recorder = this.host.recorder;
    const sequence = recorder.record("stream", method.name, link.peer, this.readCause(link, wireCause), "");
    const sink = new OutgoingStream(
      link.peer,
      method.name,
      credits,
      `${this.name}#${sequence}`,
      {
        item: (item) => this.send(link, [ITEM, id, item]),
        end: (error) => {
          if (link.incoming.get(id) !== sink) return;
          this.finish(link, id);
          this.send(link, [END, id, error?.toData() ?? null]);
        },
      },
      method.bufferMax,
    );
    link.incoming.set(id, sink);
    this.underWay++;
    const fail = (error: unknown): void => {
      if (error instanceof InkubeError) sink.end(error);
      else this.host.crash(error);
    };
    try {
      const result = recorder.during(sequence, () => method.handler(request, sink));
      if (isPromise(result)) result.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  }

  private handleItem(link: Link, id: number, item: unknown): void {
    const stream = link.streams.get(id);
    if (stream === undefined) return;
    this.host.progress();
    const handled = (): void => {
      if (link.streams.get(id) !== stream) return;
      stream.handled++;
      if (stream.handled * 2 < stream.window) return;
      this.send(link, [CREDIT, id, stream.handled]);
      stream.handled = 0;
    };
    this.guard(() => {
      const result = stream.consumer.next(item);
      if (isPromise(result)) result.then(handled, (error: unknown) => this.host.crash(error));
      else handled();
    });
  }

  private finish(link: Link, id: number): void {
    if (link.incoming.delete(id)) this.underWay--;
  }

  /** What a listener of the actor throws is the actor's own failure. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.host.crash(error);
    }
  }

  private readCause(link: Link, cause: WireCause): Cause {
    if (typeof cause === "string") return cause;
    return cause === 0 ? "" : `${link.peer}#${cause}`;
  }

  private wireCause(cause: Cause): WireCause {
    const own = `${this.name}#`;
    if (cause.startsWith(own)) return Number(cause.slice(own.length));
    return cause === "" ? 0 : cause;
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && typeof (value as Promise<unknown>).then === "function";
}

/** Without a reason: the link is gone before anybody could say why. */
function actorDown(peer: string, reason?: DownReason): InkubeError {
  const why = reason === undefined ? "" : ` (${reason})`;
  return new InkubeError("ACTOR_DOWN", `${peer} is down${why}; what was under way may or may not have been done`, {
    retryable: true,
    details: reason === undefined ? { actor: peer } : { actor: peer, reason },
  });
}

function cancelled(method: string): InkubeError {
  return new InkubeError("CANCELLED", `${method} was canceled by its caller`);
}

function deadlineExceeded(peer: string, method: string): InkubeError {
  return new InkubeError("DEADLINE_EXCEEDED", `${peer} did not answer ${method} in time; it may still be done`, {
    retryable: true,
    details: { actor: peer, method },
  });
}

function noLink(name: string, peer: string): InkubeError {
  return new InkubeError("NO_LINK", `${name} has no link to ${peer}; add it to the links of its child spec`);
}

function unknownMethod(name: string, method: number): ErrorData {
  return new InkubeError(
    "UNKNOWN_METHOD",
    `${name} has no method ${method}; caller and actor are of different builds`,
  ).toData();
}
