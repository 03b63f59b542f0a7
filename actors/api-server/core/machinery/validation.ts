/** What Kubernetes checks of an object before it stores it. An empty list means valid; else throw `invalid(kind, name, causes)`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../protocols/kubernetes/meta-v1.ts";

/** `object` has its defaults, name and namespace. */
export function validateCreate(object: KubernetesObject): readonly StatusCause[] {
  void object;
  return [];
}

/** An update of the main resource (`subresource` absent) or of a subresource such as `status`. Immutable fields included. */
export function validateUpdate(
  object: KubernetesObject,
  old: KubernetesObject,
  subresource?: string,
): readonly StatusCause[] {
  void object;
  void old;
  void subresource;
  return [];
}
