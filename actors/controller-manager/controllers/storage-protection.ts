/** Storage protection: lets go of claims and volumes that are deleted, once nobody uses them. Admission has put the finalizers there. */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { keyOf } from "../../client/core/store.ts";
import type { Resource } from "../../client/resources.ts";
import { persistentVolumeClaims, persistentVolumes, pods } from "../../client/resources.ts";
import { claimsOf, isClaimUsed, isVolumeUsed } from "../core/storage-use.ts";
import type { Session } from "../session.ts";

const CLAIM = "kubernetes.io/pvc-protection";
const VOLUME = "kubernetes.io/pv-protection";

export function storageProtectionController(session: Session): void {
  const claims = session.queue("claim-protection", (key, turn) => releaseClaim(turn, key));
  const volumes = session.queue("volume-protection", (name, turn) => releaseVolume(turn, name));
  const held = [
    { resource: persistentVolumeClaims.resource, queue: claims, finalizer: CLAIM },
    { resource: persistentVolumes.resource, queue: volumes, finalizer: VOLUME },
  ];
  for (const { resource, informer } of session.followed) {
    const row = held.find((one) => one.resource === resource.resource);
    if (row === undefined) continue;
    informer.onChange(({ type, object }) => {
      if (type !== "deleted" && isHeld(object, row.finalizer)) row.queue.add(keyOf(object));
    });
  }
  session.pods.onChange(({ type, object }) => {
    if (type !== "deleted") return;
    const namespace = object.metadata?.namespace ?? "";
    for (const claim of claimsOf(object)) claims.add(`${namespace}/${claim}`);
  });
}

function isHeld({ metadata }: KubernetesObject, finalizer: string): boolean {
  return metadata?.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);
}

async function releaseClaim(session: Session, key: string): Promise<void> {
  const [namespace = "", name = ""] = key.split("/");
  const claim = await session.client.find(persistentVolumeClaims, name, namespace);
  if (claim === undefined || !isHeld(claim, CLAIM)) return;
  if (isClaimUsed(name, session.pods.byIndex("namespace", namespace))) return;
  // The local copy may lag: only the API's word counts.
  const found = await session.client.list(pods, { namespace });
  if (isClaimUsed(name, found.items)) return;
  await release(session, persistentVolumeClaims, claim, CLAIM);
}

async function releaseVolume(session: Session, name: string): Promise<void> {
  const volume = await session.client.find(persistentVolumes, name);
  if (volume === undefined || !isHeld(volume, VOLUME) || isVolumeUsed(volume)) return;
  await release(session, persistentVolumes, volume, VOLUME);
}

async function release(
  session: Session,
  resource: Resource,
  object: KubernetesObject,
  finalizer: string,
): Promise<void> {
  const { name = "", namespace, uid, resourceVersion, finalizers = [] } = object.metadata ?? {};
  const left = finalizers.filter((other) => other !== finalizer);
  try {
    const patch = { metadata: { uid, resourceVersion, finalizers: left } };
    await session.client.patch(resource, name, namespace, patch);
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
