/**
 * Whether the schema of a version may be stored. What is wrong with rules in CEL is only told when the schemas that they speak of
 * are good.
 * Source: apiextensions-apiserver `ValidateCustomResourceDefinitionOpenAPISchema` in `apis/apiextensions/validation/validation.go`.
 */
import type { JSONSchemaProps } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { product } from "../cel/sizes.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import { validateDefaults } from "./definition-defaults.ts";
import { Pace } from "../steps.ts";
import type { Steps } from "../steps.ts";
import { Sizes } from "./rule-sizes.ts";
import { RuleCosts } from "./rule-costs.ts";
import { checkRuleTexts, checkRules } from "./definition-rules.ts";
import type { Schema } from "./schema.ts";
import { itemSchemaOf, itemSchemasOf } from "./schema-walk.ts";
import { structuralErrors, unsupportedIn } from "./structural.ts";
import { repeatedAt } from "../machinery/validation/repeated.ts";

export interface SchemaPlace {
  /** Of what holds `openAPIV3Schema`. */
  readonly path: string;
  readonly hasStatus: boolean;
  /** The schema is stored already. */
  readonly unchanged: boolean;
}

/** @param schema the same as it is read, where it is structural */
export function* validateVersionSchema(
  props: JSONSchemaProps,
  schema: Schema,
  place: SchemaPlace,
  errors: FieldErrors,
): Steps<void> {
  const pace = new Pace();
  const path = `${place.path}.openAPIV3Schema`;
  const found = new FieldErrors();
  if (place.hasStatus) checkRoot(props, path, found);
  if (props.nullable === true) found.forbidden(`${path}.nullable`, "nullable cannot be true at the root");
  const unsupported = yield* unsupportedIn(props, pace);
  let structural: Schema | undefined;
  if (unsupported === undefined) {
    const wrong = yield* structuralErrors(props, path, pace);
    if (wrong.causes.length === 0) yield* validateDefaults(schema, path, pace, wrong);
    found.add(wrong);
    if (wrong.causes.length === 0) structural = schema;
  }
  const costs = new RuleCosts(place.unchanged);
  const walk = new SchemaWalk(costs, pace);
  yield* walk.check(props, structural, path, ROOT);
  found.add(walk.schemaErrors, walk.ruleErrors);
  if (found.causes.length === 0 && unsupported !== undefined) found.invalid(path, "", unsupported);
  if (structural !== undefined) costs.checkTotal(path, found);
  errors.add(found);
}

const AT_ROOT: ReadonlySet<string> = new Set([
  "description",
  "type",
  "format",
  "title",
  "maximum",
  "exclusiveMaximum",
  "minimum",
  "exclusiveMinimum",
  "maxLength",
  "minLength",
  "pattern",
  "maxItems",
  "minItems",
  "uniqueItems",
  "multipleOf",
  "required",
  "items",
  "properties",
  "externalDocs",
  "example",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-validations",
]);

/** The schema of a status is taken out of the root, whose other checks it would lose. */
function checkRoot(props: JSONSchemaProps, path: string, errors: FieldErrors): void {
  const set = Object.entries(props).filter(([, value]) => value !== false && value !== "" && value !== undefined);
  for (const [name, value] of set) {
    if (name === "type" && value !== "object") {
      const detail =
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      errors.invalid(`${path}.type`, value, detail);
      return;
    }
    if (AT_ROOT.has(name)) continue;
    const allowed = [...AT_ROOT].map(goName).join(" ");
    const detail = `only [${allowed}] fields are allowed at the root of the schema if the status subresource is enabled`;
    errors.invalid(path, props, detail);
    return;
  }
}

