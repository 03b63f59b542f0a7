import type { Plugin } from "../framework.ts";
import { MAX_NODE_SCORE } from "../framework.ts";
import type { ResourceSpec, ScoringStrategy } from "../resource-scores.ts";
import { hasOf, neededOf, scorerOf, usedOf } from "../resource-scores.ts";

const FIT = "NodeResourcesFit";
const BALANCED = "NodeResourcesBalancedAllocation";

export interface NodeResourcesFitArgs {
  /** Extended resources that somebody else sees to. */
  readonly ignoredResources: readonly string[];
  /** The same for all whose names begin so: `example.com` of `example.com/gpu`. */
  readonly ignoredResourceGroups: readonly string[];
  readonly scoringStrategy: ScoringStrategy;
}

/** Enough of every resource, and room for one more pod; scored by what would be in use. */
export function nodeResourcesFit(args: NodeResourcesFitArgs): Plugin {
  const ignored = new Set(args.ignoredResources);
  const ignoredGroups = new Set(args.ignoredResourceGroups);
  const isIgnored = (name: string): boolean => ignored.has(name) || ignoredGroups.has(name.split("/")[0] ?? "");
  const scorer = scorerOf(args.scoringStrategy);
  return {
    name: FIT,
    filter(_state, { requests }, node) {
      const { allocatable, requested } = node;
      // Most nodes have room: only then is it said what is short.
      if (
        node.pods.size < node.podsMax &&
        requests.cpuMilli <= allocatable.cpuMilli - requested.cpuMilli &&
        requests.memoryBytes <= allocatable.memoryBytes - requested.memoryBytes &&
        requests.ephemeralBytes === 0 &&
        requests.extended.size === 0
      ) {
        return undefined;
      }
      const reasons: string[] = [];
      let unresolvable = false;
      const check = (name: string, needed: number, has: number, used: number): void => {
        if (needed <= 0 || needed <= has - used) return;
        reasons.push(`Insufficient ${name}`);
        unresolvable ||= needed > has;
      };
      if (node.pods.size + 1 > node.podsMax) reasons.push("Too many pods");
      check("cpu", requests.cpuMilli, allocatable.cpuMilli, requested.cpuMilli);
      check("memory", requests.memoryBytes, allocatable.memoryBytes, requested.memoryBytes);
      check("ephemeral-storage", requests.ephemeralBytes, allocatable.ephemeralBytes, requested.ephemeralBytes);
      for (const [name, needed] of requests.extended) {
        if (isIgnored(name)) continue;
        check(name, needed, allocatable.extended.get(name) ?? 0, requested.extended.get(name) ?? 0);
      }
      return reasons.length === 0 ? undefined : { plugin: FIT, reasons, unresolvable };
    },
    score: (_state, pod, node) => scorer(pod, node),
  };
}

interface BalancedAllocationArgs {
  readonly resources: readonly ResourceSpec[];
}

/**
 * Prefers nodes whose resources the pod brings to a like degree of use: 100 where it balances them, 50 where it does the contrary.
 * Says nothing about a pod that asks for none of them.
 */
export function nodeResourcesBalancedAllocation({ resources }: BalancedAllocationArgs): Plugin {
  // Made once: it is asked for each node of each pod.
  const [before, after] = [new Float64Array(resources.length), new Float64Array(resources.length)];
  return {
    name: BALANCED,
    preScore: (_state, pod) => (resources.every(({ name }) => neededOf(name, pod, true) === 0) ? "skip" : undefined),
    score(_state, pod, node) {
      let judged = 0;
      for (const { name } of resources) {
        const has = hasOf(name, pod, node);
        if (has === 0) continue;
        const used = usedOf(name, node, true);
        before[judged] = Math.min(1, used / has);
        after[judged] = Math.min(1, (used + neededOf(name, pod, true)) / has);
        judged++;
      }
      const half = MAX_NODE_SCORE / 2;
      return half + Math.trunc((half + balance(after, judged) - balance(before, judged)) / 2);
    },
  };
}

/** 100 less the standard deviation of the first `count` shares, in hundredths. */
function balance(shares: Float64Array, count: number): number {
  let deviation = 0;
  if (count === 2) deviation = Math.abs((shares[0]! - shares[1]!) / 2);
  else if (count > 2) {
    let sum = 0;
    for (let at = 0; at < count; at++) sum += shares[at]!;
    let squares = 0;
    for (let at = 0; at < count; at++) squares += (shares[at]! - sum / count) ** 2;
    deviation = Math.sqrt(squares / count);
  }
  return Math.trunc((1 - deviation) * MAX_NODE_SCORE);
}
