/** What the Job controller reads in the pods of a Job. @see k8s.io/kubernetes/pkg/controller/job */
import type {
  Job,
  PodFailurePolicyAction,
  PodFailurePolicyRule,
} from "../../../../protocols/kubernetes/types/batch-v1.ts";
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { isTerminating } from "../pods.ts";

/** The finalizer by which a pod is kept until its end has been counted. */
export const TRACKING = "batch.kubernetes.io/job-tracking";
/** Label and annotation of the pods of an indexed Job. */
export const INDEX = "batch.kubernetes.io/job-completion-index";
/** How often pods of its index had failed before it, those that a rule ignores left out, or those alone. */
export const INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count";
export const INDEX_IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count";

export function isIndexed({ spec }: Job): boolean {
  return spec?.completionMode === "Indexed";
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata?.finalizers?.includes(TRACKING) === true;
}

/** Undefined where it has none, or none that can be one. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata?.annotations?.[INDEX] ?? "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The index of a pod of an indexed Job; undefined beyond its last. */
export function validIndexOf(pod: Pod, { spec }: Job): number | undefined {
  const index = indexOf(pod);
  return index !== undefined && index < (spec?.completions ?? 0) ? index : undefined;
}

export function countOf(pod: Pod, annotation: string): number {
  return Number(pod.metadata?.annotations?.[annotation] ?? 0) || 0;
}

/** Whether it is failed for the Job: a pod that is being deleted may never come to fail by itself. */
export function isFailed(pod: Pod, { spec }: Job): boolean {
  if (pod.status?.phase === "Failed") return true;
  return spec?.podReplacementPolicy !== "Failed" && isTerminating(pod) && pod.status?.phase !== "Succeeded";
}

/** When it came to its end, in epoch milliseconds. */
export function finishedMs(pod: Pod): number {
  const { containerStatuses = [], conditions = [] } = pod.status ?? {};
  const ends = containerStatuses.map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ""));
  if (ends.length > 0 && ends.every((end) => !Number.isNaN(end))) return Math.max(...ends);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp = "" } = pod.metadata ?? {};
  if (deletionTimestamp !== undefined) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1_000;
  const ready = conditions.find(({ type }) => type === "Ready")?.lastTransitionTime;
  return Date.parse(ready ?? creationTimestamp) || 0;
}

export interface FailureMatch {
  /** Undefined where no rule matches. */
  readonly action: PodFailurePolicyAction | undefined;
  /** Whether it counts to the back-off limit. */
  readonly isCounted: boolean;
  /** Why the Job fails of it; only where it does. */
  readonly message?: string;
}

/** What the first matching rule of the Job's failure policy makes of a failed pod. */
export function matchFailure(job: Job, pod: Pod): FailureMatch {
  for (const [at, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const what = rule.onExitCodes === undefined ? matchConditions(rule, pod) : matchExitCodes(rule, pod);
    if (what === undefined) continue;
    if (rule.action === "Ignore") return { action: rule.action, isCounted: false };
    if (rule.action !== "FailJob") return { action: rule.action, isCounted: true };
    return { action: rule.action, isCounted: true, message: `${what} matching FailJob rule at index ${at}` };
  }
  return { action: undefined, isCounted: true };
}

function matchExitCodes({ onExitCodes }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  for (const { name, state } of [...containerStatuses, ...initContainerStatuses]) {
    if (onExitCodes?.containerName !== undefined && onExitCodes.containerName !== name) continue;
    const exitCode = state?.terminated?.exitCode ?? 0;
    if (exitCode === 0 || onExitCodes?.values.includes(exitCode) !== (onExitCodes?.operator === "In")) continue;
    return `Container ${name} for pod ${keyOf(pod)} failed with exit code ${exitCode}`;
  }
  return undefined;
}

function matchConditions({ onPodConditions = [] }: PodFailurePolicyRule, pod: Pod): string | undefined {
  for (const pattern of onPodConditions) {
    const wanted = pattern.status ?? "True";
    const found = pod.status?.conditions?.some(({ type, status }) => type === pattern.type && status === wanted);
    if (found === true) return `Pod ${keyOf(pod)} has condition ${pattern.type}`;
  }
  return undefined;
}

function keyOf({ metadata }: Pod): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}
