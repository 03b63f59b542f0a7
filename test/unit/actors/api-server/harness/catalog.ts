/** What the built-in kinds are served as, for tests of the parts that take it. */
import type { Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { Catalog } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import type { KindRules } from "../../../../../actors/api-server/core/kinds/rules.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";

export const catalog: Catalog = Catalog.builtIn();

/** `("v1", "pods")`, `("apps/v1", "deployments")`. */
export function servedAs(apiVersion: string, resource: string): Served {
  const [first = "", second] = apiVersion.split("/");
  return catalog.required(second === undefined ? "" : first, second ?? first, resource);
}

export function rulesFor({ apiVersion = "", kind = "" }: KubernetesObject): KindRules {
  const served = catalog.all.find(({ info }) => info.apiVersion === apiVersion && info.kind === kind);
  return served?.rules ?? {};
}
