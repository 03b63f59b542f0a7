/** Which errors of an API server are worth a try on another one, or on the same a little later. */
import { statusOf } from "../../../protocols/api-server.ts";
import { hasCode } from "../../../protocols/errors.ts";

/**
 * True for a server that is down, hangs, is full, or can't reach a quorum. Conflict and AlreadyExists are answers, not
 * troubles: they go to the caller.
 */
export function isTransient(error: unknown): boolean {
  const status = statusOf(error);
  // A refusal that names no time is an answer as well: a budget that allows no eviction. As client-go has it.
  if (status?.code === 429) return (status.details?.retryAfterSeconds ?? 0) > 0;
  if (status !== undefined) return status.code === 503 || status.code === 504;
  return hasCode(
    error,
    "ACTOR_DOWN",
    "DEADLINE_EXCEEDED",
    "MAILBOX_FULL",
    "STREAM_OVERRUN",
    "ETCD_NO_LEADER",
    "ETCD_LEADER_CHANGED",
    "ETCD_TOO_MANY_REQUESTS",
  );
}
