/**
 * What a request is about as far as its method and path tell, whether or not it is served: what flow control goes by.
 * Source: apiserver `endpoints/request/requestinfo.go`.
 */
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
  const { group, resource, subresource, namespace = "", name, watch } = asked;
  const verb = verbOf(method === "HEAD" ? "GET" : method, name !== undefined, watch) ?? method.toLowerCase();
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  return { verb, path, resource: { group, name: full, namespace } };
}

/** What runs for as long as its client likes, and takes nothing from others meanwhile; watches count while they begin. */
export function isUncounted({ resource }: RequestInfo): boolean {
  const subresource = resource?.name.split("/")[1];
  return subresource !== undefined && LONG_RUNNING.includes(subresource);
}
