/**
 * What a request to another server is about, as far as its path and its query tell: what that server serves is not known here.
 * Source: apiserver `endpoints/request/requestinfo.go`, `endpoints/metrics/metrics.go`, `server/filters/longrunning.go`.
 */
import { isNamespaceSubresource } from "./path.ts";
import type { Query } from "./query.ts";
import { isWatch, timeoutMsOf } from "./query.ts";

export interface RemoteRequest {
  readonly group: string;
  readonly version: string;
  /** "" of what is about no resource, as discovery. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string;
  readonly watch: boolean;
}

/** @param segments of `/apis/<group>/<version>/…` */
export function remoteRequest(method: string, segments: readonly string[], query: Query): RemoteRequest {
  const [, group = "", version = "", ...path] = segments;
  const isOldWatch = path[0] === "watch" && path.length > 1;
  const below = isOldWatch ? path.slice(1) : path;
  const isBelowNamespace = below[0] === "namespaces" && below.length > 1;
  const [resource = "", name, subresource = ""] =
    isBelowNamespace && below.length > 2 && !isNamespaceSubresource(below[2] ?? "") ? below.slice(2) : below;
  const isRead = method === "GET" || method === "HEAD";
  const watch = isOldWatch || (isRead && name === undefined && resource !== "" && isWatch(query));
  return { group, version, resource, namespace: isBelowNamespace ? below[1] : undefined, name, subresource, watch };
}

/** What runs for as long as its client likes. Source: kube-apiserver `pkg/controlplane/apiserver/config.go`. */
export const LONG_RUNNING: readonly string[] = ["attach", "exec", "log", "portforward", "proxy"];

export function isLongRunning({ watch, subresource }: RemoteRequest): boolean {
  return watch || LONG_RUNNING.includes(subresource);
}

/** Discovery is cheap, and holds up all that a client does. Source: apiserver `util/proxy/proxy.go`. */
const DISCOVERY_MS = 5_000;

export interface Patience {
  readonly timeoutMs: number;
  /** The request may take longer: it is the other server that is given up. */
  readonly isDiscovery: boolean;
}

/**
 * How long an answer is waited for.
 * @param maxMs of a request that names no time of its own
 * @throws Status 400
 */
export function patienceFor(request: RemoteRequest, query: Query, maxMs: number): Patience | undefined {
  if (isLongRunning(request)) return undefined;
  const timeoutMs = Math.min(timeoutMsOf(query), maxMs);
  const isDiscovery = request.version !== "" && request.resource === "" && timeoutMs > DISCOVERY_MS;
  return { timeoutMs: isDiscovery ? DISCOVERY_MS : timeoutMs, isDiscovery };
}

const VERBS: readonly string[] = ["DELETE", "PATCH", "POST", "PUT"];

/** As it is counted. A method may be any text: all those that Kubernetes does not know are one. */
export function countedVerb(method: string, request?: RemoteRequest): string {
  if (request !== undefined && LONG_RUNNING.includes(request.subresource)) return "CONNECT";
  if (method === "GET" || method === "HEAD") {
    if (request?.watch === true) return "WATCH";
    return request === undefined || request.resource === "" || request.name !== undefined ? "GET" : "LIST";
  }
  return VERBS.includes(method) ? method : "other";
}
