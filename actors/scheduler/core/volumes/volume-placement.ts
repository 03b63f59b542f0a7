/** Where volumes that are bound allow a pod to be: zones, single users, how many a node takes. */
import type { Node, PersistentVolume, Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { claimsOfPod } from "../../../../protocols/kubernetes/volumes.ts";
import type { VolumeObjects } from "./volume-objects.ts";

const ZONE_LABELS = [
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
];

/** The volumes that the pod's claims are bound to. */
export function boundVolumes(pod: Pod, objects: VolumeObjects): readonly PersistentVolume[] {
  return claimsOfPod(pod).flatMap(({ name }) => {
    const claim = objects.claim(`${pod.metadata?.namespace ?? ""}/${name}`);
    const volume = objects.volume(claim?.spec?.volumeName ?? "");
    return volume === undefined ? [] : [volume];
  });
}

/** @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumezone: `a__b` is in both; a node without such labels takes all. */
export function isInZone({ metadata }: PersistentVolume, node: Node | undefined): boolean {
  const labels = node?.metadata?.labels ?? {};
  if (!ZONE_LABELS.some((label) => labels[label] !== undefined)) return true;
  return ZONE_LABELS.every((label) => {
    const zones = metadata?.labels?.[label];
    return zones === undefined || zones.split("__").includes(labels[label] ?? "");
  });
}

/** The pod's claims that one pod at a time may use. */
export function singleClaims(pod: Pod, objects: VolumeObjects): ReadonlySet<string> {
  const { namespace = "" } = pod.metadata ?? {};
  const keys = claimsOfPod(pod).map(({ name }) => `${namespace}/${name}`);
  return new Set(keys.filter((key) => objects.claim(key)?.spec?.accessModes?.includes("ReadWriteOncePod") === true));
}

export function usesAny(pod: Pod, claims: ReadonlySet<string>): boolean {
  return claimsOfPod(pod).some(({ name }) => claims.has(`${pod.metadata?.namespace ?? ""}/${name}`));
}

/**
 * Whether with the pod more volumes of a driver were attached than the node's CSINode allows. One that several pods use counts once.
 * @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits
 */
export function exceedsLimits(pod: Pod, others: Iterable<Pod>, node: string, objects: VolumeObjects): boolean {
  const limits = new Map<string, number>();
  for (const { name, allocatable } of objects.csiNode(node)?.spec.drivers ?? []) {
    if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
  }
  if (limits.size === 0) return false;
  const handlesOf = (of: Pod): readonly string[] =>
    boundVolumes(of, objects).flatMap(({ spec }) =>
      spec?.csi !== undefined && limits.has(spec.csi.driver) ? [`${spec.csi.driver}^${spec.csi.volumeHandle}`] : [],
    );
  const own = handlesOf(pod);
  if (own.length === 0) return false;
  const attached = new Set(own);
  for (const other of others) for (const handle of handlesOf(other)) attached.add(handle);
  return [...limits].some(([driver, count]) => {
    const ofDriver = (handle: string): boolean => handle.startsWith(`${driver}^`);
    return own.some(ofDriver) && [...attached].filter(ofDriver).length > count;
  });
}
