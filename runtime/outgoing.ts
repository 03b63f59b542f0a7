/** The caller's half of a cell: calls, casts and streams to others, with their deadlines, credits and cancellation. */
import type { InkubeError } from "../protocols/errors.ts";
import { hasCode } from "../protocols/errors.ts";
import type {
  BreakerDefinition,
  CallDefinition,
  CastDefinition,
  MailboxDefinition,
  Methods,
  Protocol,
  StreamDefinition,
} from "../protocols/protocol.ts";
import { CALL_TIMEOUT_MS } from "../protocols/protocol.ts";
import type { CallOptions, Consumer, Ref, Subscription } from "./actor.ts";
import {
  actorDown,
  callCycle,
  cancelled,
  circuitOpen,
  deadlineExceeded,
  mailboxFull,
  noLink,
  notEncodable,
} from "./call-errors.ts";
import type { Admission } from "./breaker.ts";
import { Breaker } from "./breaker.ts";
import type { CellHost } from "./cell.ts";
import type { Timer } from "./clock.ts";
import type { Envelope, WireCause } from "./frame.ts";
import { CALL, CANCEL, CAST, OPEN, SPEAK } from "./frame.ts";
import { Gate } from "./gate.ts";
import type { Link, PendingCall, PendingStream } from "./link.ts";
import type { Request } from "./mailbox.ts";
import { IncomingMessage } from "./messages.ts";
import type { Refuse } from "./send-each.ts";

/** More leave as several frames, so that nobody has to decode for long at a time. */
const FRAME_ENVELOPES_MAX = 32;

/** What the other half does. */
interface Whole {
  readonly name: string;
  readonly host: CellHost;
  readonly links: ReadonlyMap<string, Link>;
  readonly refuse: Refuse;
  /** Bounds what waits for room at one method of one peer. */
  readonly heldMax: number;
  deadLetter(reason: string, subject: string, peer: string): void;
  guard(work: () => void): void;
}

export class Outgoing {
  /** The message whose handler runs now: what it calls is called for it. */
  current: IncomingMessage | undefined;
  /** Nothing is sent any more. */
  closed = false;
  /** What everything fails with from then on, where somebody has said so. */
  closing: InkubeError | undefined;
  /** Nothing is settled any more either. */
  severed = false;
  private readonly whole: Whole;
  private readonly name: string;
  private readonly host: CellHost;
  private deadlineTimer: Timer | undefined;
  private deadlineTimerAtMs = Infinity;

  constructor(whole: Whole) {
    this.whole = whole;
    this.name = whole.name;
    this.host = whole.host;
  }

  ref<M extends Methods>(protocol: Protocol<M>, peer: string): Ref<M> {
    const link = this.whole.links.get(peer);
    if (link === undefined) throw noLink(this.name, peer);
    const ids = new Map(protocol.ids.map((id, index) => [id, index]));
    return {
      name: peer,
      call: (method, request, options) => {
        const definition = protocol.methods[method] as unknown as CallDefinition;
        const id = ids.get(method)!;
        if (link.spoken !== protocol) this.speak(link, protocol);
        const breaker = definition.breaker === undefined ? undefined : this.breaker(link, id, definition.breaker);
        const admission = breaker?.admit(this.nowMs());
        if (breaker !== undefined && admission === undefined) return Promise.reject(circuitOpen(peer, method));
        const answer =
          definition.idempotent === true
            ? this.callAgain(link, id, method, request, definition, options)
            : this.call(link, id, method, request, definition, options);
        if (breaker !== undefined && admission !== undefined) this.watch(answer, breaker, admission);
        return answer as never;
      },
      cast: (method, request) => {
        const definition = protocol.methods[method] as unknown as CastDefinition;
        if (link.spoken !== protocol) this.speak(link, protocol);
        this.cast(link, ids.get(method)!, method, request, definition);
      },
      offer: (method, request, options) => {
        const definition = protocol.methods[method] as unknown as CastDefinition;
        if (link.spoken !== protocol) this.speak(link, protocol);
        return this.offer(link, ids.get(method)!, method, request, definition, options);
      },
      stream: (method, request, consumer) => {
        const definition = protocol.methods[method] as unknown as StreamDefinition;
        if (link.spoken !== protocol) this.speak(link, protocol);
        return this.open(link, ids.get(method)!, method, request, definition.window, consumer);
      },
    };
  }

  private nowMs(): number {
    return this.host.clock.monotonicMs();
  }

