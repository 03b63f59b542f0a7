import { tolerates } from "../../../../protocols/kubernetes/taints.ts";
import type { Plugin, Rejection } from "../framework.ts";

const NAME = "NodeUnschedulable";
const TAINT = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;
const CORDONED: Rejection = { plugin: NAME, reasons: ["node(s) were unschedulable"], unresolvable: true };

/** A cordoned node takes only pods that tolerate the taint that stands for it. */
export const nodeUnschedulable: Plugin = {
  name: NAME,
  filter(_state, pod, node) {
    return node.node?.spec?.unschedulable !== true || tolerates(pod.tolerations, TAINT) ? undefined : CORDONED;
  },
};
