/** Where the runs of a search take place. */
import type { Resolved } from "./exploration.ts";
import type { Outcome, Reference, RunRequest } from "./outcome.ts";
import { outcomeOf, referenceOf } from "./outcome.ts";

export interface Runner {
  /** Runs that are under way at once at most. */
  readonly jobs: number;
  /** Runs without faults, twice. Errors: those of `referenceOf`. */
  reference(): Promise<Reference>;
  /** Errors: CONTROLLER_FAILED, INVALID_STORY. */
  run(request: RunRequest): Promise<Outcome>;
  end(): Promise<void>;
}

/** One after the other, in this thread: functions can't be sent to another one. */
export class OwnThread implements Runner {
  readonly jobs = 1;
  private readonly exploration: Resolved;

  constructor(exploration: Resolved) {
    this.exploration = exploration;
  }

  reference(): Promise<Reference> {
    return referenceOf(this.exploration);
  }

  run(request: RunRequest): Promise<Outcome> {
    return outcomeOf(this.exploration, request);
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}
