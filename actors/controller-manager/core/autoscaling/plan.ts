/**
 * What a HorizontalPodAutoscaler makes of its target's size, and what it tells of it.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go
 */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
} from "../../../../protocols/kubernetes/types/autoscaling-v2.ts";
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { PodMetrics } from "../../../../protocols/kubernetes/types/metrics-v1beta1.ts";
import { formatQuantity } from "../../../../protocols/kubernetes/quantity.ts";
import type { Asked, Proposal, Tolerance } from "./calculator.ts";
import { propose } from "./calculator.ts";
import type { Past, Told } from "./limits.ts";
import { limited, remembered, toleranceOf } from "./limits.ts";

const NANO_PER_MILLI = 1_000_000n;

export interface AutoscalerEvent extends Told {
  readonly type: "Normal" | "Warning";
}

export interface Observed {
  /** What the target's scale says. */
  readonly replicas: number;
  readonly pods: readonly Pod[];
  /** By pod. */
  readonly metrics: ReadonlyMap<string, PodMetrics>;
}

export interface AutoscalerPlan {
  /** What the target is to be scaled to; undefined: it stays. */
  readonly replicas: number | undefined;
  /** Why. */
  readonly reason: string;
  readonly status: HorizontalPodAutoscalerStatus;
  readonly events: readonly AutoscalerEvent[];
  readonly past: Past;
}

type Now = { readonly epochMs: number; readonly text: string };

/** Conditions of an autoscaler, as they change. */
export class Conditions {
  private readonly conditions: HorizontalPodAutoscalerCondition[];
  private readonly now: string;

  constructor({ status }: HorizontalPodAutoscaler, now: string) {
    this.conditions = [...(status?.conditions ?? [])];
    this.now = now;
  }

  set(type: string, isTrue: boolean, reason: string, message: string): this {
    const status = isTrue ? "True" : "False";
    const at = this.conditions.findIndex((condition) => condition.type === type);
    const known = this.conditions[at];
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : undefined;
    const condition = { type, status, lastTransitionTime: lastTransitionTime ?? this.now, reason, message } as const;
    if (known === undefined) this.conditions.push(condition);
    else this.conditions[at] = condition;
    return this;
  }

  get all(): readonly HorizontalPodAutoscalerCondition[] {
    return this.conditions;
  }
}

export function planAutoscaling(
  autoscaler: HorizontalPodAutoscaler,
  { replicas: size, pods, metrics }: Observed,
  past: Past,
  now: Now,
): AutoscalerPlan {
  const { spec = { maxReplicas: 0, scaleTargetRef: { kind: "", name: "" } }, status } = autoscaler;
  const { minReplicas = 1, maxReplicas } = spec;
  const conditions = new Conditions(autoscaler, now.text).set(
    "AbleToScale",
    true,
    "SucceededGetScale",
    "the HPA controller was able to get the target's current scale",
  );
  const plan = (
    replicas: number,
    reason: string,
    rest: {
      readonly past?: Past;
      readonly currentMetrics?: readonly MetricStatus[];
      readonly events?: readonly AutoscalerEvent[];
      readonly desired?: number;
    } = {},
  ): AutoscalerPlan => {
    const currentMetrics = rest.currentMetrics ?? status?.currentMetrics;
    return {
      replicas: replicas === size ? undefined : replicas,
      reason,
      events: rest.events ?? [],
      past: rest.past ?? past,
      status: statusOf(autoscaler, size, rest.desired ?? replicas, currentMetrics, conditions),
    };
  };
  if (size === 0 && minReplicas !== 0) {
    conditions.set(
      "ScalingActive",
      false,
      "ScalingDisabled",
      "scaling is disabled since the replica count of the target is zero",
    );
    return plan(0, "");
  }
  if (size > maxReplicas) return plan(maxReplicas, "Current number of replicas above Spec.MaxReplicas");
  if (size < minReplicas) return plan(minReplicas, "Current number of replicas below Spec.MinReplicas");
  const asked = askedOf(spec.metrics ?? [], size, pods, metrics, toleranceOf(spec), now.epochMs);
  if (asked.failure !== undefined) {
    const { reason, message, summary } = asked.failure;
    conditions.set("ScalingActive", false, reason, `the HPA was unable to compute the replica count: ${message}`);
    const events = [
      { type: "Warning", reason, message },
      { type: "Warning", reason: "FailedComputeMetricsReplicas", message: summary },
    ] as const;
    return plan(size, "", { events, currentMetrics: asked.statuses, desired: status?.desiredReplicas ?? 0 });
  }
  const found = `the HPA was able to successfully calculate a replica count from ${asked.name}`;
  conditions.set("ScalingActive", true, "ValidMetricFound", found);
  const { replicas } = asked;
  const kept = remembered(spec, past, replicas, now.epochMs);
  const result = limited(spec, size, replicas, kept, now.epochMs);
  const { reason, message } = result.stabilized ?? READY;
  conditions.set("AbleToScale", true, reason, message);
  const { reason: limit, message: limitMessage } = result.limit ?? WITHIN;
  conditions.set("ScalingLimited", result.limit !== undefined, limit, limitMessage);
  const why = replicas > size ? `${asked.name} above target` : "All metrics below target";
  return plan(result.replicas, result.replicas === size ? "" : why, { past: kept, currentMetrics: asked.statuses });
}

