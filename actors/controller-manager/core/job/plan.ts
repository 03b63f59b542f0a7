/**
 * What brings a Job further: pods to make and to delete, ends of pods to count, and what its status is to say.
 *
 * @see k8s.io/kubernetes/pkg/controller/job
 */
import type { Job, JobCondition, JobStatus } from "../../../../protocols/kubernetes/types/batch-v1.ts";
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { isEqual } from "../../../../protocols/equality.ts";
import { rankForDeletion } from "../replica-set.ts";
import { isTerminating } from "../pods.ts";
import type { BackOff } from "./back-off.ts";
import { backOffAfter, backOffLeftMs } from "./back-off.ts";
import { finishedMs, isFailed, isIndexed, matchFailure, validIndexOf } from "./pods.ts";
import type { Tally } from "./tally.ts";
import { failuresWith, tallyOf, uidOf } from "./tally.ts";
import { failuresAfter, jobPod } from "./template.ts";
import type { Verdict } from "./verdict.ts";
import { ANNOUNCED, conditionOf, deadlineLeftMs, isFinished, verdictOf } from "./verdict.ts";

/** Pods made or deleted for one Job in one go, and ends told by one status; as in Kubernetes. */
export const JOB_BURST = 500;

export interface JobSituation {
  readonly job: Job;
  /** Its own. */
  readonly pods: readonly Pod[];
  readonly backOff: BackOff;
  /** Whether all that was made and deleted for it has been seen. */
  readonly isSettled: boolean;
  readonly now: { readonly epochMs: number; readonly text: string };
}

export interface JobEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface JobPlan {
  readonly create: readonly Pod[];
  /** To be let go and deleted: their ends are not to be counted. */
  readonly discard: readonly Pod[];
  /** To be deleted as failed. */
  readonly fail: readonly Pod[];
  /** Undefined when it says what is there already. */
  readonly status: JobStatus | undefined;
  /** To be let go once the status is stored. */
  readonly release: readonly Pod[];
  /** Holds once the status is stored. */
  readonly backOff: BackOff;
  /** To be told once the status is stored. */
  readonly events: readonly JobEvent[];
  readonly recheckAfterMs: number | undefined;
}

/** What is done with its pods. */
interface Moves {
  readonly create: readonly Pod[];
  readonly discard: readonly Pod[];
  readonly waitMs: number;
}

const NO_MOVES: Moves = { create: [], discard: [], waitMs: Infinity };

export function planJob(situation: JobSituation): JobPlan {
  const { job, pods, now, isSettled } = situation;
  const tally = tallyOf(job, pods);
  if (isFinished(job)) return { ...NOTHING, backOff: situation.backOff, release: tally.tracked };
  const isDeleting = job.metadata?.deletionTimestamp !== undefined;
  const backOff = backOffAfter(situation.backOff, tally.newSucceeded, tally.newCounted);
  const verdict = verdictOf(job, pods, tally, now.epochMs);
  const fail = verdict?.end === "Failed" ? tally.active : [];
  const moves = movesOf(situation, tally, verdict, isDeleting || !isSettled, backOff);
  const ends = endsOf(job, tally, verdict, isDeleting, new Set(moves.discard.map(uidOf)));
  const { status, events } = statusOf(situation, tally, verdict, moves, fail.length, ends);
  const deadlineMs = verdict === undefined ? deadlineLeftMs({ ...job, status }, now.epochMs) : undefined;
  const waitMs = Math.min(moves.waitMs, deadlineMs ?? Infinity);
  return {
    create: moves.create,
    discard: moves.discard,
    fail,
    status: isEqual(job.status, status) ? undefined : status,
    release: ends.release,
    backOff,
    events,
    recheckAfterMs: waitMs === Infinity ? undefined : waitMs,
  };
}

const NOTHING: Omit<JobPlan, "backOff" | "release"> = {
  create: [],
  discard: [],
  fail: [],
  status: undefined,
  events: [],
  recheckAfterMs: undefined,
};

