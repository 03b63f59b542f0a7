import { tolerates } from "../../../../protocols/kubernetes/taints.ts";
import type { FilterPlugin, ScorePlugin } from "../framework.ts";
import { normalizeToMax } from "../framework.ts";

/** NoSchedule and NoExecute taints keep pods out. */
export const taintToleration: FilterPlugin & ScorePlugin = {
  name: "TaintToleration",
  weight: 3,
  filter(pod, node) {
    const untolerated = node.taints.some(
      (taint) => taint.effect !== "PreferNoSchedule" && !tolerates(pod.tolerations, taint),
    );
    if (!untolerated) return undefined;
    return { plugin: "TaintToleration", reasons: ["node(s) had untolerated taint(s)"], unresolvable: true };
  },
  applies: () => true,
  /** PreferNoSchedule taints that are not tolerated; fewer are better. */
  score(pod, node) {
    if (node.taints.length === 0) return 0;
    const soft = pod.tolerations.filter(({ effect }) => (effect ?? "") === "" || effect === "PreferNoSchedule");
    return node.taints.filter((taint) => taint.effect === "PreferNoSchedule" && !tolerates(soft, taint)).length;
  },
  normalize(scores) {
    normalizeToMax(scores, true);
  },
};
