/**
 * Work that is done once for several who wait for it: a token that many requests need, a question that one answer serves.
 * It belongs to none of them. Made within a handler it would be a part of the first caller's message, with its deadline and
 * its end (`CallOptions.parent`), and the others would fail with that caller.
 *
 * ```ts
 * const granting = new SharedWork(ctx, "a lease", () => etcd.call("leaseGrant", { ttlSeconds }));
 * const lease = await granting.outcome(deadlineMs);
 * ```
 */
import { InkubeError } from "../protocols/errors.ts";
import type { Context } from "./actor.ts";
import type { Timer } from "./clock.ts";

interface Waiter<T> {
  readonly deadlineMs: number;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (error: InkubeError) => void;
}

export class SharedWork<T> {
  private readonly ctx: Pick<Context, "clock" | "spawn">;
  private readonly what: string;
  private readonly result: Promise<T>;
  private waiters: Waiter<T>[] | undefined = [];
  private timer: Timer | undefined;
  private timerAtMs = Infinity;

  /** Begins at once. `work` gives its own calls a limit; what it throws but an `InkubeError` breaks the actor. */
  constructor(ctx: Pick<Context, "clock" | "spawn">, what: string, work: () => Promise<T>) {
    this.ctx = ctx;
    this.what = what;
    this.result = new Promise((resolve, reject) => {
      ctx.spawn(async () => {
        try {
          resolve(await work());
        } catch (error) {
          reject(error as Error);
          if (!(error instanceof InkubeError)) throw error;
        } finally {
          this.end();
        }
      });
    });
    // Nobody may be waiting.
    this.result.catch(() => undefined);
  }

  /**
   * What became of it, for one who waits until `deadlineMs` on the monotonic clock.
   * Errors: the work's own; DEADLINE_EXCEEDED for this one alone.
   */
  outcome(deadlineMs: number): Promise<T> {
    const { waiters } = this;
    if (waiters === undefined) return this.result;
    return new Promise((resolve, reject) => {
      waiters.push({ deadlineMs, resolve, reject });
      this.arm(deadlineMs);
    });
  }

  private end(): void {
    for (const { resolve } of this.waiters ?? []) resolve(this.result);
    this.waiters = undefined;
    this.timer?.cancel();
  }

  /** One timer serves all: it stands at the earliest deadline. */
  private arm(deadlineMs: number): void {
    if (deadlineMs >= this.timerAtMs || deadlineMs === Infinity) return;
    this.timer?.cancel();
    this.timerAtMs = deadlineMs;
    const { clock } = this.ctx;
    this.timer = clock.after(Math.max(0, Math.ceil(deadlineMs - clock.monotonicMs())), () => this.sweep());
  }

  private sweep(): void {
    const nowMs = this.ctx.clock.monotonicMs();
    const { waiters = [] } = this;
    this.waiters = waiters.filter(({ deadlineMs }) => deadlineMs > nowMs);
    this.timerAtMs = Infinity;
    for (const { deadlineMs } of this.waiters) this.arm(deadlineMs);
    for (const { deadlineMs, reject } of waiters) {
      if (deadlineMs > nowMs) continue;
      reject(new InkubeError("DEADLINE_EXCEEDED", `${this.what} did not come in time`, { retryable: true }));
    }
  }
}
