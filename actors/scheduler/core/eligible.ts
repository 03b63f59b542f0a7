/** Which pods are the scheduler's business. */
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";

/** A pod whose containers have all ended for good takes no room. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** A pod that has no node yet and is not being deleted. */
export function needsPlacing(pod: Pod): boolean {
  return (pod.spec?.nodeName ?? "") === "" && pod.metadata?.deletionTimestamp === undefined;
}

/** Whether anything changed that placing looks at; a new status alone gives no new chance. */
export function specChanged(before: Pod, after: Pod): boolean {
  return (
    before.metadata?.generation !== after.metadata?.generation ||
    JSON.stringify(before.spec) !== JSON.stringify(after.spec)
  );
}
