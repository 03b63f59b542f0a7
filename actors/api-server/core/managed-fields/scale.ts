/**
 * The scale of an object shows one of its fields as its own: who manages the one manages the other.
 * Source: apimachinery `util/managedfields/scalehandler.go`.
 */
import type { ManagedFieldsEntry } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import { difference, hasPath, setOfPath } from "./field-set.ts";
import type { Managers } from "./managers.ts";
import { entriesOf, identityOf, managersOf, setFields } from "./managers.ts";
import type { PathElement } from "./path-element.ts";

const SCALE_VERSION = "autoscaling/v1";
const REPLICAS: readonly PathElement[] = ["f:spec", "f:replicas"];

type Entries = readonly ManagedFieldsEntry[] | undefined;

/** Where an object of a version has its replicas; undefined in a version that is not served. */
export type ReplicasPath = (apiVersion: string) => readonly PathElement[] | undefined;

/** Those of the object, as those of its scale. */
export function toScaleEntries(parent: Entries, replicasPath: ReplicasPath): Entries {
  const managers: Managers = new Map();
  for (const manager of managersOf(parent).values()) {
    const path = replicasPath(manager.apiVersion);
    if (path === undefined || !hasPath(manager.fields, path)) continue;
    const shown = { ...manager, apiVersion: SCALE_VERSION, fields: setOfPath(REPLICAS) };
    managers.set(identityOf(shown), shown);
  }
  return entriesOf(managers);
}

/**
 * Those of the object, after a write to its scale.
 * @param apiVersion that in which the object was asked for
 */
export function fromScaleEntries(
  parent: Entries,
  scale: Entries,
  apiVersion: string,
  replicasPath: ReplicasPath,
): Entries {
  const managers: Managers = new Map();
  const left = managersOf(scale);
  for (const [identity, manager] of managersOf(parent)) {
    const path = replicasPath(manager.apiVersion);
    if (path === undefined) continue;
    const shown = identityOf({ ...manager, apiVersion: SCALE_VERSION });
    if (!hasPath(manager.fields, path) || left.delete(shown)) managers.set(identity, manager);
    else setFields(managers, identity, { ...manager, fields: difference(manager.fields, setOfPath(path)) });
  }
  const path = replicasPath(apiVersion);
  for (const manager of left.values()) {
    if (path === undefined || !hasPath(manager.fields, REPLICAS)) continue;
    // Kubernetes knows no time of those who have only scaled.
    const own = { ...manager, apiVersion, time: undefined, fields: setOfPath(path) };
    managers.set(identityOf(own), own);
  }
  return entriesOf(managers);
}
