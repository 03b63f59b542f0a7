/** What V8 may take for the heap of a thread. */
import type { ResourceLimits } from "node:worker_threads";

/**
 * Of new objects. V8's own 48 MB are meant for one thread a process: an actor's thread grows into them under load and never
 * gives them back while it is idle, and a cluster has dozens of threads. An actor's turn makes far less than a third of this.
 */
const YOUNG_GENERATION_MB = 12;

/** `heapLimitMb`: of objects that have grown old; undefined leaves it to Node.js. */
export function resourceLimitsOf(heapLimitMb: number | undefined): ResourceLimits {
  return {
    maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
    ...(heapLimitMb === undefined ? {} : { maxOldGenerationSizeMb: heapLimitMb }),
  };
}
