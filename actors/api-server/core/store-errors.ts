/** Errors of the store as the API's Status. */
import { KUBERNETES_STATUS, statusError } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import { BrokenInvariant } from "./broken-invariant.ts";
import { failure, internalError, serviceUnavailable } from "./machinery/status.ts";

/** No quorum can be reached; the request was certainly not carried out. */
export const ETCD_UNREACHABLE = "ETCD_UNREACHABLE";

/** A request was carried out, and its answer goes nowhere: over HTTP the connection breaks. */
export const REPLY_LOST = "REPLY_LOST";

const TIMED_OUT = new Set([
  REPLY_LOST,
  "DEADLINE_EXCEEDED",
  "ACTOR_DOWN",
  "MAILBOX_FULL",
  "ETCD_NO_LEADER",
  "ETCD_LEADER_CHANGED",
  "ETCD_TIMEOUT",
  "ETCD_OUT_OF_SERVICE",
  "ETCD_TOO_MANY_REQUESTS",
]);

/** Whether a request failed by a fault in what was made of its data. It costs that request, and is recorded. */
export function isFault(error: unknown): boolean {
  return !(error instanceof InkubeError) && !(error instanceof BrokenInvariant);
}

/** An answer for the caller; what is no `InkubeError` is thrown on. */
export function toStatusError(error: unknown): InkubeError {
  if (!(error instanceof InkubeError)) throw error;
  if (error.code === KUBERNETES_STATUS) return error;
  if (error.code === ETCD_UNREACHABLE) return serviceUnavailable(error.message, 1);
  if (TIMED_OUT.has(error.code)) {
    const message = `Timeout: request did not complete within requested timeout - ${error.message}`;
    return statusError(failure(504, "Timeout", message, { retryAfterSeconds: 1 }));
  }
  if (error.code === "INVALID_ARGUMENT" || error.code === "ETCD_REQUEST_TOO_LARGE") {
    return statusError(failure(413, "RequestEntityTooLarge", `Request entity too large: ${error.message}`));
  }
  return internalError(error.message);
}
