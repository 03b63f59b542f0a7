/**
 * One look at a Deployment: what to do with its ReplicaSets now, and what to report. Level-triggered: each look starts from
 * what is there, does one step, and the change that follows brings the next look.
 *
 * @see k8s.io/kubernetes/pkg/controller/deployment/deployment_controller.go (syncDeployment)
 */
import type { Deployment, DeploymentStatus, ReplicaSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Draft } from "./replica-sets.ts";
import { annotateNew, changed, draftOf, findNew, newReplicaSet, revisionOf, scaleTo } from "./replica-sets.ts";
import { wanted } from "./rounding.ts";
import { isScalingEvent, newReplicas, rescale, rollOn, total } from "./scaling.ts";
import type { Now } from "./status.ts";
import { isComplete, planStatus, sameStatus, untilDeadlineMs } from "./status.ts";

export interface DeploymentInput {
  readonly deployment: Deployment;
  /** Those that it controls. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Whether pods of ReplicaSets other than the one named still run or end; only asked for with Recreate. */
  readonly oldPodsRun: (fresh: string | undefined) => boolean;
  readonly now: Now;
}

export interface DeploymentPlan {
  readonly create: ReplicaSet | undefined;
  readonly update: readonly { readonly replicaSet: ReplicaSet; readonly from: number; readonly to: number }[];
  readonly delete: readonly ReplicaSet[];
  /** The Deployment's own revision annotation, when it has to change. */
  readonly revision: string | undefined;
  /** Undefined when it says what is there already. */
  readonly status: DeploymentStatus | undefined;
  /** When the progress deadline has to be looked at. */
  readonly recheckAfterMs: number | undefined;
}

/** Old ReplicaSets kept for a roll back when the Deployment does not say; Kubernetes' default. */
const HISTORY_LIMIT = 10;

export function planDeployment(input: DeploymentInput): DeploymentPlan {
  const { deployment, replicaSets } = input;
  const found = findNew(deployment, replicaSets);
  const old = replicaSets.filter((set) => set !== found).map(draftOf);
  const fresh = found === undefined ? undefined : draftOf(found);
  const all = fresh === undefined ? old : [...old, fresh];
  const rest = { input, old, fresh };
  if (deployment.metadata?.deletionTimestamp !== undefined) return finish({ ...rest, rolling: false });
  if (deployment.spec?.paused === true || isScalingEvent(deployment, all)) {
    if (fresh !== undefined) annotateNew(fresh, deployment, nextRevision(old, fresh));
    rescale(deployment, fresh, old);
    return finish({ ...rest, rolling: false });
  }
  return deployment.spec?.strategy?.type === "Recreate" ? recreate(rest) : roll(rest);
}

interface Work {
  readonly input: DeploymentInput;
  readonly old: readonly Draft[];
  readonly fresh: Draft | undefined;
}

/** One more than the highest of the old, unless the new one has the highest already. */
function nextRevision(old: readonly Draft[], fresh: Draft | undefined): number {
  const highest = Math.max(0, ...old.map(({ annotations }) => revisionOf(annotations)));
  return Math.max(highest + 1, revisionOf(fresh?.annotations));
}

function roll({ input, old, fresh }: Work): DeploymentPlan {
  const { deployment } = input;
  if (fresh === undefined) return finish({ input, old, fresh, rolling: true, create: made(input, old) });
  prepare(input, old, fresh);
  rollOn(deployment, fresh, old);
  return finish({ input, old, fresh, rolling: true });
}

function recreate({ input, old, fresh }: Work): DeploymentPlan {
  const { deployment } = input;
  if (fresh !== undefined) prepare(input, old, fresh);
  if (total(old) > 0) {
    for (const draft of old) if (draft.replicas > 0) scaleTo(draft, 0, deployment);
    return finish({ input, old, fresh, rolling: true });
  }
  if (input.oldPodsRun(fresh?.original.metadata?.uid)) return finish({ input, old, fresh, rolling: true });
  if (fresh === undefined) return finish({ input, old, fresh, rolling: true, create: made(input, old) });
  if (fresh.replicas !== wanted(deployment)) scaleTo(fresh, wanted(deployment), deployment);
  return finish({ input, old, fresh, rolling: true });
}

/** Brings the new ReplicaSet's annotations and readiness time in line with the Deployment. */
function prepare({ deployment }: DeploymentInput, old: readonly Draft[], fresh: Draft): void {
  annotateNew(fresh, deployment, nextRevision(old, fresh));
  fresh.minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
}

function made({ deployment }: DeploymentInput, old: readonly Draft[]): ReplicaSet {
  const bare = newReplicaSet(deployment, nextRevision(old, undefined));
  const draft = draftOf(bare);
  const replicas = newReplicas(deployment, draft, [...old, draft]);
  return { ...bare, spec: { ...(bare.spec as NonNullable<ReplicaSet["spec"]>), replicas } };
}

function finish(work: Work & { readonly rolling: boolean; readonly create?: ReplicaSet }): DeploymentPlan {
  const { input, old, fresh, create, rolling } = work;
  const { deployment, now } = input;
  const all = fresh === undefined ? old : [...old, fresh];
  const status = planStatus({ deployment, fresh, old, created: create?.metadata?.name, now, rolling });
  const newest = create?.metadata?.annotations ?? fresh?.annotations;
  const revision = revisionOf(newest);
  const update: { replicaSet: ReplicaSet; from: number; to: number }[] = [];
  for (const draft of all) {
    const replicaSet = changed(draft);
    if (replicaSet !== undefined) update.push({ replicaSet, from: wanted(draft.original), to: draft.replicas });
  }
  const settled = deployment.spec?.paused === true || (create === undefined && isComplete(deployment, status));
  const deadlineMs = untilDeadlineMs(
    deployment,
    status.conditions?.find(({ type }) => type === "Progressing"),
    now,
  );
  return {
    create,
    update,
    delete: settled && deployment.metadata?.deletionTimestamp === undefined ? beyondHistory(deployment, old) : [],
    revision:
      revision === 0 || revision === revisionOf(deployment.metadata?.annotations) ? undefined : String(revision),
    status: sameStatus(deployment.status, status) ? undefined : status,
    // A second's margin: times in objects are whole seconds.
    recheckAfterMs: deadlineMs === Infinity || deadlineMs <= 0 ? undefined : deadlineMs + 1_000,
  };
}

/** Old ReplicaSets without pods, the oldest revisions first, beyond the number that is kept. */
function beyondHistory(deployment: Deployment, old: readonly Draft[]): readonly ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? HISTORY_LIMIT;
  const empty = old.filter(
    ({ original, replicas }) =>
      replicas === 0 &&
      wanted(original) === 0 &&
      (original.status?.replicas ?? 0) === 0 &&
      (original.metadata?.generation ?? 0) <= (original.status?.observedGeneration ?? 0) &&
      original.metadata?.deletionTimestamp === undefined,
  );
  const sorted = [...empty].sort((left, right) => revisionOf(left.annotations) - revisionOf(right.annotations));
  return sorted.slice(0, Math.max(0, empty.length - limit)).map(({ original }) => original);
}
