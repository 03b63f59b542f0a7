/**
 * What a pod's claims mean for where it can go.
 * @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding (binder.go, volume_binding.go)
 */
import { compareQuantities } from "../../../../protocols/kubernetes/quantity.ts";
import { isControlledBy } from "../../../../protocols/kubernetes/owners.ts";
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
} from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { StorageClass } from "../../../../protocols/kubernetes/types/storage-v1.ts";
import {
  claimsOfPod,
  classOf,
  findVolume,
  isFullyBound,
  NO_PROVISIONER,
  reachesNode,
  requestOf,
  waitsForConsumer,
} from "../../../../protocols/kubernetes/volumes.ts";
import type { VolumeBindings, VolumeObjects } from "./volume-objects.ts";
import { claimKey } from "./volume-objects.ts";

export interface PodVolumes {
  readonly bound: readonly PersistentVolumeClaim[];
  /** Claims that wait for the node of this pod, the smallest first. */
  readonly delayed: readonly PersistentVolumeClaim[];
}

export const NOT_ON_NODE = "node(s) didn't match PersistentVolume's node affinity";
export const NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind";
export const VOLUME_GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

/** @returns why no node can take the pod, as a text; undefined: it has no claims */
export function volumesOfPod(pod: Pod, objects: VolumeObjects): PodVolumes | string | undefined {
  const bound: PersistentVolumeClaim[] = [];
  const delayed: PersistentVolumeClaim[] = [];
  let isUnbound = false;
  const named = claimsOfPod(pod);
  if (named.length === 0) return undefined;
  for (const { name, isOwn } of named) {
    const claim = objects.claim(`${pod.metadata?.namespace ?? ""}/${name}`);
    const problem = problemOf(pod, name, isOwn, claim);
    if (problem !== undefined || claim === undefined) return problem;
    if (isFullyBound(claim)) bound.push(claim);
    else if (!claim.spec?.volumeName && waitsForConsumer(objects.storageClass(classOf(claim)))) delayed.push(claim);
    else isUnbound = true;
  }
  if (isUnbound) return "pod has unbound immediate PersistentVolumeClaims";
  delayed.sort((one, other) => compareQuantities(requestOf(one), requestOf(other)));
  return { bound, delayed };
}

function problemOf(
  pod: Pod,
  name: string,
  isOwn: boolean,
  claim: PersistentVolumeClaim | undefined,
): string | undefined {
  const quoted = JSON.stringify(name);
  if (claim === undefined) {
    return isOwn
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`
      : `persistentvolumeclaim ${quoted} not found`;
  }
  if (claim.status?.phase === "Lost") {
    return `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName ?? "")}`;
  }
  if (claim.metadata?.deletionTimestamp !== undefined) return `persistentvolumeclaim ${quoted} is being deleted`;
  if (isOwn && !isControlledBy(claim, pod.metadata?.uid)) {
    const { namespace = "" } = pod.metadata ?? {};
    return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata?.name ?? ""} (pod is not owner)`;
  }
  return undefined;
}

/** What the claims would get on the node, or why it is none for them, as texts. O(delayed claims × volumes of their classes). */
export function bindingsOn(
  { bound, delayed }: PodVolumes,
  node: Node | undefined,
  objects: VolumeObjects,
): VolumeBindings | readonly string[] {
  const reasons = new Set<string>();
  for (const { spec } of bound) {
    const volume = objects.volume(spec?.volumeName ?? "");
    if (volume === undefined) reasons.add(VOLUME_GONE);
    else if (!reachesNode(volume, node)) reasons.add(NOT_ON_NODE);
  }
  const bind: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const provision: PersistentVolumeClaim[] = [];
  const taken = new Set<string>();
  for (const claim of delayed) {
    const key = claimKey(claim);
    const chosen = objects.nodeOf(key);
    const search = node === undefined ? { taken } : { node, taken };
    const volume = chosen === undefined ? findVolume(claim, objects.candidates(key, claim), search) : undefined;
    if (volume !== undefined) {
      taken.add(volume.metadata?.name ?? "");
      bind.push({ claim, volume });
    } else if ((chosen ?? node?.metadata?.name) === node?.metadata?.name && canMake(claim, node, objects)) {
      provision.push(claim);
    } else reasons.add(NOTHING_TO_BIND);
  }
  return reasons.size === 0 ? { bind, provision } : [...reasons];
}

function canMake(claim: PersistentVolumeClaim, node: Node | undefined, objects: VolumeObjects): boolean {
  const found = objects.storageClass(classOf(claim));
  if (found === undefined || found.provisioner === "" || found.provisioner === NO_PROVISIONER) return false;
  return isAllowed(found, node);
}

function isAllowed({ allowedTopologies = [] }: StorageClass, node: Node | undefined): boolean {
  if (allowedTopologies.length === 0) return true;
  const labels = node?.metadata?.labels ?? {};
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? "")),
  );
}
