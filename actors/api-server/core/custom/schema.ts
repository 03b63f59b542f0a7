/**
 * The schema of a version of a custom resource as a tree that is read once and walked often. It takes any schema; whether it is
 * structural is another question (`structural.ts`).
 * Source: KEP-1693 (vanilla OpenAPI and structural schemas), apiextensions-apiserver `apiserver/schema`.
 */
import type { JSONSchemaProps, ValidationRule } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { goJson, quoted } from "../machinery/go-text.ts";
import { equalJson } from "../machinery/json-value.ts";
import { isRecognizedFormat } from "./formats.ts";

/** Parts are read when they are first asked for: schemas are large, and objects use little of them. */
export class Schema {
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
  readonly properties: Properties;
  readonly required: readonly string[];
  readonly enum: readonly unknown[];
  readonly rules: readonly ValidationRule[];
  readonly #props: JSONSchemaProps;
  readonly #marks: Marks;
  #has: Traits | undefined;
  #limits: Limits | undefined;
  #items: Schema | undefined;
  #additional: Schema | undefined;
  #junctors: Junctors | undefined;
  #headed: Schema | undefined;
  #scalars: ReadonlySet<unknown> | undefined;
  #supported: string | undefined;

  constructor(props: JSONSchemaProps, marks: Marks) {
    const { type = "", format = "" } = props;
    this.#props = props;
    this.#marks = marks;
    this.type = type;
    this.intOrString = props["x-kubernetes-int-or-string"] === true;
    this.types = this.intOrString ? INTEGER_OR_STRING : type === "" ? NONE : [type];
    this.format = format !== "" && isRecognizedFormat(this.intOrString ? "integer,string" : type, format) ? format : "";
    this.nullable = props.nullable === true;
    this.preserveUnknown = props["x-kubernetes-preserve-unknown-fields"] === true;
    this.embedded = props["x-kubernetes-embedded-resource"] === true;
    this.listType = oneOf(props["x-kubernetes-list-type"], ["set", "map"]) ?? "atomic";
    this.listMapKeys = props["x-kubernetes-list-map-keys"] ?? NONE;
    this.mapType = oneOf(props["x-kubernetes-map-type"], ["atomic"]) ?? "granular";
    this.default = props.default ?? undefined;
    this.properties = props.properties === undefined ? NO_PROPERTIES : new Properties(props.properties, marks);
    this.required = props.required ?? NONE;
    this.enum = props.enum ?? NONE;
    this.rules = props["x-kubernetes-validations"] ?? NONE;
  }

