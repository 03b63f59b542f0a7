/**
 * What a pod's claims mean for its node: VolumeBinding, VolumeZone, VolumeRestrictions and NodeVolumeLimits, in the words of Kubernetes'
 * plugins of these names.
 */
import type { Rejection } from "../framework.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import { bindingsOn, volumesOfPod } from "../volumes/pod-volumes.ts";
import type { VolumeBindings, VolumeObjects } from "../volumes/volume-objects.ts";
import { boundVolumes, exceedsLimits, isInZone, singleClaims, usesAny } from "../volumes/volume-placement.ts";

const NOTHING: VolumeBindings = { bind: [], provision: [] };

/** Of one attempt to place a pod. */
export class PodVolumesFilter {
  /** Why no node can take the pod. */
  readonly rejection: Rejection | undefined;
  private readonly pod: PodInfo;
  private readonly objects: VolumeObjects;
  private readonly volumes: PodVolumes | undefined;
  private readonly isTaken: boolean = false;

  constructor(pod: PodInfo, objects: VolumeObjects, nodes: readonly NodeInfo[]) {
    this.pod = pod;
    this.objects = objects;
    const volumes = volumesOfPod(pod.pod, objects);
    if (typeof volumes === "string") this.rejection = rejected("VolumeBinding", volumes, true);
    else {
      this.volumes = volumes;
      this.isTaken = volumes !== undefined && isClaimInUse(pod, objects, nodes);
    }
  }

  filter({ node, name, pods }: NodeInfo): Rejection | undefined {
    if (this.volumes === undefined) return undefined;
    if (this.isTaken) return rejected("VolumeRestrictions", IN_USE, false);
    const others = [...pods.values()].map(({ pod }) => pod);
    if (exceedsLimits(this.pod.pod, others, name, this.objects)) {
      return rejected("NodeVolumeLimits", "node(s) exceed max volume count", false);
    }
    const found = bindingsOn(this.volumes, node, this.objects);
    if (!("bind" in found)) {
      return { plugin: "VolumeBinding", reasons: found, unresolvable: true };
    }
    const isThere = boundVolumes(this.pod.pod, this.objects).every((volume) => isInZone(volume, node));
    return isThere ? undefined : rejected("VolumeZone", "node(s) had no available volume zone", true);
  }

  /** What the claims get on the node that was chosen. */
  bindingsOn({ node }: NodeInfo): VolumeBindings {
    if (this.volumes === undefined) return NOTHING;
    const found = bindingsOn(this.volumes, node, this.objects);
    return "bind" in found ? found : NOTHING;
  }
}

/** Whether a pod that is placed uses a claim that is for one pod at a time. */
function isClaimInUse({ pod }: PodInfo, objects: VolumeObjects, nodes: readonly NodeInfo[]): boolean {
  const single = singleClaims(pod, objects);
  if (single.size === 0) return false;
  return nodes.some(({ pods }) => [...pods.values()].some((other) => usesAny(other.pod, single)));
}

const IN_USE =
  "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";

function rejected(plugin: string, reason: string, unresolvable: boolean): Rejection {
  return { plugin, reasons: [reason], unresolvable };
}
