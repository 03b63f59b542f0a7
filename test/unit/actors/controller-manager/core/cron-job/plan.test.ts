/** When a CronJob acts: names, events and references are those of kube-controller-manager 1.37. */
import { describe, expect, it } from "vitest";
import { planCronJob, started } from "../../../../../../actors/controller-manager/core/cron-job/plan.ts";
import type {
  CronJob,
  CronJobSpec,
  CronJobStatus,
  Job,
} from "../../../../../../protocols/kubernetes/types/batch-v1.ts";

const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "x" }] } } as const;

function cronJob(spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): CronJob {
  const jobTemplate = { metadata: { labels: { a: "b" } }, spec: { template } };
  return {
    metadata: { name: "c", namespace: "n", uid: "c", creationTimestamp: "2026-11-29T13:47:40Z" },
    spec: { schedule: "* * * * *", concurrencyPolicy: "Allow", jobTemplate, ...spec },
    status,
  };
}

function job(name: string, end?: "Complete" | "Failed", startTime = "2026-11-29T13:48:00Z"): Job {
  const condition = { type: end ?? "", status: "True", lastTransitionTime: "2026-11-29T13:48:10Z" } as const;
  const status = end === undefined ? { startTime } : { startTime, conditions: [condition] };
  const completed = end === "Complete" ? { completionTime: "2026-11-29T13:48:10Z" } : {};
  return { metadata: { name, namespace: "n", uid: name }, spec: { template }, status: { ...status, ...completed } };
}

const active = (...names: readonly string[]): CronJobStatus => ({
  active: names.map((name) => ({ name, uid: name, kind: "Job", apiVersion: "batch/v1" })),
});
const at = (text: string): number => Date.parse(`2026-11-29T${text}Z`);
const plan = (of: CronJob, jobs: readonly Job[], now: string): ReturnType<typeof planCronJob> =>
  planCronJob(of, jobs, at(now));
const reasons = (of: ReturnType<typeof plan>): readonly string[] => of.events.map(({ reason }) => reason);

describe("a CronJob", () => {
  it("waits for its time, and makes a Job that is named by it", () => {
    const before = plan(cronJob(), [], "13:47:50");
    expect([before.create, before.recheckAfterMs]).toEqual([undefined, 10_100]);
    const due = plan(cronJob({ timeZone: "Europe/Berlin" }), [], "13:48:00");
    expect(due.create?.job).toMatchObject({
      metadata: {
        name: "c-29932668",
        namespace: "n",
        labels: { a: "b" },
        annotations: { "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-11-29T14:48:00+01:00" },
        ownerReferences: [{ kind: "CronJob", name: "c", uid: "c", controller: true }],
      },
      spec: { template },
    });
    const status = started(due.status, job("c-29932668"), due.create!.dueMs);
    expect(status).toEqual({
      active: [{ apiVersion: "batch/v1", kind: "Job", name: "c-29932668", namespace: "n", uid: "c-29932668" }],
      lastScheduleTime: "2026-11-29T13:48:00Z",
    });
    expect(plan(cronJob({}, status), [job("c-29932668")], "13:48:01").create).toBeUndefined();
  });

  it("does not make again what was made and not told", () => {
    const known = cronJob({}, active("c-29932668"));
    expect(plan(known, [job("c-29932668")], "13:48:01").create).toBeUndefined();
  });

  it.each([
    ["Allow", true, [], []],
    ["Forbid", false, ["JobAlreadyActive"], []],
    ["Replace", true, [], ["old"]],
  ] as const)("with the policy %s beside one that runs", (concurrencyPolicy, makes, told, replaced) => {
    const due = plan(cronJob({ concurrencyPolicy }, active("old")), [job("old")], "13:48:00");
    expect(due.create !== undefined).toBe(makes);
    expect(reasons(due)).toEqual(told);
    expect(due.replaced.map(({ metadata }) => metadata?.name)).toEqual(replaced);
  });

  it("tells what it missed by more than its deadline", () => {
    const late = cronJob({ schedule: "48 13 * * *", startingDeadlineSeconds: 100 });
    expect(plan(late, [], "13:49:00").create).toBeDefined();
    // What lies before the deadline is not looked for at all.
    expect(plan(late, [], "13:50:00").create).toBeUndefined();
  });

  it("makes one Job, and tells, when it has missed many", () => {
    const { create, events } = plan(cronJob({}, { lastScheduleTime: "2025-11-29T13:48:00Z" }), [], "13:48:30");
    expect(create?.job.metadata?.name).toBe("c-29932668");
    expect(events.map(({ reason }) => reason)).toEqual(["TooManyMissedTimes"]);
    // At night there is nothing near to be found: it is looked for farther back.
    const office = cronJob({ schedule: "*/5 9-16 * * *" }, { lastScheduleTime: "2026-11-20T09:00:00Z" });
    expect(plan(office, [], "06:00:00").create?.dueMs).toBe(Date.parse("2026-11-28T16:55:00Z"));
  });

  it("takes ends of its Jobs into its status", () => {
    const known = cronJob({ suspend: true }, active("good", "bad", "gone", "runs"));
    const seen = plan(known, [job("good", "Complete"), job("bad", "Failed"), job("runs"), job("strange")], "13:50:00");
    expect(seen.status).toEqual({ ...active("runs"), lastSuccessfulTime: "2026-11-29T13:48:10Z" });
    expect(reasons(seen)).toEqual(["SawCompletedJob", "SawCompletedJob", "UnexpectedJob", "MissingJob"]);
    expect(seen.isStatusNew).toBe(true);
    const { lastSuccessfulTime } = seen.status;
    const again = cronJob({ suspend: true }, { lastSuccessfulTime: lastSuccessfulTime!, ...active("runs") });
    expect(plan(again, [job("runs")], "13:50:00")).toMatchObject({ isStatusNew: false, events: [] });
  });

  it("keeps as much history as it says, the youngest", () => {
    const jobs = [1, 3, 2, 4].map((n) => job(`good-${n}`, "Complete", `2026-11-29T13:4${n}:00Z`));
    const limits = { successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 0 };
    const { expired } = plan(cronJob({ suspend: true, ...limits }), [...jobs, job("bad", "Failed")], "13:50:00");
    expect(expired.map(({ metadata }) => metadata?.name)).toEqual(["good-1", "good-2", "bad"]);
  });

  it.each([
    [{ suspend: true }, []],
    [{ timeZone: "Mars/Olympus" }, ["UnknownTimeZone"]],
    [{ schedule: "no" }, ["UnparseableSchedule"]],
  ] as const)("makes nothing with %j", (spec, told) => {
    const due = plan(cronJob(spec), [], "13:48:00");
    expect([due.create, reasons(due)]).toEqual([undefined, told]);
  });

  it("makes nothing while it is deleted", () => {
    const { metadata, ...rest } = cronJob();
    const leaving = { ...rest, metadata: { ...metadata, deletionTimestamp: "2026-11-29T13:47:50Z" } };
    expect(plan(leaving, [], "13:48:00").create).toBeUndefined();
  });
});
