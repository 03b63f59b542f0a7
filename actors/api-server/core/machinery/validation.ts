/** What Kubernetes checks of an object before it stores it. An empty list means valid; else throw `invalid(kind, name, causes)`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { KindRules } from "../kinds/rules.ts";
import type { Steps } from "../steps.ts";
import { resultOf } from "../steps.ts";
import { FieldErrors } from "./validation/field-errors.ts";
import { dns1123Subdomain } from "./validation/names.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "./validation/object-meta.ts";

/** `object` has its defaults, name and namespace. */
export function* validateCreate(rules: KindRules, object: KubernetesObject): Steps<readonly StatusCause[]> {
  const errors = new FieldErrors();
  validateObjectMeta(object.metadata ?? {}, rules.name ?? dns1123Subdomain, errors, rules.plainFinalizers);
  yield* resultOf(rules.validate?.(object as never, errors));
  return errors.causes;
}

/**
 * An update of the main resource (`subresource` absent) or of a subresource, of which the metadata is checked, and what its kind
 * says. Immutable fields included.
 */
export function* validateUpdate(
  rules: KindRules,
  object: KubernetesObject,
  old: KubernetesObject,
  subresource?: string,
  nowMs?: number,
): Steps<FieldErrors> {
  const errors = new FieldErrors();
  validateObjectMetaUpdate(object.metadata ?? {}, old.metadata ?? {}, errors);
  if (subresource === "status") {
    yield* resultOf(rules.validateStatusUpdate?.(object as never, old as never, errors, nowMs));
  }
  if (subresource !== undefined && subresource !== "") {
    rules.subresources?.[subresource]?.validate(object as never, old as never, errors, nowMs);
    return errors;
  }
  yield* resultOf(
    rules.validateUpdate === undefined
      ? rules.validate?.(object as never, errors)
      : rules.validateUpdate(object as never, old as never, errors, nowMs),
  );
  return errors;
}
