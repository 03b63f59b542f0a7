/**
 * The Status objects that the Kubernetes API answers errors with, each as the error to throw.
 * Reasons, codes and wordings are those of `apimachinery/pkg/api/errors`, on which clients match.
 */
import type { InkubeError } from "../../../../protocols/errors.ts";
import { statusError } from "../../../../protocols/api-server.ts";
import type { Status, StatusCause, StatusDetails } from "../../../../protocols/kubernetes/types/meta-v1.ts";

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** `pods`, `deployments.apps`. */
export function qualifiedResource(of: GroupResource): string {
  return of.group === "" ? of.resource : `${of.resource}.${of.group}`;
}

function qualifiedKind(of: GroupKind): string {
  return of.group === "" ? of.kind : `${of.kind}.${of.group}`;
}

/** A Status with `status: Failure`; the details are left out when empty. */
export function failure(code: number, reason: string, message: string, details?: StatusDetails): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  };
}

/** The answer of a DELETE that removed the object at once. */
export function success(details?: StatusDetails): Status {
  const base: Status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
  return details === undefined ? base : { ...base, details };
}

function detailsOf(of: GroupResource, name: string): StatusDetails {
  return {
    ...(name === "" ? {} : { name }),
    ...(of.group === "" ? {} : { group: of.group }),
    kind: of.resource,
  };
}

export function notFound(of: GroupResource, name: string): InkubeError {
  const message = `${qualifiedResource(of)} "${name}" not found`;
  return statusError(failure(404, "NotFound", message, detailsOf(of, name)));
}

/** Nothing is known of what was asked about. */
export function notRecorded(message: string): InkubeError {
  return statusError(failure(404, "NotFound", message));
}

/** No such path: what a URL that names no known resource gets. */
export function noSuchResource(): InkubeError {
  return statusError(failure(404, "NotFound", "the server could not find the requested resource", {}));
}

/** @param deleting the one that is there is on its way out, so that trying again will help */
export function alreadyExists(of: GroupResource, name: string, deleting: boolean = false): InkubeError {
  const message = `${deleting ? "object is being deleted: " : ""}${qualifiedResource(of)} "${name}" already exists`;
  return statusError(failure(409, "AlreadyExists", message, detailsOf(of, name)));
}

/** All the names that were made from `generateName` were taken. */
export function generateNameConflict(of: GroupResource, name: string): InkubeError {
  const message = `${qualifiedResource(of)} "${name}" already exists, the server was not able to generate a unique name for the object`;
  return statusError(failure(409, "AlreadyExists", message, { ...detailsOf(of, name), retryAfterSeconds: 1 }));
}

export const MODIFIED: string =
  "the object has been modified; please apply your changes to the latest version and try again";

export function conflict(of: GroupResource, name: string, why: string = MODIFIED): InkubeError {
  const message = `Operation cannot be fulfilled on ${qualifiedResource(of)} "${name}": ${why}`;
  return statusError(failure(409, "Conflict", message, detailsOf(of, name)));
}

/**
 * 422. The message names the causes as Kubernetes joins them: one as it is, several in brackets, equal ones once.
 */
export function invalid(of: GroupKind, name: string, found: readonly StatusCause[]): InkubeError {
  // What was found twice is told once.
  const byText = new Map(found.map((cause) => [`${cause.field}: ${cause.message}`, cause]));
  const [texts, causes] = [[...byText.keys()], [...byText.values()]];
  const joined = texts.length === 1 ? `: ${texts[0]}` : texts.length === 0 ? "" : `: [${texts.join(", ")}]`;
  const details: StatusDetails = {
    ...(name === "" ? {} : { name }),
    ...(of.group === "" ? {} : { group: of.group }),
    ...(of.kind === "" ? {} : { kind: of.kind }),
    ...(causes.length === 0 ? {} : { causes }),
  };
  return statusError(failure(422, "Invalid", `${qualifiedKind(of)} "${name}" is invalid${joined}`, details));
}

export function badRequest(message: string): InkubeError {
  return statusError(failure(400, "BadRequest", message));
}

export function unauthorized(): InkubeError {
  return statusError(failure(401, "Unauthorized", "Unauthorized"));
}

