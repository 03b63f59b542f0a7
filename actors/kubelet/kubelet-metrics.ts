/**
 * What a kubelet counts. Source: kubelet `pkg/kubelet/metrics`, `pkg/kubelet/prober` and `metrics/collectors`, for names, labels and
 * buckets.
 */
import type { ContainerRuntimeMethods } from "../../protocols/container-runtime.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { StatsSummary } from "../../protocols/kubelet.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context, Ref } from "../../runtime/actor.ts";
import type { Distribution, Metric, MetricFamily, Value } from "../../runtime/metrics/metrics.ts";
import { exponentialBounds, Metrics } from "../../runtime/metrics/metrics.ts";
import type { Operation } from "./core/pod-worker.ts";
import type { MetricsPage } from "./kubelet-io.ts";
import type { NodeStats } from "./node-stats.ts";
import type { PodRunner } from "./pod-runner.ts";

const POD_START_BOUNDS = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1_200, 1_800, 2_700, 3_600,
];
const OPERATION_BOUNDS = exponentialBounds(0.005, 2.5, 14);
const MS_PER_SECOND = 1_000;
const NANO = 1e9;

const PROBE_TYPES = { liveness: "Liveness", readiness: "Readiness", startup: "Startup" } as const;
const PROBE_RESULTS = { success: "successful", failure: "failed", unknown: "unknown" } as const;

export interface Started {
  readonly pods: Value;
  readonly podErrors: Value;
  readonly containers: Metric<Value>;
  readonly containerErrors: Metric<Value>;
}

export class KubeletMetrics {
  readonly started: Started;
  private readonly ctx: Context<unknown>;
  private readonly startSeconds: Distribution;
  private readonly operations: Metric<Value>;
  private readonly operationErrors: Metric<Value>;
  private readonly operationSeconds: Metric<Distribution>;
  private readonly evictions: Metric<Value>;
  private readonly probes = new Metrics();
  private readonly probeTotals: Metric<Value>;

  constructor(ctx: Context<unknown>, nodeName: string, pods: () => readonly PodRunner[]) {
    const { metrics } = ctx;
    const named = (name: string): string => `kubelet_${name}`;
    const operation = ["operation_type"];
    this.ctx = ctx;
    metrics.gauge(named("node_name"), "The node's name.", ["node"]).of(nodeName).set(1);
    this.started = {
      pods: metrics.counter(named("started_pods_total"), "Pods that were taken up.").of(),
      podErrors: metrics.counter(named("started_pods_errors_total"), "Sandboxes of pods that could not be made.").of(),
      containers: metrics.counter(named("started_containers_total"), "Starts of containers.", ["container_type"]),
      containerErrors: metrics.counter(named("started_containers_errors_total"), "Starts of containers that failed.", [
        "container_type",
        "code",
      ]),
    };
    this.startSeconds = metrics
      .histogram(named("pod_start_duration_seconds"), "From when a pod was seen first until it ran.", POD_START_BOUNDS)
      .of();
    this.operations = metrics.counter(
      named("runtime_operations_total"),
      "Requests to the container runtime.",
      operation,
    );
    this.operationErrors = metrics.counter(named("runtime_operations_errors_total"), "Those that failed.", operation);
    this.operationSeconds = metrics.histogram(
      named("runtime_operations_duration_seconds"),
      "How long they took.",
      OPERATION_BOUNDS,
      operation,
    );
    this.evictions = metrics.counter(named("evictions"), "Pods that were evicted, by why.", ["eviction_signal"]);
    this.probeTotals = this.probes.counter("prober_probe_total", "Probes by container, kind and result.", [
      "probe_type",
      "result",
      "container",
      "pod",
      "namespace",
      "pod_uid",
    ]);
    this.gauges(pods);
  }

  /** A pod that was taken up runs. */
  ran(afterMs: number): void {
    this.startSeconds.observe(afterMs / MS_PER_SECOND);
  }

  evicted(): void {
    this.evictions.of("memory.available").inc();
  }

  probed(
    pod: Pod,
    { kind, container }: Operation & { readonly op: "probe" },
    result: keyof typeof PROBE_RESULTS,
  ): void {
    const { name = "", namespace = "", uid = "" } = pod.metadata ?? {};
    this.probeTotals.of(PROBE_TYPES[kind], PROBE_RESULTS[result], container, name, namespace, uid).inc();
  }

  /** Probes of a pod are told for as long as it is there. */
  gone({ metadata }: Pod): void {
    const { uid = "" } = metadata ?? {};
    this.probeTotals.delete((labels) => labels["pod_uid"] === uid);
  }

