/** No more volumes of a driver are attached to a node than its CSINode allows. */
import type { Plugin } from "../framework.ts";
import { boundVolumes, exceedsLimits } from "../volumes/volume-placement.ts";

const NAME = "NodeVolumeLimits";

/** @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits */
export const nodeVolumeLimits: Plugin = {
  name: NAME,
  preFilter(_state, { pod }, { objects }) {
    return boundVolumes(pod, objects.volumes).some(({ spec }) => spec?.csi !== undefined) ? undefined : "skip";
  },
  filter(_state, { pod }, { name, pods }, { objects }) {
    const others = [...pods.values()].map((other) => other.pod);
    if (!exceedsLimits(pod, others, name, objects.volumes)) return undefined;
    return { plugin: NAME, reasons: ["node(s) exceed max volume count"], unresolvable: false };
  },
  isSchedulableAfter(event) {
    if (event.kind === "object-changed") return event.resource === "csinodes";
    return event.kind === "pod-deleted" || event.kind === "node-added";
  },
};
