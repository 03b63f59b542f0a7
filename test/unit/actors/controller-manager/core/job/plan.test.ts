/** What becomes of a Job: the situations, statuses and events are those of kube-controller-manager 1.37, recorded by hand. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_BACK_OFF } from "../../../../../../actors/controller-manager/core/job/back-off.ts";
import type { JobPlan } from "../../../../../../actors/controller-manager/core/job/plan.ts";
import { planJob } from "../../../../../../actors/controller-manager/core/job/plan.ts";
import { TRACKING } from "../../../../../../actors/controller-manager/core/job/pods.ts";
import { isFinished } from "../../../../../../actors/controller-manager/core/job/verdict.ts";
import type { Job, JobSpec } from "../../../../../../protocols/kubernetes/types/batch-v1.ts";
import type { Pod, PodStatus } from "../../../../../../protocols/kubernetes/types/core-v1.ts";
import { formatTime } from "../../../../../../runtime/clock.ts";

type Spec = Partial<JobSpec> & { readonly restartPolicy?: "Never" | "OnFailure" };

/** A Job with its pods in a cluster that does at once what the plan says, one pass at a time. */
class Stage {
  job: Job;
  pods: Pod[] = [];
  nowMs = Date.parse("2026-01-01T00:00:00Z");
  readonly told: string[] = [];
  private backOff = NO_BACK_OFF;
  private made = 0;

  constructor({ restartPolicy = "Never", ...spec }: Spec) {
    const template = { spec: { restartPolicy, containers: [{ name: "c", image: "x" }] } };
    const defaults = { parallelism: 1, backoffLimit: 6, completionMode: "NonIndexed", template } as const;
    const completions = spec.parallelism === undefined ? { completions: 1 } : {};
    const policy = spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed";
    this.job = {
      metadata: { name: "j", namespace: "n", uid: "j" },
      spec: { ...defaults, ...completions, podReplacementPolicy: policy, ...spec },
    };
  }

  plan(isSettled = true): JobPlan {
    const now = { epochMs: this.nowMs, text: formatTime(this.nowMs) };
    return planJob({ job: this.job, pods: this.pods, backOff: this.backOff, isSettled, now });
  }

  /** Carries out a plan up to its `steps`th step: the controller may end at any of them. */
  pass(steps = Infinity): JobPlan {
    const plan = this.plan();
    let left = steps;
    const step = (what: () => void): void => {
      if (left-- > 0) what();
    };
    for (const pod of plan.discard) step(() => this.remove(pod));
    for (const pod of plan.fail) step(() => this.remove(pod, true));
    for (const pod of plan.create) step(() => void this.pods.push(this.named(pod)));
    step(() => {
      if (plan.status !== undefined) this.job = { ...this.job, status: plan.status };
      this.backOff = plan.backOff;
      for (const { type, reason } of plan.events) this.told.push(`${type} ${reason}`);
    });
    for (const pod of plan.release) step(() => this.letGo(pod));
    return plan;
  }

  /** Until nothing changes any more at this time. */
  settle(): this {
    for (let passes = 0; passes < 50; passes++) {
      const plan = this.pass();
      const moves = plan.create.length + plan.discard.length + plan.fail.length + plan.release.length;
      if (moves === 0 && plan.status === undefined) return this;
    }
    throw new Error("it never comes to rest");
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this.settle();
  }

  set(at: number, status: PodStatus): this {
    const pod = this.active[at]!;
    this.pods[this.pods.indexOf(pod)] = { ...pod, status };
    return this.settle();
  }

  end(at: number, exitCode: number, more: PodStatus = {}): this {
    const finishedAt = formatTime(this.nowMs);
    const state = { terminated: { exitCode, finishedAt } };
    const containerStatuses = [{ name: "c", image: "x", imageID: "", ready: false, restartCount: 0, state }];
    return this.set(at, { phase: exitCode === 0 ? "Succeeded" : "Failed", containerStatuses, ...more });
  }

