/**
 * What becomes of a volume: free, bound, released; let go by a claim that has another, or reclaimed.
 * @see k8s.io/kubernetes/pkg/controller/volume/persistentvolume (syncVolume)
 */
import { BOUND_BY_CONTROLLER, modeOf, PROVISIONED_BY } from "../../../../protocols/kubernetes/volumes.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumePhase,
} from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Told } from "./claim.ts";

export type VolumePlan =
  | { readonly do: "show"; readonly phase: PersistentVolumePhase; readonly message?: string; readonly told?: Told }
  /** It names a claim that does not name it yet: the claim is looked at. */
  | { readonly do: "look-at-claim"; readonly told?: { readonly volume: Told; readonly claim: Told } }
  /** Its claim has another volume. */
  | { readonly do: "unbind" }
  /** Shown as released, and then whoever has made it takes it away. */
  | { readonly do: "release" };

/** @param claim the one that the volume names, if it is still the same */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumePlan {
  const { claimRef } = volume.spec ?? {};
  if (claimRef === undefined || !claimRef.uid) return { do: "show", phase: "Available" };
  if (claim === undefined) return planRelease(volume);
  const name = claim.spec?.volumeName ?? "";
  if (name === volume.metadata?.name) return { do: "show", phase: "Bound" };
  if (name === "") return planClaimed(volume, claim);
  return isBoundByController(volume) && isProvisioned(volume) && policyOf(volume) === "Delete"
    ? planRelease(volume)
    : { do: "unbind" };
}

function planClaimed(volume: PersistentVolume, claim: PersistentVolumeClaim): VolumePlan {
  if (modeOf(volume) === modeOf(claim)) return { do: "look-at-claim" };
  const warning = (message: string): Told => ({ type: "Warning", reason: "VolumeMismatch", message });
  const to = (what: string, name: string = ""): string =>
    `Cannot bind ${what} ${JSON.stringify(name)} due to incompatible volumeMode`;
  const told = {
    volume: warning(to("PersistentVolume to requested PersistentVolumeClaim", claim.metadata?.name)),
    claim: warning(to("PersistentVolumeClaim to requested PersistentVolume", volume.metadata?.name)),
  };
  return { do: "look-at-claim", told };
}

function planRelease(volume: PersistentVolume): VolumePlan {
  const isShown = volume.status?.phase === "Released" || volume.status?.phase === "Failed";
  const name = JSON.stringify(volume.metadata?.name);
  switch (policyOf(volume)) {
    case "Recycle":
      return failed(
        "VolumeFailedRecycle",
        `error getting recycler volume plugin for volume ${name}: no recyclable volume plugin matched`,
      );
    case "Delete":
      if (isProvisioned(volume)) return isShown ? { do: "release" } : { do: "show", phase: "Released" };
      return failed(
        "VolumeFailedDelete",
        `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`,
      );
    default:
      return isShown ? { do: "release" } : { do: "show", phase: "Released" };
  }
}

function failed(reason: string, message: string): VolumePlan {
  return { do: "show", phase: "Failed", message, told: { type: "Warning", reason, message } };
}

function policyOf({ spec }: PersistentVolume): string {
  return spec?.persistentVolumeReclaimPolicy ?? "Retain";
}

function isProvisioned({ metadata }: PersistentVolume): boolean {
  return metadata?.annotations?.[PROVISIONED_BY] !== undefined;
}

function isBoundByController({ metadata }: PersistentVolume): boolean {
  return metadata?.annotations?.[BOUND_BY_CONTROLLER] !== undefined;
}
