/**
 * When a pod has to leave a node with NoExecute taints.
 *
 * @see k8s.io/kubernetes/pkg/controller/tainteviction
 */
import type { Node, Pod, Taint } from "../../../protocols/kubernetes/types/core-v1.ts";
import { toleratesTaint } from "../../../protocols/kubernetes/taints.ts";

export function noExecuteTaints(node: Node | undefined): readonly Taint[] {
  return (node?.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
}

/** 0: at once. Infinity: it may stay for ever. */
export function toleratedMs(pod: Pod, taints: readonly Taint[]): number {
  let leastMs = Infinity;
  for (const taint of taints) {
    const matching = (pod.spec?.tolerations ?? []).filter((toleration) => toleratesTaint(toleration, taint));
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined) leastMs = Math.min(leastMs, Math.max(0, tolerationSeconds * 1_000));
    }
  }
  return leastMs;
}
