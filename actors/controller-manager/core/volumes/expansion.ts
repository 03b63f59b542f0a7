/**
 * Claims that ask for more than they have. A directory is as large as its disk: growing one is a matter of its objects alone.
 * @see sigs.k8s.io/external-resizer, KEP-1790
 */
import { directoryOf } from "../../../../protocols/directory-volumes.ts";
import { compareQuantities } from "../../../../protocols/kubernetes/quantity.ts";
import { capacityOf, isBindCompleted, requestOf } from "../../../../protocols/kubernetes/volumes.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
} from "../../../../protocols/kubernetes/types/core-v1.ts";

/** In this order, each one after the one before it is seen. */
export type ExpansionStep =
  | "nothing"
  /** Somebody else's volume. */
  | "tell"
  | "begin"
  | "grow-volume"
  | "finish";

export function nextStep(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ExpansionStep {
  const { phase, capacity, allocatedResources } = claim.status ?? {};
  if (volume === undefined || phase !== "Bound" || !isBindCompleted(claim)) return "nothing";
  const wanted = requestOf(claim);
  if (compareQuantities(wanted, capacity?.["storage"] ?? "0") <= 0) return "nothing";
  if (directoryOf(volume) === undefined) return "tell";
  if (compareQuantities(allocatedResources?.["storage"] ?? "0", wanted) !== 0) return "begin";
  return compareQuantities(capacityOf(volume), wanted) < 0 ? "grow-volume" : "finish";
}

/** @param time when it begins */
export function begunStatus(claim: PersistentVolumeClaim, time: string): PersistentVolumeClaimStatus {
  const { status } = claim;
  return {
    ...status,
    allocatedResources: { ...status?.allocatedResources, storage: requestOf(claim) },
    allocatedResourceStatuses: { ...status?.allocatedResourceStatuses, storage: "ControllerResizeInProgress" },
    conditions: [...othersOf(claim), { type: "Resizing", status: "True", lastTransitionTime: time }],
  };
}

export function finishedStatus(claim: PersistentVolumeClaim): PersistentVolumeClaimStatus {
  const { allocatedResourceStatuses, conditions: _before, ...status } = claim.status ?? {};
  const { storage: _state, ...statuses } = allocatedResourceStatuses ?? {};
  const conditions = othersOf(claim);
  return {
    ...status,
    capacity: { ...status.capacity, storage: requestOf(claim) },
    ...(Object.keys(statuses).length === 0 ? {} : { allocatedResourceStatuses: statuses }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

function othersOf({ status }: PersistentVolumeClaim): NonNullable<PersistentVolumeClaimStatus["conditions"]> {
  return (status?.conditions ?? []).filter(({ type }) => type !== "Resizing");
}
