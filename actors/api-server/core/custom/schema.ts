/**
 * The schema of a version of a custom resource as a tree that is read once and walked often. It takes any schema; whether it is
 * structural is another question (`structural.ts`).
 * Source: KEP-1693 (vanilla OpenAPI and structural schemas), apiextensions-apiserver `apiserver/schema`.
 */
import type {
  JSONSchemaProps,
  JSONSchemaPropsOrArray,
  JSONSchemaPropsOrBool,
  ValidationRule,
} from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { isRecognizedFormat } from "./formats.ts";

export interface Schema {
  /** `object`, `array`, `string`, `integer`, `number`, `boolean`; "" where anything goes. */
  readonly type: string;
  /** What values must be one of: `type`, or both of what is an integer or a string. */
  readonly types: readonly string[];
  /** "" when Kubernetes does not check it. */
  readonly format: string;
  readonly nullable: boolean;
  readonly intOrString: boolean;
  readonly preserveUnknown: boolean;
  /** An object of Kubernetes of its own, with a kind and metadata. */
  readonly embedded: boolean;
  readonly listType: "atomic" | "set" | "map";
  readonly listMapKeys: readonly string[];
  readonly mapType: "atomic" | "granular";
  /** undefined: there is none. */
  readonly default: unknown;
  /** What this or something below has: walks go where they have something to do. */
  readonly has: Traits;
  readonly properties: ReadonlyMap<string, Schema>;
  /** Of values whose key is no property; true: of any form; undefined: there are none. */
  readonly additional: Schema | boolean | undefined;
  readonly items: Schema | undefined;
  readonly required: readonly string[];
  readonly enum: readonly unknown[];
  readonly limits: Limits;
  readonly allOf: readonly Schema[];
  readonly anyOf: readonly Schema[];
  readonly oneOf: readonly Schema[];
  readonly not: Schema | undefined;
  readonly rules: readonly ValidationRule[];
}

export interface Traits {
  readonly defaults: boolean;
  readonly embedded: boolean;
  /** Lists whose items must differ. */
  readonly keyedLists: boolean;
  readonly rules: boolean;
}

export interface Limits {
  readonly minimum?: number;
  readonly exclusiveMinimum: boolean;
  readonly maximum?: number;
  readonly exclusiveMaximum: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
}

const NO_PROPERTIES: ReadonlyMap<string, Schema> = new Map();
const NONE: readonly never[] = [];

/** What takes any object and keeps nothing of it but its kind and metadata. */
export const ANY: Schema = parseSchema({});

export function parseSchema(props: JSONSchemaProps): Schema {
  const { type = "", format = "" } = props;
  const properties = propertiesOf(props.properties);
  const additional = additionalOf(props.additionalProperties);
  const items = itemsOf(props.items);
  const intOrString = props["x-kubernetes-int-or-string"] === true;
  const below = [...properties.values(), ...(items === undefined ? [] : [items])];
  if (typeof additional === "object") below.push(additional);
  return {
    type,
    types: intOrString ? ["integer", "string"] : type === "" ? NONE : [type],
    format: isRecognizedFormat(intOrString ? "integer,string" : type, format) ? format : "",
    nullable: props.nullable === true,
    intOrString,
    preserveUnknown: props["x-kubernetes-preserve-unknown-fields"] === true,
    embedded: props["x-kubernetes-embedded-resource"] === true,
    listType: oneOf(props["x-kubernetes-list-type"], ["set", "map"]) ?? "atomic",
    listMapKeys: props["x-kubernetes-list-map-keys"] ?? NONE,
    mapType: oneOf(props["x-kubernetes-map-type"], ["atomic"]) ?? "granular",
    default: props.default ?? undefined,
    has: traitsOf(props, below),
    properties,
    additional,
    items,
    required: props.required ?? NONE,
    enum: props.enum ?? NONE,
    limits: limitsOf(props),
    allOf: (props.allOf ?? NONE).map(parseSchema),
    anyOf: (props.anyOf ?? NONE).map(parseSchema),
    oneOf: (props.oneOf ?? NONE).map(parseSchema),
    not: props.not === undefined ? undefined : parseSchema(props.not),
    rules: props["x-kubernetes-validations"] ?? NONE,
  };
}

function traitsOf(props: JSONSchemaProps, below: readonly Schema[]): Traits {
  const listType = props["x-kubernetes-list-type"];
  return {
    defaults: (props.default ?? undefined) !== undefined || below.some(({ has }) => has.defaults),
    embedded: props["x-kubernetes-embedded-resource"] === true || below.some(({ has }) => has.embedded),
    keyedLists: listType === "set" || listType === "map" || below.some(({ has }) => has.keyedLists),
    rules: (props["x-kubernetes-validations"] ?? NONE).length > 0 || below.some(({ has }) => has.rules),
  };
}

function oneOf<T extends string>(value: string | undefined, values: readonly T[]): T | undefined {
  return values.find((known) => known === value);
}

function propertiesOf(properties: JSONSchemaProps["properties"]): ReadonlyMap<string, Schema> {
  const entries = Object.entries(properties ?? {});
  return entries.length === 0 ? NO_PROPERTIES : new Map(entries.map(([name, props]) => [name, parseSchema(props)]));
}

function additionalOf(additional: JSONSchemaPropsOrBool | undefined): Schema | boolean | undefined {
  return additional === undefined || typeof additional === "boolean" ? additional : parseSchema(additional);
}

/** A list of schemas is refused before anybody asks for it. */
function itemsOf(items: JSONSchemaPropsOrArray | undefined): Schema | undefined {
  return items === undefined || Array.isArray(items) ? undefined : parseSchema(items as JSONSchemaProps);
}

function limitsOf(props: JSONSchemaProps): Limits {
  const { minimum, maximum, multipleOf, minLength, maxLength, minItems, maxItems, minProperties, maxProperties } =
    props;
  return {
    ...(minimum === undefined ? {} : { minimum }),
    exclusiveMinimum: props.exclusiveMinimum === true,
    ...(maximum === undefined ? {} : { maximum }),
    exclusiveMaximum: props.exclusiveMaximum === true,
    ...(multipleOf === undefined ? {} : { multipleOf }),
    ...(minLength === undefined ? {} : { minLength }),
    ...(maxLength === undefined ? {} : { maxLength }),
    pattern: props.pattern ?? "",
    ...(minItems === undefined ? {} : { minItems }),
    ...(maxItems === undefined ? {} : { maxItems }),
    ...(minProperties === undefined ? {} : { minProperties }),
    ...(maxProperties === undefined ? {} : { maxProperties }),
  };
}

/** The schema that a value under a key has; undefined where none says anything of it. */
export function schemaAt({ properties, additional }: Schema, key: string): Schema | undefined {
  return properties.get(key) ?? (typeof additional === "object" ? additional : undefined);
}
