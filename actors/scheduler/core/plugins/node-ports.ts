import type { FilterPlugin } from "../framework.ts";
import type { HostPort } from "../pod-info.ts";

/** Host ports are one pod's at a time on a node; `0.0.0.0` is every address. */
export const nodePorts: FilterPlugin = {
  name: "NodePorts",
  filter(pod, node) {
    if (!pod.hostPorts.some((wanted) => node.hostPorts.some((used) => collide(wanted, used)))) return undefined;
    return {
      plugin: "NodePorts",
      reasons: ["node(s) didn't have free ports for the requested pod ports"],
      unresolvable: false,
    };
  },
};

function collide(left: HostPort, right: HostPort): boolean {
  if (left.port !== right.port || left.protocol !== right.protocol) return false;
  return left.ip === right.ip || left.ip === "0.0.0.0" || right.ip === "0.0.0.0";
}
