/**
 * What an actor is: a protocol, and a function that gets a context and returns the handlers. The same definition runs on
 * a thread (`ThreadHost`) and in the simulation (`SimulationHost`); the context is its only way out.
 *
 * A handler starts when its message arrives and may be asynchronous; several can be under way at once, so change state
 * before the first `await`, or read it again after. What a handler throws:
 * - an `InkubeError` is the answer to its caller (for a cast it goes to the log);
 * - anything else is a broken invariant: the actor dies and its supervisor decides.
 */
import type { ItemOf, Method, Methods, MethodsOfKind, Protocol, ReplyOf, RequestOf } from "../protocols/protocol.ts";
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { OwnFaults } from "./faults/boundary.ts";
import type { Ids } from "./ids.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Net } from "./net.ts";
import type { Random } from "./random.ts";

export interface ActorDefinition<M extends Methods, Options> {
  readonly protocol: Protocol<M>;
  /** Called once per incarnation. Until it resolves, messages wait in the mailbox. */
  readonly start: (ctx: Context<Options>) => Actor<M> | Promise<Actor<M>>;
}

export interface Actor<M extends Methods> {
  readonly handlers: Handlers<M>;
  /** Graceful stop, within the spec's `shutdownMs`. Handlers may still run meanwhile. */
  readonly stop?: () => void | Promise<void>;
  /**
   * What the next incarnation goes on with (`ctx.handedOver`), as plain data. Asked at a planned restart, an upgrade or the
   * heap guard's, when the calls and casts under way have ended or their time is up; nothing new is taken up after it.
   */
  readonly handOver?: () => unknown;
  /** What the actor knows, as plain data, for a person who looks into it. */
  readonly state?: () => unknown;
}

export function defineActor<M extends Methods, Options>(
  protocol: Protocol<M>,
  start: (ctx: Context<Options>) => Actor<M> | Promise<Actor<M>>,
): ActorDefinition<M, Options> {
  return { protocol, start };
}

export type Handlers<M extends Methods> = { readonly [K in keyof M]: HandlerOf<M[K]> };

type HandlerOf<M extends Method> = M extends { readonly kind: "call" }
  ? (request: RequestOf<M>, message: Incoming) => ReplyOf<M> | Promise<ReplyOf<M>>
  : M extends { readonly kind: "cast" }
    ? (request: RequestOf<M>, message: Incoming) => void | Promise<void>
    : (request: RequestOf<M>, sink: Sink<ItemOf<M>>) => void | Promise<void>;

/** Where a message comes from. */
export interface Incoming {
  /** Name of the actor that sent it. The link vouches for it: a sender can't choose it. */
  readonly from: string;
  /** Aborted when the caller gave up, died, or its deadline passed. */
  readonly signal: AbortSignal;
  /** What is left for the answer when the message arrived; Infinity for casts and streams. */
  readonly timeoutMs: number;
  /** The trace event of this message: name it as the cause of what is done for it after an `await`. */
  readonly cause: Cause;
  /**
   * Not now: the message is put aside until `ctx.unstash()`, and then handled as if it came only then, within its old
   * deadline. Throws, so nothing after it runs; nothing may have been done for the message before it.
   */
  stash(): never;
}

/** The producer's end of a stream. A stream handler may return early and keep the sink. */
export interface Sink<Item> extends Incoming {
  /** Sends an item. Beyond the consumer's credits it is kept, beyond `bufferMax` the stream ends with STREAM_OVERRUN. */
  push(item: Item): void;
  /** Ends the stream; items pushed before it are delivered first. */
  end(error?: Error): void;
  /** Items kept because the consumer has given no credit for them. */
  readonly buffered: number;
}

/** A name for an actor that stays good when the actor restarts. */
export interface Ref<M extends Methods> {
  readonly name: string;
  call<K extends MethodsOfKind<M, "call">>(
    method: K,
    request: RequestOf<M[K]>,
    options?: CallOptions,
  ): Promise<ReplyOf<M[K]>>;
  cast<K extends MethodsOfKind<M, "cast">>(method: K, request: RequestOf<M[K]>): void;
  /**
   * A cast that waits for room: resolves when it has left. Where senders are held back (`whenFull: "block"`) that is when
   * the actor has handled enough of the earlier ones; elsewhere at once. Fails with DEADLINE_EXCEEDED, CANCELLED,
   * ACTOR_DOWN or MAILBOX_FULL, and then has not been sent.
   */
  offer<K extends MethodsOfKind<M, "cast">>(
    method: K,
    request: RequestOf<M[K]>,
    options?: Pick<CallOptions, "timeoutMs" | "signal">,
  ): Promise<void>;
  stream<K extends MethodsOfKind<M, "stream">>(
    method: K,
    request: RequestOf<M[K]>,
    consumer: Consumer<ItemOf<M[K]>>,
  ): Subscription;
}

export interface CallOptions {
  /** Overrides the method's own deadline. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** What the call is done for: an event, or a W3C `traceparent` from outside; by default what is being done now, which is known up to the first `await`. */
  readonly cause?: Why;
  /**
   * The call that this one is made for: it gets no more time than that has left, is canceled with it, and a ring of
   * callers that wait for one another is found. By default the message that is being handled, which is known up to the
   * first `await`; `null` for work that outlives it.
   */
  readonly parent?: Incoming | null;
}

