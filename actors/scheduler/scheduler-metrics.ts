/** What a scheduler counts while it leads. Source: kube-scheduler `pkg/scheduler/metrics`, for names, labels and buckets. */
import type { Clock } from "../../runtime/clock.ts";
import type { Distribution, Metric, Metrics, Value } from "../../runtime/metrics/metrics.ts";
import { exponentialBounds } from "../../runtime/metrics/metrics.ts";
import type { SchedulerCache } from "./core/cache.ts";
import type { ExtensionPoint } from "./core/framework.ts";
import type { Observer } from "./core/profile.ts";
import type { SchedulingQueue } from "./core/queue.ts";

/** `scheduled`: the pod was bound. `unschedulable`: no node takes it. `error`: a plugin threw, or the binding failed. */
export type AttemptResult = "scheduled" | "unschedulable" | "error";

const SCHEDULING_BOUNDS = exponentialBounds(0.001, 2, 15);
const POINT_BOUNDS = exponentialBounds(0.0001, 2, 12);
const PLUGIN_BOUNDS = exponentialBounds(0.00001, 1.5, 20);
const POD_BOUNDS = exponentialBounds(0.01, 2, 20);
const MS_PER_SECOND = 1_000;
/** What waited longer to be tried so often is one with it. Source: `getAttemptsLabel`. */
const ATTEMPTS_TOLD_MAX = 15;
/** Of so many attempts one has its plugins measured, as in kube-scheduler. */
const ATTEMPTS_PER_SAMPLE = 10;

export class SchedulerMetrics {
  /** No more pods wait here. */
  readonly close: () => void;
  private readonly clock: Clock;
  private readonly attempts: Metric<Value>;
  private readonly attemptSeconds: Metric<Distribution>;
  private readonly algorithmSeconds: Distribution;
  private readonly podAttempts: Distribution;
  private readonly podSeconds: Metric<Distribution>;
  private readonly pointSeconds: Metric<Distribution>;
  private readonly pluginSeconds: Metric<Distribution>;
  private readonly preemptions: Value;
  private readonly victims: Distribution;
  private readonly violations: Metric<Value>;
  private readonly preemptionSeconds: Metric<Distribution>;
  private observed = 0;

  constructor(metrics: Metrics, clock: Clock, queue: SchedulingQueue, cache: SchedulerCache) {
    const named = (name: string): string => `scheduler_${name}`;
    const histogram = (name: string, help: string, bounds: readonly number[], labels: readonly string[] = []) =>
      metrics.histogram(named(name), help, bounds, labels);
    this.clock = clock;
    const labels = ["result", "profile"];
    this.attempts = metrics.counter(named("schedule_attempts_total"), "Attempts to place a pod, by result.", labels);
    this.attemptSeconds = histogram(
      "scheduling_attempt_duration_seconds",
      "How long attempts took, the binding included.",
      SCHEDULING_BOUNDS,
      labels,
    );
    this.algorithmSeconds = histogram(
      "scheduling_algorithm_duration_seconds",
      "How long it took to choose a node.",
      SCHEDULING_BOUNDS,
    ).of();
    this.podAttempts = histogram(
      "pod_scheduling_attempts",
      "Attempts that pods took until they were placed.",
      [1, 2, 4, 8, 16],
    ).of();
    this.podSeconds = histogram(
      "pod_scheduling_sli_duration_seconds",
      "How long pods waited from when they came to the queue until they were bound.",
      POD_BOUNDS,
      ["attempts"],
    );
    this.pointSeconds = histogram(
      "framework_extension_point_duration_seconds",
      "How long all plugins of an extension point took.",
      POINT_BOUNDS,
      ["extension_point", "status", "profile"],
    );
    this.pluginSeconds = histogram(
      "plugin_execution_duration_seconds",
      "How long a plugin took at an extension point, of one attempt in ten.",
      PLUGIN_BOUNDS,
      ["plugin", "extension_point", "status"],
    );
    this.preemptions = metrics.counter(named("preemption_attempts_total"), "Attempts to make room for a pod.").of();
    this.victims = histogram(
      "preemption_victims",
      "Pods that were to give way for one.",
      exponentialBounds(1, 2, 7),
    ).of();
    this.violations = metrics.counter(
      named("preemption_pdb_violations_total"),
      "Budgets that were broken to make room.",
      ["preemptor"],
    );
    this.preemptionSeconds = histogram(
      "preemption_execution_duration_seconds",
      "How long it took to evict those that were to give way.",
      exponentialBounds(0.001, 2, 16),
      ["preemptor", "result"],
    );
    const pending = metrics.gauge(named("pending_pods"), "Pods that wait, by why they do.", ["queue"]);
    const size = metrics.gauge(named("cache_size"), "What the scheduler keeps in mind.", ["type"]);
    const stop = metrics.onRead(() => {
      const { active, backoff, unschedulable, gated } = queue.counts();
      pending.of("active").set(active);
      pending.of("backoff").set(backoff);
      pending.of("unschedulable").set(unschedulable);
      pending.of("gated").set(gated);
      size.of("nodes").set(cache.nodes.length);
      size.of("pods").set(cache.nodes.reduce((sum, { pods }) => sum + pods.size, 0));
    });
    this.close = () => {
      stop();
      pending.clear();
      size.clear();
    };
  }

  /** Measures one attempt of a profile. */
  observer(profile: string): Observer {
    const seconds = (sinceMs: number): number => (this.clock.monotonicMs() - sinceMs) / MS_PER_SECOND;
    return {
      nowMs: () => this.clock.monotonicMs(),
      measuresPlugins: this.observed++ % ATTEMPTS_PER_SAMPLE === 0,
      point: (point, status, sinceMs) => {
        this.pointSeconds.of(toldPoint(point), status, profile).observe(seconds(sinceMs));
      },
      plugin: (point, plugin, status, sinceMs) => {
        this.pluginSeconds.of(plugin, toldPoint(point), status).observe(seconds(sinceMs));
      },
    };
  }

  /** Also of an attempt that goes on with the binding. */
  decided(tookMs: number): void {
    this.algorithmSeconds.observe(tookMs / MS_PER_SECOND);
  }

  /** An attempt has ended. */
  attempted(result: AttemptResult, profile: string, tookMs: number): void {
    this.attempts.of(result, profile).inc();
    this.attemptSeconds.of(result, profile).observe(tookMs / MS_PER_SECOND);
  }

  scheduled(attempts: number, waitedMs: number): void {
    this.podAttempts.observe(attempts);
    const told = attempts > ATTEMPTS_TOLD_MAX ? `${ATTEMPTS_TOLD_MAX}+` : String(attempts);
    this.podSeconds.of(told).observe(waitedMs / MS_PER_SECOND);
  }

  /** Room was looked for; without victims there was none to make. */
  preempting(victims: number, violations: number): void {
    this.preemptions.inc();
    if (victims > 0) this.victims.observe(victims);
    if (violations > 0) this.violations.of("pod").add(violations);
  }

  preempted(succeeded: boolean, tookMs: number): void {
    this.preemptionSeconds.of("pod", succeeded ? "success" : "error").observe(tookMs / MS_PER_SECOND);
  }
}

/** `PreFilter`, as kube-scheduler's metrics have it. */
function toldPoint(point: ExtensionPoint): string {
  return `${point[0]!.toUpperCase()}${point.slice(1)}`;
}
