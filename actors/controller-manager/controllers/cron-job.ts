/** CronJob: makes a Job whenever it is due. */
import { hasReason, statusOf } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { CronJob, Job } from "../../../protocols/kubernetes/types/batch-v1.ts";
import { controllerOf, isControlledBy } from "../../../protocols/kubernetes/owners.ts";
import { keyOf } from "../../client/core/store.ts";
import { cronJobs, jobs } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
import type { CronJobPlan } from "../core/cron-job/plan.ts";
import { planCronJob, started } from "../core/cron-job/plan.ts";
import type { Session } from "../session.ts";

export function cronJobController(session: Session): void {
  const queue = session.queue("cron-job", (key, turn) => reconcile(turn, key));
  session.cronJobs.onChange(({ object }) => queue.add(keyOf(object)));
  session.jobs.onChange(({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === "CronJob") queue.add(`${object.metadata?.namespace}/${owner.name}`);
  });
}

async function reconcile(session: Session, key: string): Promise<Result> {
  const cronJob = session.cronJobs.getByKey(key);
  if (cronJob === undefined) return;
  const owned = session.jobs.byIndex("controller", cronJob.metadata?.uid ?? "");
  const plan = planCronJob(cronJob, owned, session.ctx.clock.nowMs());
  for (const { type, reason, message } of plan.events) session.recorder.event(typed(cronJob), type, reason, message);
  for (const job of [...plan.expired, ...plan.replaced]) await remove(session, cronJob, job);
  const { status, isNew } = await start(session, cronJob, plan);
  if (isNew) await session.client.updateStatus(cronJobs, { ...cronJob, status });
  return plan.recheckAfterMs === undefined ? undefined : { afterMs: plan.recheckAfterMs };
}

/** Creates what is due, and gives the status that tells of it. */
async function start(
  { client, recorder }: Session,
  cronJob: CronJob,
  { create, replaced, status: before, isStatusNew }: CronJobPlan,
): Promise<{ readonly status: CronJobPlan["status"]; readonly isNew: boolean }> {
  const active = before.active?.filter(({ uid }) => replaced.every(({ metadata }) => metadata?.uid !== uid)) ?? [];
  const { active: _before, ...rest } = before;
  const status = active.length === 0 ? rest : { ...rest, active };
  if (create === undefined) return { status, isNew: isStatusNew };
  let job: Job;
  try {
    job = await client.create(jobs, create.job);
    recorder.event(typed(cronJob), "Normal", "SuccessfulCreate", `Created job ${job.metadata?.name}`);
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
    const causes = statusOf(error)?.details?.causes ?? [];
    if (causes.some(({ reason }) => reason === "NamespaceTerminating")) return { status, isNew: isStatusNew };
    const { name = "", namespace } = create.job.metadata ?? {};
    // Made before, by a leader that did not come to tell.
    const known = hasReason(error, "AlreadyExists") ? await client.find(jobs, name, namespace) : undefined;
    if (known === undefined || !isControlledBy(known, cronJob.metadata?.uid)) {
      recorder.event(typed(cronJob), "Warning", "FailedCreate", `Error creating job: ${error.message}`);
      throw error;
    }
    job = known;
  }
  return { status: started(status, job, create.dueMs), isNew: true };
}

async function remove({ client, recorder }: Session, cronJob: CronJob, job: Job): Promise<void> {
  const { name = "", namespace, uid = "" } = job.metadata ?? {};
  try {
    await client.delete(jobs, name, namespace, { propagationPolicy: "Background", preconditions: { uid } });
    recorder.event(typed(cronJob), "Normal", "SuccessfulDelete", `Deleted job ${name}`);
  } catch (error) {
    if (hasReason(error, "NotFound", "Conflict")) return;
    if (error instanceof InkubeError) {
      recorder.event(typed(cronJob), "Warning", "FailedDelete", `Deleted job: ${error.message}`);
    }
    throw error;
  }
}

function typed(cronJob: CronJob): CronJob {
  return { apiVersion: "batch/v1", kind: "CronJob", ...cronJob };
}
