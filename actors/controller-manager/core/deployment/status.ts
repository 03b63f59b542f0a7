/**
 * What a Deployment reports.
 *
 * @see k8s.io/kubernetes/pkg/controller/deployment/progress.go and sync.go; reasons and messages are theirs
 */
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
} from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Draft } from "./replica-sets.ts";
import { fencesOf, wanted } from "./rounding.ts";
import { total } from "./scaling.ts";

export interface Now {
  readonly epochMs: number;
  /** The same as Kubernetes writes times. */
  readonly text: string;
}

/** Conditions under way to the new status. */
class Conditions {
  private readonly now: Now;
  list: DeploymentCondition[];

  constructor(present: readonly DeploymentCondition[], now: Now) {
    this.list = [...present];
    this.now = now;
  }

  get(type: string): DeploymentCondition | undefined {
    return this.list.find((condition) => condition.type === type);
  }

  remove(type: string): void {
    this.list = this.list.filter((condition) => condition.type !== type);
  }

  /** Keeps a condition of the same status and reason as it is, unless `touch`: then its time of update is new. */
  set(type: string, status: string, reason: string, message: string, touch: boolean = false): void {
    const before = this.get(type);
    if (before?.status === status && before.reason === reason && !touch) return;
    const lastTransitionTime =
      before?.status === status && before.lastTransitionTime !== undefined ? before.lastTransitionTime : this.now.text;
    this.remove(type);
    this.list.push({ type, status, lastUpdateTime: this.now.text, lastTransitionTime, reason, message });
  }
}

function sum(
  drafts: readonly Draft[],
  of: (status: NonNullable<Draft["original"]["status"]>) => number | undefined,
): number {
  return drafts.reduce(
    (count, { original }) => count + (original.status === undefined ? 0 : (of(original.status) ?? 0)),
    0,
  );
}

export interface StatusInput {
  readonly deployment: Deployment;
  readonly fresh: Draft | undefined;
  readonly old: readonly Draft[];
  /** Name of a ReplicaSet that the plan makes. */
  readonly created: string | undefined;
  readonly now: Now;
  /** Whether the rollout may be judged: not while it is paused or rescaled. */
  readonly rolling: boolean;
}

export function planStatus(input: StatusInput): DeploymentStatus {
  const { deployment, fresh, old, now } = input;
  const all = fresh === undefined ? old : [...old, fresh];
  const available = sum(all, ({ availableReplicas }) => availableReplicas);
  const conditions = new Conditions(deployment.status?.conditions ?? [], now);
  const { collisionCount } = deployment.status ?? {};
  const counts = {
    observedGeneration: deployment.metadata?.generation ?? 0,
    replicas: sum(all, ({ replicas }) => replicas),
    updatedReplicas: fresh?.original.status?.replicas ?? 0,
    readyReplicas: sum(all, ({ readyReplicas }) => readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total(all) - available),
    terminatingReplicas: sum(all, ({ terminatingReplicas }) => terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  if (available >= wanted(deployment) - fencesOf(deployment).maxUnavailable) {
    conditions.set("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.");
  } else {
    conditions.set(
      "Available",
      "False",
      "MinimumReplicasUnavailable",
      "Deployment does not have minimum availability.",
    );
  }
  judgeProgress(input, counts, conditions);
  const failure = all
    .map(({ original }) => original.status?.conditions?.find(({ type }) => type === "ReplicaFailure"))
    .find((condition) => condition !== undefined);
  if (failure === undefined) conditions.remove("ReplicaFailure");
  else conditions.set("ReplicaFailure", failure.status ?? "True", failure.reason ?? "", failure.message ?? "");
  return { ...counts, ...(conditions.list.length === 0 ? {} : { conditions: conditions.list }) };
}

function judgeProgress(input: StatusInput, status: DeploymentStatus, conditions: Conditions): void {
  const { deployment, fresh, created, now, rolling } = input;
  const spec = deployment.spec;
  if (spec?.progressDeadlineSeconds === undefined) return;
  const before = conditions.get("Progressing");
  if (spec.paused === true) {
    if (before?.reason !== "ProgressDeadlineExceeded" && before?.reason !== "DeploymentPaused") {
      conditions.set("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
    }
    return;
  }
  if (before?.reason === "DeploymentPaused") {
    conditions.set("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
  }
  if (created !== undefined) {
    conditions.set("Progressing", "True", "NewReplicaSetCreated", `Created new replica set "${created}"`, true);
    return;
  }
  if (fresh !== undefined && before === undefined) {
    conditions.set("Progressing", "True", "FoundNewReplicaSet", `Found new replica set "${fresh.name}"`);
  }
  if (!rolling || fresh === undefined) return;
  const settled = status.replicas === status.updatedReplicas && before?.reason === "NewReplicaSetAvailable";
  if (settled) return;
  if (isComplete(deployment, status)) {
    const message = `ReplicaSet "${fresh.name}" has successfully progressed.`;
    conditions.set("Progressing", "True", "NewReplicaSetAvailable", message);
  } else if (progresses(deployment.status, status)) {
    const message = `ReplicaSet "${fresh.name}" is progressing.`;
    conditions.set("Progressing", "True", "ReplicaSetUpdated", message, true);
  } else if (untilDeadlineMs(deployment, conditions.get("Progressing"), now) <= 0) {
    const message = `ReplicaSet "${fresh.name}" has timed out progressing.`;
    conditions.set("Progressing", "False", "ProgressDeadlineExceeded", message);
  }
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const target = wanted(deployment);
  return (
    status.updatedReplicas === target &&
    status.replicas === target &&
    status.availableReplicas === target &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

function progresses(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const oldPods = (status: DeploymentStatus | undefined): number =>
    (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    oldPods(after) < oldPods(before) ||
    (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  );
}

/** What is left until a rollout counts as stuck; Infinity when it can't. */
export function untilDeadlineMs(
  deployment: Deployment,
  progressing: DeploymentCondition | undefined,
  now: Now,
): number {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  if (seconds === undefined || progressing?.lastUpdateTime === undefined) return Infinity;
  if (progressing.reason === "NewReplicaSetAvailable" || deployment.spec?.paused === true) return Infinity;
  return Date.parse(progressing.lastUpdateTime) + seconds * 1_000 - now.epochMs;
}

/** Whether two statuses tell the same: 0 and absent are alike. */
export function sameStatus(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const numbers = (status: DeploymentStatus | undefined): string =>
    JSON.stringify([
      status?.observedGeneration ?? 0,
      status?.replicas ?? 0,
      status?.updatedReplicas ?? 0,
      status?.readyReplicas ?? 0,
      status?.availableReplicas ?? 0,
      status?.unavailableReplicas ?? 0,
      status?.terminatingReplicas ?? 0,
      status?.collisionCount ?? 0,
    ]);
  return numbers(before) === numbers(after) && conditionsText(before) === conditionsText(after);
}

function conditionsText(status: DeploymentStatus | undefined): string {
  return (status?.conditions ?? [])
    .map(({ type, status: value, reason, message, lastUpdateTime }) =>
      [type, value, reason, message, lastUpdateTime].join("|"),
    )
    .sort()
    .join("\n");
}