  get active(): readonly Pod[] {
    return this.pods.filter(({ status, metadata }) => status?.phase === "Pending" && !metadata?.deletionTimestamp);
  }

  /** The status without what is empty, and its conditions as words. */
  get status(): unknown {
    const { conditions = [], startTime: _start, completionTime: _end, ...rest } = this.job.status ?? {};
    const words = conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
    const isEmpty = (value: unknown): boolean => value === 0 || JSON.stringify(value) === "{}";
    const told = Object.entries(rest).filter(([, value]) => !isEmpty(value));
    return { ...Object.fromEntries(told), ...(words.length === 0 ? {} : { conditions: words }) };
  }

  private named(pod: Pod): Pod {
    const name = `p${this.made++}`;
    return {
      ...pod,
      metadata: { ...pod.metadata, name, uid: name, creationTimestamp: formatTime(this.nowMs) },
      status: { phase: "Pending" },
    };
  }

  private remove(pod: Pod, isKept = false): void {
    const at = this.pods.findIndex(({ metadata }) => metadata?.uid === pod.metadata?.uid);
    if (!isKept) this.pods.splice(at, 1);
    else this.pods[at] = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: formatTime(this.nowMs) } };
  }

  private letGo(pod: Pod): void {
    const at = this.pods.findIndex(({ metadata }) => metadata?.uid === pod.metadata?.uid);
    if (at < 0) return;
    const known = this.pods[at]!;
    // What is being deleted goes with its last finalizer.
    if (known.metadata?.deletionTimestamp !== undefined) this.pods.splice(at, 1);
    else this.pods[at] = { ...known, metadata: { ...known.metadata, finalizers: [] } };
  }
}

const FAILED = (reason: string): readonly string[] => [`FailureTarget=True ${reason}`, `Failed=True ${reason}`];
const COMPLETE = (reason: string): readonly string[] => [
  `SuccessCriteriaMet=True ${reason}`,
  `Complete=True ${reason}`,
];

