/** Runs the simulated cluster for `inkube simulate`. */
import { InkubeError } from "../../../protocols/errors.ts";

export interface OneRun {
  readonly seed: number;
  readonly minutes: number;
  readonly traceFile: string | undefined;
}

export interface ManyRuns {
  /** The seeds 1 to this. */
  readonly seeds: number;
  /** At a time; undefined: one for each processor. */
  readonly jobs: number | undefined;
  readonly minutes: number;
}

export function runOne(_run: OneRun): Promise<void> {
  return Promise.reject(notYet());
}

export function runMany(_runs: ManyRuns): Promise<void> {
  return Promise.reject(notYet());
}

function notYet(): InkubeError {
  return new InkubeError("NOT_IMPLEMENTED", "this build has no simulation of the whole cluster");
}
