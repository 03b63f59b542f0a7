/** Job: runs pods until enough of them have succeeded. */
import { hasReason } from "../../../protocols/api-server.ts";
import type { InkubeError } from "../../../protocols/errors.ts";
import type { Job } from "../../../protocols/kubernetes/types/batch-v1.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { compileSelectorObject } from "../../../protocols/kubernetes/selectors.ts";
import { controllerOf, controllerReference } from "../../../protocols/kubernetes/owners.ts";
import { keyOf } from "../../client/core/store.ts";
import type { Change } from "../../client/informer.ts";
import { jobs, pods } from "../../client/resources.ts";
import type { Result, WorkQueue } from "../../client/work-queue.ts";
import { claimPods } from "../core/claims.ts";
import { Expectations } from "../core/expectations.ts";
import type { BackOff } from "../core/job/back-off.ts";
import { NO_BACK_OFF } from "../core/job/back-off.ts";
import type { JobPlan } from "../core/job/plan.ts";
import { planJob } from "../core/job/plan.ts";
import { isTracked, TRACKING } from "../core/job/pods.ts";
import { isTerminal, isTerminating } from "../core/pods.ts";
import { settleClaim } from "../claims.ts";
import { Limit, slowStart } from "../limit.ts";
import { createPod, deletePod } from "../pod-writes.ts";
import type { Session } from "../session.ts";

/** Who works on a Job that does not say; another one's is left alone. */
const MANAGER = "kubernetes.io/job-controller";

export function jobController(session: Session): void {
  new JobController(session).register();
}

class JobController {
  private readonly session: Session;
  private readonly queue: WorkQueue;
  /** Of pods whose Job is gone. */
  private readonly orphans: WorkQueue;
  private readonly expectations = new Expectations();
  private readonly backOffs = new Map<string, BackOff>();
  private readonly limit: Limit;

  constructor(session: Session) {
    this.session = session;
    this.limit = new Limit(session.options.podWritesMax);
    this.queue = session.queue("job", (key, turn) => this.reconcile(key, turn));
    this.orphans = session.queue("job-orphan", (key, turn) => this.letGoOrphan(key, turn));
  }

  register(): void {
    const { session } = this;
    session.jobs.onChange(({ type, object }) => {
      const key = keyOf(object);
      if (type === "deleted") {
        this.expectations.forget(key);
        this.backOffs.delete(key);
        for (const pod of session.pods.byIndex("controller", object.metadata?.uid ?? "")) this.orphans.add(keyOf(pod));
      }
      this.queue.add(key);
    });
    session.pods.onChange((change) => this.onPod(change));
  }

  private onPod(change: Change<Pod>): void {
    const pod = change.object;
    const key = this.ownerKey(pod);
    const before = change.previous === undefined ? undefined : this.ownerKey(change.previous);
    if (before !== undefined && before !== key) this.queue.add(before);
    if (change.type !== "deleted" && isTracked(pod) && this.isLeft(pod)) this.orphans.add(keyOf(pod));
    if (key === undefined) {
      if (change.type !== "deleted") this.onOrphan(pod);
      return;
    }
    if (change.type === "added") this.expectations.created(key);
    const isGone = change.type === "deleted" || isTerminating(pod);
    if (isGone) this.expectations.deleted(key, pod.metadata?.uid ?? "");
    if (isGone || isTerminal(pod)) this.queue.add(key);
    else this.queue.addAfter(key, this.session.options.batchMs);
  }

  private ownerKey(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    return owner?.kind === "Job" ? `${pod.metadata?.namespace}/${owner.name}` : undefined;
  }

  /** Whether nobody will count its end. */
  private isLeft(pod: Pod): boolean {
    const owner = controllerOf(pod);
    if (owner === undefined) return true;
    if (owner.kind !== "Job") return false;
    return this.session.jobs.get(owner.name, pod.metadata?.namespace)?.metadata?.uid !== owner.uid;
  }

  /** A pod without a controller may belong to any Job whose selector it matches. */
  private onOrphan(pod: Pod): void {
    if (controllerOf(pod) !== undefined || pod.metadata?.labels === undefined) return;
    for (const job of this.session.jobs.byIndex("namespace", pod.metadata.namespace ?? "")) {
      if (compileSelectorObject(job.spec?.selector).matches(pod.metadata.labels)) this.queue.add(keyOf(job));
    }
  }

