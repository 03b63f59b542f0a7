/**
 * Which requests about custom resources there are: kube-apiserver routes them by itself, and so refuses others than those about
 * built-in kinds, and in other words.
 * Source: apiextensions-apiserver `apiserver/customresource_handler.go`.
 */
import type { InkubeError } from "../../../../protocols/errors.ts";
import { statusError } from "../../../../protocols/api-server.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { badRequest, failure, notFound, qualifiedResource } from "../machinery/status.ts";
import type { ResourcePath } from "./path.ts";
import { parseResourcePath } from "./path.ts";
import type { Verb } from "./target.ts";
import { verbOf } from "./verbs.ts";

export interface CustomRequest {
  readonly verb: Verb;
  readonly path: ResourcePath;
}

/**
 * @returns undefined: there is no such page
 * @throws Status 400 without a name, 405
 */
export function customRequest(path: ResourcePath, method: string, watch: boolean): CustomRequest | undefined {
  const { served, namespace, name, subresource } = path;
  const verb = verbOf(method, name !== undefined, watch);
  const anywhere = verb === "list" || verb === "watch";
  if (served.info.namespaced && namespace === undefined && !anywhere) return undefined;
  if (verb === undefined || (subresource !== undefined && !subresource.verbs.includes(verb))) {
    throw notSupported(path, verb ?? "");
  }
  if (name === undefined && (verb === "update" || verb === "patch")) throw badRequest("name must be provided");
  // The name in the path means nothing then.
  return { verb, path: verb === "create" ? { ...path, name: undefined } : path };
}

function notSupported({ served: { info } }: ResourcePath, verb: string): InkubeError {
  const { group, resource } = info;
  const message = `${verb} is not supported on resources of kind "${qualifiedResource({ group, resource })}"`;
  return statusError(failure(405, "MethodNotAllowed", message, { group, kind: resource }));
}

/** Whether a path is below a group that only definitions make, or nobody. */
export function isCustomGroup(catalog: Catalog, [root, group]: readonly string[]): boolean {
  return root === "apis" && group !== undefined && !catalog.isBuiltIn(group);
}

/** The refusal of a subresource that the definition does not have; undefined: nothing custom is named. */
export function noSubresource(catalog: Catalog, segments: readonly string[]): InkubeError | undefined {
  for (let length = segments.length - 1; length > 4; length--) {
    const parent = parseResourcePath(catalog, segments.slice(0, length));
    if (parent?.name === undefined || parent.subresource !== undefined) continue;
    return parent.served.openApiSchema === undefined ? undefined : notFound(parent.served.info, parent.name);
  }
  return undefined;
}
