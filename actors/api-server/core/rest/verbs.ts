/** Which verb a method is, of a path that names an object or a collection. */
import type { Verb } from "./target.ts";

/** A PUT or PATCH is `update` or `patch` also where nothing is named. */
export function verbOf(method: string, named: boolean, watch: boolean): Verb | undefined {
  switch (method) {
    case "GET":
      return watch ? "watch" : named ? "get" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return named ? "delete" : "deletecollection";
    default:
      return undefined;
  }
}

/** As `verbOf`, where only objects can be updated and patched. */
export function verbOfNamed(method: string, named: boolean, watch: boolean): Verb | undefined {
  const verb = verbOf(method, named, watch);
  return !named && (verb === "update" || verb === "patch") ? undefined : verb;
}
