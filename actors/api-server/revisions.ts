/** `resourceVersion` as a request names it, and the wait for it. */
import { hasCode } from "../../protocols/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { badRequest, tooLargeResourceVersion } from "./core/machinery/status.ts";
import type { Store } from "./store.ts";

/** How long a reader waits for a revision that lies in the future. As kube-apiserver. */
export const FUTURE_WAIT_MS = 3_000;
/** @throws Status 400 for what is no revision */
export function parseRevision(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    const why = `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
    throw badRequest(`invalid resource version: ${why}`);
  }
  return Number(text);
}

/**
 * Waits until the caches may answer a reader that named `resourceVersion`: absent, the newest; else not older than that.
 * @throws Status 504 with the cause ResourceVersionTooLarge for one that does not come
 */
export function reach(
  store: Store,
  clock: Clock,
  deadlineMs: number,
  resourceVersion: string | undefined,
): Promise<void> {
  return resourceVersion
    ? reachRevision(store, clock, deadlineMs, parseRevision(resourceVersion))
    : store.consistent(deadlineMs);
}

async function reachRevision(store: Store, clock: Clock, deadlineMs: number, revision: number): Promise<void> {
  try {
    await store.waitFor(revision, Math.min(deadlineMs, clock.monotonicMs() + FUTURE_WAIT_MS));
  } catch (error) {
    if (!hasCode(error, "DEADLINE_EXCEEDED") || store.revision === 0) throw error;
    throw tooLargeResourceVersion(revision, store.revision);
  }
}
