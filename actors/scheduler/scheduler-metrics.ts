/** What a scheduler counts while it leads. Source: kube-scheduler `pkg/scheduler/metrics`, for names, labels and buckets. */
import type { Distribution, Metric, Metrics, Value } from "../../runtime/metrics/metrics.ts";
import { exponentialBounds } from "../../runtime/metrics/metrics.ts";
import type { SchedulerCache } from "./core/cache.ts";
import type { SchedulingQueue } from "./core/queue.ts";

/** `scheduled`: the pod was bound. `unschedulable`: no node takes it. `error`: a plugin threw, or the binding failed. */
export type AttemptResult = "scheduled" | "unschedulable" | "error";

const SCHEDULING_BOUNDS = exponentialBounds(0.001, 2, 15);
const POD_BOUNDS = exponentialBounds(0.01, 2, 20);
const MS_PER_SECOND = 1_000;
/** What waited longer to be tried so often is one with it. Source: `getAttemptsLabel`. */
const ATTEMPTS_TOLD_MAX = 15;

export class SchedulerMetrics {
  /** No more pods wait here. */
  readonly close: () => void;
  private readonly profile: string;
  private readonly attempts: Metric<Value>;
  private readonly attemptSeconds: Metric<Distribution>;
  private readonly algorithmSeconds: Distribution;
  private readonly podAttempts: Distribution;
  private readonly podSeconds: Metric<Distribution>;

  constructor(metrics: Metrics, profile: string, queue: SchedulingQueue, cache: SchedulerCache) {
    const named = (name: string): string => `scheduler_${name}`;
    this.profile = profile;
    const labels = ["result", "profile"];
    this.attempts = metrics.counter(named("schedule_attempts_total"), "Attempts to place a pod, by result.", labels);
    this.attemptSeconds = metrics.histogram(
      named("scheduling_attempt_duration_seconds"),
      "How long attempts took, the binding included.",
      SCHEDULING_BOUNDS,
      labels,
    );
    this.algorithmSeconds = metrics
      .histogram(
        named("scheduling_algorithm_duration_seconds"),
        "How long it took to choose a node.",
        SCHEDULING_BOUNDS,
      )
      .of();
    this.podAttempts = metrics
      .histogram(named("pod_scheduling_attempts"), "Attempts that pods took until they were placed.", [1, 2, 4, 8, 16])
      .of();
    this.podSeconds = metrics.histogram(
      named("pod_scheduling_sli_duration_seconds"),
      "How long pods waited from when they came to the queue until they were bound.",
      POD_BOUNDS,
      ["attempts"],
    );
    const pending = metrics.gauge(named("pending_pods"), "Pods that wait, by why they do.", ["queue"]);
    const size = metrics.gauge(named("cache_size"), "What the scheduler keeps in mind.", ["type"]);
    const stop = metrics.onRead(() => {
      const { active, backoff, unschedulable } = queue.counts();
      pending.of("active").set(active);
      pending.of("backoff").set(backoff);
      pending.of("unschedulable").set(unschedulable);
      size.of("nodes").set(cache.nodes.length);
      size.of("pods").set(cache.nodes.reduce((sum, { pods }) => sum + pods.size, 0));
    });
    this.close = () => {
      stop();
      pending.clear();
      size.clear();
    };
  }

  /** Also of an attempt that goes on with the binding. */
  decided(tookMs: number): void {
    this.algorithmSeconds.observe(tookMs / MS_PER_SECOND);
  }

  /** An attempt has ended. */
  attempted(result: AttemptResult, tookMs: number): void {
    this.attempts.of(result, this.profile).inc();
    this.attemptSeconds.of(result, this.profile).observe(tookMs / MS_PER_SECOND);
  }

  scheduled(attempts: number, waitedMs: number): void {
    this.podAttempts.observe(attempts);
    const told = attempts > ATTEMPTS_TOLD_MAX ? `${ATTEMPTS_TOLD_MAX}+` : String(attempts);
    this.podSeconds.of(told).observe(waitedMs / MS_PER_SECOND);
  }
}
