/**
 * One scheduling decision: which node a pod goes to, or why to none. Filters in order, the first that rejects a node
 * speaks for it; then scores. For big clusters only as many feasible nodes are looked for as make a good choice.
 *
 * @see pkg/scheduler/schedule_one.go
 */
import type { FilterPlugin, Rejection, ScorePlugin } from "./framework.ts";
import type { NodeInfo } from "./node-info.ts";
import { nodeAffinity } from "./plugins/node-affinity.ts";
import { nodeName } from "./plugins/node-name.ts";
import { nodePorts } from "./plugins/node-ports.ts";
import { nodeResourcesBalancedAllocation, nodeResourcesFit } from "./plugins/node-resources.ts";
import { nodeUnschedulable } from "./plugins/node-unschedulable.ts";
import { podTopologySpread } from "./plugins/pod-topology-spread.ts";
import { taintToleration } from "./plugins/taint-toleration.ts";
import { PodVolumesFilter } from "./plugins/volume-binding.ts";
import type { PodInfo } from "./pod-info.ts";
import type { VolumeBindings } from "./volumes/volume-objects.ts";
import { VolumeObjects } from "./volumes/volume-objects.ts";

export const FILTERS: readonly FilterPlugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
];

export const SCORES: readonly ScorePlugin[] = [
  taintToleration,
  nodeAffinity,
  nodeResourcesFit,
  podTopologySpread,
  nodeResourcesBalancedAllocation,
];

export interface NodeScore {
  readonly node: string;
  readonly total: number;
  /** Weighted, by plugin. */
  readonly byPlugin: Readonly<Record<string, number>>;
}

export type Decision =
  | {
      readonly node: string;
      readonly volumes: VolumeBindings;
      readonly scores: readonly NodeScore[];
      readonly rejections: ReadonlyMap<string, Rejection>;
    }
  | { readonly node: undefined; readonly message: string; readonly rejections: ReadonlyMap<string, Rejection> };

/** Why the pod can't go to the node, if it can't. */
export function reject(pod: PodInfo, node: NodeInfo): Rejection | undefined {
  for (const plugin of FILTERS) {
    const rejection = plugin.filter(pod, node);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}

/** Below this many nodes all are looked at. */
const FEASIBLE_NODES_MIN = 100;

/** How many feasible nodes are enough, of `nodes`: half of them at 100, a twentieth from 5,625 on, never below 100. */
export function feasibleNodesWanted(nodes: number): number {
  if (nodes <= FEASIBLE_NODES_MIN) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(FEASIBLE_NODES_MIN, Math.floor((nodes * percent) / 100));
}

export class Scheduling {
  /** Where the next search begins, so that all nodes get their turn. */
  private startAt = 0;
  private readonly volumes: VolumeObjects;

  constructor(volumes: VolumeObjects = new VolumeObjects()) {
    this.volumes = volumes;
  }

  /** `tie` in [0, 1) chooses among nodes of the same score. */
  decide(pod: PodInfo, nodes: readonly NodeInfo[], tie: number): Decision {
    const rejections = new Map<string, Rejection>();
    const volumes = new PodVolumesFilter(pod, this.volumes, nodes);
    if (volumes.rejection !== undefined && nodes.length > 0) {
      for (const node of nodes) rejections.set(node.name, volumes.rejection);
      const [reason = ""] = volumes.rejection.reasons;
      return { node: undefined, message: `0/${nodes.length} nodes are available: ${reason}. not found`, rejections };
    }
    const feasible: NodeInfo[] = [];
    const wanted = feasibleNodesWanted(nodes.length);
    let looked = 0;
    for (; looked < nodes.length && feasible.length < wanted; looked++) {
      const node = nodes[(this.startAt + looked) % nodes.length] as NodeInfo;
      const rejection = reject(pod, node) ?? volumes.filter(node);
      if (rejection === undefined) feasible.push(node);
      else rejections.set(node.name, rejection);
    }
    if (nodes.length > 0) this.startAt = (this.startAt + looked) % nodes.length;
    if (feasible.length === 0) return { node: undefined, message: fitError(nodes.length, rejections), rejections };
    const scores = scoreNodes(pod, feasible);
    const chosen = best(scores, tie);
    const on = feasible.find(({ name }) => name === chosen) as NodeInfo;
    return { node: chosen, volumes: volumes.bindingsOn(on), scores, rejections };
  }
}

function scoreNodes(pod: PodInfo, nodes: readonly NodeInfo[]): readonly NodeScore[] {
  const totals = nodes.map(() => 0);
  const byPlugin = nodes.map((): Record<string, number> => ({}));
  if (nodes.length > 1) {
    for (const plugin of SCORES) {
      if (!plugin.applies(pod)) continue;
      const scores = nodes.map((node) => plugin.score(pod, node));
      plugin.normalize?.(scores);
      for (const [index, score] of scores.entries()) {
        const weighted = score * plugin.weight;
        totals[index] = (totals[index] ?? 0) + weighted;
        (byPlugin[index] as Record<string, number>)[plugin.name] = weighted;
      }
    }
  }
  return nodes.map((node, index) => ({ node: node.name, total: totals[index] ?? 0, byPlugin: byPlugin[index] ?? {} }));
}

function best(scores: readonly NodeScore[], tie: number): string {
  const highest = Math.max(...scores.map(({ total }) => total));
  const candidates = scores.filter(({ total }) => total === highest);
  return (candidates[Math.floor(tie * candidates.length)] as NodeScore).node;
}

/** Kubernetes' sentence: how many nodes there are, and how many of them failed for which reason. */
function fitError(nodes: number, rejections: ReadonlyMap<string, Rejection>): string {
  if (nodes === 0) return "no nodes available to schedule pods";
  const counts = new Map<string, number>();
  for (const { reasons } of rejections.values()) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const sentences = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${sentences.join(", ")}.`;
}
