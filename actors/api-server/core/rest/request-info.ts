/**
 * What a request is about as far as its method and path tell, whether or not it is served: what flow control goes by.
 * Source: apiserver `endpoints/request/requestinfo.go`.
 */
import type { AuditedRequest } from "../audit/policy.ts";
import type { Location } from "./path.ts";
import type { Query } from "./query.ts";
import { LONG_RUNNING, remoteRequest } from "./remote-request.ts";
import { verbOf } from "./verbs.ts";

export interface RequestInfo {
  /** Of the API on a resource; else the method of HTTP in small letters. */
  readonly verb: string;
  readonly path: string;
  /** Undefined: it is about no resource. */
  readonly resource:
    | {
        readonly group: string;
        /** With its subresource: `pods/status`. */
        readonly name: string;
        readonly version: string;
        readonly resource: string;
        readonly subresource: string;
        /** "" of a collection, unless the query asks for one object of it by name. */
        readonly object: string;
        /** "" at the scope of the cluster. */
        readonly namespace: string;
      }
    | undefined;
}

export function requestInfo(
  method: string,
  { path, segments }: Pick<Location, "path" | "segments">,
  query: Query,
): RequestInfo {
  const [root, ...rest] = segments ?? [];
  const isCore = root === "api";
  const isOfApi = (isCore && rest.length > 1) || (root === "apis" && rest.length > 2);
  if (!isOfApi) return { verb: method.toLowerCase(), path, resource: undefined };
  const asked = remoteRequest(method, ["apis", ...(isCore ? [""] : []), ...rest], query);
  const { group, version, resource, subresource, namespace = "", name, watch } = asked;
  const verb = verbOf(method === "HEAD" ? "GET" : method, name !== undefined, watch) ?? method.toLowerCase();
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const named = name ?? (LISTS.includes(verb) ? namedIn(query) : "");
  return { verb, path, resource: { group, name: full, namespace, version, resource, subresource, object: named } };
}

/** As the rules of an audit policy look at it. */
export function auditedRequest({ verb, path, resource }: RequestInfo): AuditedRequest {
  if (resource === undefined) return { verb, path, resource };
  const { name: _full, object: name, ...rest } = resource;
  return { verb: VERBS.includes(verb) ? verb : "", path, resource: { ...rest, name } };
}

/** Of the API; for a method that is none of its own Kubernetes knows no verb. */
const VERBS: readonly string[] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

const LISTS: readonly string[] = ["list", "watch", "deletecollection"];

/** By a field selector. */
function namedIn(query: Query): string {
  const selector = query.get("fieldSelector") ?? "";
  return /(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)/.exec(selector)?.[1] ?? "";
}

/** What runs for as long as its client likes, and takes nothing from others meanwhile; watches count while they begin. */
export function isUncounted({ resource }: RequestInfo): boolean {
  const subresource = resource?.name.split("/")[1];
  return subresource !== undefined && LONG_RUNNING.includes(subresource);
}
