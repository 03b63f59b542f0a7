/** ConfigMaps. Source: Kubernetes `pkg/apis/core/validation`. */
import type { ConfigMap } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { base64Length } from "../../machinery/base64.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { configKey } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";
import { DATA_BYTES_MAX, validateImmutable } from "./immutable-data.ts";

export const configMapRules: KindRules = {
  validate,
  validateUpdate: (object: ConfigMap, old: ConfigMap, errors) => {
    validateImmutable(object, old, ["data", "binaryData"], errors);
    validate(object, errors);
  },
  cells: (object: ConfigMap, nowMs) => {
    const keys = Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length;
    return [nameOf(object), keys, ageOf(object, nowMs)];
  },
};

function validate(object: ConfigMap, errors: FieldErrors): void {
  const { data, binaryData } = object;
  let bytes = 0;
  for (const [key, value] of Object.entries(data ?? {})) {
    errors.all(`data[${key}]`, key, configKey(key));
    if (Object.hasOwn(binaryData ?? {}, key))
      errors.invalid(`data[${key}]`, key, "duplicate of key present in binaryData");
    bytes += value.length;
  }
  for (const [key, value] of Object.entries(binaryData ?? {})) {
    errors.all(`binaryData[${key}]`, key, configKey(key));
    bytes += base64Length(value);
  }
  // Only the field tells which object is meant: Kubernetes names none.
  if (bytes > DATA_BYTES_MAX) errors.tooLong("", DATA_BYTES_MAX);
}