export function forbidden(of: GroupResource, name: string, why: string): InkubeError {
  const subject = name === "" ? qualifiedResource(of) : `${qualifiedResource(of)} "${name}"`;
  return statusError(failure(403, "Forbidden", `${subject} is forbidden: ${why}`, detailsOf(of, name)));
}

/** What the door itself answers for a verb that the path has no handler for. */
export function methodNotAllowed(): InkubeError {
  const message = "the server does not allow this method on the requested resource";
  return statusError(failure(405, "MethodNotAllowed", message, {}));
}

/** Of what can be listed. */
export function watchNotSupported({ group, resource }: GroupResource): InkubeError {
  const message = `watch is not supported on resources of kind ${JSON.stringify(qualifiedResource({ group, resource }))}`;
  const details = { ...(group === "" ? {} : { group }), kind: resource };
  return statusError(failure(405, "MethodNotAllowed", message, details));
}

export function unsupportedMediaType(accepted: readonly string[]): InkubeError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return statusError(failure(415, "UnsupportedMediaType", message));
}

/** 410 for a revision or a continue token that is too old. */
export function expired(message: string): InkubeError {
  return statusError(failure(410, "Expired", message));
}

/** 504 in the words of the door, which knows nothing of what was asked. Source: apiserver `filters/timeout.go`. */
export function requestTimeout(): Status {
  return failure(504, "Timeout", "Timeout: request did not complete within the allotted timeout", {});
}

/** 504 of a write whose object takes too long to check. Source: apiserver `endpoints/handlers/finisher`. */
export function workTimeout(): InkubeError {
  const why = "request did not complete within requested timeout - context deadline exceeded";
  return statusError(failure(504, "Timeout", `Timeout: ${why}`, {}));
}

/** 504 with the cause that tells clients to wait: the revision asked for lies in the future. */
export function tooLargeResourceVersion(asked: number, current: number): InkubeError {
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return statusError(failure(504, "Timeout", message, { causes, retryAfterSeconds: 1 }));
}

/** 429. `retryAfterSeconds`: 0 where nobody knows. */
export function tooManyRequests(
  message: string,
  retryAfterSeconds: number,
  causes?: readonly StatusCause[],
): InkubeError {
  const details: StatusDetails = {
    ...(causes === undefined ? {} : { causes }),
    ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds }),
  };
  return statusError(failure(429, "TooManyRequests", message, details));
}

export function requestEntityTooLarge(limitBytes: number): InkubeError {
  const message = `Request entity too large: limit is ${limitBytes}`;
  return statusError(failure(413, "RequestEntityTooLarge", message));
}

/** 503: another server, or this one a little later, may well answer. */
export function serviceUnavailable(message: string, retryAfterSeconds: number): InkubeError {
  return statusError(failure(503, "ServiceUnavailable", message, { retryAfterSeconds }));
}

/** The store could not answer in time; nothing tells whether a write was carried out. */
export function serverTimeout(of: GroupResource, operation: string, retryAfterSeconds: number): InkubeError {
  const message = `The ${operation} operation against ${qualifiedResource(of)} could not be completed at this time, please try again.`;
  return statusError(failure(500, "ServerTimeout", message, { ...detailsOf(of, operation), retryAfterSeconds }));
}

/** 500 without a reason: what kube-apiserver makes of an error that is no Status. */
export function unexplained(message: string): InkubeError {
  const { reason: _reason, ...status } = failure(500, "", message);
  return statusError(status);
}

/**
 * 500: objects of a list can't be read. The first is named.
 * @param found by the key of each; some of them are told
 */
export function unreadableList(
  of: GroupResource,
  found: readonly { readonly field: string; readonly message: string }[],
): InkubeError {
  const message = `failed to read one or more ${qualifiedResource(of)} from the storage: ${found[0]?.message ?? ""}`;
  const causes = found.slice(0, UNREADABLE_MAX).map((each) => ({ reason: "UnexpectedServerResponse", ...each }));
  return statusError(failure(500, "StorageReadError", message, { ...detailsOf(of, "list"), causes }));
}

/** As in Kubernetes. */
const UNREADABLE_MAX = 100;

export function internalError(why: string): InkubeError {
  return statusError(failure(500, "InternalError", `Internal error occurred: ${why}`, { causes: [{ message: why }] }));
}
