/**
 * Binds claims and volumes to each other. A volume is written first, so that no other claim gets it; a claim that was interrupted
 * over that finds its volume by the reference.
 */
import { hasReason } from "../../../protocols/api-server.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../protocols/kubernetes/types/core-v1.ts";
import {
  boundVolume,
  claimsOfPod,
  classOf,
  isBindCompleted,
  isClassOpen,
} from "../../../protocols/kubernetes/volumes.ts";
import { keyOf, objectKey } from "../../client/core/store.ts";
import { persistentVolumeClaims, persistentVolumes } from "../../client/resources.ts";
import type { WorkQueue } from "../../client/work-queue.ts";
import { boundClaim, boundStatus, unboundVolume, waitingStatus } from "../core/volumes/bound.ts";
import type { ClaimPlan, Told } from "../core/volumes/claim.ts";
import { planClaim } from "../core/volumes/claim.ts";
import { defaultClassOf } from "../core/volumes/classes.ts";
import { planVolume } from "../core/volumes/volume.ts";
import type { Session } from "../session.ts";

/** Claims that have no volume for good, by class; those that take the cluster's default are under "". */
const WAITING = "waiting";
/** Claims, by the volume that they name. */
const BY_VOLUME = "volume";
/** Volumes. */
const BY_CLASS = "class";
const BY_CLAIM = "claim";
const PROVISIONER_ANNOTATIONS = [
  "volume.beta.kubernetes.io/storage-provisioner",
  "volume.kubernetes.io/storage-provisioner",
];

export function persistentVolumeBinder(session: Session): void {
  const claims = session.queue("persistent-volume-claim", (key, turn) => syncClaim(turn, key));
  const volumes = session.queue("persistent-volume", (name, turn) => syncVolume(turn, name, claims));
  session.claims.addIndex(WAITING, (claim) => (isBindCompleted(claim) ? [] : [classOf(claim)]));
  session.claims.addIndex(BY_VOLUME, ({ spec }) => [spec?.volumeName ?? ""]);
  session.volumes.addIndex(BY_CLASS, (volume) => [classOf(volume)]);
  session.volumes.addIndex(BY_CLAIM, ({ spec }) => [objectKey(spec?.claimRef?.name ?? "", spec?.claimRef?.namespace)]);
  followClaims(session, claims, volumes);
  followVolumes(session, claims, volumes);
  session.storageClasses.onChange(({ object }) => {
    for (const name of new Set([object.metadata?.name ?? "", ""])) lookAtWaiting(session, claims, name);
  });
  session.pods.onChange(({ type, object, previous }) => {
    const isPlaced = Boolean(object.spec?.nodeName);
    if (type === "modified" && isPlaced === Boolean(previous?.spec?.nodeName)) return;
    for (const { name } of claimsOfPod(object)) {
      const key = objectKey(name, object.metadata?.namespace);
      const claim = session.claims.getByKey(key);
      if (claim !== undefined && !isBindCompleted(claim)) claims.add(key);
    }
  });
}

function followClaims(session: Session, claims: WorkQueue, volumes: WorkQueue): void {
  session.claims.onChange(({ type, object, previous }) => {
    if (type !== "deleted") claims.add(keyOf(object));
    // Whose claim is gone, or was made anew, is released.
    const named = [object.spec?.volumeName, previous?.spec?.volumeName].filter((name) => name !== undefined);
    for (const { metadata } of session.volumes.byIndex(BY_CLAIM, keyOf(object))) named.push(metadata?.name ?? "");
    for (const name of new Set(named)) if (name !== "") volumes.add(name);
  });
}

function followVolumes(session: Session, claims: WorkQueue, volumes: WorkQueue): void {
  session.volumes.onChange(({ type, object }) => {
    const { name = "" } = object.metadata ?? {};
    const { claimRef } = object.spec ?? {};
    if (type !== "deleted") volumes.add(name);
    for (const claim of session.claims.byIndex(BY_VOLUME, name)) claims.add(keyOf(claim));
    if (claimRef?.name !== undefined) claims.add(objectKey(claimRef.name, claimRef.namespace));
    else if (object.status?.phase === "Available") lookAtWaiting(session, claims, classOf(object));
  });
}

function lookAtWaiting(session: Session, claims: WorkQueue, name: string): void {
  for (const claim of session.claims.byIndex(WAITING, name)) claims.add(keyOf(claim));
}

async function syncClaim(session: Session, key: string): Promise<void> {
  const claim = session.claims.getByKey(key);
  if (claim === undefined) return;
  const plan = planClaim({
    claim,
    volume: (name) => session.volumes.get(name),
    candidates: candidatesOf(session, claim),
    storageClass: (name) => session.storageClasses.get(name),
    defaultClass: isClassOpen(claim) ? defaultClassOf(session.storageClasses.list()) : undefined,
    waitingPod: waitingPodOf(session, claim),
  });
  switch (plan.do) {
    case "bind":
      return bind(session, claim, plan.volume);
    case "take-class":
      await session.client.update(persistentVolumeClaims, {
        ...claim,
        spec: { ...claim.spec, storageClassName: plan.name },
      });
      return;
    case "provision":
      return provision(session, claim, plan);
    case "wait":
      return wait(session, claim, plan);
  }
}

