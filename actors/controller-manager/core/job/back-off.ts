/**
 * How long a Job whose pods fail waits before it makes the next one: twice as long after each failure since the last success.
 * A new leader begins with none, as in Kubernetes.
 */
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { finishedMs } from "./pods.ts";

export const BACK_OFF_MS = 10_000;
export const BACK_OFF_MAX_MS = 600_000;

export interface BackOff {
  readonly failures: number;
  /** Of the last failure; 0 where there is none. */
  readonly sinceMs: number;
}

export const NO_BACK_OFF: BackOff = { failures: 0, sinceMs: 0 };

/** @param failed those that a rule of the failure policy ignores left out */
export function backOffAfter(before: BackOff, succeeded: readonly Pod[], failed: readonly Pod[]): BackOff {
  if (succeeded.length + failed.length === 0) return before;
  const lastSuccessMs = Math.max(-Infinity, ...succeeded.map(finishedMs));
  const ends = failed.map(finishedMs).filter((endMs) => endMs > lastSuccessMs);
  const failures = (succeeded.length === 0 ? before.failures : 0) + ends.length;
  return failures === 0 ? NO_BACK_OFF : { failures, sinceMs: Math.max(before.sinceMs, ...ends) };
}

export function backOffLeftMs({ failures, sinceMs }: BackOff, nowMs: number): number {
  if (failures === 0) return 0;
  const wholeMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** (failures - 1));
  return Math.max(0, sinceMs + wholeMs - nowMs);
}
