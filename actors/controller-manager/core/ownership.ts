/**
 * Who owns whom, over all kinds, and what follows from it.
 *
 * @see k8s.io/kubernetes/pkg/controller/garbagecollector
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { OwnerReference } from "../../../protocols/kubernetes/types/meta-v1.ts";

export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";

/** An object in the graph. `Kind` is what the caller needs to find it again. */
export interface Owned<Kind> {
  readonly kind: Kind;
  readonly object: KubernetesObject;
}

/** Uids of deleted objects that are remembered, so that an owner's end needs no question for each of its dependents. */
const GONE_MAX = 10_000;

export class OwnershipGraph<Kind> {
  private readonly byUid = new Map<string, Owned<Kind>>();
  private readonly dependents = new Map<string, Map<string, Owned<Kind>>>();
  private readonly goneUids = new Set<string>();

  get(uid: string): Owned<Kind> | undefined {
    return this.byUid.get(uid);
  }

  /** Whether an object of this uid was seen to be deleted. */
  isGone(uid: string): boolean {
    return this.goneUids.has(uid);
  }

  dependentsOf(uid: string): readonly Owned<Kind>[] {
    return [...(this.dependents.get(uid)?.values() ?? [])];
  }

  put(kind: Kind, object: KubernetesObject): void {
    const uid = object.metadata?.uid;
    if (uid === undefined) return;
    const before = this.byUid.get(uid);
    const item = { kind, object };
    this.byUid.set(uid, item);
    if (before !== undefined) this.unlink(uid, before);
    for (const owner of object.metadata?.ownerReferences ?? []) {
      const siblings = this.dependents.get(owner.uid);
      if (siblings === undefined) this.dependents.set(owner.uid, new Map([[uid, item]]));
      else siblings.set(uid, item);
    }
  }

  remove(uid: string): void {
    const item = this.byUid.get(uid);
    if (item === undefined) return;
    this.byUid.delete(uid);
    this.unlink(uid, item);
    this.goneUids.add(uid);
    if (this.goneUids.size <= GONE_MAX) return;
    for (const oldest of this.goneUids) {
      this.goneUids.delete(oldest);
      break;
    }
  }

  /** As if it had never been seen: nothing is known of its end. */
  forget(uid: string): void {
    const item = this.byUid.get(uid);
    if (item === undefined) return;
    this.byUid.delete(uid);
    this.unlink(uid, item);
  }

  private unlink(uid: string, item: Owned<Kind>): void {
    for (const owner of item.object.metadata?.ownerReferences ?? []) {
      const siblings = this.dependents.get(owner.uid);
      siblings?.delete(uid);
      if (siblings?.size === 0) this.dependents.delete(owner.uid);
    }
  }
}

export function isDeleting(object: KubernetesObject): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

/** Being deleted, and waiting for its dependents to be gone first. */
export function waitsForDependents(object: KubernetesObject): boolean {
  return isDeleting(object) && (object.metadata?.finalizers ?? []).includes(FOREGROUND);
}

/** Being deleted, and to be outlived by its dependents. */
export function orphansDependents(object: KubernetesObject): boolean {
  return isDeleting(object) && (object.metadata?.finalizers ?? []).includes(ORPHAN);
}

/** Whether `dependent` keeps the owner with this uid from going in the foreground. */
export function blocks(dependent: KubernetesObject, ownerUid: string): boolean {
  return (dependent.metadata?.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true,
  );
}

/** An owner is there, is there and waits for its dependents, or is not there any more. */
export type Presence = "solid" | "waiting" | "absent";

export type Verdict =
  | { readonly do: "nothing" }
  | { readonly do: "keep-owners"; readonly owners: readonly OwnerReference[] }
  | { readonly do: "delete"; readonly policy: "Background" | "Foreground" | "Orphan" };

/** What becomes of an object, given how its owners are. */
export function judge(object: KubernetesObject, presences: readonly Presence[], hasDependents: boolean): Verdict {
  const owners = object.metadata?.ownerReferences ?? [];
  if (owners.length === 0 || isDeleting(object)) return { do: "nothing" };
  const solid = owners.filter((_, index) => presences[index] === "solid");
  if (solid.length === owners.length) return { do: "nothing" };
  if (solid.length > 0) return { do: "keep-owners", owners: solid };
  if (presences.includes("waiting") && hasDependents) return { do: "delete", policy: "Foreground" };
  const finalizers = object.metadata?.finalizers ?? [];
  if (finalizers.includes(ORPHAN)) return { do: "delete", policy: "Orphan" };
  return { do: "delete", policy: finalizers.includes(FOREGROUND) ? "Foreground" : "Background" };
}
