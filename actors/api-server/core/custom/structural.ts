/**
 * Whether a schema is structural: says of each value what it is, and checks apart from that.
 * Source: KEP-1693, apiextensions-apiserver `apiserver/schema/validation.go` and `complete.go`.
 */
import type { JSONSchemaProps } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { equalJson } from "../machinery/json-value.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import { patternProblem } from "./patterns.ts";
import { itemSchemaOf } from "./schema-walk.ts";

/** What the schema has that no structural one may have, and that is refused elsewhere, too; undefined when it has none. */
export function unsupportedIn(schema: JSONSchemaProps): string | undefined {
  const has = (value: object | undefined): boolean => value !== undefined && Object.keys(value).length > 0;
  if (schema.id) return "OpenAPIV3Schema 'id' is not supported";
  if (schema.$schema) return "OpenAPIV3Schema 'schema' is not supported";
  if (schema.$ref) return "OpenAPIV3Schema '$ref' is not supported";
  if (has(schema.patternProperties)) return "OpenAPIV3Schema 'patternProperties' is not supported";
  if (has(schema.dependencies)) return "OpenAPIV3Schema 'dependencies' is not supported";
  if (schema.additionalItems !== undefined) return "OpenAPIV3Schema 'additionalItems' is not supported";
  if (has(schema.definitions)) return "OpenAPIV3Schema 'definitions' is not supported";
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  }
  if (Array.isArray(schema.items) && schema.items.length > 0) {
    return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  }
  const { properties = {}, additionalProperties, allOf = [], anyOf = [], oneOf = [], not } = schema;
  const below = [itemSchemaOf(schema.items), not, ...allOf, ...anyOf, ...oneOf, ...Object.values(properties)];
  if (typeof additionalProperties === "object") below.push(additionalProperties);
  for (const part of below) {
    const problem = part === undefined ? undefined : unsupportedIn(part);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

type Level = "root" | "item" | "field";

/** The causes, in order. */
export function structuralErrors(schema: JSONSchemaProps, path: string): FieldErrors {
  const errors = new FieldErrors();
  checkInvariants(schema, "root", path, errors);
  checkJunctorsComplete(schema, schema, path, path, errors);
  errors.causes.sort((a, b) => {
    const [left, right] = [`${a.field}: ${a.message}`, `${b.field}: ${b.message}`];
    return left < right ? -1 : left > right ? 1 : 0;
  });
  return errors;
}

function checkInvariants(schema: JSONSchemaProps, level: Level, path: string, errors: FieldErrors): void {
  const { type = "", properties = {}, additionalProperties } = schema;
  const items = itemSchemaOf(schema.items);
  if (type === "array" && items === undefined) errors.required(`${path}.items`, "must be specified");
  if (items !== undefined) checkInvariants(items, "item", `${path}.items`, errors);
  for (const [name, property] of Object.entries(properties)) {
    checkInvariants(property, "field", `${path}.properties[${name}]`, errors);
  }
  if (additionalProperties !== undefined) {
    if (level === "root") errors.forbidden(`${path}.additionalProperties`, "must not be used at the root");
    if (typeof additionalProperties === "object") {
      checkInvariants(additionalProperties, "field", `${path}.additionalProperties`, errors);
    }
  }
  checkExtensions(schema, path, errors);
  const { anyOf = [], allOf = [] } = schema;
  const skipAnyOf = isIntegerOrString(anyOf);
  const skipFirst = isIntegerOrString(allOf[0]?.anyOf ?? []);
  checkValueValidation(schema, skipAnyOf, skipFirst, path, errors);
  checkType(schema, level, path, errors);
  checkMetadata(schema, level, path, errors);
}

function checkExtensions(schema: JSONSchemaProps, path: string, errors: FieldErrors): void {
  if (schema["x-kubernetes-int-or-string"] !== true) return;
  const detail = "must be false if x-kubernetes-int-or-string is true";
  for (const name of ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const) {
    if (schema[name] === true) errors.invalid(`${path}.${name}`, true, detail);
  }
}

const WITHOUT_TYPE: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function checkType(schema: JSONSchemaProps, level: Level, path: string, errors: FieldErrors): void {
  const { type = "", properties = {}, additionalProperties } = schema;
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  const preserve = schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (embedded && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    if (type === "") errors.required(`${path}.type`, detail);
    else errors.invalid(`${path}.type`, type, detail);
  } else if (type === "" && schema["x-kubernetes-int-or-string"] !== true && !preserve) {
    errors.required(`${path}.type`, WITHOUT_TYPE[level]);
  }
  if (embedded && additionalProperties !== undefined) {
    errors.forbidden(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set");
  }
  if (level === "root" && type !== "" && type !== "object") {
    errors.invalid(`${path}.type`, type, "must be object at the root");
  }
  if (embedded && !preserve && Object.keys(properties).length === 0) {
    const detail =
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    errors.required(`${path}.properties`, detail);
  }
}

function checkMetadata(schema: JSONSchemaProps, level: Level, path: string, errors: FieldErrors): void {
  const { properties = {} } = schema;
  const checked = level === "root" || schema["x-kubernetes-embedded-resource"] === true;
  for (const name of ["kind", "apiVersion"]) {
    const property = properties[name];
    if (checked && property !== undefined && property.type !== "string") {
      errors.invalid(`${path}.properties[${name}].type`, property.type ?? "", "must be string");
    }
  }
  const metadata = properties["metadata"];
  if (metadata === undefined) return;
  const place = `${path}.properties[metadata]`;
  if (checked && metadata.type !== "object") {
    errors.invalid(`${place}.type`, metadata.type ?? "", "must be object");
  }
  if (level !== "root") return;
  const { type: _type, default: _default, properties: parts = {}, ...rest } = metadata;
  const named = Object.keys(parts).every((name) => name === "name" || name === "generateName");
  const others = Object.entries(rest).filter(([, value]) => value !== false && value !== "" && value !== undefined);
  if (!named || others.length > 0) {
    const detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
    errors.forbidden(place, detail);
  }
}

const INTEGER_OR_STRING = [{ type: "integer" }, { type: "string" }];

function isIntegerOrString(schemas: readonly JSONSchemaProps[]): boolean {
  return schemas.length === 2 && equalJson(schemas, INTEGER_OR_STRING);
}

function checkValueValidation(
  schema: JSONSchemaProps,
  skipAnyOf: boolean,
  skipFirst: boolean,
  path: string,
  errors: FieldErrors,
): void {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern = "" } = schema;
  for (const [i, one] of (skipAnyOf ? [] : anyOf).entries()) checkNested(one, false, `${path}.anyOf[${i}]`, errors);
  for (const [i, one] of allOf.entries()) checkNested(one, skipFirst && i === 0, `${path}.allOf[${i}]`, errors);
  for (const [i, one] of oneOf.entries()) checkNested(one, false, `${path}.oneOf[${i}]`, errors);
  if (not !== undefined) checkNested(not, false, `${path}.not`, errors);
  const problem = pattern === "" ? undefined : patternProblem(pattern);
  if (problem !== undefined) {
    errors.invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${problem}`);
  }
}

/** What may not stand under a junctor, which only checks. */
function checkNested(schema: JSONSchemaProps, skipAnyOf: boolean, path: string, errors: FieldErrors): void {
  checkValueValidation(schema, skipAnyOf, false, path, errors);
  const { properties = {}, additionalProperties } = schema;
  const items = itemSchemaOf(schema.items);
  if (items !== undefined) checkNested(items, false, `${path}.items`, errors);
  for (const [name, property] of Object.entries(properties)) {
    checkNested(property, false, `${path}.properties[${name}]`, errors);
  }
  const forbid = (name: keyof JSONSchemaProps, holds: boolean, how: string): void => {
    if (holds) errors.forbidden(`${path}.${name}`, `must be ${how} to be structural`);
  };
  forbid("type", Boolean(schema.type), "empty");
  forbid("additionalProperties", additionalProperties !== undefined && additionalProperties !== false, "undefined");
  forbid("default", (schema.default ?? undefined) !== undefined, "undefined");
  forbid("title", Boolean(schema.title), "empty");
  forbid("description", Boolean(schema.description), "empty");
  for (const name of [
    "nullable",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
  ] as const) {
    forbid(name, schema[name] === true, "false");
  }
  forbid("x-kubernetes-list-map-keys", (schema["x-kubernetes-list-map-keys"] ?? []).length > 0, "empty");
  forbid("x-kubernetes-list-type", schema["x-kubernetes-list-type"] !== undefined, "undefined");
  forbid("x-kubernetes-map-type", schema["x-kubernetes-map-type"] !== undefined, "undefined");
  forbid("x-kubernetes-validations", (schema["x-kubernetes-validations"] ?? []).length > 0, "empty");
  if (Object.hasOwn(properties, "metadata")) {
    errors.forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context");
  }
}

/** What is checked under a junctor must be declared outside of it. */
function checkJunctorsComplete(
  schema: JSONSchemaProps,
  declared: JSONSchemaProps | undefined,
  at: string,
  path: string,
  errors: FieldErrors,
): void {
  const { anyOf = [], allOf = [], oneOf = [], not } = schema;
  const check = (one: JSONSchemaProps, place: string): void => {
    if (declared === undefined) errors.required(at, `because it is defined in ${place}`);
    else checkComplete(one, declared, at, place, errors);
  };
  if (not !== undefined) check(not, `${path}.not`);
  for (const [i, one] of allOf.entries()) check(one, `${path}.allOf[${i}]`);
  for (const [i, one] of anyOf.entries()) check(one, `${path}.anyOf[${i}]`);
  for (const [i, one] of oneOf.entries()) check(one, `${path}.oneOf[${i}]`);
}

function checkComplete(
  schema: JSONSchemaProps,
  declared: JSONSchemaProps,
  at: string,
  path: string,
  errors: FieldErrors,
): void {
  checkJunctorsComplete(schema, declared, at, path, errors);
  const items = itemSchemaOf(schema.items);
  const declaredItems = itemSchemaOf(declared.items);
  if (items !== undefined) {
    if (declaredItems === undefined) errors.required(`${at}.items`, `because it is defined in ${path}.items`);
    else checkComplete(items, declaredItems, `${at}.items`, `${path}.items`, errors);
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const own = declared.properties?.[name];
    const place = `properties[${name}]`;
    if (own === undefined) errors.required(`${at}.${place}`, `because it is defined in ${path}.${place}`);
    else checkComplete(property, own, `${at}.${place}`, `${path}.${place}`, errors);
  }
}
