/**
 * Kubernetes checks devices by hand first, and then by what its types declare: what the second finds stands behind the first.
 * Source: apiserver `pkg/registry/rest/validate.go`.
 */
import type { Stepped, Steps } from "../../steps.ts";
import { resultOf } from "../../steps.ts";
import { FieldErrors } from "../../machinery/validation/field-errors.ts";

export interface DeviceErrors {
  readonly byHand: FieldErrors;
  readonly declared: FieldErrors;
}

export function* inOrder(errors: FieldErrors, check: (found: DeviceErrors) => Stepped<void>): Steps<void> {
  const declared = new FieldErrors();
  yield* resultOf(check({ byHand: errors, declared }));
  errors.causes.push(...declared.causes);
}

/** Items whose keys differ, at most so many. @returns whether they are not too many, so that each is worth a look */
export function validateUnique<T>(
  field: string,
  items: readonly T[],
  max: number,
  keyOf: (item: T) => string,
  errors: FieldErrors,
): boolean {
  if (items.length > max) {
    errors.tooMany(field, items.length, max);
    return false;
  }
  const seen = new Set<string>();
  for (const [i, item] of items.entries()) {
    const key = keyOf(item);
    if (seen.has(key)) errors.duplicate(`${field}[${i}]`, item);
    seen.add(key);
  }
  return true;
}
