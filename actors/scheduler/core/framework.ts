/**
 * What a scheduling plugin is. Plugins have Kubernetes' names and see one pod and one node.
 *
 * @see pkg/scheduler/framework/interface.go
 */
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

/** Best score of a node. */
export const MAX_NODE_SCORE = 100;

/** Why a pod can't go to a node. */
export interface Rejection {
  readonly plugin: string;
  /** In Kubernetes' words; several when several resources are short. */
  readonly reasons: readonly string[];
  /** Whether removing pods from the node could not help. */
  readonly unresolvable: boolean;
}

export interface FilterPlugin {
  readonly name: string;
  /** Undefined: the pod may go there. */
  filter(pod: PodInfo, node: NodeInfo): Rejection | undefined;
}

export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** False when the plugin has nothing to say about this pod on any node: it is left out then. */
  applies(pod: PodInfo): boolean;
  /** Between 0 and 100, unless `normalize` brings it there. Higher is better. */
  score(pod: PodInfo, node: NodeInfo): number;
  normalize?(scores: number[]): void;
}

/** Scales scores so that the highest is 100; reversed, so that the lowest is. All 0: all 0, reversed all 100. */
export function normalizeToMax(scores: number[], reversed: boolean): void {
  const highest = Math.max(0, ...scores);
  for (const [index, score] of scores.entries()) {
    const scaled = highest === 0 ? 0 : Math.floor((score * MAX_NODE_SCORE) / highest);
    scores[index] = reversed ? MAX_NODE_SCORE - scaled : scaled;
  }
}
