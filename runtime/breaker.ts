/** A circuit breaker: a caller leaves a method alone that has failed again and again, and tries it now and then. */
import type { BreakerDefinition } from "../protocols/protocol.ts";
import { hasCode } from "../protocols/errors.ts";

/** What says that the actor, or the way to it, is in trouble; any other answer is one. */
const TROUBLE = ["ACTOR_DOWN", "DEADLINE_EXCEEDED", "MAILBOX_FULL"];

/** Of one call; `trial`: the one that is made to see whether an open breaker may close. */
export interface Admission {
  readonly trial: boolean;
}

const ORDINARY: Admission = { trial: false };
const TRIAL: Admission = { trial: true };

export class Breaker {
  private readonly definition: BreakerDefinition;
  /** In a row. */
  private failures = 0;
  private openUntilMs = 0;
  private trying = false;

  constructor(definition: BreakerDefinition) {
    this.definition = definition;
  }

  /** Undefined when no call may be made now; while the breaker is open, one at a time from `openMs` on. */
  admit(nowMs: number): Admission | undefined {
    if (this.failures < this.definition.failuresMax) return ORDINARY;
    if (this.trying || nowMs < this.openUntilMs) return undefined;
    this.trying = true;
    return TRIAL;
  }

  /** A call that was admitted has ended; `error` is undefined when it was answered. */
  ended({ trial }: Admission, error: unknown, nowMs: number): void {
    // What was asked before the breaker opened may end during a trial, and ends only itself.
    if (trial) this.trying = false;
    // One that its caller gave up says nothing.
    if (hasCode(error, "CANCELLED")) return;
    if (!hasCode(error, ...TROUBLE)) {
      this.failures = 0;
      return;
    }
    this.failures++;
    if (this.failures >= this.definition.failuresMax) this.openUntilMs = nowMs + this.definition.openMs;
  }
}