describe("a Job", () => {
  it("is complete when enough pods have succeeded", () => {
    const stage = new Stage({ parallelism: 2, completions: 3 }).settle();
    expect(stage.status).toEqual({ active: 2 });
    expect(stage.pods[0]?.metadata).toMatchObject({ generateName: "j-", finalizers: [TRACKING] });
    expect(stage.end(0, 0).status).toEqual({ active: 2, succeeded: 1 });
    expect(stage.end(0, 0).status).toEqual({ active: 1, succeeded: 2 });
    expect(stage.end(0, 0).status).toEqual({ succeeded: 3, conditions: COMPLETE("CompletionsReached") });
    expect(stage.job.status?.completionTime).toBe("2026-01-01T00:00:00Z");
    expect(stage.told).toEqual(["Normal Completed"]);
    expect(stage.pods.flatMap(({ metadata }) => metadata?.finalizers ?? [])).toEqual([]);
  });

  it("as a work queue begins no pod after the first success, and is complete with the last", () => {
    const stage = new Stage({ parallelism: 2 }).settle();
    expect(stage.end(0, 0).status).toEqual({ active: 1, succeeded: 1 });
    expect(stage.end(0, 0).status).toEqual({ succeeded: 2, conditions: COMPLETE("CompletionsReached") });
  });

  it("makes the next pod after a back-off that doubles, and gives up at its limit", () => {
    const stage = new Stage({ parallelism: 2, completions: 3, backoffLimit: 2 }).settle();
    expect(stage.end(0, 1).status).toEqual({ active: 1, failed: 1 });
    expect(stage.wait(9_999).status).toEqual({ active: 1, failed: 1 });
    expect(stage.wait(1).status).toEqual({ active: 2, failed: 1 });
    expect(stage.end(1, 1).plan().recheckAfterMs).toBe(20_000);
    expect(stage.wait(20_000).status).toEqual({ active: 2, failed: 2 });
    // The pod that still runs goes with it, and is counted.
    expect(stage.end(0, 1).status).toEqual({ failed: 4, conditions: FAILED("BackoffLimitExceeded") });
    expect(stage.told).toEqual(["Warning BackoffLimitExceeded"]);
  });

  it("counts no end twice that its status tells of and that is not let go yet", () => {
    const stage = new Stage({ backoffLimit: 1 }).settle();
    const [pod] = stage.pods;
    stage.pods[0] = { ...pod, status: { phase: "Failed" } };
    stage.pass(1);
    expect(stage.status).toEqual({ uncountedTerminatedPods: { failed: ["p0"] } });
    expect([stage.plan().status, stage.plan().release.length]).toEqual([undefined, 1]);
  });

  it("has failed when the last of its pods has ended", () => {
    const stage = new Stage({ activeDeadlineSeconds: 3 }).settle();
    const deletionTimestamp = formatTime(stage.nowMs);
    const slow = { ...stage.pods[0], metadata: { name: "slow", uid: "slow", deletionTimestamp } };
    stage.pods.push(slow);
    expect(stage.wait(3_000).status).toEqual({
      failed: 1,
      terminating: 1,
      conditions: ["FailureTarget=True DeadlineExceeded"],
    });
    stage.pods = [];
    expect(stage.settle().status).toEqual({ failed: 1, conditions: FAILED("DeadlineExceeded") });
  });

  it("forgets its back-off with a success", () => {
    const stage = new Stage({ parallelism: 2, completions: 4 }).settle();
    stage.end(0, 1).end(0, 0);
    expect(stage.status).toEqual({ active: 2, failed: 1, succeeded: 1 });
  });

  it("counts restarts of containers where its pods restart them", () => {
    const stage = new Stage({ backoffLimit: 2, restartPolicy: "OnFailure" }).settle();
    const containerStatuses = [{ name: "c", image: "x", imageID: "", ready: false, restartCount: 2 }];
    expect(stage.set(0, { phase: "Pending", containerStatuses }).status).toEqual({
      failed: 1,
      conditions: FAILED("BackoffLimitExceeded"),
    });
  });

  it("fails at its deadline, and knows when that is", () => {
    const stage = new Stage({ activeDeadlineSeconds: 3 }).settle();
    expect(stage.plan().recheckAfterMs).toBe(3_000);
    expect(stage.wait(3_000).status).toEqual({ failed: 1, conditions: FAILED("DeadlineExceeded") });
  });

  it("is suspended and resumed, and counts no pod that ends of it", () => {
    const stage = new Stage({ parallelism: 2, completions: 2, suspend: true }).settle();
    expect(stage.status).toEqual({ conditions: ["Suspended=True JobSuspended"] });
    expect(stage.job.status?.startTime).toBeUndefined();
    stage.job = { ...stage.job, spec: { ...stage.job.spec!, suspend: false } };
    expect(stage.settle().status).toEqual({ active: 2, conditions: ["Suspended=False JobResumed"] });
    expect(stage.job.status?.startTime).toBeDefined();
    stage.job = { ...stage.job, spec: { ...stage.job.spec!, suspend: true } };
    expect(stage.settle().status).toEqual({ conditions: ["Suspended=True JobSuspended"] });
    expect(stage.pods).toEqual([]);
    expect(stage.told).toEqual(["Normal Suspended", "Normal Resumed", "Normal Suspended"]);
  });

  it("lets go of pods beyond a smaller parallelism, uncounted", () => {
    const stage = new Stage({ parallelism: 3, completions: 5 }).settle();
    stage.job = { ...stage.job, spec: { ...stage.job.spec!, parallelism: 1 } };
    expect(stage.settle().status).toEqual({ active: 1 });
    expect(stage.pods).toHaveLength(1);
  });

  it("decides nothing on what it may not have seen", () => {
    const plan = new Stage({}).plan(false);
    expect(plan.create).toEqual([]);
  });

  it("lets go of everything while it is deleted", () => {
    const stage = new Stage({ parallelism: 2, completions: 2 }).settle();
    stage.job = { ...stage.job, metadata: { ...stage.job.metadata, deletionTimestamp: formatTime(stage.nowMs) } };
    expect(stage.plan()).toMatchObject({ create: [], discard: [], fail: [] });
    expect(stage.plan().release).toHaveLength(2);
  });
});

