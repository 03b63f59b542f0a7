/**
 * How many replicas a resource metric asks for.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go
 */
import type { Container, Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { MetricTarget } from "../../../../protocols/kubernetes/types/autoscaling-v2.ts";
import type { PodMetrics } from "../../../../protocols/kubernetes/types/metrics-v1beta1.ts";
import { parseGoDurationMs } from "../../../../protocols/kubernetes/go-duration.ts";
import { quantityMilli } from "../../../../protocols/kubernetes/quantity.ts";
import { conditionOf, isTerminating } from "../pods.ts";

/** So long after its start a pod's CPU may be that of its start alone. */
const CPU_INITIALIZATION_MS = 300_000;
/** A pod that has not become ready by then was ready once and is not any more. */
const INITIAL_READINESS_MS = 30_000;

/** What is asked for. */
export interface Asked {
  readonly resource: string;
  /** Undefined: all of a pod's. */
  readonly container: string | undefined;
  readonly target: MetricTarget;
}

/** What a metric says. */
export interface Proposal {
  readonly replicas: number;
  /** Of a pod, in milli-units. */
  readonly averageMilli: number;
  /** Percent of what is requested; undefined where the target is an amount. */
  readonly utilization: number | undefined;
}

/** By how much of the target, as a share, usage may differ before anything changes, upwards and downwards. */
export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

/**
 * @param pods those of the target
 * @param metrics of them, by name
 * Gives a text where nothing can be said: why.
 */
export function propose(
  asked: Asked,
  current: number,
  pods: readonly Pod[],
  metrics: ReadonlyMap<string, PodMetrics>,
  tolerance: Tolerance,
  nowMs: number,
): Proposal | string {
  const unable = `unable to get metrics for resource ${asked.resource}`;
  if (metrics.size === 0) return `${unable}: no metrics returned from resource metrics API`;
  const groups = grouped(asked, pods, metrics, nowMs);
  if (typeof groups === "string") return groups;
  const { ready, unready, missing } = groups;
  if (ready.size === 0) return "did not receive metrics for targeted pods (pods might be unready)";
  const wanted = wantedOf(asked, [...ready.keys(), ...unready, ...missing]);
  if (typeof wanted === "string") return wanted;
  const isCalm = (ratio: number): boolean => 1 - tolerance.down <= ratio && ratio <= 1 + tolerance.up;
  const total = sumOf(ready.values());
  const ratio = total / sumOf([...ready.keys()].map(wanted.of));
  const proposal = (replicas: number): Proposal => ({
    replicas,
    averageMilli: Math.trunc(total / ready.size),
    utilization: wanted.utilizationOf(total, [...ready.keys()]),
  });
  const countsUnready = unready.length > 0 && ratio > 1;
  if (!countsUnready && missing.length === 0) {
    return proposal(isCalm(ratio) ? current : ceil(ratio * ready.size));
  }
  // Those of whom nothing is known hold back whatever the others say.
  const assumed = new Map(ready);
  for (const pod of missing) assumed.set(pod, ratio < 1 ? wanted.atLeast(pod) : 0);
  if (countsUnready) for (const pod of unready) assumed.set(pod, 0);
  const heldRatio = sumOf(assumed.values()) / sumOf([...assumed.keys()].map(wanted.of));
  const turns = (ratio < 1 && heldRatio > 1) || (ratio > 1 && heldRatio < 1);
  if (isCalm(heldRatio) || turns) return proposal(current);
  const replicas = ceil(heldRatio * assumed.size);
  const isBackwards = (heldRatio < 1 && replicas > current) || (heldRatio > 1 && replicas < current);
  return proposal(isBackwards ? current : replicas);
}

interface Groups {
  /** What each uses, in milli-units. */
  readonly ready: ReadonlyMap<Pod, number>;
  readonly unready: readonly Pod[];
  readonly missing: readonly Pod[];
}

function grouped(
  { resource, container }: Asked,
  pods: readonly Pod[],
  metrics: ReadonlyMap<string, PodMetrics>,
  nowMs: number,
): Groups | string {
  const ready = new Map<Pod, number>();
  const unready: Pod[] = [];
  const missing: Pod[] = [];
  for (const pod of pods) {
    const { phase } = pod.status ?? {};
    if (isTerminating(pod) || phase === "Failed" || phase === "Succeeded") continue;
    const metric = metrics.get(pod.metadata?.name ?? "");
    if (phase === "Pending") unready.push(pod);
    else if (metric === undefined) missing.push(pod);
    else if (resource === "cpu" && isStarting(pod, metric, nowMs)) unready.push(pod);
    else {
      const used = usedBy(metric, resource, container);
      if (typeof used === "string") return used;
      ready.set(pod, used);
    }
  }
  return { ready, unready, missing };
}

function usedBy(metric: PodMetrics, resource: string, container: string | undefined): number | string {
  const of = metric.containers.filter(({ name }) => container === undefined || name === container);
  if (of.length === 0) return `container ${container} not present in metrics for pod ${metric.metadata?.name}`;
  return sumOf(of.map(({ usage }) => quantityMilli(usage[resource] ?? "0")));
}

/** Whether what it uses may be what its start takes. */
function isStarting(pod: Pod, { timestamp, window }: PodMetrics, nowMs: number): boolean {
  const condition = conditionOf(pod, "Ready");
  const startMs = Date.parse(pod.status?.startTime ?? "");
  if (condition === undefined || Number.isNaN(startMs)) return true;
  const changedMs = Date.parse(condition.lastTransitionTime ?? "") || 0;
  if (startMs + CPU_INITIALIZATION_MS > nowMs) {
    const windowMs = parseGoDurationMs(window);
    return (
      condition.status === "False" || Date.parse(timestamp) < changedMs + (typeof windowMs === "number" ? windowMs : 0)
    );
  }
  return condition.status === "False" && startMs + INITIAL_READINESS_MS > changedMs;
}

interface Wanted {
  /** Of a pod, in milli-units. */
  readonly of: (pod: Pod) => number;
  /** What is assumed of a pod of which nothing is known, where fewer are asked for. */
  readonly atLeast: (pod: Pod) => number;
  readonly utilizationOf: (totalMilli: number, pods: readonly Pod[]) => number | undefined;
}

function wantedOf({ resource, container, target }: Asked, pods: readonly Pod[]): Wanted | string {
  if (target.averageValue !== undefined) {
    const milli = quantityMilli(target.averageValue);
    return { of: () => milli, atLeast: () => milli, utilizationOf: () => undefined };
  }
  const percent = target.averageUtilization ?? 0;
  const requests = new Map<Pod, number>();
  for (const pod of pods) {
    const request = requestOf(pod, resource, container);
    if (typeof request === "string") return request;
    requests.set(pod, request);
  }
  const requestedBy = (pod: Pod): number => requests.get(pod) ?? 0;
  return {
    of: (pod) => (requestedBy(pod) * percent) / 100,
    atLeast: (pod) => (requestedBy(pod) * Math.max(100, percent)) / 100,
    utilizationOf: (totalMilli, of) => Math.trunc((totalMilli * 100) / sumOf(of.map(requestedBy))),
  };
}

function requestOf(pod: Pod, resource: string, container: string | undefined): number | string {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const of: readonly Container[] = [...(pod.spec?.containers ?? []), ...sidecars];
  let sum = 0;
  for (const { name, resources } of of) {
    if (container !== undefined && name !== container) continue;
    const request = resources?.requests?.[resource];
    if (request === undefined) {
      return `missing request for ${resource} in container ${name} of Pod ${pod.metadata?.name}`;
    }
    sum += quantityMilli(request);
  }
  return sum;
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}

/** What a division of two numbers makes a little larger than a whole one is that one. */
function ceil(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value - nearest) < 1e-9 ? nearest : Math.ceil(value);
}
