import type { Plugin, Rejection } from "../framework.ts";

const NAME = "NodeName";
const OTHER: Rejection = {
  plugin: NAME,
  reasons: ["node(s) didn't match the requested node name"],
  unresolvable: true,
};

/** A pod that names its node goes there or nowhere. */
export const nodeName: Plugin = {
  name: NAME,
  filter(_state, pod, node) {
    const wanted = pod.pod.spec?.nodeName ?? "";
    return wanted === "" || wanted === node.name ? undefined : OTHER;
  },
};