/** `x-kubernetes-list-type` is `XListType` in Go. */
function goName(field: string): string {
  const words = field.replace(/^x-kubernetes-/, "x-").split("-");
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

/** What the schemas around one have to say. */
interface Surroundings {
  readonly root: boolean;
  /** Within the metadata of an object of Kubernetes. */
  readonly inMetadata: boolean;
  /** Why there may be no default. */
  readonly noDefaults: string | undefined;
  /** The list or map from which on an old value can't be found again. */
  readonly uncorrelatable: string | undefined;
  /** How many values there can be in one object; undefined: no limit says so. */
  readonly timesMax: number | undefined;
}

const ROOT: Surroundings = {
  root: true,
  inMetadata: false,
  noDefaults: undefined,
  uncorrelatable: undefined,
  timesMax: 1,
};

const META_FIELDS: ReadonlySet<string> = new Set(["metadata", "kind", "apiVersion"]);
const NO_NAMES: readonly string[] = [];
const TYPES = ["array", "boolean", "integer", "number", "object", "string"];

function hasJunctors({ not, allOf, oneOf, anyOf, definitions }: JSONSchemaProps): boolean {
  const all = not ?? allOf ?? oneOf ?? anyOf ?? definitions;
  return all !== undefined;
}

/** Whether nothing is in it, and nothing to be compiled: so are most of a large schema. */
function isSimple(props: JSONSchemaProps): boolean {
  const { properties, additionalProperties, items, "x-kubernetes-validations": rules } = props;
  const hasParts = properties !== undefined || additionalProperties !== undefined || items !== undefined;
  return !hasParts && rules === undefined && !hasJunctors(props);
}

class SchemaWalk {
  readonly schemaErrors = new FieldErrors();
  readonly ruleErrors = new FieldErrors();
  readonly #costs: RuleCosts;
  readonly #sizes = new Sizes();
  readonly #pace: Pace;

  constructor(costs: RuleCosts, pace: Pace) {
    this.#costs = costs;
    this.#pace = pace;
  }

  /** @param schema undefined where rules are not compiled: under a junctor, and in what is not structural */
  *check(props: JSONSchemaProps, schema: Schema | undefined, path: string, around: Surroundings): Steps<void> {
    const { schemaErrors } = this;
    const before = schemaErrors.causes.length;
    checkStandard(props, path, around, schemaErrors);
    const within = { ...around, root: false, timesMax: timesBelow(props, around.timesMax) };
    if (props.properties !== undefined || props.additionalProperties !== undefined) {
      yield* this.#checkFields(props, schema, path, within, around.root);
    }
    if (hasJunctors(props)) yield* this.#checkJunctors(props, path, within);
    if (props.items !== undefined) yield* this.#checkItems(props, schema, path, within);
    checkTypes(props, path, schemaErrors);
    checkLists(props, path, schemaErrors);
    checkListItems(props, path, schemaErrors);
    if (props["x-kubernetes-validations"] !== undefined) {
      yield* checkRuleTexts(props, path, this.#pace, schemaErrors);
    }
    if (this.#pace.isDue()) yield;
    if (schema === undefined || schemaErrors.causes.length > before) return;
    const { root, uncorrelatable, timesMax } = around;
    const shared = { costs: this.#costs, sizes: this.#sizes, pace: this.#pace };
    if (schema.rules.length > 0) {
      yield* checkRules(schema, path, { root, uncorrelatable, timesMax, ...shared }, this.ruleErrors);
    }
  }

  *#checkFields(
    props: JSONSchemaProps,
    schema: Schema | undefined,
    path: string,
    around: Surroundings,
    root: boolean,
  ): Steps<void> {
    const { properties, additionalProperties } = props;
    const names = properties === undefined ? NO_NAMES : Object.keys(properties);
    if (additionalProperties !== undefined && additionalProperties !== true && names.length > 0) {
      this.schemaErrors.forbidden(
        `${path}.additionalProperties`,
        "additionalProperties and properties are mutual exclusive",
      );
    }
    if (typeof additionalProperties === "object") {
      const noDefaults = around.inMetadata
        ? "inside additionalProperties applying to object metadata"
        : around.noDefaults;
      const one = typeof schema?.additional === "object" ? schema.additional : undefined;
      yield* this.check(additionalProperties, one, `${path}.additionalProperties`, { ...around, noDefaults });
    }
    const mapType = props["x-kubernetes-map-type"];
    const correlatable = mapType === undefined || mapType === "granular" || mapType === "atomic";
    const uncorrelatable = around.uncorrelatable ?? (correlatable ? undefined : path);
    const plain = { ...around, uncorrelatable };
    const hasHead = root || props["x-kubernetes-embedded-resource"] === true;
    for (const name of names) {
      const meta = hasHead && META_FIELDS.has(name);
      const noDefaults = root ? `in top-level ${name}` : around.noDefaults;
      const own = meta ? { ...plain, inMetadata: true, noDefaults } : plain;
      const property = properties?.[name] as JSONSchemaProps;
      const place = `${path}.properties[${name}]`;
      if (!isSimple(property)) yield* this.check(property, schema?.properties.get(name), place, own);
      else {
        checkStandard(property, place, own, this.schemaErrors);
        checkTypes(property, place, this.schemaErrors);
        checkLists(property, place, this.schemaErrors);
        if (this.#pace.isDue()) yield;
      }
    }
  }

  *#checkJunctors(props: JSONSchemaProps, path: string, around: Surroundings): Steps<void> {
    if (props.not !== undefined) yield* this.check(props.not, undefined, `${path}.not`, around);
    for (const junctor of ["allOf", "oneOf", "anyOf"] as const) {
      for (const [i, one] of props[junctor]?.entries() ?? []) {
        yield* this.check(one, undefined, `${path}.${junctor}[${i}]`, around);
      }
    }
    if (props.definitions === undefined) return;
    for (const [name, one] of Object.entries(props.definitions)) {
      yield* this.check(one, undefined, `${path}.definitions[${name}]`, around);
    }
  }

  *#checkItems(props: JSONSchemaProps, schema: Schema | undefined, path: string, around: Surroundings): Steps<void> {
    const uncorrelatable = around.uncorrelatable ?? (props["x-kubernetes-list-type"] === "map" ? undefined : path);
    const own = { ...around, uncorrelatable };
    const single = itemSchemaOf(props.items);
    if (single !== undefined) {
      yield* this.check(single, schema?.items, `${path}.items`, own);
      return;
    }
    for (const [i, one] of itemSchemasOf(props.items).entries()) {
      yield* this.check(one, undefined, `${path}.items[${i}]`, own);
    }
  }
}

/** Of the values in one of a list or a map there are as many as its limit says. */
function timesBelow(props: JSONSchemaProps, timesMax: number | undefined): number | undefined {
  const { type, additionalProperties, maxProperties, maxItems } = props;
  const limit =
    type === "array" ? maxItems : type === "object" && additionalProperties !== undefined ? maxProperties : 1;
  return timesMax === undefined || limit === undefined ? undefined : product(timesMax, Math.max(0, limit));
}

function checkStandard(props: JSONSchemaProps, path: string, around: Surroundings, errors: FieldErrors): void {
  const { type = "" } = props;
  const unsupported = (field: keyof JSONSchemaProps, holds: boolean): void => {
    if (holds) errors.forbidden(`${path}.${field}`, `${field} is not supported`);
  };
  const has = (value: object | undefined): boolean => value !== undefined && Object.keys(value).length > 0;
  if (type !== "" && !TYPES.includes(type)) errors.unsupported(`${path}.type`, type, TYPES);
  if ((props.default ?? undefined) !== undefined && around.noDefaults !== undefined) {
    errors.forbidden(`${path}.default`, `must not be set ${around.noDefaults}`);
  }
  unsupported("id", Boolean(props.id));
  unsupported("additionalItems", props.additionalItems !== undefined);
  unsupported("patternProperties", has(props.patternProperties));
  unsupported("definitions", has(props.definitions));
  unsupported("dependencies", props.dependencies !== undefined);
  unsupported("$ref", props.$ref !== undefined);
  if (type === "null") {
    errors.forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative");
  }
  if (Array.isArray(props.items) && props.items.length > 0) {
    errors.forbidden(`${path}.items`, "items must be a schema object and not an array");
  }
  if (around.inMetadata && props["x-kubernetes-embedded-resource"] === true) {
    errors.forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta");
  }
  if (props.uniqueItems === true) {
    const detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    errors.forbidden(`${path}.uniqueItems`, detail);
  }
  if (props["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined");
  }
}

function checkTypes(props: JSONSchemaProps, path: string, errors: FieldErrors): void {
  const { type = "" } = props;
  const mapType = props["x-kubernetes-map-type"];
  const listType = props["x-kubernetes-list-type"];
  const mustBe = (wanted: string, extension: string): void => {
    const detail = `must be ${wanted} if ${extension} is specified`;
    if (type === "") errors.required(`${path}.type`, detail);
    else errors.invalid(`${path}.type`, type, detail);
  };
  if (mapType !== undefined) {
    if (type !== "object") mustBe("object", "x-kubernetes-map-type");
    errors.oneOf(`${path}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]);
  }
  if (listType === undefined) return;
  if (type !== "array") mustBe("array", "x-kubernetes-list-type");
  else if (listType === "set") checkSetItems(props, path, errors);
  errors.oneOf(`${path}.x-kubernetes-list-type`, listType, ["atomic", "set", "map"]);
}

function checkSetItems(props: JSONSchemaProps, path: string, errors: FieldErrors): void {
  const item = itemSchemaOf(props.items);
  const listType = item?.["x-kubernetes-list-type"];
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  if (item?.type === "array" && listType !== undefined && listType !== "atomic") {
    errors.invalid(`${path}.items.x-kubernetes-list-type`, listType, detail);
  }
  if (item?.type === "object" && item["x-kubernetes-map-type"] !== "atomic") {
    // Kubernetes shows the other type here.
    errors.invalid(`${path}.items.x-kubernetes-map-type`, listType, detail);
  }
}

function checkLists(props: JSONSchemaProps, path: string, errors: FieldErrors): void {
  const listType = props["x-kubernetes-list-type"];
  const keys = props["x-kubernetes-list-map-keys"] ?? [];
  if (keys.length > 0 && listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    if (listType === undefined) errors.required(`${path}.x-kubernetes-list-type`, detail);
    else errors.invalid(`${path}.x-kubernetes-list-type`, listType, detail);
  }
  if (listType !== "map") return;
  const keysPath = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) errors.required(keysPath, "must not be empty if x-kubernetes-list-type is map");
  if (props.items === undefined) {
    errors.required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map");
    return;
  }
  const item = itemSchemaOf(props.items);
  if (item === undefined) {
    errors.invalid(`${path}.items`, props.items, "must only have a single schema if x-kubernetes-list-type is map");
    return;
  }
  const { type = "", properties = {} } = item;
  if (type !== "object") {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    errors.invalid(`${path}.items.type`, type, detail);
    return;
  }
  const repeated = repeatedAt(keys);
  for (const [i, key] of keys.entries()) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined) errors.invalid(keysPath, keys, "entries must all be names of item properties");
    else if (property.type === "array" || property.type === "object") {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.invalid(`${path}.items.properties[${key}].type`, type, detail);
    }
    if (repeated.has(i)) errors.invalid(keysPath, keys, "must not contain duplicate entries");
  }
}

/** Items that are found again by what they are, or by their keys, must have it. */
function checkListItems(props: JSONSchemaProps, path: string, errors: FieldErrors): void {
  const listType = props["x-kubernetes-list-type"];
  const item = itemSchemaOf(props.items);
  if (item === undefined || (listType !== "set" && listType !== "map")) return;
  if (item.nullable === true) {
    errors.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`);
  }
  if (listType !== "map") return;
  const { properties = {}, required = [] } = item;
  for (const key of props["x-kubernetes-list-map-keys"] ?? []) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined) continue;
    const place = `${path}.items.properties[${key}]`;
    const words = "this property is in x-kubernetes-list-map-keys, so it";
    if (!required.includes(key) && (property.default ?? undefined) === undefined) {
      errors.required(`${place}.default`, `${words} must have a default or be a required property`);
    }
    if (property.nullable === true) errors.forbidden(`${place}.nullable`, `${words} cannot be nullable`);
  }
}