const READY: Told = { reason: "ReadyForNewScale", message: "recommended size matches current size" };
const WITHIN: Told = { reason: "DesiredWithinRange", message: "the desired count is within the acceptable range" };

interface AskedFor {
  /** The most that any metric asks for. */
  readonly replicas: number;
  /** The metric that asks for it. */
  readonly name: string;
  readonly statuses: readonly MetricStatus[];
  /** Why nothing may be done. */
  readonly failure: (Told & { readonly summary: string }) | undefined;
}

function askedOf(
  specs: readonly MetricSpec[],
  size: number,
  pods: readonly Pod[],
  metrics: ReadonlyMap<string, PodMetrics>,
  tolerance: Tolerance,
  nowMs: number,
): AskedFor {
  let best: { readonly replicas: number; readonly name: string } | undefined;
  const failures: Failure[] = [];
  const statuses: MetricStatus[] = [];
  for (const spec of specs) {
    const asked = askedBy(spec);
    const proposal =
      "reason" in asked ? asked : toldOf(spec, asked, propose(asked, size, pods, metrics, tolerance, nowMs));
    if ("reason" in asked || "reason" in proposal) {
      failures.push("reason" in asked ? asked : (proposal as Failure));
      continue;
    }
    statuses.push(statusOfMetric(spec, proposal));
    if (best === undefined || proposal.replicas > best.replicas)
      best = { replicas: proposal.replicas, name: nameOf(asked) };
  }
  const [first] = failures;
  // Where one can't be read the others may make it larger, and not smaller.
  if (first !== undefined && (best === undefined || best.replicas < size)) {
    const summary = `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${first.of}${first.message}`;
    return { replicas: size, name: "", statuses, failure: { ...first, summary } };
  }
  return { replicas: best?.replicas ?? size, name: best?.name ?? "", statuses, failure: undefined };
}

/** A metric that can't be read. */
interface Failure extends Told {
  /** What it is a part of, in a summary. */
  readonly of: string;
}

function askedBy(spec: MetricSpec): Asked | Failure {
  const { resource, containerResource } = spec;
  if (spec.type === "Resource" && resource !== undefined) {
    return { resource: resource.name, container: undefined, target: resource.target };
  }
  if (spec.type === "ContainerResource" && containerResource !== undefined) {
    const { name, container, target } = containerResource;
    return { resource: name, container, target };
  }
  const api = spec.type === "External" ? "external.metrics.k8s.io" : "custom.metrics.k8s.io";
  const message = `unable to get ${spec.type.toLowerCase()} metric: nobody serves ${api}`;
  return { reason: `FailedGet${spec.type}Metric`, message, of: "" };
}

function toldOf({ type }: MetricSpec, { resource, target }: Asked, proposal: Proposal | string): Proposal | Failure {
  if (typeof proposal !== "string") return proposal;
  const what = target.averageValue === undefined ? "utilization" : "usage";
  const message = `failed to get ${resource} ${what}: ${proposal}`;
  return { reason: `FailedGet${type}Metric`, message, of: `failed to get ${resource} resource metric value: ` };
}

function nameOf({ resource, container, target }: Asked): string {
  const of = container === undefined ? "" : ` container ${container}`;
  return target.averageValue === undefined
    ? `${resource} ${container === undefined ? "" : "container "}resource utilization (percentage of request)`
    : `${resource}${of} resource`;
}

function statusOfMetric({ type, containerResource, resource }: MetricSpec, proposal: Proposal): MetricStatus {
  const { averageMilli, utilization } = proposal;
  const averageValue = formatQuantity({ nano: BigInt(averageMilli) * NANO_PER_MILLI, format: "DecimalSI" });
  const current = { averageValue, ...(utilization === undefined ? {} : { averageUtilization: utilization }) };
  if (containerResource !== undefined) {
    const { name, container } = containerResource;
    return { type, containerResource: { name, container, current } };
  }
  return { type, resource: { name: resource?.name ?? "", current } };
}

function statusOf(
  { metadata, status }: HorizontalPodAutoscaler,
  size: number,
  desiredReplicas: number,
  currentMetrics: readonly MetricStatus[] | undefined,
  conditions: Conditions,
): HorizontalPodAutoscalerStatus {
  return {
    ...(metadata?.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    ...(status?.lastScaleTime === undefined ? {} : { lastScaleTime: status.lastScaleTime }),
    currentReplicas: size,
    desiredReplicas,
    ...(currentMetrics === undefined || currentMetrics.length === 0 ? {} : { currentMetrics }),
    conditions: conditions.all,
  };
}
