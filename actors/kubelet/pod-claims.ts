/** The volumes that a pod's claims are bound to, as they are when the pod's volumes are set up: a claim that is bound stays so. */
import type { PersistentVolume, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import { isControlledBy } from "../../protocols/kubernetes/owners.ts";
import type { PodClaim } from "../../protocols/kubernetes/volumes.ts";
import { claimsOfPod, isFullyBound, isVolumeOf } from "../../protocols/kubernetes/volumes.ts";
import type { Client } from "../client/client.ts";
import { persistentVolumeClaims, persistentVolumes } from "../client/resources.ts";
import { configError } from "./core/sources.ts";

/** By the names of the pod's own volumes. Errors: POD_CONFIG when a claim is not bound; the client's. */
export async function claimedVolumes(client: Client, pod: Pod): Promise<ReadonlyMap<string, PersistentVolume>> {
  const found = claimsOfPod(pod).map(async (claim) => [claim.volume, await claimedVolume(client, pod, claim)] as const);
  return new Map(await Promise.all(found));
}

async function claimedVolume(
  client: Client,
  pod: Pod,
  { name, isOwn, volume: at }: PodClaim,
): Promise<PersistentVolume> {
  const { namespace = "", uid } = pod.metadata ?? {};
  const refuse = (why: string): Error =>
    configError(`MountVolume.SetUp failed for volume "${at}" : error processing PVC ${namespace}/${name}: ${why}`);
  const claim = await client.find(persistentVolumeClaims, name, namespace);
  if (claim === undefined) throw refuse(`persistentvolumeclaims "${name}" not found`);
  if (isOwn && !isControlledBy(claim, uid)) throw refuse("PVC was not created for this pod (pod is not owner)");
  if (!isFullyBound(claim)) throw refuse("PVC is not bound");
  const volume = await client.find(persistentVolumes, claim.spec?.volumeName ?? "");
  if (volume === undefined) throw refuse(`persistentvolumes "${claim.spec?.volumeName ?? ""}" not found`);
  if (!isVolumeOf(volume, claim)) throw refuse("its volume is bound to another claim");
  return volume;
}
