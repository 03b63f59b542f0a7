const PLAN = "test/unit/actors/controller-manager/core/job/plan.test.ts";
const CRON = "test/unit/actors/controller-manager/core/cron-job/plan.test.ts";
const SCHEDULE = "test/unit/protocols/kubernetes/cron-schedule.test.ts";
const STORY = "test/simulation/cluster/jobs.test.ts";
const job = (file) => `actors/controller-manager/core/job/${file}.ts`;

/** Mistakes in the controllers of Jobs and CronJobs. */
export const variants = [
  {
    name: "job-end-forgotten",
    file: job("tally"),
    find: "const countedFailed = (status.failed ?? 0) + failed.length - uncountedFailed.size;",
    replace: "const countedFailed = status.failed ?? 0;",
    why: "what the status named is dropped, not counted, when its finalizer is gone",
    tests: [PLAN],
  },
  {
    name: "job-end-counted-twice",
    file: job("tally"),
    find: "const fresh = tracked.filter((pod) => isValid(pod) && isNew(pod));",
    replace: "const fresh = tracked.filter((pod) => isValid(pod));",
    why: "a pod that the status names already counts to the limit again",
    tests: [PLAN],
  },
  {
    name: "job-over-before-its-pods",
    file: job("plan"),
    find: "tally.active.length + tally.terminating + ends.succeeded.length",
    replace: "tally.active.length + ends.succeeded.length",
    why: "a Job is failed while its pods still end",
    tests: [PLAN],
  },
  {
    name: "job-no-back-off",
    file: job("back-off"),
    find: "if (failures === 0) return 0;",
    replace: "if (failures >= 0) return 0;",
    why: "a pod that fails is replaced at once",
    tests: [PLAN],
  },
  {
    name: "job-index-failures-lost",
    file: job("plan"),
    find: "(hasFailed && !delayed.has(pod))",
    replace: "hasFailed",
    why: "the pod that knows how often its index failed is let go before the next knows",
    tests: [PLAN],
  },
  {
    name: "job-success-discards-as-failed",
    file: job("plan"),
    find: '(hasFailed || verdict?.end === "Failed")',
    replace: "(hasFailed || verdict !== undefined)",
    why: "pods that the success policy ends are counted as failed",
    tests: [PLAN],
  },
  {
    name: "job-twin-index",
    file: job("plan"),
    find: "if (index === undefined || taken.has(index)) surplus.add(pod);",
    replace: "if (index === undefined) surplus.add(pod);",
    why: "two pods of one index stay",
    tests: [PLAN],
  },
  {
    name: "job-creates-unseen",
    file: job("plan"),
    find: "if (isHeld) return NO_MOVES;",
    replace: "",
    why: "pods are made again that were made and not seen",
    tests: [PLAN, STORY],
  },
  {
    name: "job-orphans-stay",
    file: "actors/controller-manager/controllers/job.ts",
    find: 'for (const pod of session.pods.byIndex("controller", object.metadata?.uid ?? "")) this.orphans.add(keyOf(pod));',
    replace: "",
    also: [['if (change.type !== "deleted" && isTracked(pod) && this.isLeft(pod)) this.orphans.add(keyOf(pod));', ""]],
    why: "pods of a Job that is gone keep its finalizer for ever",
    tests: [STORY],
  },
  {
    name: "cron-made-twice",
    file: "actors/controller-manager/core/cron-job/plan.ts",
    find: "active.some((one) => one.name === name) || ",
    replace: "",
    why: "a Job that was made and not told of is made again",
    tests: [CRON],
  },
  {
    name: "cron-leap-shown",
    file: "protocols/kubernetes/cron-schedule.ts",
    find: "const isPlain = this.at(ms + leftMs) - wallMs === leftMs;",
    replace: "const isPlain = true;",
    why: "midnight is missed on the day of a change of the clock",
    tests: [SCHEDULE],
  },
  {
    name: "cron-days-and",
    file: "protocols/kubernetes/cron-schedule.ts",
    find: "isAny: isStar && width === 1",
    replace: "isAny: isStar",
    why: "every tenth day counts as any day",
    tests: [SCHEDULE],
  },
];