  /** The runtime, each call to which is counted. */
  counted(runtime: Ref<ContainerRuntimeMethods>): Ref<ContainerRuntimeMethods> {
    const { clock } = this.ctx;
    const call: Ref<ContainerRuntimeMethods>["call"] = (method, request, options) => {
      const type = operationType(method);
      const beganMs = clock.monotonicMs();
      this.operations.of(type).inc();
      const answer = runtime.call(method, request, options);
      const took = (): void => this.operationSeconds.of(type).observe((clock.monotonicMs() - beganMs) / MS_PER_SECOND);
      answer.then(took, () => {
        took();
        this.operationErrors.of(type).inc();
      });
      return answer;
    };
    return { ...runtime, call };
  }

  /** Errors: none; what containers use is missing while the runtime does not answer, and told to be. */
  async page(page: MetricsPage, stats: NodeStats): Promise<readonly MetricFamily[]> {
    if (page === "") return this.ctx.metrics.families();
    if (page === "probes") return this.probes.families();
    try {
      const summary = await stats.summary();
      return page === "cadvisor" ? cadvisorMetrics(summary) : resourceMetrics(summary);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      return resourceMetrics(undefined);
    }
  }

  private gauges(pods: () => readonly PodRunner[]): void {
    const { metrics } = this.ctx;
    const running = metrics.gauge("kubelet_running_pods", "Pods with a container that runs.").of();
    const desired = metrics.gauge("kubelet_desired_pods", "Pods that are bound to the node.", ["static"]).of("");
    const containers = metrics.gauge("kubelet_running_containers", "Containers by state.", ["container_state"]);
    metrics.onRead(() => {
      const counts = new Map([
        ["created", 0],
        ["exited", 0],
        ["running", 0],
      ]);
      let runningPods = 0;
      for (const runner of pods()) {
        const states = runner.containers().map(({ state }) => state.replace("CONTAINER_", "").toLowerCase());
        for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
        if (states.includes("running")) runningPods++;
      }
      running.set(runningPods);
      desired.set(pods().length);
      for (const [state, count] of counts) containers.of(state).set(count);
    });
  }
}

/** As the kubelet's metrics name it. */
export function containerType({ spec }: Pod, name: string): string {
  if (spec?.initContainers?.some((each) => each.name === name)) return "init_container";
  return spec?.ephemeralContainers?.some((each) => each.name === name) ? "ephemeral_container" : "container";
}

/** As the kubelet names requests to its runtime: `run_podsandbox`. */
function operationType(method: string): string {
  return method.replace("PodSandbox", "Podsandbox").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Source: kubelet `metrics/collectors/resource_metrics.go`. @param summary undefined: it could not be had */
function resourceMetrics(summary: StatsSummary | undefined): readonly MetricFamily[] {
  const metrics = new Metrics();
  metrics
    .gauge("resource_scrape_error", "1 where what containers use could not be had.")
    .of()
    .set(summary === undefined ? 1 : 0);
  if (summary === undefined) return metrics.families();
  const { node, pods } = summary;
  metrics
    .counter("node_cpu_usage_seconds_total", "CPU time of the node's containers.")
    .of()
    .set(node.cpu.usageCoreNanoSeconds / NANO);
  metrics
    .gauge("node_memory_working_set_bytes", "Memory of the node's containers.")
    .of()
    .set(node.memory.workingSetBytes);
  const podLabels = ["pod", "namespace"];
  const cpu = metrics.counter("pod_cpu_usage_seconds_total", "CPU time of a pod.", podLabels);
  const memory = metrics.gauge("pod_memory_working_set_bytes", "Memory of a pod.", podLabels);
  for (const pod of pods) {
    const { name, namespace } = pod.podRef;
    cpu.of(name, namespace).set(pod.cpu.usageCoreNanoSeconds / NANO);
    memory.of(name, namespace).set(pod.memory.workingSetBytes);
  }
  containerMetrics(metrics, summary);
  return metrics.families();
}

/** The part of cAdvisor's that is known: time and memory. Its labels of cgroups and images have no counterpart. */
function cadvisorMetrics(summary: StatsSummary): readonly MetricFamily[] {
  const metrics = new Metrics();
  containerMetrics(metrics, summary);
  return metrics.families();
}

function containerMetrics(metrics: Metrics, { pods }: StatsSummary): void {
  const labels = ["container", "pod", "namespace"];
  const cpu = metrics.counter("container_cpu_usage_seconds_total", "CPU time of a container.", labels);
  const memory = metrics.gauge("container_memory_working_set_bytes", "Memory of a container.", labels);
  const started = metrics.gauge(
    "container_start_time_seconds",
    "When a container started, since the Unix epoch.",
    labels,
  );
  for (const { podRef, containers } of pods) {
    for (const container of containers) {
      const of = [container.name, podRef.name, podRef.namespace];
      cpu.of(...of).set(container.cpu.usageCoreNanoSeconds / NANO);
      memory.of(...of).set(container.memory.workingSetBytes);
      started.of(...of).set(Date.parse(container.startTime) / MS_PER_SECOND);
    }
  }
}
