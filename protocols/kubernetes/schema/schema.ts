/** The types of Kubernetes objects as data: for decoding, pruning, merging and documenting them. */
import { admissionV1 } from "./admission-v1.ts";
import { admissionregistrationV1 } from "./admissionregistration-v1.ts";
import { apiextensionsV1 } from "./apiextensions-v1.ts";
import { apiregistrationV1 } from "./apiregistration-v1.ts";
import { appsV1 } from "./apps-v1.ts";
import { authenticationV1 } from "./authentication-v1.ts";
import { authorizationV1 } from "./authorization-v1.ts";
import { autoscalingV1 } from "./autoscaling-v1.ts";
import { autoscalingV2 } from "./autoscaling-v2.ts";
import { batchV1 } from "./batch-v1.ts";
import { certificatesV1 } from "./certificates-v1.ts";
import { coordinationV1 } from "./coordination-v1.ts";
import { coreV1 } from "./core-v1.ts";
import { discoveryV1 } from "./discovery-v1.ts";
import { eventsV1 } from "./events-v1.ts";
import { flowcontrolV1 } from "./flowcontrol-v1.ts";
import { metaV1 } from "./meta-v1.ts";
import { metricsV1beta1 } from "./metrics-v1beta1.ts";
import { networkingV1 } from "./networking-v1.ts";
import { nodeV1 } from "./node-v1.ts";
import { policyV1 } from "./policy-v1.ts";
import { rbacV1 } from "./rbac-v1.ts";
import { resourceV1 } from "./resource-v1.ts";
import { schedulingV1 } from "./scheduling-v1.ts";
import { schedulingV1alpha3 } from "./scheduling-v1alpha3.ts";
import { storageV1 } from "./storage-v1.ts";
import { storagemigrationV1 } from "./storagemigration-v1.ts";
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
  | "Duration"
  | "Quantity"
  | "IntOrString"
  | "FieldsV1"
  | "RawExtension"
  | "JSON";

export type FieldType =
  | ScalarType
  | { readonly is: "object"; readonly type: TypeRef }
  | { readonly is: "list"; readonly of: FieldType }
  | { readonly is: "map"; readonly of: FieldType }
  | EitherType;

export interface ScalarType {
  readonly is: "scalar";
  readonly scalar: Scalar;
  /** The values that it takes, and no others. */
  readonly values?: readonly string[];
}

/** One value of several forms. In protobuf a message with a field for each. */
export interface EitherType {
  readonly is: "either";
  /** `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool` */
  readonly openApiName: string;
  readonly name: string;
  readonly forms: readonly Form[];
}

export interface Form {
  /** Protobuf field number. */
  readonly number: number;
  readonly type: FieldType;
}

export interface Field {
  readonly name: string;
  /** Protobuf field number; 0 in types that have no protobuf form. */
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
  /** Whether server-side apply treats a map or object as one value here, whatever its type says. */
  readonly mapType: "atomic" | "granular" | undefined;
  /** The default that the type declares; those of code are not here. */
  readonly default: string | number | boolean | undefined;
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

