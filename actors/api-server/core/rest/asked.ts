/** What a request is about, in the words in which it is refused to somebody. Source: apiserver `responsewriters.Forbidden`. */
import { statusError } from "../../../../protocols/api-server.ts";
import type { InkubeError } from "../../../../protocols/errors.ts";
import { failure, forbidden } from "../machinery/status.ts";
import type { Location, ResourcePath } from "./path.ts";
import type { Query } from "./query.ts";
import { isWatch } from "./query.ts";
import type { Target } from "./target.ts";
import { verbOfNamed } from "./verbs.ts";

/** A verb of the API on a target, or of HTTP on another path. */
export interface Asked {
  readonly verb: string;
  readonly path: string;
  readonly target: Target | undefined;
}

export function askedOf(method: string, { path, target }: Location, query: Query): Asked {
  const other = { verb: method.toLowerCase(), path, target: undefined };
  if (target === undefined) return other;
  const verb = verbOfNamed(method, target.name !== undefined, isWatched(target, query));
  return verb === undefined ? other : { verb, path, target };
}

/** One object is watched by the old form of its path alone; else it is read, whatever the query says. */
export function isWatched({ watch, name, subresource }: ResourcePath, query: Query): boolean {
  return subresource === undefined && (watch || (name === undefined && isWatch(query)));
}

export function forbiddenTo(user: string, { verb, path, target }: Asked): InkubeError {
  const who = `User ${JSON.stringify(user)} cannot ${verb}`;
  if (target === undefined) {
    return statusError(failure(403, "Forbidden", `forbidden: ${who} path ${JSON.stringify(path)}`, {}));
  }
  const { served, namespace, name = "", subresource } = target;
  const { group, resource } = served.info;
  const full = subresource === undefined ? resource : `${resource}/${subresource.name}`;
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const why = `${who} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`;
  return forbidden({ group, resource }, name, why);
}
