/**
 * Who owns a StatefulSet's claims, and so when they go: with the set, with a pod that is one too many, or never.
 *
 * @see isClaimOwnerUpToDate and updateClaimOwnerRefForSetAndPod in k8s.io/kubernetes/pkg/controller/statefulset
 */
import type { StatefulSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { OwnerReference } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import { controllerReference } from "../../../../protocols/kubernetes/owners.ts";
import { isInRange } from "./identity.ts";

interface Member {
  readonly set: StatefulSet;
  /** Without a uid when it is still to be made. */
  readonly pod: Pod;
  readonly ordinal: number;
}

/** A claim of an earlier pod of this name that goes with it: a new pod has to wait until it is gone. */
export function isStale(claim: PersistentVolumeClaim, { set, pod }: Member): boolean {
  return set.spec?.persistentVolumeClaimRetentionPolicy?.whenScaled === "Delete" && isOfAnother(claim, "Pod", pod);
}

/** The claim with the owners that it is to have; undefined when it has them, or others answer for it. */
export function ownedClaim(claim: PersistentVolumeClaim, member: Member): PersistentVolumeClaim | undefined {
  const { set, pod } = member;
  if (isOfAnother(claim, "StatefulSet", set) || isOfAnother(claim, "Pod", pod)) return undefined;
  const before = claim.metadata?.ownerReferences ?? [];
  const others = before.filter((owner) => !refersTo(owner, "StatefulSet", set) && !refersTo(owner, "Pod", pod));
  const { whenDeleted = "Retain", whenScaled = "Retain" } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const retains = whenDeleted === "Retain" && whenScaled === "Retain";
  const isTaken = !retains && others.some(({ controller }) => controller === true);
  const ownerReferences = isTaken ? others : [...others, ...ownersOf(member)];
  if (sameOwners(before, ownerReferences)) return undefined;
  return { ...claim, metadata: { ...claim.metadata, ownerReferences } };
}

/** The set or the pod, whichever takes the claim along. */
export function ownersOf({ set, pod, ordinal }: Member): readonly OwnerReference[] {
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenScaled === "Delete" && !isInRange(set, ordinal)) return [controllerReference("v1", "Pod", pod)];
  return whenDeleted === "Delete" ? [controllerReference("apps/v1", "StatefulSet", set)] : [];
}

function refersTo(owner: OwnerReference, kind: "Pod" | "StatefulSet", object: StatefulSet | Pod): boolean {
  const apiVersion = kind === "Pod" ? "v1" : "apps/v1";
  return owner.apiVersion === apiVersion && owner.kind === kind && owner.name === object.metadata?.name;
}

/** Whether the claim names an object of this kind and name that is not this one. */
function isOfAnother(claim: PersistentVolumeClaim, kind: "Pod" | "StatefulSet", object: StatefulSet | Pod): boolean {
  const first = (claim.metadata?.ownerReferences ?? []).find((owner) => refersTo(owner, kind, object));
  return first !== undefined && first.uid !== object.metadata?.uid;
}

function sameOwners(left: readonly OwnerReference[], right: readonly OwnerReference[]): boolean {
  const uids = (owners: readonly OwnerReference[]): string =>
    owners.map(({ uid, controller }) => `${uid}/${controller === true}`).join();
  return left.length === right.length && uids(left) === uids(right);
}
