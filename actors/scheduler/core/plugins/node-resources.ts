import type { Plugin } from "../framework.ts";
import { MAX_NODE_SCORE } from "../framework.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import type { ResourceSpec, ScoringStrategy } from "../resource-scores.ts";
import { scorerOf } from "../resource-scores.ts";

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
    score(_state, pod, node) {
      return scorer((resource) => amountsOf(resource, pod, node, false));
    },
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
  return {
    name: BALANCED,
    preScore: (_state, pod) => (resources.every(({ name }) => requestOf(name, pod) === 0) ? "skip" : undefined),
    score(_state, pod, node) {
      const before: number[] = [];
      const after: number[] = [];
      for (const { name } of resources) {
        const { has, used, needed } = amountsOf(name, pod, node, true);
        if (has === 0) continue;
        before.push(Math.min(1, used / has));
        after.push(Math.min(1, (used + needed) / has));
      }
      const half = MAX_NODE_SCORE / 2;
      return half + Math.trunc((half + balance(after) - balance(before)) / 2);
    },
  };
}

/** 100 less the standard deviation of the shares, in hundredths. */
function balance(shares: readonly number[]): number {
  let deviation = 0;
  if (shares.length === 2) deviation = Math.abs((shares[0]! - shares[1]!) / 2);
  else if (shares.length > 2) {
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length);
  }
  return Math.trunc((1 - deviation) * MAX_NODE_SCORE);
}

/**
 * What the node has of a resource, what is in use, and what the pod needs; all 0 for what does not count for it. `exact`: as
 * requested; else containers that ask for nothing count as if they did.
 */
function amountsOf(
  resource: string,
  pod: PodInfo,
  node: NodeInfo,
  exact: boolean,
): { readonly has: number; readonly used: number; readonly needed: number } {
  const { allocatable, requested } = node;
  switch (resource) {
    case "cpu":
      return {
        has: allocatable.cpuMilli,
        used: exact ? requested.cpuMilli : node.scoredCpuMilli,
        needed: exact ? pod.requests.cpuMilli : pod.scoredCpuMilli,
      };
    case "memory":
      return {
        has: allocatable.memoryBytes,
        used: exact ? requested.memoryBytes : node.scoredMemoryBytes,
        needed: exact ? pod.requests.memoryBytes : pod.scoredMemoryBytes,
      };
    case "ephemeral-storage":
      return {
        has: allocatable.ephemeralBytes,
        used: requested.ephemeralBytes,
        needed: pod.requests.ephemeralBytes,
      };
    default: {
      const needed = pod.requests.extended.get(resource) ?? 0;
      if (needed === 0) return { has: 0, used: 0, needed: 0 };
      return { has: allocatable.extended.get(resource) ?? 0, used: requested.extended.get(resource) ?? 0, needed };
    }
  }
}

function requestOf(resource: string, { requests }: PodInfo): number {
  switch (resource) {
    case "cpu":
      return requests.cpuMilli;
    case "memory":
      return requests.memoryBytes;
    case "ephemeral-storage":
      return requests.ephemeralBytes;
    default:
      return requests.extended.get(resource) ?? 0;
  }
}