export interface Consumer<Item> {
  /** One item. A promise holds back the credit for it until it resolves. */
  next(item: Item): void | Promise<void>;
  /** Called once, unless canceled: without an error at the producer's end, with one when it failed or died. */
  end(error?: Error): void;
}

export interface Subscription {
  cancel(): void;
}

/** Tells that an actor has ended, and why. */
export interface Down {
  readonly actor: string;
  readonly reason: DownReason;
  readonly details?: DownDetails;
  /** The event of its end, or of what ended it, where that is known. */
  readonly event?: Mark;
}

/** An event where another actor is told of it by other ways than a message, with its place in the order of all. */
export interface Mark {
  readonly cause: Cause;
  readonly lamport: number;
}

/**
 * `normal`: it was asked to stop, or ended by itself with code 0. `exit`: it ended itself with another code; also what
 * is said when nobody can tell more in time. `throw`: it broke an invariant. `out-of-memory`: V8 ended it at its heap
 * limit. `heap-guard`: it was stopped gracefully before that. `hang`: it did not come back to its event loop and was
 * ended. `killed`: it was ended on purpose, or did not stop in time. `unkillable`: it could not be ended, is cut off from
 * everybody, and its thread goes on. `start-timeout`: its `start` did not finish in time. `protocol-mismatch`: it lives,
 * but serves another protocol than the one who is told so speaks.
 */
export type DownReason =
  | "normal"
  | "exit"
  | "throw"
  | "out-of-memory"
  | "heap-guard"
  | "hang"
  | "killed"
  | "unkillable"
  | "start-timeout"
  | "protocol-mismatch";

/** What is known of an end besides its reason. */
export interface DownDetails {
  readonly message?: string;
  readonly code?: string;
  /** Where it threw; for `hang` and `unkillable`, where it was when it was found. */
  readonly stack?: string;
  /** The message of what caused the error. */
  readonly cause?: string;
  readonly exitCode?: number;
}

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export type Fields = { readonly [name: string]: string | number | boolean };

/** The flight recorder of an actor. Messages are recorded by themselves; this adds domain events. */
export interface Trace {
  /**
   * Records that something happened to `subject` (an object as `pods/default/web-1`, a raft term, …), caused by the
   * message that is being handled, or by `cause`. Gives the event's name, for what it causes in turn.
   */
  event(kind: string, subject: string, fields?: Fields, cause?: Why): Cause;
  /** The event to name as the cause of what is done later because of what is being handled now. */
  cause(): Cause;
  /** The start of this incarnation: the cause of what an actor does by itself from its beginning on. */
  readonly started: Cause;
  /** As `cause`, and an event that is not recorded yet still is not: for what may come to nothing. */
  why(): Why;
  /** An event that is recorded when the first thing that it caused is, and else never. Its cause is taken now. */
  later(kind: string, subject: string, fields?: Fields, cause?: Why): Why;
  /** Does `work`, up to its first `await`, because of `cause`: what it sends, records and plans is caused by that. */
  because<T>(cause: Why, work: () => T): T;
  /**
   * What a timer is to do, as the root of all that follows from it; it is recorded when something does. `reason` says in
   * two words what the timer was armed for.
   */
  timer(reason: string, action: () => void): () => void;
}

/** `actor#sequence` of a trace event; empty when nothing in the cluster caused it. */
export type Cause = string;

/** A cause, or a `Trace.later` event, which is recorded when it is asked for its name. */
export type Why = Cause | (() => Cause);

/** Everything an actor can reach. */
export interface Context<Options = unknown> {
  /** `etcd-0`, `worker-2/kubelet` … unique in the cluster. */
  readonly name: string;
  /** New at every start of the actor. */
  readonly incarnation: string;
  readonly options: Options;
  /** What the incarnation before has handed over; undefined after any other end, and at first. */
  readonly handedOver: unknown;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly disk: Disk;
  readonly net: Net;
  readonly log: Logger;
  readonly trace: Trace;
  /** What the actor counts of its own work, of this incarnation. */
  readonly metrics: Metrics;
  /** What a plan of faults has for the actor's own protocol. */
  readonly faults: OwnFaults;
  /** Aborted when the actor is asked to stop. */
  readonly stopping: AbortSignal;
  /** An actor that the spec links to; NO_LINK is thrown for any other. */
  ref<M extends Methods>(protocol: Protocol<M>, name: string): Ref<M>;
  /** Calls back each time a linked actor goes down. */
  monitor(name: string, onDown: (down: Down) => void): void;
  /** Handles what was put aside with `Incoming.stash`, in order. */
  unstash(): void;
  /** Runs work beside the handlers. What it throws kills the actor. */
  spawn(work: () => Promise<void>): void;
  /**
   * `release` gives back what the actor holds outside of its context (a server of `io/`, a child), when it has ended in
   * whatever way on a thread that lives on. On a thread of its own it is not called: the thread's end does the same.
   */
  onEnd(release: () => void): void;
}
