import type { FilterPlugin } from "../framework.ts";

/** A pod that names its node goes there or nowhere. */
export const nodeName: FilterPlugin = {
  name: "NodeName",
  filter(pod, node) {
    const wanted = pod.pod.spec?.nodeName ?? "";
    if (wanted === "" || wanted === node.name) return undefined;
    return { plugin: "NodeName", reasons: ["node(s) didn't match the requested node name"], unresolvable: true };
  },
};
