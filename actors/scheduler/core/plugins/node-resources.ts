import type { FilterPlugin, ScorePlugin } from "../framework.ts";
import { MAX_NODE_SCORE } from "../framework.ts";

/** Enough of every resource, and room for one more pod; scored by what would be left (LeastAllocated). */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: "NodeResourcesFit",
  weight: 1,
  filter(pod, node) {
    const { requests } = pod;
    const { allocatable, requested } = node;
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
      check(name, needed, allocatable.extended.get(name) ?? 0, requested.extended.get(name) ?? 0);
    }
    return reasons.length === 0 ? undefined : { plugin: "NodeResourcesFit", reasons, unresolvable };
  },
  applies: () => true,
  score(pod, node) {
    const cpu = leftOver(node.allocatable.cpuMilli, node.scoredCpuMilli + pod.scoredCpuMilli);
    const memory = leftOver(node.allocatable.memoryBytes, node.scoredMemoryBytes + pod.scoredMemoryBytes);
    return Math.floor((cpu + memory) / 2);
  },
};

function leftOver(has: number, used: number): number {
  return has <= 0 || used > has ? 0 : Math.floor(((has - used) * MAX_NODE_SCORE) / has);
}

/** Prefers nodes whose CPU and memory are used to a like degree. Says nothing about a pod that asks for neither. */
export const nodeResourcesBalancedAllocation: ScorePlugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  applies: ({ requests }) => requests.cpuMilli > 0 || requests.memoryBytes > 0,
  score(pod, node) {
    const cpu = share(node.allocatable.cpuMilli, node.requested.cpuMilli + pod.requests.cpuMilli);
    const memory = share(node.allocatable.memoryBytes, node.requested.memoryBytes + pod.requests.memoryBytes);
    // The standard deviation of two values is half their distance.
    return Math.floor((1 - Math.abs(cpu - memory) / 2) * MAX_NODE_SCORE);
  },
};

function share(has: number, used: number): number {
  return has <= 0 ? 1 : Math.min(1, used / has);
}