/** Those of its class, and whatever names it. */
function* candidatesOf(session: Session, claim: PersistentVolumeClaim): Iterable<PersistentVolume> {
  const name = classOf(claim);
  yield* session.volumes.byIndex(BY_CLASS, name);
  for (const volume of session.volumes.byIndex(BY_CLAIM, keyOf(claim))) if (classOf(volume) !== name) yield volume;
}

function waitingPodOf(session: Session, { metadata }: PersistentVolumeClaim): string | undefined {
  const pod = session.pods
    .byIndex("namespace", metadata?.namespace ?? "")
    .find((one) => !one.spec?.nodeName && claimsOfPod(one).some(({ name }) => name === metadata?.name));
  return pod?.metadata?.name;
}

async function bind({ client }: Session, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
  const given = boundVolume(volume, claim);
  const taken = given === undefined ? volume : await client.update(persistentVolumes, given);
  if (taken.status?.phase !== "Bound") {
    await client.updateStatus(persistentVolumes, { ...taken, status: { ...taken.status, phase: "Bound" } });
  }
  const named = boundClaim(claim, taken);
  const bound = named === undefined ? claim : await client.update(persistentVolumeClaims, named);
  const status = boundStatus(bound, taken);
  if (status !== undefined) await client.updateStatus(persistentVolumeClaims, { ...bound, status });
}

/** Its provisioner, which may be anybody's, goes by the annotations. */
async function provision(
  session: Session,
  claim: PersistentVolumeClaim,
  { provisioner }: ClaimPlan & { readonly do: "provision" },
): Promise<void> {
  let asked = claim;
  const { annotations = {} } = claim.metadata ?? {};
  if (PROVISIONER_ANNOTATIONS.some((name) => annotations[name] !== provisioner)) {
    const named = Object.fromEntries(PROVISIONER_ANNOTATIONS.map((name) => [name, provisioner]));
    const metadata = { ...claim.metadata, annotations: { ...annotations, ...named } };
    asked = await session.client.update(persistentVolumeClaims, { ...claim, metadata });
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  await wait(session, asked, { phase: "Pending", told: { type: "Normal", reason: "ExternalProvisioning", message } });
}

async function wait(
  session: Session,
  claim: PersistentVolumeClaim,
  { phase, told }: { readonly phase: "Pending" | "Lost"; readonly told?: Told },
): Promise<void> {
  const status = waitingStatus(claim, phase);
  if (status !== undefined) await session.client.updateStatus(persistentVolumeClaims, { ...claim, status });
  if (told === undefined || (phase === "Lost" && claim.status?.phase === "Lost")) return;
  session.recorder.event(typedClaim(claim), told.type, told.reason, told.message);
}

async function syncVolume(session: Session, name: string, claims: WorkQueue): Promise<void> {
  const volume = session.volumes.get(name);
  if (volume === undefined) return;
  const plan = planVolume(volume, await claimOf(session, volume));
  switch (plan.do) {
    case "show":
      return show(session, volume, plan);
    case "look-at-claim": {
      const { claimRef } = volume.spec ?? {};
      const key = objectKey(claimRef?.name ?? "", claimRef?.namespace);
      const claim = session.claims.getByKey(key);
      if (plan.told !== undefined) {
        tell(session, volume, plan.told.volume);
        if (claim !== undefined) {
          session.recorder.event(
            typedClaim(claim),
            plan.told.claim.type,
            plan.told.claim.reason,
            plan.told.claim.message,
          );
        }
      }
      return session.ctx.trace.because(session.why, () => claims.add(key));
    }
    case "unbind": {
      const free = await session.client.update(persistentVolumes, unboundVolume(volume));
      return show(session, free, { phase: "Available" });
    }
    case "release":
      return;
  }
}

/** The claim that the volume names by its uid. That it is gone is nobody's word but the API's: what is released may be deleted. */
async function claimOf(session: Session, { spec }: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
  const { name = "", namespace = "", uid } = spec?.claimRef ?? {};
  if (uid === undefined || uid === "") return undefined;
  const known = session.claims.get(name, namespace);
  if (known?.metadata?.uid === uid) return known;
  const found = await session.client.find(persistentVolumeClaims, name, namespace);
  return found?.metadata?.uid === uid ? found : undefined;
}

async function show(
  session: Session,
  volume: PersistentVolume,
  { phase, message, told }: { readonly phase: string; readonly message?: string; readonly told?: Told },
): Promise<void> {
  const { status = {} } = volume;
  if (status.phase === phase && (status.message ?? "") === (message ?? "")) return;
  const { message: _before, reason: _reason, ...rest } = status;
  const shown = {
    ...rest,
    phase: phase as NonNullable<typeof status.phase>,
    ...(message === undefined ? {} : { message }),
  };
  try {
    await session.client.updateStatus(persistentVolumes, { ...volume, status: shown });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
    return;
  }
  if (told !== undefined) tell(session, volume, told);
}

function tell({ recorder }: Session, volume: PersistentVolume, { type, reason, message }: Told): void {
  recorder.event({ apiVersion: "v1", kind: "PersistentVolume", ...volume }, type, reason, message);
}

function typedClaim(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  return { apiVersion: "v1", kind: "PersistentVolumeClaim", ...claim };
}
