import { matchesNodeTerm, matchesRequiredNodes } from "../../../../protocols/kubernetes/node-selectors.ts";
import type { Affinity, PreferredSchedulingTerm } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { FilterPlugin, ScorePlugin } from "../framework.ts";
import { normalizeToMax } from "../framework.ts";

/** `nodeSelector` and node affinity. @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeaffinity */
export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: "NodeAffinity",
  weight: 2,
  filter(pod, { node }) {
    if (matchesRequiredNodes(pod.pod.spec, node)) return undefined;
    return {
      plugin: "NodeAffinity",
      reasons: ["node(s) didn't match Pod's node affinity/selector"],
      unresolvable: true,
    };
  },
  applies: (pod) => preferredOf(pod.pod.spec?.affinity).length > 0,
  score(pod, { node }) {
    let sum = 0;
    for (const { weight, preference } of preferredOf(pod.pod.spec?.affinity)) {
      if (matchesNodeTerm(preference, node)) sum += weight;
    }
    return sum;
  },
  normalize(scores) {
    normalizeToMax(scores, false);
  },
};

function preferredOf(affinity: Affinity | undefined): readonly PreferredSchedulingTerm[] {
  return affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}
