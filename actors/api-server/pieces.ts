/**
 * Does what comes in pieces (`core/steps.ts`) on the thread that all clients share: a few milliseconds at a time, and in between everybody
 * else has a turn. Those that wait are served in turn, small ones before large ones; of large ones only a few are under way, for each
 * may hold a hundred megabytes.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Caller } from "./caller.ts";
import { tooManyRequests, workTimeout } from "./core/machinery/status.ts";
import type { Stepped, Steps } from "./core/steps.ts";
import { isSteps } from "./core/steps.ts";

/** Of one turn of the thread. */
const SLICE_MS = 4;
/** The same where time stands still within a turn, as in the simulation. A piece takes some tens of microseconds. */
const SLICE_PIECES_MAX = 1_000;
/** Who has used more is large. */
const SMALL_MS = 100;
/** Large ones that are under way. */
const LARGE_MAX = 3;
/** Of those that somebody waits for: each holds what was sent, up to some megabytes. Who comes then had better come again later. */
export const WAITING_MAX = 1_000;

interface Job {
  readonly steps: Steps<unknown>;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  usedMs: number;
  /** Nobody waits for it any more. */
  isUnwanted: boolean;
}

/** The rest of a job, or its result. */
type Slice = { readonly done: true; readonly value: unknown } | { readonly done: false; readonly usedMs: number };

export class Pieces {
  private readonly clock: Context["clock"];
  private readonly small: Job[] = [];
  /** In the order in which they became large: the first few are under way. */
  private readonly large: Job[] = [];
  private isTurnComing = false;

  constructor(clock: Context["clock"]) {
    this.clock = clock;
  }

  /**
   * The result itself when it takes no longer than a turn may: most work is small.
   * @param caller absent: it is waited for to the end
   * @throws what the work throws; Status 429 when too many wait; Status 504 at `deadlineMs`, CANCELLED once the caller has gone: then the work ends, too
   */
  run<T>(work: Stepped<T>, deadlineMs: number, caller?: Caller): T | Promise<T> {
    if (!isSteps(work)) return work;
    const first = this.slice(work);
    if (first.done) return first.value as T;
    return this.rest<T>(work, first.usedMs, deadlineMs, caller);
  }

  /** As `run`, of what is known to be much: many may come in one turn, and nothing of them is done in it. */
  later<T>(work: Steps<T>, deadlineMs: number, caller?: Caller): Promise<T> {
    return this.rest<T>(work, 0, deadlineMs, caller);
  }

  private async rest<T>(steps: Steps<unknown>, usedMs: number, deadlineMs: number, caller?: Caller): Promise<T> {
    if (caller !== undefined && this.small.length + this.large.length >= WAITING_MAX) {
      steps.return(undefined);
      throw tooManyRequests("too many requests, please try again later", 1);
    }
    let stay: (() => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const job: Job = { steps, deadlineMs, resolve: resolve as Job["resolve"], reject, usedMs, isUnwanted: false };
        this.small.push(job);
        this.comeAgain();
        stay = caller?.whenGone(() => void (job.isUnwanted = true));
      });
    } finally {
      stay?.();
    }
  }

  private slice(steps: Steps<unknown>): Slice {
    const sinceMs = this.clock.monotonicMs();
    for (let pieces = 0; ; pieces++) {
      const { done, value } = steps.next();
      if (done === true) return { done, value };
      const usedMs = this.clock.monotonicMs() - sinceMs;
      if (usedMs >= SLICE_MS || pieces >= SLICE_PIECES_MAX) return { done: false, usedMs };
    }
  }

  private comeAgain(): void {
    if (this.isTurnComing) return;
    this.isTurnComing = true;
    this.clock.after(0, () => {
      this.isTurnComing = false;
      this.turn();
      if (this.small.length > 0 || this.large.length > 0) this.comeAgain();
    });
  }

  /** Nobody who has given up, or whose time is over, is left to wait for a turn. */
  private turn(): void {
    this.endLate(this.small);
    this.endLate(this.large);
    const small = this.small.shift();
    const job = small ?? this.large.shift();
    if (job === undefined) return;
    try {
      const slice = this.slice(job.steps);
      if (slice.done) return job.resolve(slice.value);
      job.usedMs += slice.usedMs;
    } catch (error) {
      return job.reject(error);
    }
    if (job.usedMs < SMALL_MS) this.small.push(job);
    else this.large.splice(small === undefined ? LARGE_MAX - 1 : this.large.length, 0, job);
  }

  private endLate(jobs: Job[]): void {
    const nowMs = this.clock.monotonicMs();
    for (let at = jobs.length - 1; at >= 0; at--) {
      const job = jobs[at];
      if (job === undefined || (job.deadlineMs > nowMs && !job.isUnwanted)) continue;
      jobs.splice(at, 1);
      job.steps.return(undefined);
      job.reject(job.isUnwanted ? new InkubeError("CANCELLED", "context canceled") : workTimeout());
    }
  }
}
