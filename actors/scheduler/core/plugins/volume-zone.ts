/** A pod goes to the zone of its volumes. */
import type { PersistentVolume } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Plugin } from "../framework.ts";
import { boundVolumes, isInZone } from "../volumes/volume-placement.ts";

const NAME = "VolumeZone";

/** @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumezone */
export const volumeZone: Plugin = {
  name: NAME,
  preFilter(state, { pod }, { objects }) {
    const volumes = boundVolumes(pod, objects.volumes);
    if (volumes.length === 0) return "skip";
    state.write(NAME, volumes);
    return undefined;
  },
  filter(state, _pod, { node }) {
    const volumes = (state.read(NAME) as readonly PersistentVolume[] | undefined) ?? [];
    if (volumes.every((volume) => isInZone(volume, node))) return undefined;
    return { plugin: NAME, reasons: ["node(s) had no available volume zone"], unresolvable: true };
  },
  isSchedulableAfter(event) {
    if (event.kind === "object-changed") return /^persistentvolume(claim)?s$/.test(event.resource);
    return event.kind === "node-added" || event.kind === "node-updated";
  },
};
