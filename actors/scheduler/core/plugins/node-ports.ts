import type { Plugin, Rejection } from "../framework.ts";
import type { HostPort } from "../pod-info.ts";

const NAME = "NodePorts";
const TAKEN: Rejection = {
  plugin: NAME,
  reasons: ["node(s) didn't have free ports for the requested pod ports"],
  unresolvable: false,
};

/** Host ports are one pod's at a time on a node; `0.0.0.0` is every address. */
export const nodePorts: Plugin = {
  name: NAME,
  preFilter: (_state, { hostPorts }) => (hostPorts.length === 0 ? "skip" : undefined),
  filter(_state, pod, node) {
    return pod.hostPorts.some((wanted) => node.hostPorts.some((used) => collide(wanted, used))) ? TAKEN : undefined;
  },
};

function collide(left: HostPort, right: HostPort): boolean {
  if (left.port !== right.port || left.protocol !== right.protocol) return false;
  return left.ip === right.ip || left.ip === "0.0.0.0" || right.ip === "0.0.0.0";
}
