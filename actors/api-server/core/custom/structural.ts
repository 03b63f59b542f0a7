/**
 * Whether a schema is structural: says of each value what it is, and checks apart from that.
 * Source: KEP-1693, apiextensions-apiserver `apiserver/schema/validation.go` and `complete.go`.
 */
import type { JSONSchemaProps } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Pace, Steps } from "../steps.ts";
import { equalJson } from "../machinery/json-value.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import { PATTERN_UNITS, patternProblem } from "./patterns.ts";
import { itemSchemaOf } from "./schema-walk.ts";

/** What the schema has that no structural one may have, and that is refused elsewhere, too; undefined when it has none. */
export function* unsupportedIn(schema: JSONSchemaProps, pace: Pace): Steps<string | undefined> {
  const waiting: JSONSchemaProps[] = [schema];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (pace.isDue()) yield;
    const problem = unsupported(next);
    if (problem !== undefined) return problem;
    // The first one in the schema is told.
    const { properties = {}, additionalProperties, allOf = [], anyOf = [], oneOf = [], not } = next;
    if (typeof additionalProperties === "object") waiting.push(additionalProperties);
    const names = Object.keys(properties);
    for (let at = names.length - 1; at >= 0; at--) waiting.push(properties[names[at] ?? ""] as JSONSchemaProps);
    for (const junctor of [oneOf, anyOf, allOf]) {
      for (let at = junctor.length - 1; at >= 0; at--) waiting.push(junctor[at] as JSONSchemaProps);
    }
    if (not !== undefined) waiting.push(not);
    const items = itemSchemaOf(next.items);
    if (items !== undefined) waiting.push(items);
  }
  return undefined;
}

function unsupported(schema: JSONSchemaProps): string | undefined {
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
  return Array.isArray(schema.items) && schema.items.length > 0
    ? "OpenAPIV3Schema 'items' must be a schema, but is an array"
    : undefined;
}

type Level = "root" | "item" | "field";

