/**
 * A pod waits for its claims, and goes where their volumes are or can be made. What is decided for claims that wait for a node is
 * assumed here, and written by whoever binds.
 * @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding
 */
import { claimsOfPod } from "../../../../protocols/kubernetes/volumes.ts";
import type { CycleState, Plugin } from "../framework.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import { bindingsOn, volumesOfPod } from "../volumes/pod-volumes.ts";
import type { VolumeBindings, VolumeObjects } from "../volumes/volume-objects.ts";

export const VOLUME_BINDING = "VolumeBinding";

interface State {
  readonly objects: VolumeObjects;
  readonly volumes: PodVolumes;
  /** By node, of those that can take the pod. */
  readonly bindings: Map<string, VolumeBindings>;
}

export const volumeBinding: Omit<Plugin, "permit" | "preBind" | "bind"> = {
  name: VOLUME_BINDING,
  preFilter(state, { pod }, { objects }) {
    const volumes = volumesOfPod(pod, objects.volumes);
    if (volumes === undefined) return "skip";
    if (typeof volumes === "string") {
      return { rejection: { plugin: VOLUME_BINDING, reasons: [volumes], unresolvable: true } };
    }
    const kept: State = { objects: objects.volumes, volumes, bindings: new Map() };
    state.write(VOLUME_BINDING, kept);
    return undefined;
  },
  filter(state, _pod, { node, name }) {
    const kept = state.read(VOLUME_BINDING) as State | undefined;
    if (kept === undefined) return undefined;
    const found = bindingsOn(kept.volumes, node, kept.objects);
    if (!("bind" in found)) return { plugin: VOLUME_BINDING, reasons: found, unresolvable: true };
    kept.bindings.set(name, found);
    return undefined;
  },
  reserve(state, _pod, node) {
    const decided = decidedOf(state, node);
    decided?.objects.assume(decided.bindings, node);
    return undefined;
  },
  unreserve: forget,
  postBind: forget,
  isSchedulableAfter(event, { pod }) {
    switch (event.kind) {
      case "object-changed":
        return VOLUMES.includes(event.resource) && claimsOfPod(pod).length > 0;
      case "node-added":
      case "node-updated":
        return true;
      case "pod-added":
      case "pod-updated":
      case "pod-deleted":
      case "node-deleted":
        return false;
    }
  },
};

const VOLUMES: readonly string[] = ["persistentvolumeclaims", "persistentvolumes", "storageclasses"];

/** What the pod's claims get on the node that it goes to; undefined where they wait for nothing. */
export function decidedOf(
  state: CycleState,
  node: string,
): { readonly objects: VolumeObjects; readonly bindings: VolumeBindings } | undefined {
  const kept = state.read(VOLUME_BINDING) as State | undefined;
  const bindings = kept?.bindings.get(node);
  if (kept === undefined || bindings === undefined) return undefined;
  return bindings.bind.length + bindings.provision.length === 0 ? undefined : { objects: kept.objects, bindings };
}

function forget(state: CycleState, _pod: unknown, node: string): void {
  const decided = decidedOf(state, node);
  decided?.objects.forget(decided.bindings);
}
