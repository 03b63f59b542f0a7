/** Jobs that have ended are deleted when they have stood for as long as they say. @see k8s.io/kubernetes/pkg/controller/ttlafterfinished */
import { hasReason } from "../../../protocols/api-server.ts";
import type { Job } from "../../../protocols/kubernetes/types/batch-v1.ts";
import { keyOf } from "../../client/core/store.ts";
import { jobs } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
import { conditionOf } from "../core/job/verdict.ts";
import type { Session } from "../session.ts";

export function ttlAfterFinishedController(session: Session): void {
  const queue = session.queue("ttl-after-finished", (key, turn) => reconcile(turn, key));
  session.jobs.onChange(({ type, object }) => {
    if (type !== "deleted" && expiresMs(object) !== undefined) queue.add(keyOf(object));
  });
}

async function reconcile(session: Session, key: string): Promise<Result> {
  const job = session.jobs.getByKey(key);
  const atMs = job === undefined ? undefined : expiresMs(job);
  if (job === undefined || atMs === undefined) return;
  const leftMs = atMs - session.ctx.clock.nowMs();
  if (leftMs > 0) return { afterMs: leftMs };
  const { name = "", namespace, uid = "", resourceVersion = "" } = job.metadata ?? {};
  try {
    // As it was read: a Job whose time was made longer meanwhile stays.
    await session.client.delete(jobs, name, namespace, {
      propagationPolicy: "Foreground",
      preconditions: { uid, resourceVersion },
    });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}

/** When it is to go, in epoch milliseconds; undefined while it has not ended, or where it stays. */
function expiresMs(job: Job): number | undefined {
  const { deletionTimestamp } = job.metadata ?? {};
  const ttl = job.spec?.ttlSecondsAfterFinished;
  if (ttl === undefined || deletionTimestamp !== undefined) return undefined;
  const end = conditionOf(job, "Complete") ?? conditionOf(job, "Failed");
  const atMs = Date.parse(end?.lastTransitionTime ?? "");
  return Number.isNaN(atMs) ? undefined : atMs + ttl * 1_000;
}