  private breaker(link: Link, method: number, definition: BreakerDefinition): Breaker {
    let breaker = link.breakers.get(method);
    if (breaker === undefined) link.breakers.set(method, (breaker = new Breaker(definition)));
    return breaker;
  }

  private watch(answer: Promise<unknown>, breaker: Breaker, admission: Admission): void {
    answer.then(
      () => breaker.ended(admission, undefined, this.nowMs()),
      (error: unknown) => breaker.ended(admission, error, this.nowMs()),
    );
  }

  /** Before the first message over a link, the peer is told which protocol it is taken to serve. */
  private speak<M extends Methods>(link: Link, protocol: Protocol<M>): void {
    if (!link.up || this.closed) return;
    const known = link.spoken?.fingerprint;
    link.spoken = protocol as unknown as Protocol<Methods>;
    if (known !== protocol.fingerprint) this.send(link, [SPEAK, protocol.fingerprint]);
  }

  /**
   * An idempotent call: while its deadline lasts it is made anew each time the actor dies under it, or is down, once the
   * link is up again. The supervisor's back-off paces that.
   */
  private async callAgain(
    link: Link,
    method: number,
    methodName: string,
    request: unknown,
    definition: CallDefinition,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    const { clock } = this.host;
    const parent = this.parentOf(options);
    const asked = options?.timeoutMs ?? definition.timeoutMs;
    const startedMs = clock.monotonicMs();
    const endMs = Math.min(startedMs + asked, parent?.deadlineMs ?? Infinity);
    let timeoutMs = asked;
    for (;;) {
      try {
        return await this.call(link, method, methodName, request, definition, { ...options, timeoutMs });
      } catch (error) {
        const mayRetry = hasCode(error, "ACTOR_DOWN") && !this.closed && parent?.aborted !== true;
        if (!mayRetry || !(await this.upBefore(link, endMs, options?.signal))) throw this.closing ?? error;
        if (options?.signal?.aborted === true) throw cancelled(methodName);
        timeoutMs = endMs - clock.monotonicMs();
      }
    }
  }