/** The causes, in order. */
export function* structuralErrors(schema: JSONSchemaProps, path: string, pace: Pace): Steps<FieldErrors> {
  const errors = new FieldErrors();
  const walk = new StructuralWalk(errors);
  walk.begin(schema, path);
  for (;;) {
    const units = walk.next();
    if (units === 0) break;
    if (pace.isDue(units)) yield;
  }
  const texts = new Map(errors.causes.map((cause) => [cause, `${cause.field}: ${cause.message}`]));
  errors.causes.sort((a, b) => {
    const [left = "", right = ""] = [texts.get(a), texts.get(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
  return errors;
}

/** What is found is put in order afterwards: what is left to be looked at may wait in any. */
class StructuralWalk {
  readonly #errors: FieldErrors;
  readonly #left: { readonly units: number; readonly look: () => void }[] = [];

  constructor(errors: FieldErrors) {
    this.#errors = errors;
  }

  begin(schema: JSONSchemaProps, path: string): void {
    this.#checkInvariants(schema, "root", path);
    this.#checkJunctorsComplete(schema, schema, path, path);
  }

  /** @returns what that was, in the units of `Pace`; 0: nothing was left to do */
  next(): number {
    const next = this.#left.pop();
    next?.look();
    return next?.units ?? 0;
  }

  #later(look: () => void, units: number = 1): void {
    this.#left.push({ units, look });
  }

  #checkInvariants(schema: JSONSchemaProps, level: Level, path: string): void {
    const { type = "", properties = {}, additionalProperties } = schema;
    const errors = this.#errors;
    const items = itemSchemaOf(schema.items);
    if (type === "array" && items === undefined) errors.required(`${path}.items`, "must be specified");
    if (items !== undefined) this.#later(() => this.#checkInvariants(items, "item", `${path}.items`));
    for (const name of Object.keys(properties)) {
      const property = properties[name] as JSONSchemaProps;
      this.#later(() => this.#checkInvariants(property, "field", `${path}.properties[${name}]`));
    }
    if (additionalProperties !== undefined) {
      if (level === "root") errors.forbidden(`${path}.additionalProperties`, "must not be used at the root");
      if (typeof additionalProperties === "object") {
        this.#later(() => this.#checkInvariants(additionalProperties, "field", `${path}.additionalProperties`));
      }
    }
    checkExtensions(schema, path, errors);
    const { anyOf = [], allOf = [] } = schema;
    const skipAnyOf = isIntegerOrString(anyOf);
    const skipFirst = isIntegerOrString(allOf[0]?.anyOf ?? []);
    this.#checkValueValidation(schema, skipAnyOf, skipFirst, path);
    checkType(schema, level, path, errors);
    checkMetadata(schema, level, path, errors);
  }

  #checkValueValidation(schema: JSONSchemaProps, skipAnyOf: boolean, skipFirst: boolean, path: string): void {
    const { anyOf = [], allOf = [], oneOf = [], not, pattern = "" } = schema;
    const nested = (one: JSONSchemaProps, skip: boolean, place: string): void =>
      this.#later(() => this.#checkNested(one, skip, place));
    for (const [i, one] of (skipAnyOf ? [] : anyOf).entries()) nested(one, false, `${path}.anyOf[${i}]`);
    for (const [i, one] of allOf.entries()) nested(one, skipFirst && i === 0, `${path}.allOf[${i}]`);
    for (const [i, one] of oneOf.entries()) nested(one, false, `${path}.oneOf[${i}]`);
    if (not !== undefined) nested(not, false, `${path}.not`);
    if (pattern === "") return;
    this.#later(() => {
      const problem = patternProblem(pattern);
      if (problem === undefined) return;
      const detail = `must be a valid regular expression, but isn't: ${problem}`;
      this.#errors.invalid(`${path}.pattern`, pattern, detail);
    }, PATTERN_UNITS);
  }

  /** What may not stand under a junctor, which only checks. */
  #checkNested(schema: JSONSchemaProps, skipAnyOf: boolean, path: string): void {
    this.#checkValueValidation(schema, skipAnyOf, false, path);
    const { properties = {} } = schema;
    const items = itemSchemaOf(schema.items);
    if (items !== undefined) this.#later(() => this.#checkNested(items, false, `${path}.items`));
    for (const [name, property] of Object.entries(properties)) {
      this.#later(() => this.#checkNested(property, false, `${path}.properties[${name}]`));
    }
    forbidUnderJunctor(schema, path, this.#errors);
  }

  /** What is checked under a junctor must be declared outside of it. */
  #checkJunctorsComplete(
    schema: JSONSchemaProps,
    declared: JSONSchemaProps | undefined,
    at: string,
    path: string,
  ): void {
    const { anyOf = [], allOf = [], oneOf = [], not } = schema;
    const check = (one: JSONSchemaProps, place: string): void => {
      if (declared === undefined) this.#errors.required(at, `because it is defined in ${place}`);
      else this.#later(() => this.#checkComplete(one, declared, at, place));
    };
    if (not !== undefined) check(not, `${path}.not`);
    for (const [i, one] of allOf.entries()) check(one, `${path}.allOf[${i}]`);
    for (const [i, one] of anyOf.entries()) check(one, `${path}.anyOf[${i}]`);
    for (const [i, one] of oneOf.entries()) check(one, `${path}.oneOf[${i}]`);
  }

  #checkComplete(schema: JSONSchemaProps, declared: JSONSchemaProps, at: string, path: string): void {
    this.#checkJunctorsComplete(schema, declared, at, path);
    const items = itemSchemaOf(schema.items);
    const declaredItems = itemSchemaOf(declared.items);
    if (items !== undefined) {
      const [place, because] = [`${at}.items`, `${path}.items`];
      if (declaredItems === undefined) this.#errors.required(place, `because it is defined in ${because}`);
      else this.#later(() => this.#checkComplete(items, declaredItems, place, because));
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const own = declared.properties?.[name];
      const [place, because] = [`${at}.properties[${name}]`, `${path}.properties[${name}]`];
      if (own === undefined) this.#errors.required(place, `because it is defined in ${because}`);
      else this.#later(() => this.#checkComplete(property, own, place, because));
    }
  }
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

/** What only says what a value is. */
function forbidUnderJunctor(schema: JSONSchemaProps, path: string, errors: FieldErrors): void {
  const { properties = {}, additionalProperties } = schema;
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