  /** Of the package that holds it: `apps/v1`. */
  get apiVersion(): string {
    return this.#package.apiVersion;
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

/** All tables. */
export const PACKAGES: readonly SchemaPackage[] = [
  admissionV1,
  admissionregistrationV1,
  apiextensionsV1,
  apiregistrationV1,
  appsV1,
  authenticationV1,
  authorizationV1,
  autoscalingV1,
  autoscalingV2,
  batchV1,
  certificatesV1,
  coordinationV1,
  coreV1,
  discoveryV1,
  eventsV1,
  flowcontrolV1,
  metaV1,
  metricsV1beta1,
  networkingV1,
  nodeV1,
  policyV1,
  rbacV1,
  resourceV1,
  schedulingV1,
  schedulingV1alpha3,
  storageV1,
  storagemigrationV1,
];

const BY_NAME: ReadonlyMap<string, SchemaPackage> = new Map(PACKAGES.map((owner) => [owner.name, owner]));
const BY_API_VERSION: ReadonlyMap<string, SchemaPackage> = new Map(PACKAGES.map((owner) => [owner.apiVersion, owner]));

/** Kinds that every group's version has; they belong to meta.k8s.io. */
const META_KINDS: ReadonlySet<string> = new Set([
  "CreateOptions",
  "DeleteOptions",
  "GetOptions",
  "ListOptions",
  "PatchOptions",
  "Status",
  "UpdateOptions",
  "WatchEvent",
]);

const REFS = new Map<SchemaPackage, Map<string, TypeRef>>();

/** Whether a type is one of several forms, and no object. */
function hasForms(owner: SchemaPackage, name: string): boolean {
  return owner.types[name]?.startsWith("\n| ") === true;
}

function refIn(owner: SchemaPackage, name: string): TypeRef | undefined {
  if (!Object.hasOwn(owner.types, name) || hasForms(owner, name)) return undefined;
  let refs = REFS.get(owner);
  if (refs === undefined) REFS.set(owner, (refs = new Map()));
  let ref = refs.get(name);
  if (ref === undefined) refs.set(name, (ref = new TypeRef(owner, name)));
  return ref;
}

/** The type of a kind; undefined when the table does not hold it. */
export function findType(apiVersion: string, kind: string): TypeRef | undefined {
  if (META_KINDS.has(kind)) return refIn(metaV1, kind);
  const owner = BY_API_VERSION.get(apiVersion);
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
  "Duration",
  "Quantity",
  "IntOrString",
  "FieldsV1",
  "RawExtension",
  "JSON",
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
  const home = dot < 0 ? owner : BY_NAME.get(text.slice(0, dot));
  const name = text.slice(dot + 1);
  if (home !== undefined) {
    const values = home.enums[name];
    if (values !== undefined) return { is: "scalar", scalar: "string", values: values.split("|") };
    if (Object.hasOwn(home.openEnums, name)) return { is: "scalar", scalar: "string" };
    if (hasForms(home, name)) return parseEither(home, name);
    const type = refIn(home, name);
    if (type !== undefined) return { is: "object", type };
  }
  throw new Error(`the schema names a type that it does not hold: ${text}`);
}

function parseEither(home: SchemaPackage, name: string): EitherType {
  const lines = (home.types[name] ?? "").split("\n").filter((line) => line !== "");
  const forms = lines.map((line): Form => {
    const [, number = "", type = ""] = line.split(" ");
    return { number: Number(number), type: parseFieldType(home, type) };
  });
  return { is: "either", openApiName: `${home.openApiPrefix}.${name}`, name, forms };
}

const NO_TEXTS: readonly string[] = [];

/** Marks are few: most lines have none. */
function parseField(owner: SchemaPackage, line: string): Field {
  const parts = line.split(" ");
  const [label = "", number = "", type = ""] = parts;
  const last = label.charCodeAt(label.length - 1);
  const omitEmpty = last === QUESTION || last === EXCLAMATION;
  const marked = omitEmpty || last === TILDE;
  let patchStrategies = NO_TEXTS;
  let mergeKey: string | undefined;
  let listType: Field["listType"];
  let listMapKeys = NO_TEXTS;
  let mapType: Field["mapType"];
  let declared: Field["default"];
  for (let i = 3; i < parts.length; i++) {
    const [mark = "", value = ""] = (parts[i] ?? "").split("=");
    if (mark === "patch") patchStrategies = value.split(",");
    else if (mark === "key") mergeKey = value;
    else if (mark === "map") mapType = value as Field["mapType"];
    else if (mark === "default") declared = JSON.parse(value) as Field["default"];
    else if (mark === "list") {
      const [name, keys] = value.split(":");
      listType = name as Field["listType"];
      if (keys !== undefined) listMapKeys = keys.split(",");
    }
  }
  return {
    name: marked ? label.slice(0, -1) : label,
    number: Number(number),
    type: parseFieldType(owner, type),
    required: !marked || last === EXCLAMATION,
    omitEmpty,
    pointer: type.charCodeAt(0) === ASTERISK,
    patchStrategies,
    mergeKey,
    listType,
    listMapKeys,
    mapType,
    default: declared,
  };
}

const QUESTION = 0x3f;
const EXCLAMATION = 0x21;
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
