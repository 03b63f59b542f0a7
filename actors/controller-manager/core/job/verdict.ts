/** Whether a Job is to end, and how. @see `syncJob` in k8s.io/kubernetes/pkg/controller/job */
import type { Job, JobCondition } from "../../../../protocols/kubernetes/types/batch-v1.ts";
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { IndexSet } from "./index-set.ts";
import { isFailed, isIndexed, matchFailure } from "./pods.ts";
import type { Tally } from "./tally.ts";

export interface Verdict {
  readonly end: "Complete" | "Failed";
  readonly reason: string;
  readonly message: string;
}

/** What a verdict is called in the status while its pods still end. */
export const ANNOUNCED = { Complete: "SuccessCriteriaMet", Failed: "FailureTarget" } as const;

export function conditionOf({ status }: Job, type: string): JobCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}

export function isFinished(job: Job): boolean {
  return conditionOf(job, "Complete") !== undefined || conditionOf(job, "Failed") !== undefined;
}

export function verdictOf(job: Job, pods: readonly Pod[], tally: Tally, nowMs: number): Verdict | undefined {
  return announced(job) ?? failure(job, pods, tally, nowMs) ?? failureOfIndexes(job, tally) ?? success(job, tally);
}

/** A verdict stands, whatever comes after. */
function announced(job: Job): Verdict | undefined {
  for (const end of ["Failed", "Complete"] as const) {
    const known = conditionOf(job, ANNOUNCED[end]);
    if (known !== undefined) return { end, reason: known.reason ?? "", message: known.message ?? "" };
  }
  return undefined;
}

function failure(job: Job, pods: readonly Pod[], tally: Tally, nowMs: number): Verdict | undefined {
  const { spec } = job;
  if (spec?.podFailurePolicy !== undefined) {
    for (const pod of pods) {
      const message = isFailed(pod, job) ? matchFailure(job, pod).message : undefined;
      if (message !== undefined) return { end: "Failed", reason: "PodFailurePolicy", message };
    }
  }
  if (tally.failed > (spec?.backoffLimit ?? 6) || restartedTooOften(job, pods)) {
    return { end: "Failed", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  }
  const leftMs = deadlineLeftMs(job, nowMs);
  if (leftMs !== undefined && leftMs <= 0) {
    return { end: "Failed", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  }
  return undefined;
}

/** Until the Job's deadline; undefined while it has none. */
export function deadlineLeftMs({ spec, status }: Job, nowMs: number): number | undefined {
  if (spec?.activeDeadlineSeconds === undefined || spec.suspend === true || status?.startTime === undefined) {
    return undefined;
  }
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1_000 - nowMs;
}

/** Where pods restart their containers themselves, restarts count as failures do. */
function restartedTooOften({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec?.template.spec?.restartPolicy !== "OnFailure") return false;
  const limit = spec.backoffLimit ?? 6;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== "Running" && status?.phase !== "Pending") continue;
    for (const of of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      restarts += of.restartCount;
    }
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function failureOfIndexes(job: Job, { failedIndexes, succeededIndexes }: Tally): Verdict | undefined {
  const { backoffLimitPerIndex, maxFailedIndexes, completions = 0 } = job.spec ?? {};
  if (!isIndexed(job) || backoffLimitPerIndex === undefined) return undefined;
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes) {
    const message = "Job has exceeded the specified maximal number of failed indexes";
    return { end: "Failed", reason: "MaxFailedIndexesExceeded", message };
  }
  if (failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= completions) {
    return { end: "Failed", reason: "FailedIndexes", message: "Job has failed indexes" };
  }
  return undefined;
}

function success(job: Job, { active, succeeded, succeededIndexes }: Tally): Verdict | undefined {
  const { completions, successPolicy } = job.spec ?? {};
  for (const [at, rule] of (isIndexed(job) ? (successPolicy?.rules ?? []) : []).entries()) {
    const { succeededIndexes: of, succeededCount } = rule;
    const reached = of === undefined ? succeededIndexes.size : succeededIndexes.sizeWithin(of, completions ?? 0);
    const wanted = succeededCount ?? IndexSet.parse(of ?? "", completions ?? 0).size;
    if (reached >= wanted) return { end: "Complete", reason: "SuccessPolicy", message: `Matched rules at index ${at}` };
  }
  const isReached = completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions;
  if (!isReached) return undefined;
  return {
    end: "Complete",
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
  };
}
