/** What embedded objects of Kubernetes must have. Source: apiextensions-apiserver `apiserver/schema/objectmeta/validation.go`. */
import type { ObjectMeta } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import { isJsonObject } from "../machinery/json-value.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import { pathSegment } from "../machinery/validation/names.ts";
import { validateObjectMeta } from "../machinery/validation/object-meta.ts";
import { dns1035Label } from "./names.ts";
import type { Schema } from "./schema.ts";
import { schemaAt } from "./schema.ts";

/** Metadata has its form already. */
export function validateEmbedded(value: unknown, schema: Schema | undefined, path: string, errors: FieldErrors): void {
  if (schema?.has.embedded !== true) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) validateEmbedded(item, schema.items, `${path}[${i}]`, errors);
  }
  if (!isJsonObject(value)) return;
  if (schema.embedded) validateHead(value, path, errors);
  for (const key of Object.keys(value)) {
    const child = schema.properties.has(key) ? `${path === "" ? "" : `${path}.`}${key}` : `${path}[${key}]`;
    validateEmbedded(value[key], schemaAt(schema, key), child, errors);
  }
}

function validateHead(object: JsonObject, path: string, errors: FieldErrors): void {
  const at = (field: string): string => (path === "" ? field : `${path}.${field}`);
  const { apiVersion, kind, metadata } = object;
  if (apiVersion === undefined) errors.required(at("apiVersion"));
  else if (typeof apiVersion !== "string") errors.invalid(at("apiVersion"), apiVersion, "must be a string");
  else if (apiVersion === "") errors.invalid(at("apiVersion"), apiVersion, "must not be empty");
  else if (apiVersion.split("/").length > 2) {
    errors.invalid(at("apiVersion"), apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  }
  if (kind === undefined) errors.required(at("kind"));
  else if (typeof kind !== "string") errors.invalid(at("kind"), kind, "must be a string");
  else if (kind === "") errors.invalid(at("kind"), kind, "must not be empty");
  else {
    const problems = dns1035Label(kind.toLowerCase());
    if (problems.length > 0) {
      errors.invalid(at("kind"), kind, `may have mixed case, but should otherwise match: ${problems.join(",")}`);
    }
  }
  if (isJsonObject(metadata)) validateMetadata(metadata, at(""), errors);
}

/** Of an embedded object nobody asks for a name. */
function validateMetadata(metadata: ObjectMeta, prefix: string, errors: FieldErrors): void {
  const found = new FieldErrors();
  validateObjectMeta(metadata.name ? metadata : { ...metadata, name: "fakename" }, pathSegment, found, true);
  errors.causes.push(...found.causes.map((cause) => ({ ...cause, field: `${prefix}${cause.field}` })));
}
