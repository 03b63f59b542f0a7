/**
 * How good a node is by what of its resources would be in use with the pod on it.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/
 */
import { MAX_NODE_SCORE } from "./framework.ts";

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

export interface Amounts {
  readonly has: number;
  readonly used: number;
  readonly needed: number;
}

/** Scores in a configuration end here. */
const CUSTOM_SCORE_MAX = 10;

type ResourceScore = (requested: number, has: number) => number;

/** What is answered asks for the amounts of each resource of the strategy; a node that has none of one is not judged by it. */
export function scorerOf(strategy: ScoringStrategy): (amountsOf: (resource: string) => Amounts) => number {
  const { type, resources, requestedToCapacityRatio } = strategy;
  const isRatio = type === "RequestedToCapacityRatio";
  const scoreOf: ResourceScore = isRatio
    ? ratio(requestedToCapacityRatio?.shape ?? [])
    : type === "MostAllocated"
      ? mostAllocated
      : leastAllocated;
  return (amountsOf) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const { has, used, needed } = amountsOf(name);
      if (has === 0) continue;
      const score = scoreOf(used + needed, has);
      // A ratio of 0 does not count, as in Kubernetes.
      if (isRatio && score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    if (weights === 0) return 0;
    return isRatio ? Math.round(sum / weights) : Math.trunc(sum / weights);
  };
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
