/**
 * Whether storage is in use, and so outlives its deletion.
 * @see k8s.io/kubernetes/pkg/controller/volume/pvcprotection, pvprotection
 */
import type { PersistentVolume, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";

/** The claims that a pod names, by itself or through volumes of its own. */
export function claimsOf({ metadata, spec }: Pod): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [`${metadata?.name ?? ""}-${name}`];
  });
}

/** A pod without a node has mounted nothing yet, and won't: its claim is on its way out. */
export function isClaimUsed(claim: string, podsOfNamespace: readonly Pod[]): boolean {
  return podsOfNamespace.some((pod) => Boolean(pod.spec?.nodeName) && claimsOf(pod).includes(claim));
}

export function isVolumeUsed(volume: PersistentVolume): boolean {
  return volume.status?.phase === "Bound";
}
