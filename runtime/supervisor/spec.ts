/**
 * A supervision tree as data. Terms and meaning are Erlang/OTP's (`supervisor` in stdlib), with an exponential back-off
 * that OTP lacks. `checkSpec` in `core/check-spec.ts` checks a whole tree before its first start.
 */

export interface ChildSpec {
  /** Unique in the tree: `etcd-0`, `worker-2/kubelet`. */
  readonly name: string;
  /** Which actor definition it runs. */
  readonly actor: string;
  /** Plain data for `ctx.options`. */
  readonly options: unknown;
  /** Names of the actors that it may refer to; a link serves both ends. */
  readonly links: readonly string[];
  readonly restart: Restart;
  /** Its end for good may end its supervisor (`autoShutdown`). Only of children that end for good: not `permanent`. */
  readonly significant?: boolean;
  /** How long a graceful stop may take before the actor is killed. */
  readonly shutdownMs: number;
  /** How long the actor's `start` may take before it is killed and counts as crashed. */
  readonly startTimeoutMs: number;
  /**
   * Of its own thread; by default Node's limit. Actors that share a thread share one heap: its limit is the sum of theirs
   * when each of them gives one, otherwise Node's (`heapLimitOfThread` in `core/thread-heap.ts`). It is settled when the
   * thread begins, by all actors that its host was told of.
   */
  readonly heapLimitMb?: number;
  /**
   * How long it may stay away from its event loop before it counts as hung; by default, and always on a thread that is
   * shared, the host's limit.
   */
  readonly hangAfterMs?: number;
  /**
   * Actors that name the same thread share it; without a name an actor has a thread of its own. An actor that throws
   * ends alone all the same; one that spins, or takes all memory, takes the others of its thread along. When the heap is
   * nearly full, all of them are stopped gracefully (`heap-guard`), because nobody can tell whose fault it is.
   */
  readonly thread?: string;
}

/** `permanent`: after every end. `transient`: unless it ended normally. `temporary`: never. */
export type Restart = "permanent" | "transient" | "temporary";

/**
 * What else is restarted when a child crashes. `one_for_one`: nothing. `one_for_all`: every sibling.
 * `rest_for_one`: the siblings after it. Siblings that have ended for good, or were taken out, are left alone.
 */
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one";

export interface Intensity {
  /** More restarts than this within `periodMs`, and the supervisor gives up and its parent decides. */
  readonly restarts: number;
  readonly periodMs: number;
}

/** The first restart after health is immediate; the n-th in a row waits `initialMs × factor^(n-2)`, at most `maxMs`. */
export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Share of the delay, 0 to 1, that is drawn at random, so that siblings don't crash in step. */
  readonly jitter: number;
  /** A child that was up for this long is healthy again: its next restart is immediate. */
  readonly resetAfterMs: number;
}

export interface SupervisorSpec {
  /** Unique in the tree, also among the actors. */
  readonly name: string;
  readonly strategy: Strategy;
  readonly intensity: Intensity;
  readonly backoff: Backoff;
  /**
   * Children don't wait for each other at start and stop. Otherwise they start from left to right, each when the one
   * before is up, and stop from right to left.
   */
  readonly startInParallel?: boolean;
  /**
   * Whether the supervisor ends by itself, with everything below it, when a `significant` child has ended for good:
   * `never` (default), with the first of them (`any_significant`), or with the last (`all_significant`).
   */
  readonly autoShutdown?: "never" | "any_significant" | "all_significant";
  readonly children: readonly (ChildSpec | SupervisorSpec)[];
}

export function isSupervisor(spec: ChildSpec | SupervisorSpec): spec is SupervisorSpec {
  return "children" in spec;
}

/** Every actor of a tree, from left to right. */
export function actorsOf(spec: SupervisorSpec): readonly ChildSpec[] {
  return spec.children.flatMap((child) => (isSupervisor(child) ? actorsOf(child) : [child]));
}

/** Of those that run one kind of actor. */
export function namesOfKind(specs: readonly ChildSpec[], kind: string): readonly string[] {
  return specs.filter(({ actor }) => actor === kind).map(({ name }) => name);
}

/** Enough for a burst of faults, far too few for a crash loop to burn a core: with the back-off below a loop gets there in about 10 s. */
export const INTENSITY: Intensity = { restarts: 10, periodMs: 30_000 };
/** From a blink to what a person still waits for. */
export const BACKOFF: Backoff = { initialMs: 50, maxMs: 5_000, factor: 2, jitter: 0.2, resetAfterMs: 10_000 };
/** A stop flushes what is under way; nobody waits longer for one actor. */
export const SHUTDOWN_MS = 2_000;
/** Recovery from a large log on a slow disk fits; a start that hangs doesn't stay unnoticed. */
export const START_TIMEOUT_MS = 15_000;
