/**
 * Whether storage is in use, and so outlives its deletion.
 * @see k8s.io/kubernetes/pkg/controller/volume/pvcprotection, pvprotection
 */
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
  Pod,
} from "../../../protocols/kubernetes/types/core-v1.ts";
import { claimsOfPod } from "../../../protocols/kubernetes/volumes.ts";
import { isTerminal } from "./pods.ts";

/** A pod without a node has mounted nothing yet, and won't: its claim is on its way out. */
export function isClaimUsed(claim: string, podsOfNamespace: readonly Pod[]): boolean {
  return podsOfNamespace.some((pod) => Boolean(pod.spec?.nodeName) && names(pod, claim));
}

export function isVolumeUsed(volume: PersistentVolume): boolean {
  return volume.status?.phase === "Bound";
}

function names(pod: Pod, claim: string): boolean {
  return claimsOfPod(pod).some(({ name }) => name === claim);
}

const UNUSED = "Unused";

/**
 * The status of a bound claim that says since when no pod has named it, or that one does: one that waits counts, one that has ended does
 * not. Undefined: it says so already, or the claim has no such condition. @see KEP-5541
 */
export function usedStatus(
  claim: PersistentVolumeClaim,
  podsOfNamespace: readonly Pod[],
  time: string,
): PersistentVolumeClaimStatus | undefined {
  const { metadata, status } = claim;
  if (status?.phase !== "Bound" || metadata?.deletionTimestamp !== undefined) return undefined;
  const { name = "" } = metadata ?? {};
  const isUsed = podsOfNamespace.some((pod) => !isTerminal(pod) && names(pod, name));
  const conditions = status.conditions ?? [];
  const before = conditions.find(({ type }) => type === UNUSED);
  const says = isUsed ? "False" : "True";
  if (before?.status === says) return undefined;
  const condition = {
    type: UNUSED,
    status: says,
    lastTransitionTime: time,
    ...(isUsed
      ? { reason: "PodUsingPVC", message: "A pod is currently referencing this PVC" }
      : { reason: "NoPodsUsingPVC", message: "No pods are currently referencing this PVC" }),
  } as const;
  return { ...status, conditions: [...conditions.filter(({ type }) => type !== UNUSED), condition] };
}
