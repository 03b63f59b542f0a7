/** Which pods, or revisions, are a controller's. @see k8s.io/kubernetes/pkg/controller/controller_ref_manager.go */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector } from "../../../protocols/kubernetes/types/meta-v1.ts";
import { compileSelectorObject } from "../../../protocols/kubernetes/selectors.ts";
import { controllerOf } from "../../../protocols/kubernetes/owners.ts";
import { isActive } from "./pods.ts";

/** A ReplicaSet, a Job, or another that makes pods and knows them by a selector. */
export interface Claimant extends KubernetesObject {
  readonly spec?: { readonly selector?: LabelSelector };
}

export interface Claim<T = Pod> {
  readonly owned: readonly T[];
  /** Orphans that match: to be adopted. */
  readonly adopt: readonly T[];
  /** Its own that match no longer: to be let go. */
  readonly release: readonly T[];
}

/** Sorts the pods of a namespace into those that are the claimant's, could be, and no longer are. */
export function claimPods(claimant: Claimant, pods: readonly Pod[]): Claim {
  return claimObjects(claimant, pods, isActive);
}

/** The same for whatever is known by its labels. `mayAdopt`: of orphans that match. */
export function claimObjects<T extends KubernetesObject>(
  claimant: Claimant,
  objects: readonly T[],
  mayAdopt: (object: T) => boolean,
): Claim<T> {
  const uid = claimant.metadata?.uid;
  const deleting = claimant.metadata?.deletionTimestamp !== undefined;
  const selector = compileSelectorObject(claimant.spec?.selector);
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  for (const object of objects) {
    const controller = controllerOf(object);
    const matches = selector.matches(object.metadata?.labels);
    if (controller !== undefined) {
      if (controller.uid !== uid) continue;
      if (matches) owned.push(object);
      else if (!deleting) release.push(object);
    } else if (matches && !deleting && mayAdopt(object)) adopt.push(object);
  }
  return { owned, adopt, release };
}
