/** The types of Kubernetes objects as data: for decoding, pruning, merging and documenting them. */
import { appsV1 } from "./apps-v1.ts";
import { authenticationV1 } from "./authentication-v1.ts";
import { autoscalingV1 } from "./autoscaling-v1.ts";
import { coordinationV1 } from "./coordination-v1.ts";
import { coreV1 } from "./core-v1.ts";
import { discoveryV1 } from "./discovery-v1.ts";
import { eventsV1 } from "./events-v1.ts";
import { metaV1 } from "./meta-v1.ts";
import { policyV1 } from "./policy-v1.ts";
import type { SchemaPackage } from "./schema-package.ts";

export type Scalar =
  | "string"
  | "bool"
  | "int32"
  | "int64"
  | "float64"
  | "bytes"
  | "Time"
  | "MicroTime"
  | "Quantity"
  | "IntOrString"
  | "FieldsV1"
  | "RawExtension";

export type FieldType =
  | { readonly is: "scalar"; readonly scalar: Scalar; readonly values?: readonly string[] }
  | { readonly is: "object"; readonly type: TypeRef }
  | { readonly is: "list"; readonly of: FieldType }
  | { readonly is: "map"; readonly of: FieldType };

export interface Field {
  readonly name: string;
  /** Protobuf field number. */
  readonly number: number;
  readonly type: FieldType;
  readonly required: boolean;
  /** Left out of the JSON when it is zero or empty. A struct that is not a pointer never is. */
  readonly omitEmpty: boolean;
  /** "Absent" and zero differ. */
  readonly pointer: boolean;
  readonly patchStrategies: readonly string[];
  readonly mergeKey: string | undefined;
  readonly listType: "map" | "set" | "atomic" | undefined;
  readonly listMapKeys: readonly string[];
  readonly atomic: boolean;
}

export interface InlineField {
  readonly number: number;
  readonly type: TypeRef;
}

/** A type, read on first use. */
export class TypeRef {
  /** `io.k8s.api.core.v1.Pod` */
  readonly openApiName: string;
  readonly name: string;
  readonly #package: SchemaPackage;
  #parsed: ParsedType | undefined;

  constructor(owner: SchemaPackage, name: string) {
    this.#package = owner;
    this.name = name;
    this.openApiName = `${owner.openApiPrefix}.${name}`;
  }

  /** Fields of its own and of its inlined types, by name. */
  get fields(): ReadonlyMap<string, Field> {
    return this.#read().fields;
  }

  /** Those of its own only. */
  get ownFields(): readonly Field[] {
    return this.#read().ownFields;
  }

  get inlined(): readonly InlineField[] {
    return this.#read().inlined;
  }

  /** Whether the object carries apiVersion and kind. */
  get isKind(): boolean {
    return this.#read().isKind;
  }

  get atomic(): boolean {
    return this.#read().atomic;
  }

  #read(): ParsedType {
    return (this.#parsed ??= parseType(this.#package, this.name));
  }
}

interface ParsedType {
  readonly fields: ReadonlyMap<string, Field>;
  readonly ownFields: readonly Field[];
  readonly inlined: readonly InlineField[];
  readonly isKind: boolean;
  readonly atomic: boolean;
}

const PACKAGES: Readonly<Record<string, SchemaPackage>> = {
  apps: appsV1,
  authentication: authenticationV1,
  autoscaling: autoscalingV1,
  coordination: coordinationV1,
  core: coreV1,
  discovery: discoveryV1,
  events: eventsV1,
  meta: metaV1,
  policy: policyV1,
};

const BY_API_VERSION: Readonly<Record<string, SchemaPackage>> = {
  v1: coreV1,
  "apps/v1": appsV1,
  "authentication.k8s.io/v1": authenticationV1,
  "autoscaling/v1": autoscalingV1,
  "coordination.k8s.io/v1": coordinationV1,
  "discovery.k8s.io/v1": discoveryV1,
  "events.k8s.io/v1": eventsV1,
  "meta.k8s.io/v1": metaV1,
  "policy/v1": policyV1,
};

/** Kinds that every group's version has; they belong to meta.k8s.io. */
const META_KINDS: ReadonlySet<string> = new Set(["DeleteOptions", "Status"]);

const REFS = new Map<SchemaPackage, Map<string, TypeRef>>();

