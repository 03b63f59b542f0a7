/** PodDisruptionBudget: counts the pods that may be taken away. */
import type { OwnerReference } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { PodDisruptionBudget } from "../../../protocols/kubernetes/types/policy-v1.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import { compileSelectorObject } from "../../../protocols/kubernetes/selectors.ts";
import { controllerOf } from "../../../protocols/kubernetes/owners.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { keyOf } from "../../client/core/store.ts";
import { apiVersionOf, podDisruptionBudgets } from "../../client/resources.ts";
import type { Resource } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
import type { Scales } from "../core/disruption.ts";
import { asksScales, planDisruption, withoutNumbers } from "../core/disruption.ts";
import type { Session } from "../session.ts";

export function disruptionController(session: Session): void {
  const queue = session.queue("disruption", (key, turn) => reconcile(turn, key));
  const { podDisruptionBudgets: budgets } = session;
  const addFor = (pod: Pod): void => {
    for (const budget of budgets.byIndex("namespace", pod.metadata?.namespace ?? "")) {
      if (matches(budget, pod)) queue.addAfter(keyOf(budget), session.options.batchMs);
    }
  };
  budgets.onChange(({ type, object }) => {
    if (type !== "deleted") queue.add(keyOf(object));
  });
  session.pods.onChange(({ object, previous }) => {
    addFor(object);
    if (previous !== undefined) addFor(previous);
  });
  // Their replicas are what a share is of.
  const addForOwner = ({ object }: { readonly object: KubernetesObject }): void => {
    for (const budget of budgets.byIndex("namespace", object.metadata?.namespace ?? "")) {
      if (asksScales(budget)) queue.addAfter(keyOf(budget), session.options.batchMs);
    }
  };
  session.deployments.onChange(addForOwner);
  session.replicaSets.onChange(addForOwner);
  session.statefulSets.onChange(addForOwner);
}

function matches({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  return spec?.selector !== undefined && compileSelectorObject(spec.selector).matches(metadata?.labels);
}

async function reconcile(session: Session, key: string): Promise<Result> {
  const budget = session.podDisruptionBudgets.getByKey(key);
  if (budget === undefined) return;
  const { client, recorder } = session;
  const told: PodDisruptionBudget = { apiVersion: "policy/v1", kind: "PodDisruptionBudget", ...budget };
  const pods = session.pods
    .byIndex("namespace", budget.metadata?.namespace ?? "")
    .filter((pod) => matches(budget, pod));
  if (pods.length === 0) recorder.event(told, "Normal", "NoPods", "No matching pods found");
  const epochMs = session.ctx.clock.nowMs();
  const now = { epochMs, text: formatTime(epochMs) };
  const scales = asksScales(budget) ? await scalesOf(session, pods) : undefined;
  if (typeof scales === "string") {
    const message = `Failed to calculate the number of expected pods: ${scales}`;
    recorder.event(told, "Warning", "CalculateExpectedPodCountFailed", message);
    await client.updateStatus(podDisruptionBudgets, { ...budget, status: withoutNumbers(budget, now.text, scales) });
    return;
  }
  if (scales?.hasUnmanaged === true) recorder.event(told, "Warning", "UnmanagedPods", UNMANAGED);
  const plan = planDisruption(budget, pods, scales, now);
  for (const { metadata } of plan.notDeleted) {
    const message = `Pod ${metadata?.namespace}/${metadata?.name} was expected by PDB ${key} to be deleted but it wasn't`;
    recorder.event(told, "Warning", "NotDeleted", message);
  }
  if (plan.status !== undefined) await client.updateStatus(podDisruptionBudgets, { ...budget, status: plan.status });
  return plan.recheckAfterMs === undefined ? undefined : { afterMs: plan.recheckAfterMs };
}

const UNMANAGED =
  'Pods selected by this PodDisruptionBudget were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.';

/** What the owners of the pods want, or why that is not known. */
async function scalesOf(session: Session, pods: readonly Pod[]): Promise<Scales | string> {
  const replicasOf = new Map<string, number>();
  let hasUnmanaged = false;
  for (const pod of pods) {
    const namespace = pod.metadata?.namespace ?? "";
    const owner = controllerOf(pod);
    if (owner === undefined) hasUnmanaged = true;
    else {
      const scale = await scaleOf(session, namespace, owner);
      if (scale === undefined) return `found no controllers for pod ${JSON.stringify(pod.metadata?.name)}`;
      replicasOf.set(scale.uid, scale.replicas);
    }
  }
  return { replicas: [...replicasOf.values()].reduce((sum, replicas) => sum + replicas, 0), hasUnmanaged };
}

interface Scale extends KubernetesObject {
  readonly spec?: { readonly replicas?: number };
}

async function scaleOf(
  session: Session,
  namespace: string,
  owner: OwnerReference,
): Promise<{ readonly uid: string; readonly replicas: number } | undefined> {
  const set = owner.kind === "ReplicaSet" ? session.replicaSets.get(owner.name, namespace) : undefined;
  const above = set === undefined ? undefined : controllerOf(set);
  if (above?.kind === "Deployment") {
    const deployment = session.deployments.get(above.name, namespace);
    if (deployment !== undefined) return { uid: above.uid, replicas: deployment.spec?.replicas ?? 1 };
  }
  if (set !== undefined) return { uid: owner.uid, replicas: set.spec?.replicas ?? 1 };
  const resource = [...RESOURCES, ...session.customResources].find(
    (one) => one.kind === owner.kind && apiVersionOf(one) === owner.apiVersion,
  );
  if (resource === undefined) return undefined;
  try {
    const scale = await session.client.get(resource as Resource<Scale>, owner.name, namespace, "scale");
    return { uid: owner.uid, replicas: scale.spec?.replicas ?? 0 };
  } catch (error) {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  }
}
