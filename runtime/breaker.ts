/** A circuit breaker: a caller leaves a method alone that has failed again and again, and tries it now and then. */
import type { BreakerDefinition } from "../protocols/protocol.ts";
import { hasCode } from "../protocols/errors.ts";

/** What says that the actor, or the way to it, is in trouble; any other answer is one. */
const TROUBLE = ["ACTOR_DOWN", "DEADLINE_EXCEEDED", "MAILBOX_FULL"];

export class Breaker {
  private readonly definition: BreakerDefinition;
  /** In a row. */
  private failures = 0;
  private openUntilMs = 0;
  private trying = false;

  constructor(definition: BreakerDefinition) {
    this.definition = definition;
  }

  /** Whether a call may be made now; while the breaker is open, one at a time from `openMs` on. */
  admits(nowMs: number): boolean {
    if (this.failures < this.definition.failuresMax) return true;
    if (this.trying || nowMs < this.openUntilMs) return false;
    this.trying = true;
    return true;
  }

  /** A call that was admitted has ended; `error` is undefined when it was answered. */
  ended(error: unknown, nowMs: number): void {
    this.trying = false;
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