function movesOf(
  { job, now, pods }: JobSituation,
  tally: Tally,
  verdict: Verdict | undefined,
  isHeld: boolean,
  backOff: BackOff,
): Moves {
  const { active } = tally;
  if (verdict?.end === "Failed") return NO_MOVES;
  if (verdict?.reason === "SuccessPolicy") return { ...NO_MOVES, discard: active };
  if (isHeld) return NO_MOVES;
  if (job.spec?.suspend === true) return { ...NO_MOVES, discard: active.slice(0, JOB_BURST) };
  const wanted = wantedOf(job, tally);
  const surplus = surplusOf(job, active, wanted, now.epochMs);
  if (surplus.length > 0) return { ...NO_MOVES, discard: surplus.slice(0, JOB_BURST) };
  const waitsForEnds = job.spec?.podReplacementPolicy === "Failed";
  const missing = Math.min(wanted - active.length - (waitsForEnds ? tally.terminating : 0), JOB_BURST);
  if (missing <= 0) return NO_MOVES;
  if (job.spec?.backoffLimitPerIndex === undefined) {
    const waitMs = backOffLeftMs(backOff, now.epochMs);
    if (waitMs > 0) return { ...NO_MOVES, waitMs };
  }
  if (!isIndexed(job)) return { ...NO_MOVES, create: Array.from({ length: missing }, () => jobPod(job)) };
  return nextOfIndexes(job, pods, tally, missing, now.epochMs);
}

/** How many pods are to be active. */
function wantedOf({ spec }: Job, { active, succeeded, failedIndexes }: Tally): number {
  const parallelism = spec?.parallelism ?? 1;
  // Once a pod of a work queue has succeeded, no other one is begun.
  if (spec?.completions === undefined) return succeeded > 0 ? Math.min(active.length, parallelism) : parallelism;
  return Math.max(0, Math.min(parallelism, spec.completions - succeeded - failedIndexes.size));
}

/** Of an index the second pod, those of no index, and those that are missed least of what is too much. */
function surplusOf(job: Job, active: readonly Pod[], wanted: number, nowMs: number): readonly Pod[] {
  const ranked = rankForDeletion(active, [], nowMs);
  const surplus = new Set<Pod>();
  if (isIndexed(job)) {
    const taken = new Set<number>();
    for (const pod of [...ranked].reverse()) {
      const index = validIndexOf(pod, job);
      if (index === undefined || taken.has(index)) surplus.add(pod);
      else taken.add(index);
    }
  }
  for (const pod of ranked) {
    if (active.length - surplus.size <= wanted) break;
    surplus.add(pod);
  }
  return [...surplus];
}

function nextOfIndexes(job: Job, pods: readonly Pod[], tally: Tally, missing: number, nowMs: number): Moves {
  const { active, succeededIndexes, failedIndexes, lastFailures } = tally;
  const { completions = 0, podReplacementPolicy, backoffLimitPerIndex } = job.spec ?? {};
  const ending = podReplacementPolicy === "Failed" ? pods.filter(isTerminating) : [];
  const taken = new Set([...active, ...ending].map((pod) => validIndexOf(pod, job) ?? -1));
  const isOpen = (index: number): boolean => !failedIndexes.has(index);
  const found = succeededIndexes.firstMissing(missing + failedIndexes.size, completions, taken);
  let waitMs = Infinity;
  const create: Pod[] = [];
  for (const index of found.filter(isOpen).slice(0, missing)) {
    const last = lastFailures.get(index);
    const failures = last === undefined ? 0 : failuresWith(last);
    const leftMs = last === undefined ? 0 : backOffLeftMs({ failures, sinceMs: finishedMs(last) }, nowMs);
    if (leftMs > 0) waitMs = Math.min(waitMs, leftMs);
    else create.push(jobPod(job, index, backoffLimitPerIndex === undefined ? undefined : failuresAfter(job, last)));
  }
  return { create, discard: [], waitMs };
}

interface Ends {
  readonly succeeded: readonly string[];
  readonly failed: readonly string[];
  readonly release: readonly Pod[];
}

