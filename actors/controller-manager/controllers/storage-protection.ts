/**
 * Storage protection: lets go of claims and volumes that are deleted, once nobody uses them (admission has put the finalizers there),
 * and says of claims since when nobody does.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { claimsOfPod } from "../../../protocols/kubernetes/volumes.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { keyOf, objectKey } from "../../client/core/store.ts";
import type { Resource } from "../../client/resources.ts";
import { persistentVolumeClaims, persistentVolumes, pods } from "../../client/resources.ts";
import { isClaimUsed, isVolumeUsed, usedStatus } from "../core/storage-use.ts";
import type { Session } from "../session.ts";

const CLAIM = "kubernetes.io/pvc-protection";
const VOLUME = "kubernetes.io/pv-protection";

export function storageProtectionController(session: Session): void {
  const claims = session.queue("claim-protection", (key, turn) => syncClaim(turn, key));
  const volumes = session.queue("volume-protection", (name, turn) => releaseVolume(turn, name));
  session.claims.onChange(({ type, object }) => {
    if (type !== "deleted" && (isHeld(object, CLAIM) || object.status?.phase === "Bound")) claims.add(keyOf(object));
  });
  session.volumes.onChange(({ type, object }) => {
    if (type !== "deleted" && isHeld(object, VOLUME)) volumes.add(keyOf(object));
  });
  session.pods.onChange(({ type, object, previous }) => {
    if (type === "modified" && previous?.status?.phase === object.status?.phase) return;
    for (const { name } of claimsOfPod(object)) claims.add(objectKey(name, object.metadata?.namespace));
  });
}

function isHeld({ metadata }: KubernetesObject, finalizer: string): boolean {
  return metadata?.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);
}

async function syncClaim(session: Session, key: string): Promise<void> {
  const claim = session.claims.getByKey(key);
  if (claim === undefined) return;
  if (isHeld(claim, CLAIM)) return releaseClaim(session, key);
  const now = formatTime(session.ctx.clock.nowMs());
  const status = usedStatus(claim, session.pods.byIndex("namespace", claim.metadata?.namespace ?? ""), now);
  if (status !== undefined) await session.client.updateStatus(persistentVolumeClaims, { ...claim, status });
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