  /** Whether the link is up within the deadline; at once when the caller gives up. */
  private upBefore(link: Link, endMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const leftMs = endMs - this.host.clock.monotonicMs();
    if (link.up || signal?.aborted === true) return Promise.resolve(true);
    if (!(leftMs > 0)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (up: boolean): void => {
        timer.cancel();
        link.onUp.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve(up);
      };
      const wake = (): void => finish(true);
      const timer = this.host.clock.after(Math.ceil(leftMs), () => finish(false));
      link.onUp.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  private call(
    link: Link,
    method: number,
    methodName: string,
    request: unknown,
    definition: CallDefinition,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    if (this.severed) return new Promise(() => undefined);
    if (!link.up || this.closed) return Promise.reject(this.unreachable(link));
    if (link.refused !== undefined) return Promise.reject(link.refused);
    const parent = this.parentOf(options);
    const signal = options?.signal;
    if (signal?.aborted === true || parent?.aborted === true) return Promise.reject(cancelled(methodName));
    const nowMs = this.host.clock.monotonicMs();
    const asked = options?.timeoutMs ?? definition.timeoutMs;
    const timeoutMs = parent === undefined ? asked : Math.min(asked, parent.deadlineMs - nowMs);
    if (!(timeoutMs > 0)) return Promise.reject(deadlineExceeded(link.peer, methodName));
    const waiting = parent?.waiting;
    if (waiting !== undefined && definition.reentrant !== true && waiting.includes(link.peer)) {
      return Promise.reject(callCycle([...waiting, this.name, link.peer], methodName));
    }
    const id = link.nextId++;
    const unlisten =
      signal === undefined && parent === undefined ? undefined : this.giveUpWith(link, id, signal, parent);
    const deadlineMs = nowMs + timeoutMs;
    const gate = definition.mailbox?.whenFull === "block" ? this.gate(link, method, definition) : undefined;
    const { promise, resolve, reject } = makePromise();
    const call: PendingCall = { resolve, reject, deadlineMs, method: methodName, unlisten, gate, sent: true };
    link.calls.set(id, call);
    if (deadlineMs < this.deadlineTimerAtMs) this.armDeadline(deadlineMs);
    const { recorder } = this.host;
    const cause = options?.cause === undefined ? recorder.wireCause : recorder.onWire(options.cause);
    if (gate === undefined || gate.enter())
      this.send(link, callEnvelope(id, method, request, timeoutMs, cause, waiting));
    else {
      call.sent = false;
      gate.hold({
        send: () => {
          if (link.calls.get(id) !== call) return false;
          call.sent = true;
          const leftMs = Math.max(1, deadlineMs - this.host.clock.monotonicMs());
          this.send(link, callEnvelope(id, method, request, leftMs, cause, waiting));
          return true;
        },
        fail: () => undefined,
      });
    }
    return promise;
  }

  private unreachable(link: Link): InkubeError {
    return this.closing ?? actorDown(link.peer, link.downReason, link.downDetails);
  }

  private parentOf(options: CallOptions | undefined): IncomingMessage | undefined {
    const parent = options?.parent;
    if (parent === undefined) return options?.cause === undefined ? this.current : undefined;
    return parent instanceof IncomingMessage ? parent : undefined;
  }

  /** Gives call `id` up with its caller's signal, or when the call that it is made for is given up. */
  private giveUpWith(
    link: Link,
    id: number,
    signal: AbortSignal | undefined,
    parent: IncomingMessage | undefined,
  ): () => void {
    const giveUp = (): void => {
      const call = link.calls.get(id);
      if (call !== undefined) this.abandon(link, id, call, cancelled(call.method));
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    const unlisten = parent?.onAbort(giveUp);
    return () => {
      signal?.removeEventListener("abort", giveUp);
      unlisten?.();
    };
  }

  private cast(link: Link, method: number, methodName: string, request: unknown, definition: CastDefinition): void {
    if (!link.up) return this.whole.deadLetter("actor down", methodName, link.peer);
    if (link.refused !== undefined) return this.whole.deadLetter("another protocol", methodName, link.peer);
    const cause = this.host.recorder.wireCause;
    const gate = definition.mailbox?.whenFull === "block" ? this.gate(link, method, definition) : undefined;
    if (gate === undefined || gate.enter()) return this.send(link, [CAST, method, request, cause]);
    if (gate.holding >= this.whole.heldMax) return this.whole.deadLetter("sender held back", methodName, link.peer);
    gate.hold({
      send: () => {
        this.send(link, [CAST, method, request, cause]);
        return true;
      },
      fail: () => this.whole.deadLetter("actor down", methodName, link.peer),
    });
  }

  private offer(
    link: Link,
    method: number,
    methodName: string,
    request: unknown,
    definition: CastDefinition,
    options: Pick<CallOptions, "timeoutMs" | "signal"> | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.severed) return;
      if (!link.up || this.closed) return reject(this.unreachable(link));
      if (link.refused !== undefined) return reject(link.refused);
      if (options?.signal?.aborted === true) return reject(cancelled(methodName));
      const cause = this.host.recorder.wireCause;
      const gate = definition.mailbox?.whenFull === "block" ? this.gate(link, method, definition) : undefined;
      if (gate === undefined || gate.enter()) {
        this.send(link, [CAST, method, request, cause]);
        return resolve();
      }
      if (gate.holding >= this.whole.heldMax) return reject(mailboxFull(link.peer, "too many wait for room"));
      let settled = false;
      const settle = (how: () => void): void => {
        if (settled) return;
        settled = true;
        timer.cancel();
        options?.signal?.removeEventListener("abort", giveUp);
        how();
      };
      const giveUp = (): void => settle(() => reject(cancelled(methodName)));
      const timer = this.host.clock.after(options?.timeoutMs ?? CALL_TIMEOUT_MS, () =>
        settle(() => reject(deadlineExceeded(link.peer, methodName))),
      );
      options?.signal?.addEventListener("abort", giveUp, { once: true });
      gate.hold({
        send: () => {
          if (settled) return false;
          this.send(link, [CAST, method, request, cause]);
          settle(resolve);
          return true;
        },
        fail: (error) => settle(() => reject(error)),
      });
    });
  }

  private gate(link: Link, method: number, definition: MailboxDefinition): Gate {
    let gate = link.gates.get(method);
    if (gate === undefined) link.gates.set(method, (gate = new Gate(definition.mailbox?.max ?? 1)));
    return gate;
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
    if (!link.up || this.closed || link.refused !== undefined) {
      const error = link.refused ?? this.unreachable(link);
      let canceled = false;
      this.host.atEndOfTurn(() => {
        if (!canceled) this.whole.guard(() => consumer.end(error));
      });
      return { cancel: () => void (canceled = true) };
    }
    const stream: PendingStream = { consumer, window, method: methodName, handled: 0 };
    link.streams.set(id, stream);
    this.send(link, [OPEN, id, method, request, window, this.host.recorder.wireCause]);
    return {
      cancel: () => {
        // The id may be another stream's by now when the link was made anew.
        if (link.streams.get(id) !== stream) return;
        link.streams.delete(id);
        this.send(link, [CANCEL, id]);
      },
    };
  }

