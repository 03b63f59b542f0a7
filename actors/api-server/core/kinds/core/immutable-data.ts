/** What ConfigMaps and Secrets have in common. Source: Kubernetes `pkg/apis/core/validation`. */
import type { ConfigMap, Secret } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";

/** All values of a ConfigMap or Secret together. */
export const DATA_BYTES_MAX: number = 1024 * 1024;

export function validateImmutable<T extends ConfigMap | Secret>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
  errors: FieldErrors,
): void {
  if (old.immutable !== true) return;
  const detail = "field is immutable when `immutable` is set";
  if (object.immutable !== true) errors.forbidden("immutable", detail);
  for (const field of fields) {
    if (!equalJson(object[field] ?? {}, old[field] ?? {})) errors.forbidden(field, detail);
  }
}
