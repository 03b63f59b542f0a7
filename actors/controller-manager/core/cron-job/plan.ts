/**
 * When a CronJob is due, and what then happens with the Jobs that it has made.
 *
 * @see k8s.io/kubernetes/pkg/controller/cronjob
 */
import type { CronJob, CronJobStatus, Job } from "../../../../protocols/kubernetes/types/batch-v1.ts";
import type { ObjectReference } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { isEqual } from "../../../../protocols/equality.ts";
import {
  formatTimeIn,
  nextDueMs,
  parseSchedule,
  timeZoneProblems,
} from "../../../../protocols/kubernetes/cron-schedule.ts";
import type { CronSchedule } from "../../../../protocols/kubernetes/cron-schedule.ts";
import { controllerReference } from "../../../../protocols/kubernetes/owners.ts";
import { conditionOf, isFinished } from "../job/verdict.ts";

const SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/** A Job of a CronJob without a zone is due by this one's clock. */
const ZONE = "UTC";
/** More times than these missed are a sign of a wrong clock, and are told. */
const MISSED_MAX = 100;
/** What a timer may be early by. */
const SLACK_MS = 100;
const MINUTE_MS = 60_000;

export interface CronJobEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface CronJobPlan {
  /** Of its history, no longer wanted. */
  readonly expired: readonly Job[];
  /** To be replaced by the next. */
  readonly replaced: readonly Job[];
  /** What is due. */
  readonly create: { readonly job: Job; readonly dueMs: number } | undefined;
  /** Without what is created: see `started`. */
  readonly status: CronJobStatus;
  readonly isStatusNew: boolean;
  readonly events: readonly CronJobEvent[];
  readonly recheckAfterMs: number | undefined;
}

/** `jobs`: those that it controls. */
export function planCronJob(cronJob: CronJob, jobs: readonly Job[], nowMs: number): CronJobPlan {
  const expired = expiredOf(cronJob, jobs);
  const { status, events } = withEnds(cronJob, jobs);
  const isStatusNew = !isEqual(status, cronJob.status ?? {});
  const plan: CronJobPlan = { ...IDLE, expired, status, isStatusNew, events };
  if (cronJob.metadata?.deletionTimestamp !== undefined || cronJob.spec?.suspend === true) return plan;
  const { schedule: text = "", timeZone } = cronJob.spec ?? {};
  if (timeZone !== undefined && timeZoneProblems(timeZone).length > 0) {
    return withEvent(
      plan,
      "Warning",
      "UnknownTimeZone",
      `invalid timeZone: ${timeZone}: ${timeZoneProblems(timeZone)[0]}`,
    );
  }
  const schedule = parseSchedule(text);
  if (typeof schedule === "string") {
    return withEvent(
      plan,
      "Warning",
      "UnparseableSchedule",
      `unparseable schedule: ${JSON.stringify(text)} : ${schedule}`,
    );
  }
  return planDue({ ...cronJob, status }, jobs, plan, schedule, nowMs);
}

const IDLE: CronJobPlan = {
  expired: [],
  replaced: [],
  create: undefined,
  status: {},
  isStatusNew: false,
  events: [],
  recheckAfterMs: undefined,
};

function withEvent(plan: CronJobPlan, type: CronJobEvent["type"], reason: string, message: string): CronJobPlan {
  return { ...plan, events: [...plan.events, { type, reason, message }] };
}

function planDue(
  cronJob: CronJob,
  jobs: readonly Job[],
  before: CronJobPlan,
  schedule: CronSchedule,
  nowMs: number,
): CronJobPlan {
  const { spec, status } = cronJob;
  const zone = spec?.timeZone ?? ZONE;
  const nextMs = nextDueMs(schedule, nowMs, zone);
  const recheckAfterMs = nextMs === undefined ? undefined : nextMs - nowMs + SLACK_MS;
  let plan: CronJobPlan = { ...before, recheckAfterMs };
  const { dueMs, missed } = lastDue(cronJob, schedule, nowMs);
  if (missed > MISSED_MAX) {
    const message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
    plan = withEvent(plan, "Warning", "TooManyMissedTimes", message);
  }
  if (dueMs === undefined) return plan;
  const deadlineMs = (spec?.startingDeadlineSeconds ?? Infinity) * 1_000;
  if (dueMs + deadlineMs < nowMs) {
    const message = `Missed scheduled time to start a job: ${inWords(dueMs)}`;
    return withEvent(plan, "Warning", "MissSchedule", message);
  }
  const name = `${cronJob.metadata?.name}-${Math.floor(dueMs / MINUTE_MS)}`;
  const active = status?.active ?? [];
  if (active.some((one) => one.name === name) || status?.lastScheduleTime === formatTimeIn("UTC", dueMs)) return plan;
  if (spec?.concurrencyPolicy === "Forbid" && active.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    return withEvent(plan, "Normal", "JobAlreadyActive", message);
  }
  const isActive = ({ metadata }: Job): boolean => active.some(({ uid }) => uid === metadata?.uid);
  const replaced = spec?.concurrencyPolicy === "Replace" ? jobs.filter(isActive) : [];
  return { ...plan, replaced, create: { job: jobOf(cronJob, name, dueMs), dueMs } };
}

