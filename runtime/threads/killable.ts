/** Keeps V8 able to stop a thread. */
import { setFlagsFromString } from "node:v8";

let done = false;

/**
 * From Node 24 on V8's Turboshaft unrolls small inner loops, and drops the check for an interrupt of the loop around them
 * as well: `for (;;) list.push(new Array(100).fill(0))` can then be neither terminated nor held to its heap limit, and it
 * blocks `process.exit`. Without unrolling it is stopped in milliseconds; our codecs run as fast as before. A flag of the
 * process: it counts for code that is compiled from now on, so it is set before the first thread starts.
 */
export function keepThreadsKillable(): void {
  if (done) return;
  done = true;
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= 24) setFlagsFromString("--no-turboshaft-loop-unrolling");
}
