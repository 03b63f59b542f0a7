/**
 * How good a node is by what of its resources would be in use with the pod on it.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/
 */
import { MAX_NODE_SCORE } from "./framework.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

export interface ResourceSpec {
  readonly name: string;
  readonly weight: number;
}

/** A point of a function: `utilization` in per cent, `score` of 0 to 10. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

export interface ScoringStrategy {
  readonly type: "LeastAllocated" | "MostAllocated" | "RequestedToCapacityRatio";
  readonly resources: readonly ResourceSpec[];
  readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] };
}

/** Scores in a configuration end here. */
const CUSTOM_SCORE_MAX = 10;

type ResourceScore = (requested: number, has: number) => number;

/** A node that has none of a resource is not judged by it. */
export function scorerOf(strategy: ScoringStrategy): (pod: PodInfo, node: NodeInfo) => number {
  const { type, resources, requestedToCapacityRatio } = strategy;
  const isRatio = type === "RequestedToCapacityRatio";
  const scoreOf: ResourceScore = isRatio
    ? ratio(requestedToCapacityRatio?.shape ?? [])
    : type === "MostAllocated"
      ? mostAllocated
      : leastAllocated;
  return (pod, node) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const has = hasOf(name, pod, node);
      if (has === 0) continue;
      const score = scoreOf(usedOf(name, node, false) + neededOf(name, pod, false), has);
      // A ratio of 0 does not count, as in Kubernetes.
      if (isRatio && score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    if (weights === 0) return 0;
    return isRatio ? Math.round(sum / weights) : Math.trunc(sum / weights);
  };
}

/** What the node has of a resource; 0 of an extended one that the pod does not ask for: then it does not count. */
export function hasOf(resource: string, { requests }: PodInfo, { allocatable }: NodeInfo): number {
  switch (resource) {
    case "cpu":
      return allocatable.cpuMilli;
    case "memory":
      return allocatable.memoryBytes;
    case "ephemeral-storage":
      return allocatable.ephemeralBytes;
    default:
      return (requests.extended.get(resource) ?? 0) === 0 ? 0 : (allocatable.extended.get(resource) ?? 0);
  }
}

/** What is in use. `exact`: as requested; else containers that ask for no cpu or memory count as if they did. */
export function usedOf(resource: string, node: NodeInfo, exact: boolean): number {
  switch (resource) {
    case "cpu":
      return exact ? node.requested.cpuMilli : node.scoredCpuMilli;
    case "memory":
      return exact ? node.requested.memoryBytes : node.scoredMemoryBytes;
    case "ephemeral-storage":
      return node.requested.ephemeralBytes;
    default:
      return node.requested.extended.get(resource) ?? 0;
  }
}

/** What the pod needs; `exact` as in `usedOf`. */
export function neededOf(resource: string, pod: PodInfo, exact: boolean): number {
  switch (resource) {
    case "cpu":
      return exact ? pod.requests.cpuMilli : pod.scoredCpuMilli;
    case "memory":
      return exact ? pod.requests.memoryBytes : pod.scoredMemoryBytes;
    case "ephemeral-storage":
      return pod.requests.ephemeralBytes;
    default:
      return pod.requests.extended.get(resource) ?? 0;
  }
}

function leastAllocated(requested: number, has: number): number {
  return requested > has ? 0 : Math.trunc(((has - requested) * MAX_NODE_SCORE) / has);
}

function mostAllocated(requested: number, has: number): number {
  return Math.trunc((Math.min(requested, has) * MAX_NODE_SCORE) / has);
}

/** Straight lines from point to point; before the first and after the last one it is level. */
function ratio(shape: readonly ShapePoint[]): ResourceScore {
  const points = shape.map(({ utilization, score }) => ({
    utilization,
    score: score * (MAX_NODE_SCORE / CUSTOM_SCORE_MAX),
  }));
  return (requested, has) => {
    const utilization = requested > has ? 100 : Math.trunc((requested * 100) / has);
    const at = points.findIndex((point) => utilization <= point.utilization);
    const to = points[at];
    if (to === undefined) return points.at(-1)?.score ?? 0;
    const from = points[at - 1];
    if (from === undefined) return to.score;
    const share = (utilization - from.utilization) / (to.utilization - from.utilization);
    return from.score + Math.trunc((to.score - from.score) * share);
  };
}
