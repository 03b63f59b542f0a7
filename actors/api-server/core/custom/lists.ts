/** Lists whose items must differ: sets, and maps by their keys. Source: apiextensions-apiserver `apiserver/schema/listtype`. */
import { getOwn, isJsonObject } from "../machinery/json-value.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { goJson } from "../machinery/go-text.ts";
import type { Schema } from "./schema.ts";
import { schemaAt } from "./schema.ts";

export function validateLists(value: unknown, schema: Schema | undefined, path: string, errors: FieldErrors): void {
  if (schema?.has.keyedLists !== true) return;
  if (Array.isArray(value)) {
    if (schema.listType === "set") checkDifferent(value, path, errors);
    else if (schema.listType === "map") checkMap(value, schema.listMapKeys, path, errors);
    for (const [i, item] of value.entries()) validateLists(item, schema.items, `${path}[${i}]`, errors);
  }
  if (!isJsonObject(value)) return;
  for (const key of Object.keys(value)) {
    const child = schema.properties.has(key) ? `${path === "" ? "" : `${path}.`}${key}` : `${path}[${key}]`;
    validateLists(value[key], schemaAt(schema, key), child, errors);
  }
}

/** The second of equal ones is named, and no further one. */
function checkDifferent(items: readonly unknown[], path: string, errors: FieldErrors): void {
  const seen = new Map<string, number>();
  for (const [i, item] of items.entries()) {
    const key = goJson(item);
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    if (times === 2) errors.duplicate(`${path}[${i}]`, item);
  }
}

function checkMap(items: readonly unknown[], keys: readonly string[], path: string, errors: FieldErrors): void {
  const wrong = items.findIndex((item) => item !== null && !isJsonObject(item));
  if (wrong >= 0) {
    errors.invalid(`${path}[${wrong}]`, items[wrong], "must be an object for an array of list-type map");
    return;
  }
  const identities = items.map((item) => {
    if (!isJsonObject(item)) return {};
    return Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(item, key) ? [[key, getOwn(item, key)]] : [])));
  });
  checkDifferent(identities, path, errors);
}
