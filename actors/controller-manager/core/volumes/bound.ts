/**
 * What a volume and a claim look like that are bound to each other. The annotations say which end the binder has chosen, and so may
 * let go of; what the user has chosen stays.
 * @see k8s.io/component-helpers/storage/volume (GetBindVolumeToClaim)
 */
import {
  annotated,
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  capacityOf,
} from "../../../../protocols/kubernetes/volumes.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
} from "../../../../protocols/kubernetes/types/core-v1.ts";

/** Undefined: it names the volume already. */
export function boundClaim(claim: PersistentVolumeClaim, volume: PersistentVolume): PersistentVolumeClaim | undefined {
  const { name = "" } = volume.metadata ?? {};
  const isChosen = claim.spec?.volumeName !== name;
  if (!isChosen && claim.metadata?.annotations?.[BIND_COMPLETED] !== undefined) return undefined;
  const annotations = { [BIND_COMPLETED]: "yes", ...(isChosen ? { [BOUND_BY_CONTROLLER]: "yes" } : {}) };
  return { ...claim, metadata: annotated(claim.metadata, annotations), spec: { ...claim.spec, volumeName: name } };
}

/** Undefined: it is as it is shown. A claim that was bound before keeps its capacity: it changes by resizing only. */
export function boundStatus(
  { status = {} }: PersistentVolumeClaim,
  volume: PersistentVolume,
): PersistentVolumeClaimStatus | undefined {
  const { accessModes = [], volumeAttributesClassName: attributes } = volume.spec ?? {};
  const isNew = status.phase !== "Bound";
  const isSame = (status.accessModes ?? []).join() === accessModes.join();
  if (!isNew && isSame && status.capacity !== undefined) return undefined;
  const capacity = isNew || status.capacity === undefined ? { storage: capacityOf(volume) } : status.capacity;
  return {
    ...status,
    phase: "Bound",
    accessModes,
    capacity,
    ...(attributes === undefined || !isNew ? {} : { currentVolumeAttributesClassName: attributes }),
  };
}

/** Undefined: it is as it is shown. */
export function waitingStatus(
  { status = {} }: PersistentVolumeClaim,
  phase: "Pending" | "Lost",
): PersistentVolumeClaimStatus | undefined {
  const { accessModes, capacity, ...rest } = status;
  if (status.phase === phase && accessModes === undefined && capacity === undefined) return undefined;
  return { ...rest, phase };
}

/** A volume whose claim has another: what the binder has written goes, what the user has written stays. */
export function unboundVolume(volume: PersistentVolume): PersistentVolume {
  const { [BOUND_BY_CONTROLLER]: chosen, ...annotations } = volume.metadata?.annotations ?? {};
  const { claimRef, ...spec } = volume.spec ?? {};
  const { uid: _uid, resourceVersion: _version, ...name } = claimRef ?? {};
  return chosen === undefined
    ? { ...volume, spec: { ...spec, claimRef: name } }
    : { ...volume, metadata: { ...volume.metadata, annotations }, spec };
}
