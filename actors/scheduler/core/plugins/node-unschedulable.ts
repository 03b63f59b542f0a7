import { tolerates } from "../../../../protocols/kubernetes/taints.ts";
import type { FilterPlugin } from "../framework.ts";

const TAINT = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** A cordoned node takes only pods that tolerate the taint that stands for it. */
export const nodeUnschedulable: FilterPlugin = {
  name: "NodeUnschedulable",
  filter(pod, node) {
    if (node.node?.spec?.unschedulable !== true || tolerates(pod.tolerations, TAINT)) return undefined;
    return { plugin: "NodeUnschedulable", reasons: ["node(s) were unschedulable"], unresolvable: true };
  },
};
