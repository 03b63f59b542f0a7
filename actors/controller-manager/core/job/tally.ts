/**
 * What the pods of a Job come to. A pod that ends is counted once, though it may vanish at any moment and this controller too:
 * it is kept by a finalizer until the Job's status names it, and taken into the count once the finalizer is gone.
 */
import type { Job } from "../../../../protocols/kubernetes/types/batch-v1.ts";
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { isActive, isReady, isTerminal, isTerminating } from "../pods.ts";
import { IndexSet } from "./index-set.ts";
import {
  countOf,
  finishedMs,
  INDEX_FAILURES,
  INDEX_IGNORED_FAILURES,
  isFailed,
  isIndexed,
  isTracked,
  matchFailure,
  validIndexOf,
} from "./pods.ts";

export interface Tally {
  readonly active: readonly Pod[];
  /** Of the active ones. */
  readonly ready: number;
  readonly terminating: number;
  readonly tracked: readonly Pod[];
  /** Uids that the status names and whose pods still have the finalizer. */
  readonly uncountedSucceeded: ReadonlySet<string>;
  readonly uncountedFailed: ReadonlySet<string>;
  /** Whose ends the status does not tell yet. */
  readonly newSucceeded: readonly Pod[];
  readonly newFailed: readonly Pod[];
  /** Of `newFailed`, those that count to the back-off limit. */
  readonly newCounted: readonly Pod[];
  /** What the status has counted, and what it may count now. */
  readonly countedSucceeded: number;
  readonly countedFailed: number;
  /** Of all, told or not. */
  readonly succeeded: number;
  readonly failed: number;
  /** Of an indexed Job. */
  readonly succeededIndexes: IndexSet;
  readonly failedIndexes: IndexSet;
  /** Of each index that waits for its next pod, the last that failed: it is kept, for it knows how often. */
  readonly lastFailures: ReadonlyMap<number, Pod>;
}

export function tallyOf(job: Job, pods: readonly Pod[]): Tally {
  const { status = {}, spec } = job;
  const active = pods.filter(isActive);
  const tracked = pods.filter(isTracked);
  const trackedUids = new Set(tracked.map(uidOf));
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const uncountedSucceeded = new Set(succeeded.filter((uid) => trackedUids.has(uid)));
  const uncountedFailed = new Set(failed.filter((uid) => trackedUids.has(uid)));
  const isValid = (pod: Pod): boolean => !isIndexed(job) || validIndexOf(pod, job) !== undefined;
  const isNew = (pod: Pod): boolean => !uncountedFailed.has(uidOf(pod)) && !uncountedSucceeded.has(uidOf(pod));
  const fresh = tracked.filter((pod) => isValid(pod) && isNew(pod));
  const newFailed = fresh.filter((pod) => isFailed(pod, job));
  const newCounted = newFailed.filter((pod) => matchFailure(job, pod).isCounted);
  const done = fresh.filter(({ status: { phase } = {} }) => phase === "Succeeded");
  const completions = spec?.completions ?? 0;
  const before = IndexSet.parse(status.completedIndexes ?? "", completions);
  const succeededIndexes = isIndexed(job) ? before.with(done.map((pod) => validIndexOf(pod, job)!)) : before;
  const newSucceeded = isIndexed(job) ? done.filter((pod) => !before.has(validIndexOf(pod, job)!)) : done;
  const failedIndexes = IndexSet.parse(status.failedIndexes ?? "", completions).with(
    spec?.backoffLimitPerIndex === undefined
      ? []
      : newFailed.filter(isLastOfIndex(job)).map((pod) => validIndexOf(pod, job)!),
  );
  const countedSucceeded = isIndexed(job)
    ? before.size
    : (status.succeeded ?? 0) + succeeded.length - uncountedSucceeded.size;
  const countedFailed = (status.failed ?? 0) + failed.length - uncountedFailed.size;
  return {
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter((pod) => isTerminating(pod) && !isTerminal(pod)).length,
    tracked,
    uncountedSucceeded,
    uncountedFailed,
    newSucceeded,
    newFailed,
    newCounted,
    countedSucceeded,
    countedFailed,
    succeeded: isIndexed(job)
      ? succeededIndexes.size
      : countedSucceeded + uncountedSucceeded.size + newSucceeded.length,
    failed: countedFailed + uncountedFailed.size + newCounted.length,
    succeededIndexes,
    failedIndexes,
    lastFailures: lastFailures(
      job,
      tracked,
      active,
      (index) => succeededIndexes.has(index) || failedIndexes.has(index),
    ),
  };
}

export function uidOf(pod: Pod): string {
  return pod.metadata?.uid ?? "";
}

/** Failures of the pod's index up to it, those that a rule ignores among them. */
export function failuresWith(pod: Pod): number {
  return countOf(pod, INDEX_FAILURES) + countOf(pod, INDEX_IGNORED_FAILURES) + 1;
}

/** Whether a failed pod is one too many of its index. */
function isLastOfIndex(job: Job): (pod: Pod) => boolean {
  return (pod) => {
    const { action, isCounted } = matchFailure(job, pod);
    if (action === "FailIndex") return true;
    return isCounted && countOf(pod, INDEX_FAILURES) >= (job.spec?.backoffLimitPerIndex ?? Infinity);
  };
}

function lastFailures(
  job: Job,
  tracked: readonly Pod[],
  active: readonly Pod[],
  isOver: (index: number) => boolean,
): ReadonlyMap<number, Pod> {
  const last = new Map<number, Pod>();
  if (job.spec?.backoffLimitPerIndex === undefined) return last;
  const activeIndexes = new Set(active.map((pod) => validIndexOf(pod, job)));
  for (const pod of tracked) {
    const index = validIndexOf(pod, job);
    if (index === undefined || !isFailed(pod, job) || activeIndexes.has(index) || isOver(index)) continue;
    const known = last.get(index);
    const isLater =
      known === undefined || failuresWith(known) < failuresWith(pod) || finishedMs(known) <= finishedMs(pod);
    if (isLater) last.set(index, pod);
  }
  return last;
}