  private async letGoOrphan(key: string, session: Session): Promise<Result> {
    const pod = session.pods.getByKey(key);
    if (pod !== undefined && isTracked(pod) && this.isLeft(pod)) await letGo(session, pod);
  }

  private async reconcile(key: string, session: Session): Promise<Result> {
    const job = session.jobs.getByKey(key);
    if (job === undefined || (job.spec?.managedBy ?? MANAGER) !== MANAGER) return;
    const { clock } = session.ctx;
    const isSettled = this.expectations.fulfilled(key, clock.monotonicMs());
    const claim = claimPods(job, [
      ...session.pods.byIndex("controller", job.metadata?.uid ?? ""),
      ...session.pods.byIndex("controller", `orphan/${job.metadata?.namespace}`),
    ]);
    await settleClaim(session, claim, controllerReference("batch/v1", "Job", job));
    const epochMs = clock.nowMs();
    const plan = planJob({
      job,
      pods: [...claim.owned, ...claim.adopt],
      backOff: this.backOffs.get(key) ?? NO_BACK_OFF,
      isSettled,
      now: { epochMs, text: formatTime(epochMs) },
    });
    const failure = await this.move(session, key, job, plan);
    if (session.stopped) return;
    await this.tell(session, key, job, plan, failure?.missing ?? 0);
    await Promise.all(plan.release.map((pod) => this.limit.run(() => letGo(session, pod))));
    if (failure !== undefined) throw failure.error;
    return plan.recheckAfterMs === undefined ? undefined : { afterMs: plan.recheckAfterMs };
  }

  /** Deletes and creates pods. `missing`: those that were to be created and were not. */
  private async move(
    session: Session,
    key: string,
    job: Job,
    plan: JobPlan,
  ): Promise<{ readonly error: InkubeError; readonly missing: number } | undefined> {
    const nowMs = session.ctx.clock.monotonicMs();
    const doomed = [...plan.discard, ...plan.fail];
    if (doomed.length > 0) {
      this.expectations.expectDeletions(
        key,
        doomed.map((pod) => pod.metadata?.uid ?? ""),
        nowMs,
      );
      const discarded = new Set(plan.discard);
      const outcomes = await Promise.all(
        doomed.map((pod) =>
          this.limit.run(() => {
            const first = discarded.has(pod) ? () => letGo(session, pod) : undefined;
            return deletePod(session, typed(job), pod, (uid) => this.expectations.deleted(key, uid), first);
          }),
        ),
      );
      const error = outcomes.find((outcome) => outcome !== undefined);
      if (error !== undefined) return { error, missing: 0 };
    }
    const { length: count } = plan.create;
    if (count === 0) return undefined;
    this.expectations.expectCreations(key, count, nowMs);
    let next = 0;
    const { done, error } = await slowStart(count, this.limit, () =>
      createPod(session, typed(job), plan.create[next++]!),
    );
    // Those that failed or were not tried will never be seen.
    this.expectations.created(key, count - done);
    return error === undefined ? undefined : { error, missing: count - done };
  }

  private async tell(session: Session, key: string, job: Job, plan: JobPlan, missing: number): Promise<void> {
    if (plan.status !== undefined) {
      const active = (plan.status.active ?? 0) - missing;
      const { active: _planned, ...rest } = plan.status;
      const status = active > 0 ? { ...rest, active } : rest;
      await session.client.updateStatus(jobs, { ...job, status });
    }
    this.backOffs.set(key, plan.backOff);
    for (const { type, reason, message } of plan.events) session.recorder.event(typed(job), type, reason, message);
  }
}

/** Takes the finalizer away, and leaves those of others. */
async function letGo({ client }: Session, pod: Pod): Promise<void> {
  const { name = "", namespace, uid } = pod.metadata ?? {};
  if (!isTracked(pod)) return;
  const patch = { metadata: { uid, "$deleteFromPrimitiveList/finalizers": [TRACKING] } };
  try {
    await client.patch(pods, name, namespace, patch, { patchType: "application/strategic-merge-patch+json" });
  } catch (error) {
    if (!hasReason(error, "NotFound", "Conflict")) throw error;
  }
}

function typed(job: Job): Job {
  return { apiVersion: "batch/v1", kind: "Job", ...job };
}
