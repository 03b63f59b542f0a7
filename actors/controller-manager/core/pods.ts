/** Questions that several controllers ask of a pod. @see k8s.io/kubernetes/pkg/api/v1/pod/util.go */
import type { Pod, PodCondition } from "../../../protocols/kubernetes/types/core-v1.ts";

export function conditionOf(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod, "Ready")?.status === "True";
}

/** Ended for good. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined;
}

/** Neither ended nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && !isTerminating(pod);
}

/** When the pod became ready, in epoch milliseconds; undefined while it is not. */
export function readySinceMs(pod: Pod): number | undefined {
  const ready = conditionOf(pod, "Ready");
  if (ready?.status !== "True" || ready.lastTransitionTime === undefined) return undefined;
  return Date.parse(ready.lastTransitionTime);
}

/** 0 when the pod has been ready for `minReadySeconds`, Infinity when it is not ready, else what is left to wait. */
export function untilAvailableMs(pod: Pod, minReadySeconds: number, nowMs: number): number {
  if (!isReady(pod)) return Infinity;
  if (minReadySeconds <= 0) return 0;
  const sinceMs = readySinceMs(pod) ?? nowMs;
  return Math.max(0, sinceMs + minReadySeconds * 1_000 - nowMs);
}