describe("an indexed Job", () => {
  const indexes = ({ active }: Stage): readonly (string | undefined)[] =>
    active.map(({ metadata }) => metadata?.annotations?.["batch.kubernetes.io/job-completion-index"]);

  it("gives each pod its index, and tells those that have succeeded", () => {
    const stage = new Stage({ parallelism: 2, completions: 3, completionMode: "Indexed" }).settle();
    expect(indexes(stage)).toEqual(["0", "1"]);
    const fieldPath = "metadata.labels['batch.kubernetes.io/job-completion-index']";
    const env = [{ name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { fieldPath } } }];
    expect(stage.pods[1]).toMatchObject({
      metadata: { generateName: "j-1-", labels: { "batch.kubernetes.io/job-completion-index": "1" } },
      spec: { hostname: "j-1", containers: [{ env }] },
    });
    expect(stage.end(1, 0).status).toEqual({ active: 2, succeeded: 1, completedIndexes: "1" });
    expect(indexes(stage)).toEqual(["0", "2"]);
    stage.end(0, 0).end(0, 0);
    expect(stage.status).toEqual({ succeeded: 3, completedIndexes: "0-2", conditions: COMPLETE("CompletionsReached") });
  });

  it("with a limit for each index goes on with the others", () => {
    const spec = { parallelism: 2, completions: 3, completionMode: "Indexed", backoffLimitPerIndex: 1 } as const;
    const stage = new Stage({ ...spec, backoffLimit: 2_147_483_647 }).settle();
    // Uncounted until the next pod of its index has taken over how often it failed.
    expect(stage.end(0, 1).status).toEqual({ active: 1, failedIndexes: "" });
    expect(stage.wait(10_000).status).toEqual({ active: 2, failed: 1, failedIndexes: "" });
    expect(stage.active.at(-1)?.metadata?.annotations).toMatchObject({
      "batch.kubernetes.io/job-index-failure-count": "1",
    });
    expect(stage.end(1, 1).status).toEqual({ active: 2, failed: 2, failedIndexes: "0" });
    expect(indexes(stage)).toEqual(["1", "2"]);
    stage.end(0, 0).end(0, 0);
    expect(stage.status).toEqual({
      succeeded: 2,
      completedIndexes: "1,2",
      failed: 2,
      failedIndexes: "0",
      conditions: FAILED("FailedIndexes"),
    });
  });

  it("fails with more failed indexes than it may have", () => {
    const spec = { parallelism: 2, completions: 3, completionMode: "Indexed", backoffLimitPerIndex: 0 } as const;
    const stage = new Stage({ ...spec, maxFailedIndexes: 0, backoffLimit: 100 }).settle();
    expect(stage.end(0, 1).status).toMatchObject({ failed: 2, conditions: FAILED("MaxFailedIndexesExceeded") });
  });

  it("ends early by its success policy, and counts no pod that ends of it", () => {
    const rules = [{ succeededIndexes: "0-1", succeededCount: 1 }];
    const stage = new Stage({ parallelism: 3, completions: 3, completionMode: "Indexed", successPolicy: { rules } });
    expect(stage.settle().end(1, 0).status).toEqual({
      succeeded: 1,
      completedIndexes: "1",
      conditions: COMPLETE("SuccessPolicy"),
    });
    expect(stage.job.status?.conditions?.[1]?.message).toBe("Matched rules at index 0");
  });

  it("counts none of those that end of its success as failed", () => {
    const rules = [{ succeededIndexes: "0" }];
    const spec = { parallelism: 2, completions: 2, completionMode: "Indexed", successPolicy: { rules } } as const;
    const stage = new Stage({ ...spec, podReplacementPolicy: "Failed" }).settle();
    const [, pod] = stage.pods;
    stage.pods[1] = { ...pod, metadata: { ...pod?.metadata, deletionTimestamp: formatTime(stage.nowMs) } };
    expect(stage.end(0, 0).status).toEqual({
      succeeded: 1,
      completedIndexes: "0",
      conditions: COMPLETE("SuccessPolicy"),
    });
  });

  it("replaces the second pod of an index", () => {
    const stage = new Stage({ parallelism: 2, completions: 3, completionMode: "Indexed" }).settle();
    const [first] = stage.pods;
    stage.pods[1] = { ...first, metadata: { ...first?.metadata, name: "twin", uid: "twin" } };
    stage.settle();
    expect(new Set(indexes(stage))).toEqual(new Set(["0", "1"]));
    expect(stage.active).toHaveLength(2);
  });
});

