/** Which pods are a controller's. @see `PodControllerRefManager` in k8s.io/kubernetes/pkg/controller */
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

export interface Claim {
  readonly owned: readonly Pod[];
  /** Orphans that match: to be adopted. */
  readonly adopt: readonly Pod[];
  /** Its own that match no longer: to be let go. */
  readonly release: readonly Pod[];
}

/** Sorts the pods of a namespace into those that are the claimant's, could be, and no longer are. */
export function claimPods(claimant: Claimant, pods: readonly Pod[]): Claim {
  const uid = claimant.metadata?.uid;
  const deleting = claimant.metadata?.deletionTimestamp !== undefined;
  const selector = compileSelectorObject(claimant.spec?.selector);
  const owned: Pod[] = [];
  const adopt: Pod[] = [];
  const release: Pod[] = [];
  for (const pod of pods) {
    const controller = controllerOf(pod);
    const matches = selector.matches(pod.metadata?.labels);
    if (controller !== undefined) {
      if (controller.uid !== uid) continue;
      if (matches) owned.push(pod);
      else if (!deleting) release.push(pod);
    } else if (matches && !deleting && isActive(pod)) adopt.push(pod);
  }
  return { owned, adopt, release };
}
