/** A claim that one pod at a time may use is used by no second one. */
import type { Plugin } from "../framework.ts";
import { singleClaims, usesAny } from "../volumes/volume-placement.ts";

const NAME = "VolumeRestrictions";
const IN_USE =
  "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";

/** @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumerestrictions */
export const volumeRestrictions: Plugin = {
  name: NAME,
  preFilter(state, { pod }, { objects }) {
    const single = singleClaims(pod, objects.volumes);
    if (single.size === 0) return "skip";
    state.write(NAME, single);
    return undefined;
  },
  // Whoever is tried out as evicted is not there: the pods are looked at each time.
  filter(state, _pod, _node, { cache }) {
    const single = state.read(NAME) as ReadonlySet<string> | undefined;
    if (single === undefined) return undefined;
    const isUsed = cache.nodes.some(({ pods }) => [...pods.values()].some(({ pod }) => usesAny(pod, single)));
    return isUsed ? { plugin: NAME, reasons: [IN_USE], unresolvable: false } : undefined;
  },
  isSchedulableAfter(event, { pod }, { objects }) {
    if (event.kind === "object-changed") return event.resource === "persistentvolumeclaims";
    return event.kind === "pod-deleted" && usesAny(event.pod.pod, singleClaims(pod, objects.volumes));
  },
};