  /** What this or something below has: walks go where they have something to do. */
  get has(): Traits {
    return (this.#has ??= this.#marks.of(this.#props));
  }

  get limits(): Limits {
    return (this.#limits ??= limitsOf(this.#props));
  }

  /** A list of schemas is refused before anybody asks for it. */
  get items(): Schema | undefined {
    const { items } = this.#props;
    if (items === undefined || Array.isArray(items)) return undefined;
    return (this.#items ??= new Schema(items as JSONSchemaProps, this.#marks));
  }

  /** Of values whose key is no property; true: of any form; undefined: there are none. */
  get additional(): Schema | boolean | undefined {
    const { additionalProperties } = this.#props;
    if (typeof additionalProperties !== "object") return additionalProperties;
    return (this.#additional ??= new Schema(additionalProperties, this.#marks));
  }

  get allOf(): readonly Schema[] {
    return this.#combined.allOf;
  }

  get anyOf(): readonly Schema[] {
    return this.#combined.anyOf;
  }

  get oneOf(): readonly Schema[] {
    return this.#combined.oneOf;
  }

  get not(): Schema | undefined {
    return this.#combined.not;
  }

  /** With what every object of Kubernetes has without saying so, as rules know it. */
  get headed(): Schema {
    if (this.#headed === undefined) {
      const props = withHead(this.#props);
      this.#headed = props === this.#props ? this : new Schema(props, this.#marks);
    }
    return this.#headed;
  }

  /** Whether it has any of `allOf`, `anyOf`, `oneOf` and `not`. */
  get isCombined(): boolean {
    return this.#combined !== NO_JUNCTORS;
  }

  /** Whether a value is one of `enum`, where there is one. */
  allows(value: unknown): boolean {
    if (this.enum.length === 0) return true;
    this.#scalars ??= new Set(this.enum.filter((one) => typeof one !== "object"));
    if (typeof value !== "object") return this.#scalars.has(value);
    return value !== null && this.enum.some((one) => equalJson(one, value));
  }

  /** The values of `enum`, as they are told. */
  get supported(): string {
    return (this.#supported ??= this.enum.map((one) => quoted(typeof one === "string" ? one : goJson(one))).join(", "));
  }

  get #combined(): Junctors {
    if (this.#junctors === undefined) {
      const { allOf, anyOf, oneOf: one, not } = this.#props;
      const all = (given: readonly JSONSchemaProps[] | undefined): readonly Schema[] =>
        given === undefined ? NONE : given.map((each) => new Schema(each, this.#marks));
      const none = allOf === undefined && anyOf === undefined && one === undefined && not === undefined;
      const negated = not === undefined ? undefined : new Schema(not, this.#marks);
      this.#junctors = none ? NO_JUNCTORS : { allOf: all(allOf), anyOf: all(anyOf), oneOf: all(one), not: negated };
    }
    return this.#junctors;
  }
}

interface Junctors {
  readonly allOf: readonly Schema[];
  readonly anyOf: readonly Schema[];
  readonly oneOf: readonly Schema[];
  readonly not: Schema | undefined;
}

/** So much larger is a schema that is not gone through for each object. */
const MANY_TIMES = 8;

/** The schemas of an object's fields, by their names. */
export class Properties {
  readonly #all: Readonly<Record<string, JSONSchemaProps>>;
  readonly #marks: Marks;
  readonly #read = new Map<string, Schema>();
  #names: readonly string[] | undefined;
  #defaulted: readonly string[] | undefined;
  #places: ReadonlyMap<string, number> | undefined;

  constructor(all: Readonly<Record<string, JSONSchemaProps>>, marks: Marks) {
    this.#all = all;
    this.#marks = marks;
  }

  get names(): readonly string[] {
    return (this.#names ??= Object.keys(this.#all));
  }

  get size(): number {
    return this.names.length;
  }

  /** Those that have a default. */
  get defaulted(): readonly string[] {
    return (this.#defaulted ??= this.names.filter((name) => (this.#all[name]?.default ?? undefined) !== undefined));
  }

  /** In order, and perhaps others: of a large schema an object has few. */
  amongst(names: readonly string[]): readonly string[] {
    if (names.length * MANY_TIMES > this.size) return this.names;
    this.#places ??= new Map(this.names.map((name, at) => [name, at]));
    const places = this.#places;
    return names.filter((name) => this.has(name)).sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#all, name);
  }

  get(name: string): Schema | undefined {
    let schema = this.#read.get(name);
    if (schema !== undefined || !this.has(name)) return schema;
    schema = new Schema(this.#all[name] as JSONSchemaProps, this.#marks);
    this.#read.set(name, schema);
    return schema;
  }
}

export interface Traits {
  readonly defaults: boolean;
  readonly embedded: boolean;
  /** Lists whose items must differ. */
  readonly keyedLists: boolean;
  readonly rules: boolean;
}

const DEFAULTS = 1;
const EMBEDDED = 2;
const KEYED_LISTS = 4;
const RULES = 8;
/** By what they are together. */
const TRAITS: readonly Traits[] = Array.from({ length: 16 }, (_, marks) => ({
  defaults: (marks & DEFAULTS) !== 0,
  embedded: (marks & EMBEDDED) !== 0,
  keyedLists: (marks & KEYED_LISTS) !== 0,
  rules: (marks & RULES) !== 0,
}));

/** Which traits the schemas of one tree have. Each is looked at once. */
class Marks {
  readonly #known = new Map<JSONSchemaProps, number>();

  of(props: JSONSchemaProps): Traits {
    return TRAITS[this.#marksOf(props)] as Traits;
  }

  #marksOf(props: JSONSchemaProps): number {
    const { properties, items, additionalProperties: additional } = props;
    if (properties === undefined && items === undefined && additional === undefined) return ownMarks(props);
    const known = this.#known.get(props);
    if (known !== undefined) return known;
    let marks = ownMarks(props);
    for (const name in properties) marks |= this.#marksOf(properties[name] as JSONSchemaProps);
    if (items !== undefined && !Array.isArray(items)) marks |= this.#marksOf(items as JSONSchemaProps);
    if (typeof additional === "object") marks |= this.#marksOf(additional);
    this.#known.set(props, marks);
    return marks;
  }
}

function ownMarks(props: JSONSchemaProps): number {
  const listType = props["x-kubernetes-list-type"];
  return (
    ((props.default ?? undefined) === undefined ? 0 : DEFAULTS) |
    (props["x-kubernetes-embedded-resource"] === true ? EMBEDDED : 0) |
    (listType === "set" || listType === "map" ? KEYED_LISTS : 0) |
    ((props["x-kubernetes-validations"]?.length ?? 0) === 0 ? 0 : RULES)
  );
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

const NONE: readonly never[] = [];
const INTEGER_OR_STRING: readonly string[] = ["integer", "string"];
const NO_JUNCTORS: Junctors = { allOf: NONE, anyOf: NONE, oneOf: NONE, not: undefined };
const NO_PROPERTIES = new Properties({}, new Marks());

/** What takes any object and keeps nothing of it but its kind and metadata. */
export const ANY: Schema = parseSchema({});

export function parseSchema(props: JSONSchemaProps): Schema {
  return new Schema(props, new Marks());
}

const TEXT: JSONSchemaProps = { type: "string" };
/** Of a DNS-1123 subdomain. */
const NAME_CHARS_MAX = 253;

/** Every object of Kubernetes has a kind and a name. @returns the schema at hand when it says so itself */
function withHead(props: JSONSchemaProps): JSONSchemaProps {
  const { properties = {} } = props;
  const of = (schemas: JSONSchemaProps["properties"], name: string): JSONSchemaProps | undefined =>
    schemas !== undefined && Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  const metadata = of(properties, "metadata");
  const named = [of(properties, "kind"), of(properties, "apiVersion")];
  named.push(of(metadata?.properties, "name"), of(metadata?.properties, "generateName"));
  if (metadata?.type === "object" && named.every((one) => one?.type === "string")) return props;
  const capped = (name: string, chars: number): JSONSchemaProps => {
    const { maxLength = chars } = of(metadata?.properties, name) ?? {};
    return { type: "string", maxLength: Math.min(maxLength, chars) };
  };
  // What is generated adds a character at least.
  const names = { name: capped("name", NAME_CHARS_MAX), generateName: capped("generateName", NAME_CHARS_MAX - 1) };
  const head = { kind: TEXT, apiVersion: TEXT, metadata: { type: "object", properties: names } };
  return { ...props, type: "object", properties: { ...properties, ...head } };
}

function oneOf<T extends string>(value: string | undefined, values: readonly T[]): T | undefined {
  return values.find((known) => known === value);
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
