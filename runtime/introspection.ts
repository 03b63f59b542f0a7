/** What a host tells of the actors that it runs, and how it holds them, as Erlang's `sys` does; the same on threads and in the simulation. */
import type { CellStatistics } from "./cell.ts";
import type { MetricFamily } from "./metrics/metrics.ts";
import type { TraceEvent } from "./trace/event.ts";

export interface ActorStatistics extends CellStatistics {
  // Of the actor's thread, so also of those that share it; none of it in the simulation, which has one for all.
  /** Since it was asked last, from 0 to 1. */
  readonly eventLoopUtilization?: number;
  readonly heapUsedBytes?: number;
  /** Since the thread's start, of all of its work; absent where Node.js does not tell it, as version 20. */
  readonly cpuMs?: number;
}

/** What a thread holds when its garbage has been collected. */
export interface HeapInUse {
  readonly heapUsedBytes: number;
  /** Of its buffers, which lie outside the heap. */
  readonly arrayBufferBytes: number;
}

/**
 * Each question is answered between two of the actor's messages. Errors: ACTOR_DOWN, also when it dies meanwhile, and
 * DEADLINE_EXCEEDED when it does not come to answer; both retryable.
 */
export interface Introspectable {
  statistics(name: string): Promise<ActorStatistics>;
  /** What the actor tells of itself (`Actor.state`); undefined when it tells nothing. */
  state(name: string): Promise<unknown>;
  /** What it counts of its work (`Context.metrics`), and on threads what its thread does. */
  metrics(name: string): Promise<readonly MetricFamily[]>;
  /** Messages wait from now on, but those of `system` priority; what is under way goes on. */
  suspend(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  /** The newest messages that an actor has taken up, oldest first, also of one that is down. */
  lastMessages(name: string, count?: number): readonly TraceEvent[];
  /**
   * Tells what an actor records from now on until `stop`, over its restarts, as far as `wanted` says true. On threads with
   * a small delay; where the actor records faster than is read, `sequence` shows the gap.
   */
  follow(name: string, wanted: (event: TraceEvent) => boolean, onEvent: (event: TraceEvent) => void): Tracing;
}

export interface Tracing {
  /** What has been recorded until now is told first. */
  stop(): void;
}

/** A control message is handled between two messages of the actor; longer means that it hangs. */
export const ANSWER_TIMEOUT_MS = 5_000;
/** A screenful. */
export const LAST_MESSAGES = 32;

const MESSAGES: ReadonlySet<string> = new Set(["call", "cast", "stream"]);

/** The newest messages among `events`. */
export function newestMessages(events: readonly TraceEvent[], count: number): readonly TraceEvent[] {
  const messages = events.filter(({ kind }) => MESSAGES.has(kind));
  return messages.slice(Math.max(0, messages.length - count));
}
