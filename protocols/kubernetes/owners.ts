/** Owner references: who made an object, and who answers for it. */
import type { KubernetesObject } from "../api-server.ts";
import type { OwnerReference } from "./types/meta-v1.ts";

/** The one owner that controls the object. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((owner) => owner.controller === true);
}

export function isControlledBy(object: KubernetesObject, uid: string | undefined): boolean {
  return uid !== undefined && controllerOf(object)?.uid === uid;
}

/** The reference that a controller puts on what it makes. */
export function controllerReference(apiVersion: string, kind: string, owner: KubernetesObject): OwnerReference {
  const { name, uid } = owner.metadata ?? {};
  if (name === undefined || uid === undefined) throw new Error(`${kind} without a name or uid can't own anything`);
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}
