/**
 * Typed protocols between actors. One definition gives the handler's types, the caller's types and the method ids.
 *
 * ```ts
 * export type CounterMethods = {
 *   add: Call<{ readonly by: number }, { readonly total: number }>;
 *   reset: Cast<null>;
 *   changes: Stream<{ readonly from: number }, { readonly total: number }>;
 * };
 * export const counterProtocol: Protocol<CounterMethods> = protocol<CounterMethods>("counter", {
 *   add: call({ timeoutMs: 1_000 }),
 *   reset: cast(),
 *   changes: stream({ window: 64 }),
 * });
 * ```
 *
 * Requests, replies and items are plain data: objects, arrays, strings, finite numbers, booleans, null and `Uint8Array`.
 */

/** One request, one reply, a deadline. */
export interface Call<Request, Reply> {
  readonly kind: "call";
  readonly request: Request;
  readonly reply: Reply;
}

/** One message, no reply, no promise that it arrives. */
export interface Cast<Request> {
  readonly kind: "cast";
  readonly request: Request;
}

/** One request, many items, an end. The consumer gives credits; the producer buffers within a bound. */
export interface Stream<Request, Item> {
  readonly kind: "stream";
  readonly request: Request;
  readonly item: Item;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the widest method; each protocol narrows it
export type Method = Call<any, any> | Cast<any> | Stream<any, any>;
export type Methods = { readonly [name: string]: Method };

/**
 * What happens to the messages of one method that can't be handled at once: the actor has not started, is suspended, has
 * used up its turn, or handles as many of the method as `concurrencyMax` allows.
 * - `fail`: beyond `max` waiting ones a call fails with MAILBOX_FULL, a cast is a dead letter.
 * - `drop-oldest`: the newest `max` are kept; the oldest fails or is a dead letter.
 * - `coalesce`: of those with one key only the newest is kept, in the place of the first. All callers get its answer.
 * - `block`: each sender has at most `max` under way; more wait at the sender, within their deadline.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- the key of any request; each method narrows it
export type MailboxPolicy<Request = any> =
  | { readonly whenFull: "fail" | "drop-oldest" | "block"; readonly max: number }
  | { readonly whenFull: "coalesce"; readonly max: number; readonly key: (request: Request) => string };

export interface MailboxDefinition {
  readonly mailbox?: MailboxPolicy;
  /** Handlers of the method that may be under way at a time; unlimited by default. */
  readonly concurrencyMax?: number;
  /**
   * `system`: handled before all that waits, also while the actor is suspended or its mailbox is full. For the few
   * messages that keep an actor in hand, not for fast ones.
   */
  readonly priority?: "system";
}

export interface CallDefinition extends MailboxDefinition {
  readonly kind: "call";
  /** How long a caller waits when it names no deadline of its own. */
  readonly timeoutMs: number;
  /** The method never waits for a call of its caller's: it may be called by those who wait for the actor. */
  readonly reentrant?: boolean;
  /**
   * Done twice it is as done once: a call under which the actor dies is made anew at its replacement, with what is left
   * of the deadline. Others fail with ACTOR_DOWN, because nobody knows whether they were done.
   */
  readonly idempotent?: boolean;
  /**
   * Each caller leaves the method alone for a while when it fails again and again: calls fail at once with CIRCUIT_OPEN,
   * and the actor has time to recover. (To bound how many calls an actor works on, see `concurrencyMax`.)
   */
  readonly breaker?: BreakerDefinition;
}
export interface BreakerDefinition {
  /** Calls in a row that ended with ACTOR_DOWN, DEADLINE_EXCEEDED or MAILBOX_FULL. */
  readonly failuresMax: number;
  /** How long no call is made then. After it one is tried: its answer closes the breaker. */
  readonly openMs: number;
}
export interface CastDefinition extends MailboxDefinition {
  readonly kind: "cast";
}
/** How a stream is taken up again where it was broken off. */
// oxlint-disable-next-line typescript/no-explicit-any -- any request and item; each method narrows them
export interface ResumeDefinition<Request = any, Item = any> {
  /** The place in the stream right after `item`; undefined when nobody can resume there. */
  readonly token: (item: Item) => ResumeToken | undefined;
  /** `request` for what comes after `token`. */
  readonly from: (request: Request, token: ResumeToken) => Request;
}
export type ResumeToken = string | number;
export interface StreamDefinition {
  readonly kind: "stream";
  /** Items that may be under way unacknowledged. */
  readonly window: number;
  /** Items that the producer keeps beyond the window before the consumer is cut off with STREAM_OVERRUN. */
  readonly bufferMax: number;
  readonly resume?: ResumeDefinition;
}
export type MethodDefinition = CallDefinition | CastDefinition | StreamDefinition;

type DefinitionOf<M extends Method> = M extends { readonly kind: "call" }
  ? CallDefinition
  : M extends { readonly kind: "cast" }
    ? CastDefinition
    : StreamDefinition;

export type Definitions<M extends Methods> = { readonly [K in keyof M]: DefinitionOf<M[K]> };

export interface Protocol<M extends Methods> {
  readonly name: string;
  readonly version: number;
  /** Of the name, the version, and the methods with their kinds, in order: 32 bits, not 0. Equal protocols have equal ones. */
  readonly fingerprint: number;
  readonly methods: Definitions<M>;
  /** Method names in id order: a method's id on the wire is its index here. */
  readonly ids: readonly (keyof M & string)[];
}

/** Default deadline of a call: long enough for a quorum with one slow disk, short enough for a person to wait. */
export const CALL_TIMEOUT_MS = 5_000;
/** Default credit window of a stream: one full frame of small items. */
export const STREAM_WINDOW = 256;
/** Default bound on what a producer keeps for a slow consumer. */
export const STREAM_BUFFER_MAX = 16_384;

export function call(options: Partial<Omit<CallDefinition, "kind">> = {}): CallDefinition {
  return { ...options, kind: "call", timeoutMs: options.timeoutMs ?? CALL_TIMEOUT_MS };
}

export function cast(options: Omit<CastDefinition, "kind"> = {}): CastDefinition {
  return { ...options, kind: "cast" };
}

export function stream(options: Partial<Omit<StreamDefinition, "kind">> = {}): StreamDefinition {
  return {
    ...options,
    kind: "stream",
    window: options.window ?? STREAM_WINDOW,
    bufferMax: options.bufferMax ?? STREAM_BUFFER_MAX,
  };
}

/** `version`: to be raised when the requests or replies of a method become others; its name and kind are compared anyway. */
export function protocol<M extends Methods>(
  name: string,
  methods: Definitions<M>,
  options: { readonly version?: number } = {},
): Protocol<M> {
  const { version = 1 } = options;
  const ids = Object.keys(methods);
  return { name, version, methods, ids, fingerprint: hash(`${name} ${version} ${signature(methods).join(" ")}`) };
}

/** `name:kind` of each method, in id order. */
export function signature(methods: {
  readonly [method: string]: { readonly kind: Method["kind"] };
}): readonly string[] {
  return Object.entries(methods).map(([method, { kind }]) => `${method}:${kind}`);
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0 || 1;
}

export type MethodsOfKind<M extends Methods, Kind extends Method["kind"]> = {
  [K in keyof M & string]: M[K] extends { readonly kind: Kind } ? K : never;
}[keyof M & string];
export type RequestOf<M extends Method> = M["request"];
export type ReplyOf<M extends Method> = M extends Call<infer _Request, infer Reply> ? Reply : never;
export type ItemOf<M extends Method> = M extends Stream<infer _Request, infer Item> ? Item : never;
