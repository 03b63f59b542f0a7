/** Deployment: rolls its ReplicaSets from one template to the next. */
import { hasReason } from "../../../protocols/api-server.ts";
import type { Deployment, ReplicaSet } from "../../../protocols/kubernetes/types/apps-v1.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { controllerOf, isControlledBy } from "../../../protocols/kubernetes/owners.ts";
import { keyOf } from "../../client/core/store.ts";
import { deployments, replicaSets } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
import type { DeploymentPlan } from "../core/deployment/plan.ts";
import { planDeployment } from "../core/deployment/plan.ts";
import { REVISION } from "../core/deployment/replica-sets.ts";
import { templateText } from "../core/deployment/template.ts";
import { isTerminal } from "../core/pods.ts";
import type { Session } from "../session.ts";

export function deploymentController(session: Session): void {
  const queue = session.queue("deployment", (key, turn) => reconcile(turn, key));
  const ownerKey = (set: ReplicaSet): string | undefined => {
    const owner = controllerOf(set);
    return owner?.kind === "Deployment" ? `${set.metadata?.namespace}/${owner.name}` : undefined;
  };
  session.deployments.onChange(({ object }) => queue.add(keyOf(object)));
  session.replicaSets.onChange(({ object }) => {
    const key = ownerKey(object);
    if (key !== undefined) queue.add(key);
  });
  // A Deployment that recreates waits for the last of its old pods.
  session.pods.onChange(({ type, object }) => {
    if (type !== "deleted" && !isTerminal(object)) return;
    const owner = controllerOf(object);
    if (owner?.kind !== "ReplicaSet") return;
    const set = session.replicaSets.get(owner.name, object.metadata?.namespace);
    const key = set === undefined ? undefined : ownerKey(set);
    if (key === undefined) return;
    if (session.deployments.getByKey(key)?.spec?.strategy?.type === "Recreate") queue.add(key);
  });
}

async function reconcile(session: Session, key: string): Promise<Result> {
  const deployment = session.deployments.getByKey(key);
  if (deployment === undefined) return;
  const owned = session.replicaSets.byIndex("controller", deployment.metadata?.uid ?? "");
  const epochMs = session.ctx.clock.nowMs();
  const plan = planDeployment({
    deployment,
    replicaSets: owned,
    oldPodsRun: (fresh) =>
      owned.some((set) => {
        const uid = set.metadata?.uid ?? "";
        return uid !== fresh && session.pods.byIndex("controller", uid).some((pod) => !isTerminal(pod));
      }),
    now: { epochMs, text: formatTime(epochMs) },
  });
  await carryOut(session, deployment, plan);
  return plan.recheckAfterMs === undefined ? undefined : { afterMs: plan.recheckAfterMs };
}

async function carryOut(session: Session, deployment: Deployment, plan: DeploymentPlan): Promise<void> {
  const { client, recorder } = session;
  const told: Deployment = { apiVersion: "apps/v1", kind: "Deployment", ...deployment };
  let current = deployment;
  if (plan.create !== undefined && !(await create(session, deployment, plan.create))) return;
  for (const { replicaSet, from, to } of plan.update) {
    await client.update(replicaSets, replicaSet);
    if (from === to) continue;
    const direction = to > from ? "up" : "down";
    const name = replicaSet.metadata?.name ?? "";
    recorder.event(
      told,
      "Normal",
      "ScalingReplicaSet",
      `Scaled ${direction} replica set ${name} from ${from} to ${to}`,
    );
  }
  for (const { metadata } of plan.delete) {
    await client.delete(replicaSets, metadata?.name ?? "", metadata?.namespace);
  }
  if (plan.revision !== undefined) {
    const { name = "", namespace } = deployment.metadata ?? {};
    const patch = { metadata: { annotations: { [REVISION]: plan.revision } } };
    current = await client.patch(deployments, name, namespace, patch);
  }
  if (plan.status !== undefined) await client.updateStatus(deployments, { ...current, status: plan.status });
}

/** Answers false when another object has the name: a new count of collisions gives the next look another one. */
async function create(session: Session, deployment: Deployment, replicaSet: ReplicaSet): Promise<boolean> {
  const { client, recorder } = session;
  const { name = "", namespace } = replicaSet.metadata ?? {};
  try {
    await client.create(replicaSets, replicaSet);
  } catch (error) {
    if (!hasReason(error, "AlreadyExists")) throw error;
    const present = await client.find(replicaSets, name, namespace);
    const ours =
      present !== undefined &&
      isControlledBy(present, deployment.metadata?.uid) &&
      templateText(present.spec?.template) === templateText(deployment.spec?.template);
    if (ours || present === undefined) return false;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await client.updateStatus(deployments, { ...deployment, status: { ...deployment.status, collisionCount } });
    return false;
  }
  const told: Deployment = { apiVersion: "apps/v1", kind: "Deployment", ...deployment };
  const to = replicaSet.spec?.replicas ?? 0;
  if (to === 0) return true;
  recorder.event(told, "Normal", "ScalingReplicaSet", `Scaled up replica set ${name} from 0 to ${to}`);
  return true;
}
