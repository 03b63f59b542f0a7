/** What V8 may take for the heap of a thread. */
import type { ResourceLimits } from "node:worker_threads";

/**
 * Of new objects. V8's own 48 MB are meant for one thread a process: an actor's thread grows into them under load and never
 * gives them back while it is idle, and a cluster has dozens of threads. An actor's turn makes far less than a third of this.
 */
const YOUNG_GENERATION_MB = 12;

/**
 * Of those whose heap may grow large, a master's: a turn of an API server carries out dozens of writes at once, and with less
 * most of what they are made of is copied again and again before they are done (a fifth of what a write costs).
 */
const BUSY_YOUNG_GENERATION_MB = 24;
const LARGE_HEAP_MB = 1_024;

/** `heapLimitMb`: of objects that have grown old; undefined leaves it to Node.js. */
export function resourceLimitsOf(heapLimitMb: number | undefined): ResourceLimits {
  const isLarge = heapLimitMb !== undefined && heapLimitMb >= LARGE_HEAP_MB;
  return {
    maxYoungGenerationSizeMb: isLarge ? BUSY_YOUNG_GENERATION_MB : YOUNG_GENERATION_MB,
    ...(heapLimitMb === undefined ? {} : { maxOldGenerationSizeMb: heapLimitMb }),
  };
}
