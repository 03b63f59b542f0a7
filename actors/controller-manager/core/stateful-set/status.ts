/** What a StatefulSet's status says. @see computeReplicaStatus in k8s.io/kubernetes/pkg/controller/statefulset */
import type { StatefulSetStatus } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import { isReady, isTerminating, untilAvailableMs } from "../pods.ts";
import { revisionOfPod, wantedReplicas } from "./identity.ts";
import type { StatefulInput } from "./plan.ts";

export interface StatefulStatusPlan {
  /** Undefined when it says what is there already. */
  readonly status: StatefulSetStatus | undefined;
  /** When a ready pod becomes available; undefined when none is about to. */
  readonly recheckAfterMs: number | undefined;
}

/** `leaving`: pods of the current revision that are being deleted for the update, and so counted no more. */
export function planStatus(
  { set, pods, current, update, nowMs }: StatefulInput,
  collisionCount: number,
  held: boolean,
  leaving: number,
): StatefulStatusPlan {
  const [currentRevision = "", updateRevision = ""] = [current.metadata?.name, update.metadata?.name];
  let [ready, available, ofCurrent, ofUpdate] = [0, 0, 0 - leaving, 0];
  let recheckAfterMs = Infinity;
  for (const pod of pods) {
    if (!isTerminating(pod)) {
      if (revisionOfPod(pod) === currentRevision) ofCurrent++;
      if (revisionOfPod(pod) === updateRevision) ofUpdate++;
    }
    if (pod.status?.phase !== "Running" || !isReady(pod)) continue;
    ready++;
    const leftMs = untilAvailableMs(pod, set.spec?.minReadySeconds ?? 0, nowMs);
    if (leftMs === 0) available++;
    else recheckAfterMs = Math.min(recheckAfterMs, leftMs);
  }
  const generation = held ? set.status?.observedGeneration : set.metadata?.generation;
  const counted: StatefulSetStatus = {
    ...(set.status?.conditions === undefined ? {} : { conditions: set.status.conditions }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    replicas: pods.length,
    readyReplicas: ready,
    availableReplicas: available,
    currentReplicas: ofCurrent,
    updatedReplicas: ofUpdate,
    currentRevision,
    updateRevision,
    collisionCount,
  };
  const wanted = wantedReplicas(set);
  // Also where updates wait for somebody to delete pods.
  const isDone = ofUpdate === wanted && ready === wanted && pods.length === wanted;
  const status = isDone ? { ...counted, currentReplicas: ofUpdate, currentRevision: updateRevision } : counted;
  return {
    status: set.status !== undefined && same(set.status, status) ? undefined : status,
    recheckAfterMs: recheckAfterMs === Infinity ? undefined : recheckAfterMs,
  };
}

const FIELDS = [
  "observedGeneration",
  "replicas",
  "readyReplicas",
  "availableReplicas",
  "currentReplicas",
  "updatedReplicas",
  "currentRevision",
  "updateRevision",
  "collisionCount",
] as const;

function same(left: StatefulSetStatus, right: StatefulSetStatus): boolean {
  return FIELDS.every((field) => left[field] === right[field] || (!left[field] && !right[field]));
}
