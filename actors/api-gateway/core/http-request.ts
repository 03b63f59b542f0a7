/** What is asked by message, as the request over HTTP that asks the same. Source: Kubernetes' "API concepts". */
import type {
  ApiRequest,
  ApiTarget,
  ApiWatchRequest,
  DeleteOptions,
  ListOptions,
  WriteOptions,
} from "../../../protocols/api-server.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly contentType?: string;
  /** Plain data. */
  readonly body?: unknown;
}

type Query = readonly (readonly [name: string, value: string | undefined])[];

const JSON_TYPE = "application/json";

export function httpRequest(request: ApiRequest): HttpRequest {
  const { target } = request;
  switch (request.verb) {
    case "get":
      return { method: "GET", path: pathOf(target, [["resourceVersion", request.resourceVersion]]) };
    case "list":
      return { method: "GET", path: pathOf(target, listQuery(request.options)) };
    case "create": {
      const { subresource, name: _name, ...collection } = target;
      const place = subresource === undefined ? collection : target;
      const path = pathOf(place, writeQuery(request.options));
      return { method: "POST", path, contentType: JSON_TYPE, body: request.object };
    }
    case "update": {
      const path = pathOf(target, writeQuery(request.options));
      return { method: "PUT", path, contentType: JSON_TYPE, body: request.object };
    }
    case "patch": {
      const path = pathOf(target, writeQuery(request.options));
      return { method: "PATCH", path, contentType: request.patchType, body: request.patch };
    }
    case "delete":
      return deletion(pathOf(target, []), request.options);
    case "deletecollection":
      return deletion(pathOf(target, listQuery(request.list)), request.options);
  }
}

/** The list that a watch without a revision begins with. */
export function listRequest({ target, labelSelector, fieldSelector }: ApiWatchRequest, page: ListOptions): HttpRequest {
  const { name, ...collection } = target;
  const query = [["labelSelector", labelSelector], ["fieldSelector", byName(name, fieldSelector)], ...listQuery(page)];
  return { method: "GET", path: pathOf(collection, query as Query) };
}

export function watchRequest(request: ApiWatchRequest, resourceVersion: string): HttpRequest {
  const { name, ...collection } = request.target;
  const query: Query = [
    ["watch", "true"],
    ["allowWatchBookmarks", "true"],
    ["resourceVersion", resourceVersion],
    ["labelSelector", request.labelSelector],
    ["fieldSelector", byName(name, request.fieldSelector)],
  ];
  return { method: "GET", path: pathOf(collection, query) };
}

function byName(name: string | undefined, fieldSelector: string | undefined): string | undefined {
  if (name === undefined) return fieldSelector;
  return [`metadata.name=${name}`, ...(fieldSelector === undefined ? [] : [fieldSelector])].join(",");
}

function pathOf({ group, version, resource, namespace, name, subresource }: ApiTarget, query: Query): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const parts = [...(namespace ? ["namespaces", namespace] : []), resource, name ?? "", subresource ?? ""];
  const path = [root, ...parts.filter((part) => part !== "").map(encodeURIComponent)].join("/");
  const asked = query.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`]));
  return asked.length === 0 ? path : `${path}?${asked.join("&")}`;
}

function listQuery(options: ListOptions = {}): Query {
  const { limit, labelSelector, fieldSelector, resourceVersion, resourceVersionMatch } = options;
  return [
    ["labelSelector", labelSelector],
    ["fieldSelector", fieldSelector],
    ["limit", limit === undefined ? undefined : String(limit)],
    ["continue", options.continue],
    ["resourceVersion", resourceVersion],
    ["resourceVersionMatch", resourceVersionMatch],
  ];
}

function writeQuery({ dryRun, fieldManager, force, fieldValidation }: WriteOptions = {}): Query {
  return [
    ["dryRun", dryRun === true ? "All" : undefined],
    ["fieldManager", fieldManager],
    ["force", force === undefined ? undefined : String(force)],
    ["fieldValidation", fieldValidation],
  ];
}

function deletion(path: string, options: DeleteOptions = {}): HttpRequest {
  const { dryRun, ...rest } = options;
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    ...rest,
    ...(dryRun === true ? { dryRun: ["All"] } : {}),
  };
  return { method: "DELETE", path, contentType: JSON_TYPE, body };
}
