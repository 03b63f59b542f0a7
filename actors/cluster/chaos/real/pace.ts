/** How long a run in real time waits for what. */
import type { Pace } from "../pace.ts";

/** Nothing is asked and nothing changes for so long: a program has done what there was to do. */
export const QUIET_MS = 150;

export function realPace(quietMs: number): Pace {
  return {
    quietMs,
    settleMs: Math.max(10_000, 10 * quietMs),
    beforeHealingMs: quietMs,
    restMs: 2 * quietMs,
    convergenceMs: Math.max(10_000, 20 * quietMs),
    patienceMs: Math.max(3_000, 10 * quietMs),
    patienceLookMs: Math.max(500, quietMs),
    windowMs: 2_000,
    limitMs: 600_000,
  };
}
