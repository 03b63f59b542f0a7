/** Runs a reconciler over a queue of keys, with N at a time and one timer for whatever is delayed. Idle, it costs nothing. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Context, Fields, Why } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { BackoffOptions } from "./core/backoff.ts";
import { faultFields } from "./faults.ts";
import type { Reasons } from "./core/causes.ts";
import { Causes, NO_REASONS } from "./core/causes.ts";
import { KeyQueue } from "./core/queue.ts";
import { QueueMetrics } from "./queue-metrics.ts";

/** What a reconciler answers: nothing, or when to come back to the same key. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- most reconcilers return nothing
export type Result = { readonly afterMs: number } | void;
/**
 * `why`: the event of this turn of work, which all the changes have caused that made it necessary. What is asked of the API
 * before the first `await` names it by itself; for what comes later there is `Client.because`.
 */
export type Reconcile = (key: string, why: Why) => Promise<Result>;

export interface WorkQueueOptions {
  /** For log lines. */
  readonly name: string;
  /** Keys worked on at a time. */
  readonly workers: number;
  /** Of a key whose reconciliation failed. client-go: 5 ms to 1,000 s; here a minute is long. */
  readonly backoff: BackoffOptions;
}

export const WORK_QUEUE_DEFAULTS: Omit<WorkQueueOptions, "name"> = {
  workers: 8,
  backoff: { baseMs: 5, capMs: 10_000 },
};

export class WorkQueue {
  private readonly ctx: Context<unknown>;
  private readonly options: WorkQueueOptions;
  private readonly queue: KeyQueue;
  private readonly metrics: QueueMetrics;
  /** Why keys are to be worked on as soon as may be, and why when their time comes. */
  private readonly causes = new Causes();
  private readonly causesLater = new Causes();
  private reconcile: Reconcile | undefined;
  private active = 0;
  private timer: Timer | undefined;
  private timerAtMs = Infinity;
  private faulty = 0;
  private idleWaiters: (() => void)[] = [];

  constructor(ctx: Context<unknown>, options: Pick<WorkQueueOptions, "name"> & Partial<WorkQueueOptions>) {
    this.ctx = ctx;
    this.options = { ...WORK_QUEUE_DEFAULTS, ...options };
    this.queue = new KeyQueue(this.options.backoff);
    this.metrics = new QueueMetrics(ctx, this.options.name, this.queue);
  }

  add(key: string): void {
    this.causes.add(key, this.ctx.trace.why());
    this.queue.add(key, this.ctx.clock.monotonicMs());
    this.pump();
  }

  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) return this.add(key);
    this.causesLater.add(key, this.ctx.trace.why());
    this.metrics.retries.inc();
    this.queue.addAt(key, this.ctx.clock.monotonicMs() + delayMs);
    this.pump();
  }

  /** For a key that failed: waits longer each time, until `forget`. */
  addRateLimited(key: string): void {
    this.causesLater.add(key, this.ctx.trace.why());
    this.metrics.retries.inc();
    this.queue.addRateLimited(key, this.ctx.clock.monotonicMs());
    this.pump();
  }

  forget(key: string): void {
    this.queue.forget(key);
  }

  get size(): number {
    return this.queue.size;
  }

  /** Whether no key is worked on, and none could be: what waits for its time is left out, and so is all before `run`. */
  get isIdle(): boolean {
    return this.active === 0 && (this.reconcile === undefined || this.queue.ready === 0);
  }

  whenIdle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => void this.idleWaiters.push(resolve));
  }

  /** Reconciliations that ended with a fault of the program, since the queue was made. */
  get faults(): number {
    return this.faulty;
  }

  /**
   * Starts working. Whatever `reconcile` throws puts its key back with back-off and costs no other key: an object that a
   * reconciler can't cope with would otherwise end this actor, and then the next leader. What is no `InkubeError` is a fault
   * of the program: it is logged as an error, with its stack, and counted. A key whose reconciliation succeeded is forgotten.
   *
   * @see `RecoverPanic` in sigs.k8s.io/controller-runtime
   */
  run(reconcile: Reconcile): void {
    this.reconcile = reconcile;
    this.pump();
  }

  /** No further key is taken; what is being worked on goes on to its end. */
  stop(): void {
    this.reconcile = undefined;
    this.metrics.close();
    this.timer?.cancel();
    this.timer = undefined;
    this.timerAtMs = Infinity;
  }

  private pump(): void {
    const { reconcile } = this;
    if (reconcile === undefined) return;
    this.arm(this.queue.advance(this.ctx.clock.monotonicMs()));
    while (this.active < this.options.workers && this.queue.ready > 0) {
      this.active++;
      this.ctx.spawn(() => this.work(reconcile));
    }
  }

  private arm(nextMs: number | undefined): void {
    if (nextMs === undefined || nextMs >= this.timerAtMs) return;
    this.timer?.cancel();
    this.timerAtMs = nextMs;
    this.timer = this.ctx.clock.after(Math.max(0, nextMs - this.ctx.clock.monotonicMs()), () => {
      this.timerAtMs = Infinity;
      this.pump();
    });
  }

  private async work(reconcile: Reconcile): Promise<void> {
    while (this.reconcile === reconcile) {
      const taken = this.queue.take();
      if (taken === undefined) break;
      const { key } = taken;
      this.metrics.began(key, taken.sinceMs);
      const turn = this.begin(key);
      try {
        const result = await this.ctx.trace.because(turn.why, () => reconcile(key, turn.why));
        this.queue.forget(key);
        if (result !== undefined) {
          this.causesLater.addAll(key, turn.causes());
          this.metrics.retries.inc();
          this.queue.addAt(key, this.ctx.clock.monotonicMs() + result.afterMs);
        }
      } catch (error) {
        this.failed(key, error);
        this.causesLater.addAll(key, turn.causes());
        this.metrics.retries.inc();
        this.queue.addRateLimited(key, this.ctx.clock.monotonicMs());
      }
      this.metrics.ended(key);
      this.queue.done(key);
    }
    this.active--;
    this.pump();
    if (this.isIdle) for (const resolve of this.idleWaiters.splice(0)) resolve();
  }

  /** `causes`: of a turn that comes of this one, which was nothing to tell of when it has done nothing. */
  private begin(key: string): { readonly why: Why; readonly causes: () => Reasons } {
    const reasons = this.causes.take(key);
    const later = this.queue.isDelayed(key) ? NO_REASONS : this.causesLater.take(key);
    const causes = [...reasons.causes, ...later.causes];
    const { trace } = this.ctx;
    let named: string | undefined;
    const why = (): string =>
      (named ??= trace.event("reconcile", `${this.options.name}/${key}`, ...told(causes, reasons)));
    return { why, causes: () => ({ causes: named === undefined ? causes : [named], more: 0 }) };
  }

  private failed(key: string, error: unknown): void {
    const where = { queue: this.options.name, key };
    if (error instanceof InkubeError) return this.ctx.log.debug("reconcile failed", { ...where, error: error.message });
    this.faulty++;
    this.ctx.log.error("reconciler threw", { ...where, ...faultFields(error) });
  }
}

/** The first cause is the event's own, the others are in its fields. */
function told([first = "", ...others]: readonly Why[], { more }: Reasons): [Fields, Why] {
  const also = others.map((why) => (typeof why === "function" ? why() : why));
  return [{ ...(also.length === 0 ? {} : { also: also.join() }), ...(more === 0 ? {} : { more }) }, first];
}
