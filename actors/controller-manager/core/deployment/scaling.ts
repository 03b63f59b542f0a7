/**
 * How many pods each ReplicaSet of a Deployment should have: for a rolling update, and for a change of scale in the midst
 * of one.
 *
 * @see k8s.io/kubernetes/pkg/controller/deployment/rolling.go and util/deployment_util.go
 */
import type { Deployment } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Draft } from "./replica-sets.ts";
import { byCreation, DESIRED_REPLICAS, MAX_REPLICAS, revisionOf, scaleTo } from "./replica-sets.ts";
import { fencesOf, wanted } from "./rounding.ts";

export function total(drafts: readonly Draft[]): number {
  return drafts.reduce((sum, draft) => sum + draft.replicas, 0);
}

/**
 * Pods that can be counted on. A status lags behind its spec: pods that the ReplicaSet is told to remove may still be in it,
 * and counting them (as Kubernetes does) lets a roll back fall below its fence.
 */
function availableOf({ original }: Draft): number {
  return Math.min(original.status?.availableReplicas ?? 0, wanted(original));
}

/** What the new ReplicaSet may have now, within the surge. */
export function newReplicas(deployment: Deployment, fresh: Draft, all: readonly Draft[]): number {
  const target = wanted(deployment);
  if (deployment.spec?.strategy?.type === "Recreate") return target;
  const room = target + fencesOf(deployment).maxSurge - total(all);
  if (room <= 0) return fresh.replicas;
  return fresh.replicas + Math.min(room, target - fresh.replicas);
}

/** One step of a rolling update: up with the new as far as the surge allows, else down with the old. */
export function rollOn(deployment: Deployment, fresh: Draft, old: readonly Draft[]): void {
  const before = fresh.replicas;
  if (fresh.replicas > wanted(deployment)) scaleTo(fresh, wanted(deployment), deployment);
  else if (fresh.replicas < wanted(deployment)) {
    scaleTo(fresh, newReplicas(deployment, fresh, [...old, fresh]), deployment);
  }
  if (fresh.replicas === before) shrinkOld(deployment, fresh, old);
}

/** Takes old pods away as far as enough stay available: first those that are not, then the others, oldest set first. */
function shrinkOld(deployment: Deployment, fresh: Draft, old: readonly Draft[]): void {
  const all = [...old, fresh];
  const minAvailable = wanted(deployment) - fencesOf(deployment).maxUnavailable;
  const freshUnavailable = fresh.replicas - availableOf(fresh);
  const budget = total(all) - minAvailable - freshUnavailable;
  if (budget <= 0 || total(old) === 0) return;
  const sorted = [...old].sort((left, right) => byCreation(left.original, right.original));
  let cleaned = 0;
  for (const draft of sorted) {
    const unhealthy = Math.max(0, draft.replicas - availableOf(draft));
    const count = Math.min(budget - cleaned, unhealthy);
    if (count <= 0) continue;
    scaleTo(draft, draft.replicas - count, deployment);
    cleaned += count;
  }
  const available = all.reduce((sum, draft) => sum + availableOf(draft), 0);
  let spare = available - minAvailable;
  for (const draft of sorted) {
    if (spare <= 0) break;
    const count = Math.min(draft.replicas, spare);
    if (count <= 0) continue;
    scaleTo(draft, draft.replicas - count, deployment);
    spare -= count;
  }
}

/** Whether `spec.replicas` changed since the ReplicaSets were last scaled. */
export function isScalingEvent(deployment: Deployment, drafts: readonly Draft[]): boolean {
  return drafts.some((draft) => {
    const desired = draft.annotations[DESIRED_REPLICAS];
    return draft.replicas > 0 && desired !== undefined && Number(desired) !== wanted(deployment);
  });
}

/** Carries a change of scale over to the ReplicaSets, in proportion when several have pods. */
export function rescale(deployment: Deployment, fresh: Draft | undefined, old: readonly Draft[]): void {
  const target = wanted(deployment);
  const single = activeOrLatest(fresh, old);
  if (single !== undefined) {
    if (single.replicas !== target) scaleTo(single, target, deployment);
    return;
  }
  if (fresh !== undefined && isSaturated(deployment, fresh)) {
    for (const draft of old) if (draft.replicas > 0) scaleTo(draft, 0, deployment);
    return;
  }
  if (deployment.spec?.strategy?.type === "Recreate") return;
  rescaleInProportion(deployment, fresh === undefined ? old : [...old, fresh]);
}

function activeOrLatest(fresh: Draft | undefined, old: readonly Draft[]): Draft | undefined {
  const active = [...old, ...(fresh === undefined ? [] : [fresh])].filter(({ replicas }) => replicas > 0);
  if (active.length > 1) return undefined;
  if (active.length === 1) return active[0];
  if (fresh !== undefined) return fresh;
  return [...old].sort((left, right) => revisionOf(right.annotations) - revisionOf(left.annotations))[0];
}

function isSaturated(deployment: Deployment, fresh: Draft): boolean {
  const target = wanted(deployment);
  return (
    fresh.replicas === target && Number(fresh.annotations[DESIRED_REPLICAS]) === target && availableOf(fresh) === target
  );
}

function rescaleInProportion(deployment: Deployment, drafts: readonly Draft[]): void {
  const active = drafts.filter(({ replicas }) => replicas > 0);
  const target = wanted(deployment);
  const allowed = target > 0 ? target + fencesOf(deployment).maxSurge : 0;
  const toAdd = allowed - total(active);
  const growing = toAdd > 0;
  // The biggest first; among equals the newest grows first and the oldest shrinks first.
  active.sort((left, right) => {
    if (left.replicas !== right.replicas) return right.replicas - left.replicas;
    return growing ? byCreation(right.original, left.original) : byCreation(left.original, right.original);
  });
  let added = 0;
  const sizes = active.map((draft) => {
    const share = toAdd === 0 ? 0 : proportion(deployment, draft, toAdd, added);
    added += share;
    return draft.replicas + share;
  });
  for (const [index, draft] of active.entries()) {
    const size = (sizes[index] ?? 0) + (index === 0 ? toAdd - added : 0);
    scaleTo(draft, Math.max(0, size), deployment);
  }
}

function proportion(deployment: Deployment, draft: Draft, toAdd: number, added: number): number {
  if (toAdd === added) return 0;
  const target = wanted(deployment);
  if (target === 0) return Math.max(-draft.replicas, toAdd - added);
  const before = Number(draft.annotations[MAX_REPLICAS]) || (deployment.status?.replicas ?? 0);
  const share =
    before === 0
      ? 0
      : Math.round((draft.replicas * (target + fencesOf(deployment).maxSurge)) / before) - draft.replicas;
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}