function refIn(owner: SchemaPackage, name: string): TypeRef | undefined {
  if (!Object.hasOwn(owner.types, name)) return undefined;
  let refs = REFS.get(owner);
  if (refs === undefined) REFS.set(owner, (refs = new Map()));
  let ref = refs.get(name);
  if (ref === undefined) refs.set(name, (ref = new TypeRef(owner, name)));
  return ref;
}

/** The type of a kind; undefined when the table does not hold it. */
export function findType(apiVersion: string, kind: string): TypeRef | undefined {
  if (META_KINDS.has(kind)) return refIn(metaV1, kind);
  const owner = Object.hasOwn(BY_API_VERSION, apiVersion) ? BY_API_VERSION[apiVersion] : undefined;
  return owner === undefined ? undefined : refIn(owner, kind);
}

const SCALAR_NAMES: readonly Scalar[] = [
  "string",
  "bool",
  "int32",
  "int64",
  "float64",
  "bytes",
  "Time",
  "MicroTime",
  "Quantity",
  "IntOrString",
  "FieldsV1",
  "RawExtension",
];
const SCALAR_TYPES: ReadonlyMap<string, FieldType> = new Map(
  SCALAR_NAMES.map((scalar): [string, FieldType] => [scalar, { is: "scalar", scalar }]),
);

function parseFieldType(owner: SchemaPackage, text: string): FieldType {
  if (text.startsWith("*")) return parseFieldType(owner, text.slice(1));
  if (text.startsWith("[]")) return { is: "list", of: parseFieldType(owner, text.slice(2)) };
  if (text.startsWith("map:")) return { is: "map", of: parseFieldType(owner, text.slice(4)) };
  const scalar = SCALAR_TYPES.get(text);
  if (scalar !== undefined) return scalar;
  const dot = text.indexOf(".");
  const home = dot < 0 ? owner : PACKAGES[text.slice(0, dot)];
  const name = text.slice(dot + 1);
  const values = home?.enums[name];
  if (values !== undefined) return { is: "scalar", scalar: "string", values: values.split("|") };
  const type = home === undefined ? undefined : refIn(home, name);
  if (type === undefined) throw new Error(`the schema names a type that it does not hold: ${text}`);
  return { is: "object", type };
}

const NO_TEXTS: readonly string[] = [];

/** Marks are few: most lines have none. */
function parseField(owner: SchemaPackage, line: string): Field {
  const parts = line.split(" ");
  const [label = "", number = "", type = ""] = parts;
  const last = label.charCodeAt(label.length - 1);
  const optional = last === QUESTION;
  const kept = last === TILDE;
  let patchStrategies = NO_TEXTS;
  let mergeKey: string | undefined;
  let listType: Field["listType"];
  let listMapKeys = NO_TEXTS;
  let atomic = false;
  for (let i = 3; i < parts.length; i++) {
    const [mark = "", value = ""] = (parts[i] ?? "").split("=");
    if (mark === "patch") patchStrategies = value.split(",");
    else if (mark === "key") mergeKey = value;
    else if (mark === "map") atomic = value === "atomic";
    else if (mark === "list") {
      const [name, keys] = value.split(":");
      listType = name as Field["listType"];
      if (keys !== undefined) listMapKeys = keys.split(",");
    }
  }
  return {
    name: optional || kept ? label.slice(0, -1) : label,
    number: Number(number),
    type: parseFieldType(owner, type),
    required: !optional && !kept,
    omitEmpty: optional,
    pointer: type.charCodeAt(0) === ASTERISK,
    patchStrategies,
    mergeKey,
    listType,
    listMapKeys,
    atomic,
  };
}

const QUESTION = 0x3f;
const TILDE = 0x7e;
const ASTERISK = 0x2a;

function parseType(owner: SchemaPackage, name: string): ParsedType {
  const fields = new Map<string, Field>();
  const ownFields: Field[] = [];
  const inlined: InlineField[] = [];
  let isKind = false;
  let atomic = false;
  for (const line of (owner.types[name] ?? "").split("\n")) {
    if (line === "") continue;
    if (line === "!kind") isKind = true;
    else if (line === "!atomic") atomic = true;
    else if (line.startsWith("= ")) {
      const [, number = "", typeName = ""] = line.split(" ");
      const type = refIn(owner, typeName);
      if (type === undefined) throw new Error(`the schema names a type that it does not hold: ${typeName}`);
      inlined.push({ number: Number(number), type });
      for (const field of type.fields.values()) fields.set(field.name, field);
    } else {
      const field = parseField(owner, line);
      ownFields.push(field);
      fields.set(field.name, field);
    }
  }
  return { fields, ownFields, inlined, isKind, atomic };
}
