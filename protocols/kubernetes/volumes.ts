/**
 * Which volume suits which claim: what the binder and the scheduler both go by.
 * @see k8s.io/component-helpers/storage/volume
 */
import { matchesNodeTerm } from "./node-selectors.ts";
import { compareQuantities } from "./quantity.ts";
import { compileSelectorObject } from "./selectors.ts";
import type { ObjectMeta } from "./types/meta-v1.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from "./types/core-v1.ts";
import type { StorageClass } from "./types/storage-v1.ts";

export const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
export const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";
export const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
export const SELECTED_NODE = "volume.kubernetes.io/selected-node";
/** Of classes whose volumes are made by hand. */
export const NO_PROVISIONER = "kubernetes.io/no-provisioner";

const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";

/** "": of no class. */
export function classOf({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string {
  return metadata?.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? "";
}

/** Whether the claim has not said anything of a class, and so takes the cluster's default. */
export function isClassOpen({ metadata, spec }: PersistentVolumeClaim): boolean {
  return metadata?.annotations?.[CLASS_ANNOTATION] === undefined && spec?.storageClassName === undefined;
}

export function isBindCompleted({ metadata }: PersistentVolumeClaim): boolean {
  return metadata?.annotations?.[BIND_COMPLETED] !== undefined;
}

/** Whether the scheduler may go by the claim's volume. */
export function isFullyBound(claim: PersistentVolumeClaim): boolean {
  return Boolean(claim.spec?.volumeName) && isBindCompleted(claim);
}

/** Whether the volume is for this claim and no other; one that was made for a name, is for whoever bears it first. */
export function isVolumeOf({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const reference = spec?.claimRef;
  if (reference === undefined || reference.name !== metadata?.name) return false;
  if (reference.namespace !== metadata?.namespace) return false;
  return !reference.uid || reference.uid === metadata?.uid;
}

export function waitsForConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === "WaitForFirstConsumer";
}

export function requestOf({ spec }: PersistentVolumeClaim): string {
  return spec?.resources?.requests?.["storage"] ?? "0";
}

export function capacityOf({ spec }: PersistentVolume): string {
  return spec?.capacity?.["storage"] ?? "0";
}

/** Whether pods of the node can use the volume. */
export function reachesNode({ spec }: PersistentVolume, node: Node | undefined): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesNodeTerm(term, node));
}

/** Why a volume that a claim names, or that names it, is none for it; undefined when it is. */
export function mismatch(
  volume: PersistentVolume,
  claim: PersistentVolumeClaim,
  { anyClass = false }: { readonly anyClass?: boolean } = {},
): string | undefined {
  if (compareQuantities(capacityOf(volume), requestOf(claim)) < 0) return "requested PV is too small";
  if (!anyClass && classOf(volume) !== classOf(claim)) return "storageClassName does not match";
  if (attributesOf(volume) !== attributesOf(claim)) return "volumeAttributesClassName does not match";
  if (modeOf(volume) !== modeOf(claim)) return "incompatible volumeMode";
  if (!hasAccessModes(volume, claim)) return "incompatible accessMode";
  return undefined;
}

export function modeOf({ spec }: PersistentVolume | PersistentVolumeClaim): string {
  return spec?.volumeMode ?? "Filesystem";
}

function attributesOf({ spec }: PersistentVolume | PersistentVolumeClaim): string {
  return spec?.volumeAttributesClassName ?? "";
}

function accessModesOf(volume: PersistentVolume): readonly string[] {
  return volume.spec?.accessModes ?? [];
}

function hasAccessModes(volume: PersistentVolume, { spec }: PersistentVolumeClaim): boolean {
  return (spec?.accessModes ?? []).every((mode) => accessModesOf(volume).includes(mode));
}

/** Where a claim's volume is wanted. */
export interface Search {
  /** Of the pod that waits; absent: anywhere. */
  readonly node?: Node;
  /** Volumes that are given to others meanwhile. */
  readonly taken?: ReadonlySet<string>;
  /** Only a volume that names the claim counts: it waits for its pod's node. */
  readonly namedOnly?: boolean;
}

/**
 * The volume that is best for the claim: one that names it, else of those with the fewest access modes the smallest. Ties go to the
 * first by name. O(volumes).
 */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { node, taken, namedOnly = false }: Search = {},
): PersistentVolume | undefined {
  const selector = claim.spec?.selector === undefined ? undefined : compileSelectorObject(claim.spec.selector);
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    const { metadata, spec, status } = volume;
    if (taken?.has(metadata?.name ?? "") === true || metadata?.deletionTimestamp !== undefined) continue;
    const isNamed = isVolumeOf(volume, claim);
    if (!isNamed && (namedOnly || spec?.claimRef !== undefined || status?.phase !== "Available")) continue;
    // A volume that names its claim has settled the class.
    if (mismatch(volume, claim, { anyClass: isNamed }) !== undefined) continue;
    if (isNamed) return node !== undefined && !reachesNode(volume, node) ? undefined : volume;
    if (selector?.matches(metadata?.labels) === false) continue;
    if (node !== undefined && !reachesNode(volume, node)) continue;
    if (best === undefined || isBetter(volume, best)) best = volume;
  }
  return best;
}

function isBetter(one: PersistentVolume, other: PersistentVolume): boolean {
  const modes = accessModesOf(one).length - accessModesOf(other).length;
  if (modes !== 0) return modes < 0;
  const size = compareQuantities(capacityOf(one), capacityOf(other));
  return size === 0 ? (one.metadata?.name ?? "") < (other.metadata?.name ?? "") : size < 0;
}

/** A claim of a pod: one that it names, or one that is made for it, which has `isOwn`. */
export interface PodClaim {
  readonly volume: string;
  readonly name: string;
  readonly isOwn: boolean;
}

export function claimsOfPod({ metadata, spec }: Pod): readonly PodClaim[] {
  return (spec?.volumes ?? []).flatMap(({ name: volume, persistentVolumeClaim, ephemeral }): readonly PodClaim[] => {
    if (persistentVolumeClaim !== undefined) {
      return [{ volume, name: persistentVolumeClaim.claimName, isOwn: false }];
    }
    return ephemeral === undefined ? [] : [{ volume, name: `${metadata?.name ?? ""}-${volume}`, isOwn: true }];
  });
}

/**
 * The volume, given to the claim. The annotation says that it was chosen for it, and so may be let go of.
 * @returns undefined when it names the claim already
 */
export function boundVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume | undefined {
  const { claimRef } = volume.spec ?? {};
  if (claimRef?.uid === claim.metadata?.uid) return undefined;
  const isChosen = !isVolumeOf(volume, claim);
  const { name = "", namespace = "", uid = "", resourceVersion = "" } = claim.metadata ?? {};
  const reference = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid, resourceVersion };
  return {
    ...volume,
    metadata: isChosen ? annotated(volume.metadata, { [BOUND_BY_CONTROLLER]: "yes" }) : (volume.metadata ?? {}),
    spec: { ...volume.spec, claimRef: { ...claimRef, ...reference } },
  };
}

export function annotated(metadata: ObjectMeta | undefined, added: Readonly<Record<string, string>>): ObjectMeta {
  return { ...metadata, annotations: { ...metadata?.annotations, ...added } };
}
