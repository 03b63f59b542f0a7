import type { ScorePlugin } from "../framework.ts";
import { MAX_NODE_SCORE } from "../framework.ts";

/**
 * Spreads the pods of one controller over the nodes, as Kubernetes' default constraint on `kubernetes.io/hostname` does
 * for pods of one Service or ReplicaSet. Constraints that a pod names itself are not looked at yet.
 */
export const podTopologySpread: ScorePlugin = {
  name: "PodTopologySpread",
  weight: 2,
  applies: (pod) => pod.ownerUid !== "",
  /** Pods of the same owner on the node; fewer are better. */
  score: (pod, node) => node.podsByOwner.get(pod.ownerUid) ?? 0,
  normalize(scores) {
    const most = Math.max(0, ...scores);
    const fewest = Math.min(...scores);
    for (const [index, score] of scores.entries()) {
      scores[index] = most === 0 ? MAX_NODE_SCORE : Math.floor((MAX_NODE_SCORE * (most + fewest - score)) / most);
    }
  },
};
