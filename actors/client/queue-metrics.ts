/** What a work queue counts. Source: component-base `metrics/prometheus/workqueue`, for names, labels and buckets. */
import type { Context } from "../../runtime/actor.ts";
import type { Distribution, Value } from "../../runtime/metrics/metrics.ts";
import { exponentialBounds } from "../../runtime/metrics/metrics.ts";
import type { KeyQueue } from "./core/queue.ts";

const BOUNDS_SECONDS = exponentialBounds(1e-8, 10, 10);
const MS_PER_SECOND = 1_000;

/** Queues of one name that come after each other, as each time that their actor leads, count on. */
export class QueueMetrics {
  readonly retries: Value;
  private readonly ctx: Pick<Context, "clock" | "metrics">;
  private readonly waits: Distribution;
  private readonly works: Distribution;
  /** Since when each key is worked on. */
  private readonly sinceMs = new Map<string, number>();
  /** The queue is over. */
  readonly close: () => void;

  constructor(ctx: Pick<Context, "clock" | "metrics">, name: string, queue: Pick<KeyQueue, "adds" | "ready">) {
    const { metrics } = ctx;
    this.ctx = ctx;
    const gauge = (what: string, help: string): Value => metrics.gauge(`workqueue_${what}`, help, ["name"]).of(name);
    const seconds = (what: string, help: string): Distribution =>
      metrics.histogram(`workqueue_${what}_duration_seconds`, help, BOUNDS_SECONDS, ["name"]).of(name);
    const adds = metrics.counter("workqueue_adds_total", "How often a key has come to wait.", ["name"]).of(name);
    this.retries = metrics.counter("workqueue_retries_total", "Keys that were put back for later.", ["name"]).of(name);
    this.waits = seconds("queue", "How long keys waited to be worked on.");
    this.works = seconds("work", "How long it took to work on keys.");
    const depth = gauge("depth", "Keys that wait.");
    const unfinished = gauge("unfinished_work_seconds", "How long what is under way has taken, all of it together.");
    const longest = gauge("longest_running_processor_seconds", "How long the longest of it has taken.");
    let told = 0;
    const look = (): void => {
      adds.add(queue.adds - told);
      told = queue.adds;
      depth.set(queue.ready);
      const nowMs = ctx.clock.monotonicMs();
      const running = Array.from(this.sinceMs.values(), (sinceMs) => (nowMs - sinceMs) / MS_PER_SECOND);
      unfinished.set(running.reduce((sum, each) => sum + each, 0));
      longest.set(Math.max(0, ...running));
    };
    const stop = metrics.onRead(look);
    this.close = () => {
      stop();
      look();
      for (const each of [depth, unfinished, longest]) each.set(0);
    };
  }

  began(key: string, waitsSinceMs: number): void {
    const nowMs = this.ctx.clock.monotonicMs();
    this.waits.observe((nowMs - waitsSinceMs) / MS_PER_SECOND);
    this.sinceMs.set(key, nowMs);
  }

  ended(key: string): void {
    const sinceMs = this.sinceMs.get(key);
    if (sinceMs === undefined) return;
    this.works.observe((this.ctx.clock.monotonicMs() - sinceMs) / MS_PER_SECOND);
    this.sinceMs.delete(key);
  }
}