describe("a pod failure policy", () => {
  const rules = [
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
    { action: "FailJob", onExitCodes: { operator: "In", values: [42] } },
  ] as const;

  it("ignores, and fails at once", () => {
    const stage = new Stage({ completions: 3, parallelism: 2, podFailurePolicy: { rules } }).settle();
    const conditions = [{ type: "DisruptionTarget", status: "True" }] as const;
    expect(stage.end(0, 1, { conditions }).status).toEqual({ active: 2 });
    expect(stage.end(0, 42).status).toEqual({ failed: 2, conditions: FAILED("PodFailurePolicy") });
    expect(stage.job.status?.conditions?.[0]?.message).toBe(
      "Container c for pod n/p1 failed with exit code 42 matching FailJob rule at index 1",
    );
  });

  it("waits with the replacement until the pod has ended", () => {
    const stage = new Stage({ podFailurePolicy: { rules } }).settle();
    const [pod] = stage.pods;
    stage.pods[0] = { ...pod, metadata: { ...pod?.metadata, deletionTimestamp: formatTime(stage.nowMs) } };
    expect(stage.settle().status).toEqual({ terminating: 1 });
  });
});

/** Whatever ends when, and wherever the controller itself ends: each end is counted once. */
it("counts each pod that ends once, whenever its controller dies", () => {
  const ends = fc.array(fc.tuple(fc.nat(3), fc.boolean(), fc.nat(6)), { maxLength: 30 });
  fc.assert(
    fc.property(ends, fc.boolean(), (story, isIndexed) => {
      const completionMode = isIndexed ? "Indexed" : "NonIndexed";
      const stage = new Stage({ parallelism: 3, completions: 6, backoffLimit: 1_000, completionMode }).settle();
      let [succeeded, failed] = [0, 0];
      for (const [at, isGood, steps] of story) {
        stage.pass(steps);
        const pod = stage.active[at];
        if (pod === undefined || isFinished(stage.job)) continue;
        // What the Job no longer waits for is discarded before it ends: only what is wanted is ended here.
        if (isGood) succeeded++;
        else failed++;
        const known = stage.pods.findIndex(({ metadata }) => metadata?.uid === pod.metadata?.uid);
        stage.pods[known] = { ...pod, status: { phase: isGood ? "Succeeded" : "Failed" } };
        stage.nowMs += 700_000;
      }
      stage.settle();
      const { status = {} } = stage.job;
      expect(status.failed ?? 0).toBe(failed);
      expect(status.succeeded ?? 0).toBe(succeeded);
      expect(status.uncountedTerminatedPods).toEqual({});
      expect(isFinished(stage.job)).toBe(succeeded >= 6);
    }),
  );
});