  send(link: Link, envelope: Envelope): void {
    if (!link.up) return;
    link.outbox.push(envelope);
    if (link.outbox.length >= FRAME_ENVELOPES_MAX) this.flush(link);
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

  flush(link: Link): void {
    const outbox = link.outbox;
    if (outbox.length === 0 || !link.up) return;
    link.outbox = [];
    this.host.transmit(link.peer, outbox, this.whole.refuse);
  }

  /** A request can't be encoded and is not sent. The host may be in the midst of a frame. */
  refuse(link: Link, envelope: Request, why: string): void {
    if (envelope[0] === CAST) {
      link.gates.get(envelope[1])?.leave(1);
      const method = this.methodName(link, envelope[1]);
      const error = notEncodable(link.peer, method, "request", why);
      this.host.log.warn("a message was not sent", { to: link.peer, method, code: error.code, error: error.message });
      return this.whole.deadLetter("not encodable", method, link.peer);
    }
    const id = envelope[1];
    const error = notEncodable(link.peer, this.methodName(link, envelope[2]), "request", why);
    const call = link.calls.get(id);
    if (envelope[0] === CALL) {
      if (call === undefined) return;
      this.settle(link, id, call);
      return call.reject(error);
    }
    const stream = link.streams.get(id);
    if (stream === undefined) return;
    this.host.atEndOfTurn(() => {
      if (link.streams.get(id) !== stream) return;
      link.streams.delete(id);
      this.whole.guard(() => stream.consumer.end(error));
    });
  }

  private methodName(link: Link, method: number): string {
    return link.spoken?.ids[method] ?? String(method);
  }

  /** Nothing over the link will be answered. The streams that are returned are to be ended. */
  failAll(link: Link, error: InkubeError): readonly PendingStream[] {
    for (const gate of link.gates.values()) gate.reset(error);
    for (const [id, call] of link.calls.entries()) {
      this.settle(link, id, call);
      call.reject(error);
    }
    const streams = [...link.streams.values()];
    link.streams.clear();
    return streams;
  }

  /** The call is over; the caller of this resolves or rejects it. */
  settle(link: Link, id: number, call: PendingCall): void {
    link.calls.delete(id);
    call.unlisten?.();
    if (call.gate !== undefined && call.sent) call.gate.leave(1);
  }

  private abandon(link: Link, id: number, call: PendingCall, error: InkubeError): void {
    const { sent } = call;
    this.settle(link, id, call);
    call.reject(error);
    if (sent) this.send(link, [CANCEL, id]);
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
    for (const link of this.whole.links.values()) {
      for (const [id, call] of link.calls.entries()) {
        if (call.deadlineMs <= nowMs) this.abandon(link, id, call, deadlineExceeded(link.peer, call.method));
        else if (call.deadlineMs < earliestMs) earliestMs = call.deadlineMs;
      }
    }
    if (earliestMs < Infinity) this.armDeadline(earliestMs);
  }

  stopTimer(): void {
    this.deadlineTimer?.cancel();
  }
}

function callEnvelope(
  id: number,
  method: number,
  request: unknown,
  timeoutMs: number,
  cause: WireCause,
  waiting: readonly string[] | undefined,
): Envelope {
  if (waiting === undefined) return [CALL, id, method, request, timeoutMs, cause];
  return [CALL, id, method, request, timeoutMs, cause, waiting];
}

let madeResolve: PendingCall["resolve"];
let madeReject: PendingCall["reject"];
const hold = (resolve: PendingCall["resolve"], reject: PendingCall["reject"]): void => {
  madeResolve = resolve;
  madeReject = reject;
};

/** A promise and its two ends, without a closure for each: `call` is where the runtime's time goes. */
function makePromise(): { promise: Promise<unknown>; resolve: PendingCall["resolve"]; reject: PendingCall["reject"] } {
  const promise = new Promise<unknown>(hold);
  return { promise, resolve: madeResolve, reject: madeReject };
}
