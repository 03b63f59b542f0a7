/** The defaults that Kubernetes writes into objects that come in. Source: 1.37 `pkg/apis/<group>/v1/defaults.go`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { KindRules } from "../kinds/rules.ts";
import type { JsonObject } from "./json-value.ts";
import { cloneJson } from "./json-value.ts";

/**
 * `object`, which has been through `decodeObject`, with the defaults of its kind set. The input is not changed.
 * @param nowMs of what is new
 */
export function applyDefaults(
  { defaults, copy = cloneJson }: KindRules,
  object: KubernetesObject,
  nowMs?: number,
): KubernetesObject {
  if (defaults === undefined) return object;
  const result = copy(object as unknown as JsonObject);
  defaults(result, nowMs);
  return result as unknown as KubernetesObject;
}
