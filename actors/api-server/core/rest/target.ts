/** What a request is about: a resource, one object of it, or a subresource of that. */
import type { ApiTarget } from "../../../../protocols/api-server.ts";
import type { SubresourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { CONNECTED_SUBRESOURCES } from "../../../../protocols/kubernetes/resources.ts";
import type { Catalog, Served } from "../catalog/catalog.ts";
import { badRequest, methodNotAllowed, noSuchResource, watchNotSupported } from "../machinery/status.ts";

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

export interface Target {
  readonly served: Served;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: SubresourceInfo | undefined;
}

/**
 * Whether the resource, or the subresource, has the verb.
 * @throws Status 405
 */
export function checkVerb({ served: { info }, namespace, subresource }: Target, verb: Verb | undefined): Verb {
  const verbs =
    subresource?.verbs ?? (info.terminating === true ? [...info.verbs, "create", "patch", "update"] : info.verbs);
  if (verb === "watch" && verbs.includes("list") && !verbs.includes("watch")) throw watchNotSupported(info);
  if (verb === undefined || !verbs.includes(verb)) throw methodNotAllowed();
  if (verb === "deletecollection" && info.namespaced && namespace === undefined) throw methodNotAllowed();
  return verb;
}

/**
 * The target of an actor's message; one of a URL is parsed by `path.ts`.
 * @throws Status for a target that there would be no path for
 */
export function resolveTarget(catalog: Catalog, target: ApiTarget, verb: Verb): Target {
  const served = catalog.served(target);
  const { info } = served;
  const { name, subresource: wanted } = target;
  const namespace = target.namespace === "" ? undefined : target.namespace;
  const subresource = wanted === undefined ? undefined : info.subresources.find((each) => each.name === wanted);
  if (wanted !== undefined && (subresource === undefined || CONNECTED_SUBRESOURCES.includes(wanted)))
    throw noSuchResource();
  const resolved = { served, namespace, name, subresource };
  checkVerb(resolved, verb);
  if (!info.namespaced && namespace !== undefined) throw noSuchResource();
  if (subresource !== undefined && name === undefined) throw methodNotAllowed();
  if (!info.namespaced || namespace !== undefined || verb === "list" || verb === "watch") return resolved;
  if (verb === "create") throw badRequest("an empty namespace may not be set during creation");
  throw badRequest(`${info.resource} need a namespace`);
}
