/**
 * What becomes of a claim: it waits, is given a volume, or one is to be made for it.
 * @see k8s.io/kubernetes/pkg/controller/volume/persistentvolume (syncClaim)
 */
import { isBindCompleted, findVolume, isVolumeOf, mismatch } from "../../../../protocols/kubernetes/volumes.ts";
import { classOf, isClassOpen } from "../../../../protocols/kubernetes/volumes.ts";
import { SELECTED_NODE, waitsForConsumer } from "../../../../protocols/kubernetes/volumes.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { StorageClass } from "../../../../protocols/kubernetes/types/storage-v1.ts";

/** An event of a claim or volume. */
export interface Told {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export type ClaimPlan =
  | { readonly do: "bind"; readonly volume: PersistentVolume }
  | { readonly do: "wait"; readonly phase: "Pending" | "Lost"; readonly told?: Told }
  /** The class' provisioner is to make a volume. */
  | { readonly do: "provision"; readonly provisioner: string }
  /** It takes the cluster's default, which was not there when it was made. */
  | { readonly do: "take-class"; readonly name: string };

export interface ClaimInput {
  readonly claim: PersistentVolumeClaim;
  readonly volume: (name: string) => PersistentVolume | undefined;
  /** Those that could suit it. */
  readonly candidates: Iterable<PersistentVolume>;
  readonly storageClass: (name: string) => StorageClass | undefined;
  /** Of the cluster. */
  readonly defaultClass: string | undefined;
  /** A pod without a node that names the claim. */
  readonly waitingPod: string | undefined;
}

export function planClaim(input: ClaimInput): ClaimPlan {
  const { claim } = input;
  if (isBindCompleted(claim)) return planBound(input);
  return claim.spec?.volumeName ? planNamed(input, claim.spec.volumeName) : planOpen(input);
}

function planBound({ claim, volume: find }: ClaimInput): ClaimPlan {
  const name = claim.spec?.volumeName ?? "";
  if (name === "") {
    return lost("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
  }
  const volume = find(name);
  if (volume === undefined) {
    return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  }
  const { claimRef } = volume.spec ?? {};
  if (claimRef === undefined || claimRef.uid === claim.metadata?.uid) return { do: "bind", volume };
  return lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
}

function planNamed({ claim, volume: find }: ClaimInput, name: string): ClaimPlan {
  const volume = find(name);
  if (volume === undefined) return { do: "wait", phase: "Pending" };
  if (volume.spec?.claimRef !== undefined) {
    if (isVolumeOf(volume, claim)) return { do: "bind", volume };
    return waiting("Warning", "FailedBinding", `volume ${quoted(name)} already bound to a different claim.`);
  }
  const problem = mismatch(volume, claim);
  if (problem === undefined) return { do: "bind", volume };
  return waiting("Warning", "VolumeMismatch", `Cannot bind to requested volume ${quoted(name)}: ${problem}`);
}

function planOpen({ claim, candidates, storageClass, defaultClass, waitingPod }: ClaimInput): ClaimPlan {
  const name = classOf(claim);
  const found = name === "" ? undefined : storageClass(name);
  const isPlaced = claim.metadata?.annotations?.[SELECTED_NODE] !== undefined;
  const isLate = waitsForConsumer(found) && !isPlaced;
  const volume = findVolume(claim, candidates, { namedOnly: isLate });
  if (volume !== undefined) return { do: "bind", volume };
  if (isClassOpen(claim) && defaultClass !== undefined) return { do: "take-class", name: defaultClass };
  if (isLate) {
    return waitingPod === undefined
      ? waiting("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
      : waiting("Normal", "WaitForPodScheduled", `waiting for pod ${waitingPod} to be scheduled`);
  }
  if (name === "") {
    const message = "no persistent volumes available for this claim and no storage class is set";
    return waiting("Normal", "FailedBinding", message);
  }
  if (found === undefined) {
    return waiting("Warning", "ProvisioningFailed", `storageclass.storage.k8s.io ${quoted(name)} not found`);
  }
  // Provisioners of this prefix were part of Kubernetes, of which none is left that makes volumes.
  if (found.provisioner.startsWith("kubernetes.io/")) {
    const message = `no volume plugin matched name: ${found.provisioner}`;
    return waiting("Warning", "ProvisioningFailed", message);
  }
  return { do: "provision", provisioner: found.provisioner };
}

function waiting(type: Told["type"], reason: string, message: string): ClaimPlan {
  return { do: "wait", phase: "Pending", told: { type, reason, message } };
}

function lost(reason: string, message: string): ClaimPlan {
  return { do: "wait", phase: "Lost", told: { type: "Warning", reason, message } };
}

function quoted(name: string): string {
  return JSON.stringify(name);
}
