/**
 * The decisions of the ReplicaSet controller: which pods are its own, how many to create, which to delete, what to report.
 *
 * @see k8s.io/kubernetes/pkg/controller/replicaset, and controller_utils.go (ActivePodsWithRanks) for the order of deletion
 */
import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { podOfTemplate } from "./pod-template.ts";
import { isActive, isReady, isTerminal, isTerminating, readySinceMs, untilAvailableMs } from "./pods.ts";

/** Pods created or deleted for one ReplicaSet in one go, as in Kubernetes: a limit on what a mistake can do at once. */
export const BURST_REPLICAS = 500;

export interface ReplicaSetPlan {
  readonly create: number;
  readonly delete: readonly Pod[];
}

/** What brings the pods to the wanted number. `related`: pods of ReplicaSets of the same owner, for the order of deletion. */
export function planReplicas(
  replicaSet: ReplicaSet,
  owned: readonly Pod[],
  related: readonly Pod[],
  nowMs: number,
): ReplicaSetPlan {
  if (replicaSet.metadata?.deletionTimestamp !== undefined) return { create: 0, delete: [] };
  const active = owned.filter(isActive);
  const missing = (replicaSet.spec?.replicas ?? 1) - active.length;
  if (missing >= 0) return { create: Math.min(missing, BURST_REPLICAS), delete: [] };
  const count = Math.min(-missing, BURST_REPLICAS);
  return { create: 0, delete: rankForDeletion(active, related, nowMs).slice(0, count) };
}

const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

interface Ranked {
  readonly pod: Pod;
  /** Smaller goes first, compared from left to right. */
  readonly rank: readonly number[];
}

/** The pods, those that are missed least first. */
export function rankForDeletion(pods: readonly Pod[], related: readonly Pod[], nowMs: number): readonly Pod[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? "";
    if (node !== "" && isActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const ranked = pods.map((pod): Ranked => {
    const node = pod.spec?.nodeName ?? "";
    const restarts = Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
    const readyMs = readySinceMs(pod);
    const createdMs = Date.parse(pod.metadata?.creationTimestamp ?? "") || nowMs;
    return {
      pod,
      rank: [
        node === "" ? 0 : 1,
        PHASE_ORDER[pod.status?.phase ?? "Pending"] ?? 1,
        isReady(pod) ? 1 : 0,
        Number(pod.metadata?.annotations?.[DELETION_COST] ?? 0) || 0,
        -(onNode.get(node) ?? 0),
        readyMs === undefined ? 0 : magnitude(nowMs - readyMs),
        -restarts,
        magnitude(nowMs - createdMs),
      ],
    };
  });
  ranked.sort((left, right) => compareRanks(left, right) || compareNames(left.pod, right.pod));
  return ranked.map(({ pod }) => pod);
}

/** Ages count by their order of magnitude only, so that among pods of like age the choice is not always the youngest. */
function magnitude(ageMs: number): number {
  return Math.floor(Math.log2(Math.max(1, ageMs / 1_000)));
}

function compareRanks(left: Ranked, right: Ranked): number {
  for (const [index, value] of left.rank.entries()) {
    const difference = value - (right.rank[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareNames(left: Pod, right: Pod): number {
  const [a, b] = [left.metadata?.uid ?? "", right.metadata?.uid ?? ""];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A pod as the template wants it. The caller's client makes the name. */
export function podFromTemplate(
  replicaSet: ReplicaSet,
  type: { readonly apiVersion: string; readonly kind: string } = { apiVersion: "apps/v1", kind: "ReplicaSet" },
): Pod {
  return podOfTemplate(replicaSet, type, replicaSet.spec?.template);
}

export interface Failure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

export interface StatusPlan {
  /** Undefined when it says what is there already. */
  readonly status: ReplicaSetStatus | undefined;
  /** When a ready pod becomes available; undefined when none is about to. */
  readonly recheckAfterMs: number | undefined;
}

export function planStatus(
  replicaSet: ReplicaSet,
  owned: readonly Pod[],
  failure: Failure | undefined,
  now: { readonly epochMs: number; readonly text: string },
): StatusPlan {
  const minReadySeconds = replicaSet.spec?.minReadySeconds ?? 0;
  const templateLabels = Object.entries(replicaSet.spec?.template?.metadata?.labels ?? {});
  let replicas = 0;
  let fullyLabeledReplicas = 0;
  let readyReplicas = 0;
  let availableReplicas = 0;
  let terminatingReplicas = 0;
  let recheckAfterMs = Infinity;
  for (const pod of owned) {
    if (isTerminating(pod) && !isTerminal(pod)) terminatingReplicas++;
    if (!isActive(pod)) continue;
    replicas++;
    if (templateLabels.every(([key, value]) => pod.metadata?.labels?.[key] === value)) fullyLabeledReplicas++;
    if (!isReady(pod)) continue;
    readyReplicas++;
    const leftMs = untilAvailableMs(pod, minReadySeconds, now.epochMs);
    if (leftMs === 0) availableReplicas++;
    else recheckAfterMs = Math.min(recheckAfterMs, leftMs);
  }
  const conditions = conditionsOf(replicaSet, failure, now.text);
  const status: ReplicaSetStatus = {
    replicas,
    fullyLabeledReplicas,
    readyReplicas,
    availableReplicas,
    terminatingReplicas,
    ...(replicaSet.metadata?.generation === undefined ? {} : { observedGeneration: replicaSet.metadata.generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return {
    status: sameStatus(replicaSet.status, status) ? undefined : status,
    recheckAfterMs: recheckAfterMs === Infinity ? undefined : recheckAfterMs,
  };
}

function conditionsOf(
  replicaSet: ReplicaSet,
  failure: Failure | undefined,
  time: string,
): readonly ReplicaSetCondition[] {
  const present = replicaSet.status?.conditions ?? [];
  const others = present.filter(({ type }) => type !== "ReplicaFailure");
  if (failure === undefined) return others;
  const before = present.find(({ type }) => type === "ReplicaFailure");
  // The message names a pod that was to be: with another each time, each try would bring about the next at once.
  if (before?.reason === failure.reason) return present;
  return [...others, { type: "ReplicaFailure", status: "True", lastTransitionTime: time, ...failure }];
}

function sameStatus(before: ReplicaSetStatus | undefined, after: ReplicaSetStatus): boolean {
  return (
    before !== undefined &&
    before.replicas === after.replicas &&
    (before.fullyLabeledReplicas ?? 0) === after.fullyLabeledReplicas &&
    (before.readyReplicas ?? 0) === after.readyReplicas &&
    (before.availableReplicas ?? 0) === after.availableReplicas &&
    (before.terminatingReplicas ?? 0) === after.terminatingReplicas &&
    before.observedGeneration === after.observedGeneration &&
    JSON.stringify(before.conditions ?? []) === JSON.stringify(after.conditions ?? [])
  );
}
