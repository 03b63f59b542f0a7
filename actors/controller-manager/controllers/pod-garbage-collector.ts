/**
 * Pod garbage collection: removes, without a kubelet's word, pods that no kubelet will ever speak for again: of nodes that
 * are gone, being deleted without ever having had a node, or being deleted on a node that is lost for too long.
 *
 * @see k8s.io/kubernetes/pkg/controller/podgc
 */
import { hasReason } from "../../../protocols/api-server.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { keyOf } from "../../client/core/store.ts";
import { nodes, pods } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
import { readyStatus } from "../core/node-health.ts";
import { isTerminating } from "../core/pods.ts";
import type { Session } from "../session.ts";

export function podGarbageCollector(session: Session): void {
  /** When a pod's node was first missed. */
  const missedSince = new Map<string, number>();
  const queue = session.queue("pod-garbage-collector", (key, turn) => reconcile(turn, missedSince, key), {
    workers: 64,
  });
  session.pods.onChange(({ object, type, previous }) => {
    if (type === "deleted") {
      missedSince.delete(keyOf(object));
      return;
    }
    const nodeName = object.spec?.nodeName ?? "";
    const newlyDoomed = isTerminating(object) && (previous === undefined || !isTerminating(previous));
    if (newlyDoomed || (nodeName !== "" && session.nodes.get(nodeName) === undefined)) queue.add(keyOf(object));
  });
  session.nodes.onChange(({ object, previous, type }) => {
    const changed = type !== "modified" || (previous !== undefined && readyStatus(previous) !== readyStatus(object));
    if (!changed) return;
    for (const pod of session.pods.byIndex("node", object.metadata?.name ?? "")) {
      if (type === "deleted" || isTerminating(pod)) queue.add(keyOf(pod));
    }
  });
}

async function reconcile(session: Session, missedSince: Map<string, number>, key: string): Promise<Result> {
  const pod = session.pods.getByKey(key);
  if (pod === undefined) return;
  const nodeName = pod.spec?.nodeName ?? "";
  if (nodeName === "") {
    if (isTerminating(pod)) await remove(session, pod, "it was never placed");
    return;
  }
  const node = session.nodes.get(nodeName);
  if (node === undefined) return await missing(session, missedSince, key, pod);
  missedSince.delete(key);
  if (!isTerminating(pod) || readyStatus(node) !== "Unknown") return;
  // The deletion's time stamp has the grace period in it.
  const dueMs = Date.parse(pod.metadata?.deletionTimestamp ?? "") + session.options.lostPodDeleteMs;
  const leftMs = dueMs - session.ctx.clock.nowMs();
  if (leftMs > 0) return { afterMs: leftMs };
  await remove(session, pod, "its node is lost");
}

async function missing(session: Session, missedSince: Map<string, number>, key: string, pod: Pod): Promise<Result> {
  const nowMs = session.ctx.clock.monotonicMs();
  const sinceMs = missedSince.get(key) ?? nowMs;
  missedSince.set(key, sinceMs);
  const leftMs = sinceMs + session.options.podGcQuarantineMs - nowMs;
  if (leftMs > 0) return { afterMs: leftMs };
  // The local copy may lag: only the API's word counts.
  if ((await session.client.find(nodes, pod.spec?.nodeName ?? "")) === undefined) {
    await remove(session, pod, "its node is gone");
  }
  return;
}

async function remove(session: Session, pod: Pod, why: string): Promise<void> {
  const { name = "", namespace, uid = "" } = pod.metadata ?? {};
  const collected = session.ctx.trace.event("pod-collected", `pods/${namespace}/${name}`, { why }, session.why);
  try {
    await session.client
      .because(collected)
      .delete(pods, name, namespace, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    if (!hasReason(error, "NotFound", "Conflict")) throw error;
  }
}
