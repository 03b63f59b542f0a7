/** Whether the defaults of a schema are values of it. Source: apiextensions-apiserver `apiserver/schema/defaulting/validation.go`. */
import { equalJson } from "../machinery/json-value.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { validateEmbedded } from "./embedded.ts";
import { Patterns } from "./patterns.ts";
import { prune } from "./pruning.ts";
import type { Schema } from "./schema.ts";
import { UNCORRELATED, causesOf, validateValue } from "./validate-value.ts";

export function validateDefaults(schema: Schema, path: string, errors: FieldErrors): void {
  if (schema.has.defaults) walk(schema, path, false, true, new Patterns(), errors);
}

function walk(
  schema: Schema,
  path: string,
  inMetadata: boolean,
  root: boolean,
  patterns: Patterns,
  errors: FieldErrors,
): void {
  if (!schema.has.defaults) return;
  const value = schema.default;
  const place = `${path}.default`;
  if (value !== undefined) {
    if (!inMetadata && !equalJson(prune(value, schema, schema.embedded).value, value)) {
      errors.invalid(place, value, "must not have unknown fields");
    }
    const before = errors.causes.length;
    validateEmbedded(value, schema, place, errors);
    if (errors.causes.length === before) {
      errors.causes.push(...causesOf(validateValue(value, UNCORRELATED, schema, patterns), place));
    }
  }
  const outside = inMetadata && !schema.embedded;
  if (schema.items !== undefined) walk(schema.items, `${path}.items`, outside, false, patterns, errors);
  for (const [name, property] of schema.properties) {
    const meta = (root || schema.embedded) && ["metadata", "apiVersion", "kind"].includes(name);
    walk(property, `${path}.properties[${name}]`, outside || meta, false, patterns, errors);
  }
}
