/** What a definition says of how its objects are shown: columns, subresources, fields to select by. Source: apiextensions-apiserver `validation.go`. */
import type {
  CustomResourceColumnDefinition,
  CustomResourceSubresources,
  SelectableField,
} from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { fieldAt } from "./field-path.ts";
import type { Schema } from "./schema.ts";

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

export function validateColumns(
  columns: readonly CustomResourceColumnDefinition[],
  path: string,
  errors: FieldErrors,
): void {
  for (const [i, { name, type, format = "", jsonPath }] of columns.entries()) {
    const at = `${path}[${i}]`;
    const types = `must be one of ${COLUMN_TYPES.join(",")}`;
    if (!name) errors.required(`${at}.name`);
    if (!type) errors.required(`${at}.type`, types);
    else if (!COLUMN_TYPES.includes(type)) errors.invalid(`${at}.type`, type, types);
    if (format !== "" && !COLUMN_FORMATS.includes(format)) {
      errors.invalid(`${at}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`);
    }
    if (!jsonPath) errors.required(`${at}.JSONPath`);
    else checkSimple(jsonPath, `${at}.JSONPath`, errors);
  }
}

/** @returns whether it begins with a dot */
function checkSimple(path: string, field: string, errors: FieldErrors): boolean {
  if (path.startsWith(".")) return true;
  errors.invalid(field, path, "must be a simple json path starting with .");
  return false;
}

export function validateSubresources(
  subresources: CustomResourceSubresources | undefined,
  path: string,
  errors: FieldErrors,
): void {
  const scale = subresources?.scale;
  if (scale === undefined) return;
  const check = (name: string, value: string, roots: readonly string[], detail: string): void => {
    const field = `${path}.scale.${name}`;
    if (!value) errors.required(field);
    else if (checkSimple(value, field, errors) && !roots.some((root) => value.startsWith(root))) {
      errors.invalid(field, value, detail);
    }
  };
  check("specReplicasPath", scale.specReplicasPath, [".spec."], "should be a json path under .spec");
  check("statusReplicasPath", scale.statusReplicasPath, [".status."], "should be a json path under .status");
  if (scale.labelSelectorPath) {
    const detail = "should be a json path under either .spec or .status";
    check("labelSelectorPath", scale.labelSelectorPath, [".spec.", ".status."], detail);
  }
}

const SELECTABLE_MAX = 8;

/** @param unchanged whether there may be more of them than today is allowed */
export function validateSelectableFields(
  fields: readonly SelectableField[],
  schema: Schema,
  path: string,
  unchanged: boolean,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  for (const [i, { jsonPath }] of fields.entries()) {
    const at = `${path}[${i}].jsonPath`;
    if (!jsonPath) {
      errors.required(at);
      continue;
    }
    const found = fieldAt(jsonPath, schema, false);
    if ("problem" in found) {
      errors.invalid(at, jsonPath, `is an invalid path: ${found.problem}`);
      continue;
    }
    if (/^metadata([.[]|$)/.test(found.path)) errors.invalid(at, jsonPath, "must not point to fields in metadata");
    if (!["string", "boolean", "integer"].includes(found.schema.type)) {
      const detail =
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
      errors.invalid(at, jsonPath, detail);
    }
    if (seen.has(found.path)) errors.duplicate(at, jsonPath);
    seen.add(found.path);
  }
  if (seen.size > SELECTABLE_MAX && !unchanged) errors.tooMany(path, seen.size, SELECTABLE_MAX);
}
