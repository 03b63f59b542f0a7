import { tolerates } from "../../../../protocols/kubernetes/taints.ts";
import type { Plugin, Rejection } from "../framework.ts";
import { normalizeToMax } from "../framework.ts";

const NAME = "TaintToleration";
const UNTOLERATED: Rejection = { plugin: NAME, reasons: ["node(s) had untolerated taint(s)"], unresolvable: true };

/** NoSchedule and NoExecute taints keep pods out; of those that are better avoided, fewer are better. */
export const taintToleration: Plugin = {
  name: NAME,
  filter(_state, pod, node) {
    for (const taint of node.taints) {
      if (taint.effect !== "PreferNoSchedule" && !tolerates(pod.tolerations, taint)) return UNTOLERATED;
    }
    return undefined;
  },
  score(_state, pod, node) {
    if (node.taints.length === 0) return 0;
    const soft = pod.tolerations.filter(({ effect }) => (effect ?? "") === "" || effect === "PreferNoSchedule");
    return node.taints.filter((taint) => taint.effect === "PreferNoSchedule" && !tolerates(soft, taint)).length;
  },
  normalizeScore(_state, _pod, scores) {
    normalizeToMax(scores, true);
  },
};
