/** How long a run waits for what: time is free in the simulation and dear elsewhere. All in milliseconds. */
export interface Pace {
  /** Nothing has changed for so long: controllers have done what there was to do, but for what they put off. */
  readonly quietMs: number;
  readonly settleMs: number;
  /** Before the last faults are ended: what they do may have to show first. */
  readonly beforeHealingMs: number;
  readonly restMs: number;
  readonly convergenceMs: number;
  /** Where the end is another one: controllers may look again at all that there is, now and then. */
  readonly patienceMs: number;
  readonly patienceLookMs: number;
  /** What is looked at of a run that has not come to rest. */
  readonly windowMs: number;
  /** For the workload and all that is waited for. */
  readonly limitMs: number;
}

export const SIMULATED_PACE: Pace = {
  quietMs: 300,
  settleMs: 5_000,
  beforeHealingMs: 1_000,
  restMs: 1_500,
  convergenceMs: 60_000,
  patienceMs: 30_000,
  patienceLookMs: 5_000,
  windowMs: 5_000,
  limitMs: 3_600_000,
};
