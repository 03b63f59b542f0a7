/** Taint eviction: deletes pods from nodes with NoExecute taints, at once or when their tolerations run out. */
import { hasReason } from "../../../protocols/api-server.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { keyOf } from "../../client/core/store.ts";
import { pods } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
import { noExecuteTaints, toleratedMs } from "../core/eviction.ts";
import { isTerminating } from "../core/pods.ts";
import type { Session } from "../session.ts";

export function taintEvictionController(session: Session): void {
  /** When a pod was first seen on a tainted node: from then its tolerations run. */
  const since = new Map<string, { readonly uid: string; readonly atMs: number }>();
  const queue = session.queue("taint-eviction", (key, turn) => reconcile(turn, since, key), { workers: 64 });
  const tainted = (node: Node | undefined): boolean => noExecuteTaints(node).length > 0;
  session.nodes.onChange(({ object, previous, type }) => {
    if (type === "deleted" || (!tainted(object) && !tainted(previous))) return;
    for (const pod of session.pods.byIndex("node", object.metadata?.name ?? "")) queue.add(keyOf(pod));
  });
  session.pods.onChange(({ object, type }) => {
    if (type === "deleted") since.delete(keyOf(object));
    else if (tainted(session.nodes.get(object.spec?.nodeName ?? ""))) queue.add(keyOf(object));
  });
}

async function reconcile(
  session: Session,
  since: Map<string, { readonly uid: string; readonly atMs: number }>,
  key: string,
): Promise<Result> {
  const pod = session.pods.getByKey(key);
  const nodeName = pod?.spec?.nodeName ?? "";
  if (pod === undefined || nodeName === "" || isTerminating(pod)) return;
  const taints = noExecuteTaints(session.nodes.get(nodeName));
  const uid = pod.metadata?.uid ?? "";
  const toleratesMs = taints.length === 0 ? Infinity : toleratedMs(pod, taints);
  if (toleratesMs === Infinity) {
    since.delete(key);
    return;
  }
  const nowMs = session.ctx.clock.monotonicMs();
  const known = since.get(key);
  const atMs = known?.uid === uid ? known.atMs : nowMs;
  since.set(key, { uid, atMs });
  const leftMs = atMs + toleratesMs - nowMs;
  if (leftMs > 0) return { afterMs: leftMs };
  await evict(session, pod, atMs + toleratesMs);
}

/** Source: kube-controller-manager `pkg/controller/tainteviction/metrics`, for names and buckets. */
const DELETION_BOUNDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240];

/** @param dueMs when it was time, on the monotonic clock */
async function evict(session: Session, pod: Pod, dueMs: number): Promise<void> {
  const { name = "", namespace, uid = "" } = pod.metadata ?? {};
  session.recorder.event(
    { apiVersion: "v1", kind: "Pod", ...pod },
    "Normal",
    "TaintManagerEviction",
    `Marking for deletion Pod ${namespace}/${name}`,
  );
  const node = pod.spec?.nodeName ?? "";
  const evicted = session.ctx.trace.event("pod-evicted", `pods/${namespace}/${name}`, { node }, session.why);
  try {
    await session.client.because(evicted).delete(pods, name, namespace, { preconditions: { uid } });
  } catch (error) {
    if (!hasReason(error, "NotFound", "Conflict")) throw error;
    return;
  }
  const { clock, metrics } = session.ctx;
  const named = (what: string): string => `taint_eviction_controller_${what}`;
  metrics.counter(named("pod_deletions_total"), "Pods that were deleted for a taint of their node.").of().inc();
  metrics
    .histogram(
      named("pod_deletion_duration_seconds"),
      "How long after their time these pods were gone.",
      DELETION_BOUNDS,
    )
    .of()
    .observe((clock.monotonicMs() - dueMs) / 1_000);
}