/** Which ends of pods the status is to tell, and which pods may go then. */
function endsOf(
  job: Job,
  tally: Tally,
  verdict: Verdict | undefined,
  isDeleting: boolean,
  discarded: ReadonlySet<string>,
): Ends {
  const succeeded = [...tally.uncountedSucceeded];
  const failed = [...tally.uncountedFailed];
  const release: Pod[] = [];
  const delayed = new Set(tally.lastFailures.values());
  for (const pod of tally.tracked) {
    if (succeeded.length + failed.length >= JOB_BURST) break;
    const uid = uidOf(pod);
    const hasSucceeded = pod.status?.phase === "Succeeded";
    const hasFailed = !hasSucceeded && isFailed(pod, job);
    const isOver = isDeleting || verdict !== undefined || hasSucceeded || (hasFailed && !delayed.has(pod));
    if (!isOver || discarded.has(uid)) continue;
    release.push(pod);
    if (tally.uncountedSucceeded.has(uid) || tally.uncountedFailed.has(uid)) continue;
    if (isIndexed(job) && validIndexOf(pod, job) === undefined) continue;
    if (hasSucceeded) {
      // Of an indexed Job the index says it, however often it is told.
      if (!isIndexed(job)) succeeded.push(uid);
    } else if ((hasFailed || verdict?.end === "Failed") && matchFailure(job, pod).isCounted) failed.push(uid);
  }
  return { succeeded, failed, release };
}

function statusOf(
  { job, now }: JobSituation,
  tally: Tally,
  verdict: Verdict | undefined,
  moves: Moves,
  failing: number,
  ends: Ends,
): { readonly status: JobStatus; readonly events: readonly JobEvent[] } {
  const events: JobEvent[] = [];
  const conditions = [...(job.status?.conditions ?? [])];
  const isDeleting = job.metadata?.deletionTimestamp !== undefined;
  let startTime = job.status?.startTime;
  const set = (type: string, status: "True" | "False", reason: string, message: string): void => {
    const at = conditions.findIndex((condition) => condition.type === type);
    const condition: JobCondition = {
      type,
      status,
      lastProbeTime: now.text,
      lastTransitionTime: now.text,
      reason,
      message,
    };
    if (at < 0) conditions.push(condition);
    else conditions[at] = condition;
  };
  const wasSuspended = conditionOf(job, "Suspended") !== undefined;
  if (verdict === undefined && !isDeleting && job.spec?.suspend === true) {
    startTime = undefined;
    if (!wasSuspended) {
      set("Suspended", "True", "JobSuspended", "Job suspended");
      events.push({ type: "Normal", reason: "Suspended", message: "Job suspended" });
    }
  } else if (verdict === undefined && wasSuspended) {
    startTime = now.text;
    set("Suspended", "False", "JobResumed", "Job resumed");
    events.push({ type: "Normal", reason: "Resumed", message: "Job resumed" });
  } else if (job.spec?.suspend !== true) startTime ??= now.text;
  if (verdict !== undefined && conditionOf(job, ANNOUNCED[verdict.end]) === undefined) {
    set(ANNOUNCED[verdict.end], "True", verdict.reason, verdict.message);
  }
  const isOver =
    verdict !== undefined &&
    tally.active.length + tally.terminating + ends.succeeded.length + ends.failed.length + ends.release.length === 0;
  if (isOver) {
    set(verdict.end, "True", verdict.reason, verdict.message);
    const isComplete = verdict.end === "Complete";
    const told = isComplete ? { reason: "Completed", message: "Job completed" } : verdict;
    events.push({ type: isComplete ? "Normal" : "Warning", reason: told.reason, message: told.message });
  }
  const active = tally.active.length - moves.discard.length - failing + moves.create.length;
  const counted = isIndexed(job) ? tally.succeededIndexes.size : tally.countedSucceeded;
  const { succeeded, failed } = ends;
  const status: JobStatus = {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(isOver && verdict.end === "Complete" ? { completionTime: now.text } : {}),
    ...(active === 0 ? {} : { active }),
    ...(counted === 0 ? {} : { succeeded: counted }),
    ...(tally.countedFailed === 0 ? {} : { failed: tally.countedFailed }),
    terminating: tally.terminating,
    ...(isIndexed(job) && tally.succeededIndexes.size > 0 ? { completedIndexes: tally.succeededIndexes.text } : {}),
    ...(job.spec?.backoffLimitPerIndex === undefined ? {} : { failedIndexes: tally.failedIndexes.text }),
    uncountedTerminatedPods: {
      ...(succeeded.length === 0 ? {} : { succeeded }),
      ...(failed.length === 0 ? {} : { failed }),
    },
    ready: failing > 0 || active === 0 ? 0 : tally.ready,
  };
  return { status, events };
}
