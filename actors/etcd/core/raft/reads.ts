/**
 * Linearizable reads of a leader: those that wait until a majority has answered a round of heartbeats that left after they came
 * (thesis 6.4).
 */

interface Asked {
  readonly from: number;
  readonly context: number;
}

export interface PendingRead extends Asked {
  /** What the answer must have applied. */
  readonly index: number;
  readonly round: number;
}

export class Reads {
  /** The newest round: what heartbeats carry. Never begins anew, so that no answer of an earlier leadership counts. */
  round = 0;
  private roundSent = 0;
  private pending: PendingRead[] = [];
  /** Came before the leader had committed an entry of its own term (thesis 6.4, step 1). */
  private early: Asked[] = [];

  clear(): void {
    this.pending = [];
    this.early = [];
  }

  postpone(from: number, context: number): void {
    this.early.push({ from, context });
  }

  takeEarly(): readonly Asked[] {
    const { early } = this;
    this.early = [];
    return early;
  }

  /**
   * One round serves all reads that came before its heartbeats left, and none that came after: answers to those may have been
   * waiting here through a pause of this member (etcd bug 20418).
   */
  add(from: number, context: number, index: number): void {
    if (this.round === this.roundSent) this.round++;
    this.pending.push({ from, context, index, round: this.round });
  }

  /** The heartbeats of `round` leave. */
  sent(): void {
    this.roundSent = this.round;
  }

  /** Those that a majority's answers to `round` confirm. */
  takeConfirmed(round: number): readonly PendingRead[] {
    const after = this.pending.findIndex((read) => read.round > round);
    return this.pending.splice(0, after === -1 ? this.pending.length : after);
  }
}
