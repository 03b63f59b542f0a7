/** Changes of pods, told to the queue of whoever makes them. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import { controllerOf } from "../../protocols/kubernetes/owners.ts";
import { compileSelectorObject } from "../../protocols/kubernetes/selectors.ts";
import { keyOf } from "../client/core/store.ts";
import type { Change, Informer } from "../client/informer.ts";
import type { WorkQueue } from "../client/work-queue.ts";
import type { Claimant } from "./core/claims.ts";
import type { Expectations } from "./core/expectations.ts";
import { isTerminating } from "./core/pods.ts";
import type { Session } from "./session.ts";

export interface PodOwners<T extends KubernetesObject> {
  readonly kind: string;
  /** With an index `namespace`. */
  readonly owners: Informer<T>;
  /** What an owner knows its pods by. */
  readonly claimant: (owner: T) => Claimant;
  readonly queue: WorkQueue;
  readonly expectations: Expectations;
}

/** Owners are looked at when they change, at once when a pod goes, and a little later for whatever else happens to one. */
export function followPods<T extends KubernetesObject>(session: Session, of: PodOwners<T>): void {
  of.owners.onChange(({ type, object }) => {
    if (type === "deleted") of.expectations.forget(keyOf(object));
    of.queue.add(keyOf(object));
  });
  session.pods.onChange((change) => onPod(session, of, change));
}

function onPod<T extends KubernetesObject>(session: Session, of: PodOwners<T>, change: Change<Pod>): void {
  const pod = change.object;
  const key = ownerKey(of.kind, pod);
  const before = change.previous === undefined ? undefined : ownerKey(of.kind, change.previous);
  if (before !== undefined && before !== key) of.queue.add(before);
  if (key === undefined) {
    if (change.type !== "deleted") onOrphan(of, pod);
    return;
  }
  if (change.type === "added") of.expectations.created(key);
  const gone = change.type === "deleted" || isTerminating(pod);
  if (gone) of.expectations.deleted(key, pod.metadata?.uid ?? "");
  const wasGone = change.previous !== undefined && isTerminating(change.previous);
  if (gone && !wasGone) of.queue.add(key);
  else of.queue.addAfter(key, session.options.batchMs);
}

function ownerKey(kind: string, pod: Pod): string | undefined {
  const owner = controllerOf(pod);
  return owner?.kind === kind ? `${pod.metadata?.namespace}/${owner.name}` : undefined;
}

/** A pod without a controller may belong to any owner whose selector it matches. */
function onOrphan<T extends KubernetesObject>({ owners, claimant, queue }: PodOwners<T>, pod: Pod): void {
  if (controllerOf(pod) !== undefined || pod.metadata?.labels === undefined) return;
  for (const owner of owners.byIndex("namespace", pod.metadata.namespace ?? "")) {
    if (compileSelectorObject(claimant(owner).spec?.selector).matches(pod.metadata.labels)) queue.add(keyOf(owner));
  }
}