/** The last time at which it was due, and about how often it was since the one that was kept. */
function lastDue(
  { metadata, spec, status }: CronJob,
  schedule: CronSchedule,
  nowMs: number,
): { readonly dueMs: number | undefined; readonly missed: number } {
  const zone = spec?.timeZone ?? ZONE;
  const sinceMs = Date.parse(status?.lastScheduleTime ?? metadata?.creationTimestamp ?? "") || nowMs;
  const fromMs = Math.max(sinceMs, nowMs - (spec?.startingDeadlineSeconds ?? Infinity) * 1_000);
  const firstMs = nextDueMs(schedule, fromMs, zone);
  if (firstMs === undefined || firstMs > nowMs) return { dueMs: undefined, missed: 0 };
  const secondMs = nextDueMs(schedule, firstMs, zone);
  if (secondMs === undefined || secondMs > nowMs) return { dueMs: firstMs, missed: 1 };
  const periodMs = secondMs - firstMs;
  const missed = Math.floor((nowMs - firstMs) / periodMs) + 1;
  // Looked for from behind: a schedule of every minute that slept for a year has missed half a million times.
  for (let reachMs = 2 * periodMs; ; reachMs *= 2) {
    let dueMs: number | undefined;
    let nextMs = nextDueMs(schedule, Math.max(firstMs, nowMs - reachMs), zone);
    for (; nextMs !== undefined && nextMs <= nowMs; nextMs = nextDueMs(schedule, nextMs, zone)) dueMs = nextMs;
    if (dueMs !== undefined) return { dueMs, missed };
  }
}

/** What its Jobs' ends make of the status. */
function withEnds(
  { status = {} }: CronJob,
  jobs: readonly Job[],
): { readonly status: CronJobStatus; readonly events: readonly CronJobEvent[] } {
  const events: CronJobEvent[] = [];
  let { active = [], lastSuccessfulTime } = status;
  const byUid = new Map(jobs.map((job) => [job.metadata?.uid, job]));
  for (const job of jobs) {
    const { name, uid } = job.metadata ?? {};
    const isKnown = active.some((one) => one.uid === uid);
    if (!isFinished(job)) {
      if (isKnown) continue;
      const message = `Saw a job that the controller did not create or forgot: ${name}`;
      events.push({ type: "Warning", reason: "UnexpectedJob", message });
      continue;
    }
    const isComplete = conditionOf(job, "Complete") !== undefined;
    const { completionTime } = job.status ?? {};
    if (isComplete && completionTime !== undefined && (lastSuccessfulTime ?? "") < completionTime) {
      lastSuccessfulTime = completionTime;
    }
    if (!isKnown) continue;
    active = active.filter((one) => one.uid !== uid);
    const message = `Saw completed job: ${name}, condition: ${isComplete ? "Complete" : "Failed"}`;
    events.push({ type: "Normal", reason: "SawCompletedJob", message });
  }
  for (const one of active) {
    if (byUid.has(one.uid)) continue;
    active = active.filter(({ uid }) => uid !== one.uid);
    events.push({ type: "Normal", reason: "MissingJob", message: `Active job went missing: ${one.name}` });
  }
  const { active: _active, lastSuccessfulTime: _time, ...rest } = status;
  return {
    status: {
      ...(active.length === 0 ? {} : { active }),
      ...rest,
      ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
    },
    events,
  };
}

/** Of the Jobs that have ended, the oldest beyond what is to be kept of each end. */
function expiredOf({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] {
  const expired = (end: "Complete" | "Failed", limit: number | undefined): readonly Job[] => {
    if (limit === undefined) return [];
    const ended = jobs.filter((job) => conditionOf(job, end) !== undefined);
    return ended.sort(byStart).slice(0, Math.max(0, ended.length - limit));
  };
  return [...expired("Complete", spec?.successfulJobsHistoryLimit), ...expired("Failed", spec?.failedJobsHistoryLimit)];
}

function byStart(left: Job, right: Job): number {
  const [a, b] = [left.status?.startTime ?? "", right.status?.startTime ?? ""];
  if (a === b) return (left.metadata?.name ?? "") < (right.metadata?.name ?? "") ? -1 : 1;
  return a === "" || (b !== "" && a > b) ? 1 : -1;
}

function jobOf(cronJob: CronJob, name: string, dueMs: number): Job {
  const { metadata, spec } = cronJob.spec?.jobTemplate ?? {};
  if (spec === undefined) throw new Error("a CronJob without a template passed validation");
  const { labels, annotations } = metadata ?? {};
  const { namespace } = cronJob.metadata ?? {};
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, [SCHEDULED_AT]: formatTimeIn(cronJob.spec?.timeZone ?? ZONE, dueMs) },
      ownerReferences: [controllerReference("batch/v1", "CronJob", cronJob)],
    },
    spec,
  };
}

/** The status once its Job is there. */
export function started(status: CronJobStatus, job: Job, dueMs: number): CronJobStatus {
  const { name, namespace, uid, resourceVersion } = job.metadata ?? {};
  const reference: ObjectReference = {
    apiVersion: "batch/v1",
    kind: "Job",
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(uid === undefined ? {} : { uid }),
  };
  // One that another leader made, and told of or not, may have ended.
  const active = isFinished(job) ? status.active : [...(status.active ?? []), reference];
  return { ...status, ...(active === undefined ? {} : { active }), lastScheduleTime: formatTimeIn("UTC", dueMs) };
}

/** As Go's `time.RFC1123Z`. */
function inWords(ms: number): string {
  return new Date(ms).toUTCString().replace("GMT", "+0000");
}
