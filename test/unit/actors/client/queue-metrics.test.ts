import { expect, it } from "vitest";
import { KeyQueue } from "../../../../actors/client/core/queue.ts";
import { QueueMetrics } from "../../../../actors/client/queue-metrics.ts";
import type { Context } from "../../../../runtime/actor.ts";
import { Metrics } from "../../../../runtime/metrics/metrics.ts";

function value(metrics: Metrics, name: string, suffix?: string): number | undefined {
  const family = metrics.families().find((each) => each.name === `workqueue_${name}`);
  return family?.samples.find((sample) => sample.suffix === suffix)?.value;
}

it("tells of a queue what client-go's tells, and counts on when the actor leads again", () => {
  let nowMs = 0;
  const metrics = new Metrics();
  const ctx = { metrics, clock: { monotonicMs: () => nowMs } } as unknown as Pick<Context, "clock" | "metrics">;
  const queue = new KeyQueue({ baseMs: 5, capMs: 40 });
  const first = new QueueMetrics(ctx, "web", queue);
  queue.add("a", nowMs);
  queue.add("b", nowMs);
  queue.add("b", nowMs);
  expect([value(metrics, "adds_total"), value(metrics, "depth")]).toEqual([2, 2]);
  nowMs = 2_000;
  const taken = queue.take()!;
  first.began(taken.key, taken.sinceMs);
  nowMs = 5_000;
  expect(value(metrics, "queue_duration_seconds", "_sum")).toBe(2);
  expect([value(metrics, "unfinished_work_seconds"), value(metrics, "longest_running_processor_seconds")]).toEqual([
    3, 3,
  ]);
  first.ended(taken.key);
  queue.done(taken.key);
  expect([value(metrics, "work_duration_seconds", "_sum"), value(metrics, "unfinished_work_seconds")]).toEqual([3, 0]);
  queue.add("c", nowMs);
  first.close();
  expect([value(metrics, "adds_total"), value(metrics, "depth")]).toEqual([3, 0]);

  const next = new KeyQueue({ baseMs: 5, capMs: 40 });
  const second = new QueueMetrics(ctx, "web", next);
  next.add("a", nowMs);
  second.retries.inc();
  expect([value(metrics, "adds_total"), value(metrics, "depth"), value(metrics, "retries_total")]).toEqual([4, 1, 1]);
});
