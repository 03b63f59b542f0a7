/**
 * Brings a JSON value into the form in which Kubernetes would hold it: unknown fields are dropped (or refused), nulls and
 * empty optional values vanish, required ones get their zero value, quantities and times are canonical.
 * Source: what decoding into the Go types and encoding them again does; the texts are those of `sigs.k8s.io/json`.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { canonicalQuantity } from "../../../../protocols/kubernetes/quantity.ts";
import type { Field, FieldType, Scalar, TypeRef } from "../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../protocols/kubernetes/schema/schema.ts";
import { canonicalMicroTime, canonicalTime } from "./time.ts";
import type { JsonBody } from "./json.ts";
import { setOwn } from "./json-value.ts";
import { badRequest } from "./status.ts";

export type FieldValidation = "Ignore" | "Warn" | "Strict";

export interface Decoded {
  /** A new object; the input is not changed. `apiVersion` and `kind` are set. */
  readonly object: KubernetesObject;
  /** Texts for `Warning: 299` headers, when the validation is "Warn". */
  readonly warnings: readonly string[];
}

export interface ExpectedKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * @param expected the kind that the URL takes; a body of another kind is refused, one that names none is taken for it
 * @throws Status 400: wrong types, wrong kind, or (Strict) unknown and duplicate fields
 */
export function decodeObject(expected: ExpectedKind, body: JsonBody, fieldValidation: FieldValidation): Decoded {
  const value = body.value;
  if (!isRecord(value)) {
    const goType =
      'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    const why = `json: cannot unmarshal ${jsonType(value)} into Go value of type ${goType}`;
    throw unrecognized(expected, `couldn't get version/kind; json parse error: ${why}`);
  }
  checkKind(expected, value);
  const type = findType(expected.apiVersion, expected.kind);
  if (type === undefined) throw new Error(`no schema for ${expected.apiVersion} ${expected.kind}`);
  const walk = new Decoding();
  const object = walk.object(type, value, "", "", true);
  if (walk.error !== undefined) throw badRequest(`${handledAs(expected)}${walk.error}`);
  const strict = [
    ...walk.unknown.map((path) => `unknown field "${path}"`),
    ...body.duplicates.filter((path) => !walk.isUnknown(path)).map((path) => `duplicate field "${path}"`),
  ];
  if (fieldValidation === "Strict" && strict.length > 0) {
    throw badRequest(`${handledAs(expected)}strict decoding error: ${strict.join(", ")}`);
  }
  return {
    object: { kind: expected.kind, apiVersion: expected.apiVersion, ...object },
    warnings: fieldValidation === "Warn" ? strict : [],
  };
}

/** The object as it is stored and answered: pruned, without empty optional values. For objects that come from ourselves. */
export function normalizeObject(object: KubernetesObject): KubernetesObject {
  const expected = { apiVersion: object.apiVersion ?? "", kind: object.kind ?? "" };
  return decodeObject(expected, { value: object, duplicates: [] }, "Ignore").object;
}

/** 400 for a body in which no kind can be found. */
export function unrecognized(expected: ExpectedKind, why: string): Error {
  return badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${why}`);
}

function checkKind(expected: ExpectedKind, value: Readonly<Record<string, unknown>>): void {
  const { apiVersion, kind } = value;
  const wrongVersion = typeof apiVersion === "string" && apiVersion !== "" && apiVersion !== expected.apiVersion;
  const wrongKind = typeof kind === "string" && kind !== "" && kind !== expected.kind;
  if (!wrongVersion && !wrongKind) return;
  const got = { apiVersion: String(apiVersion || expected.apiVersion), kind: String(kind || expected.kind) };
  const slash = expected.apiVersion.indexOf("/");
  const group = slash < 0 ? "core" : (expected.apiVersion.slice(0, slash).split(".")[0] ?? "");
  const text = `${got.kind} in version "${versionOf(got.apiVersion)}" cannot be handled as a ${expected.kind}: `;
  if (findType(got.apiVersion, got.kind) === undefined) {
    throw badRequest(
      `${text}no kind "${got.kind}" is registered for version "${got.apiVersion}" in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  throw badRequest(
    `${text}converting (${versionOf(got.apiVersion)}.${got.kind}) to (${group}.${expected.kind}): unknown conversion`,
  );
}

function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf("/") + 1);
}

function handledAs({ apiVersion, kind }: ExpectedKind): string {
  return `${kind} in version "${versionOf(apiVersion)}" cannot be handled as a ${kind}: `;
}

type Plain = Record<string, unknown>;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** Types of which Go writes a value even when it is not set, because a struct is never "empty". */
const STRUCT_SCALARS: ReadonlySet<Scalar> = new Set(["Time", "MicroTime", "Quantity", "IntOrString", "RawExtension"]);

/** Fields that are written even when the input lacks them, by type. */
const ALWAYS = new WeakMap<TypeRef, readonly Field[]>();

function alwaysWritten(type: TypeRef): readonly Field[] {
  let fields = ALWAYS.get(type);
  if (fields === undefined) {
    fields = [...type.fields.values()].filter((field) => !field.omitEmpty || (!field.pointer && isStruct(field.type)));
    ALWAYS.set(type, fields);
  }
  return fields;
}

function isStruct(type: FieldType): boolean {
  return type.is === "object" || (type.is === "scalar" && STRUCT_SCALARS.has(type.scalar));
}

function zeroObject(type: TypeRef): Plain {
  const result: Plain = {};
  for (const field of alwaysWritten(type)) result[field.name] = zeroOf(field);
  return result;
}

function zeroOf(field: Field): unknown {
  if (field.pointer) return null;
  if (field.type.is === "object") return zeroObject(field.type.type);
  if (field.type.is !== "scalar") return null;
  switch (field.type.scalar) {
    case "string":
      return "";
    case "bool":
      return false;
    case "int32":
    case "int64":
    case "float64":
    case "IntOrString":
      return 0;
    case "Quantity":
      return "0";
    case "bytes":
    case "Time":
    case "MicroTime":
    case "FieldsV1":
    case "RawExtension":
      return null;
  }
}

/** Whether `omitempty` leaves out a value that is not a pointer. */
function isEmpty(value: unknown): boolean {
  if (value === "" || value === 0 || value === false || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return false;
}

/** One walk over a value; the first wrong type and all unknown fields are kept. */
class Decoding {
  error: string | undefined;
  readonly unknown: string[] = [];

  /**
   * @param path where the object is, with indices, for unknown fields
   * @param goPath the same as Go's decoder names it: no indices, inlined structs by their name
   */
  object(type: TypeRef, value: Readonly<Record<string, unknown>>, path: string, goPath: string, root = false): Plain {
    const result: Plain = {};
    const fields = type.fields;
    for (const key in value) {
      const field = fields.get(key);
      const item = value[key];
      if (field === undefined) {
        if ((root || type.isKind) && (key === "kind" || key === "apiVersion"))
          this.#typeMeta(type, key, item, goPath, result);
        else this.unknown.push(join(path, key));
        continue;
      }
      if (item === null || item === undefined) continue;
      const decoded = this.#value(field.type, item, join(path, key), join(goPath, goName(type, key)), type, field);
      if (decoded === undefined) continue;
      if (field.omitEmpty && !field.pointer && (isEmpty(decoded) || isEmptyMap(field.type, decoded))) continue;
      result[key] = decoded;
    }
    for (const field of alwaysWritten(type)) if (!(field.name in result)) result[field.name] = zeroOf(field);
    return result;
  }

  #typeMeta(type: TypeRef, key: string, item: unknown, goPath: string, result: Plain): void {
    if (typeof item === "string") {
      if (goPath !== "" && item !== "") result[key] = item;
    } else if (item !== null) this.#wrong(item, "string", type, join(goPath, key));
  }

  #value(type: FieldType, value: unknown, path: string, goPath: string, owner: TypeRef, field: Field): unknown {
    switch (type.is) {
      case "object":
        if (!isRecord(value)) return this.#wrong(value, goTypeOf(type), owner, goPath);
        return this.object(type.type, value, path, goPath);
      case "list":
        if (!Array.isArray(value)) return this.#wrong(value, goTypeOf(type), owner, goPath);
        return value.map((item, i) => this.#element(type.of, item, `${path}[${i}]`, goPath, owner, field));
      case "map": {
        if (!isRecord(value)) return this.#wrong(value, goTypeOf(type), owner, goPath);
        const result: Plain = {};
        for (const key of Object.keys(value)) {
          setOwn(result, key, this.#element(type.of, value[key], join(path, key), goPath, owner, field));
        }
        return result;
      }
      case "scalar":
        return this.#scalar(type, value, owner, goPath);
    }
  }

  /** Elements of lists and maps: a null is the zero value. */
  #element(type: FieldType, value: unknown, path: string, goPath: string, owner: TypeRef, field: Field): unknown {
    if (value === null || value === undefined) return zeroOf({ ...field, type, pointer: false });
    return this.#value(type, value, path, goPath, owner, field);
  }

  #scalar(type: FieldType & { readonly is: "scalar" }, value: unknown, owner: TypeRef, goPath: string): unknown {
    switch (type.scalar) {
      case "string":
        return typeof value === "string" ? value : this.#wrong(value, goTypeOf(type), owner, goPath);
      case "bool":
        return typeof value === "boolean" ? value : this.#wrong(value, "bool", owner, goPath);
      case "float64":
        return typeof value === "number" ? value : this.#wrong(value, "float64", owner, goPath);
      case "int32":
      case "int64":
        return this.#integer(type.scalar, value, owner, goPath);
      case "IntOrString":
        return typeof value === "string" ? value : this.#integer("int32", value, owner, goPath);
      case "bytes":
        return this.#bytes(value, owner, goPath);
      case "Quantity": {
        const text = typeof value === "string" || typeof value === "number" ? canonicalQuantity(value) : undefined;
        if (text === undefined) {
          this.error ??= "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
        }
        return text;
      }
      case "Time":
      case "MicroTime":
        return this.#time(type.scalar, value, owner, goPath);
      case "FieldsV1":
      case "RawExtension":
        return value;
    }
  }

  #integer(goType: "int32" | "int64", value: unknown, owner: TypeRef, goPath: string): unknown {
    if (typeof value !== "number") return this.#wrong(value, goType, owner, goPath);
    const limit = goType === "int32" ? 2 ** 31 : 2 ** 63;
    if (Number.isInteger(value) && value >= -limit && value < limit) return value;
    this.error ??= `json: cannot unmarshal number ${value} into Go struct field ${owner.name}.${goPath} of type ${goType}`;
    return undefined;
  }

  #bytes(value: unknown, owner: TypeRef, goPath: string): unknown {
    if (typeof value !== "string") return this.#wrong(value, "[]uint8", owner, goPath);
    const bad = badBase64At(value);
    if (bad >= 0) this.error ??= `illegal base64 data at input byte ${bad}`;
    return value.includes("\n") || value.includes("\r") ? value.replaceAll(/[\r\n]/g, "") : value;
  }

  /** Whether a path names an unknown field, or something in one. */
  isUnknown(path: string): boolean {
    return this.unknown.some((field) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`));
  }

  #time(scalar: "Time" | "MicroTime", value: unknown, owner: TypeRef, goPath: string): unknown {
    if (typeof value !== "string") return this.#wrong(value, "string", owner, goPath);
    const text = scalar === "Time" ? canonicalTime(value) : canonicalMicroTime(value);
    if (text === undefined) {
      const layout = scalar === "Time" ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
      this.error ??= `parsing time "${value}" as "${layout}": cannot parse "${value}" as "2006"`;
    }
    return text;
  }

  #wrong(value: unknown, goType: string, owner: TypeRef, goPath: string): undefined {
    this.error ??= `json: cannot unmarshal ${jsonType(value)} into Go struct field ${owner.name}.${goPath} of type ${goType}`;
    return undefined;
  }
}

function isEmptyMap(type: FieldType, value: unknown): boolean {
  if (type.is !== "map") return false;
  for (const key in value as object) return key === undefined;
  return true;
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** A field of an inlined struct is named through it. */
function goName(type: TypeRef, key: string): string {
  for (const inline of type.inlined) if (inline.type.fields.has(key)) return `${inline.type.name}.${key}`;
  return key;
}

function goTypeOf(type: FieldType): string {
  switch (type.is) {
    case "object":
      return `v1.${type.type.name}`;
    case "list":
      return `[]${goTypeOf(type.of)}`;
    case "map":
      return `map[string]${goTypeOf(type.of)}`;
    case "scalar":
      return type.scalar === "Quantity" ? "resource.Quantity" : type.scalar === "bytes" ? "[]uint8" : type.scalar;
  }
}

const BASE64_CHAR = /[^A-Za-z0-9+/]/;

/** Index of the first character that standard base64 with padding does not allow, or -1. */
function badBase64At(text: string): number {
  const clean = text.replaceAll(/[\r\n]/g, "");
  const body = clean.replace(/={1,2}$/, "");
  const bad = BASE64_CHAR.exec(body);
  if (bad !== null) return bad.index;
  return clean.length % 4 === 0 ? -1 : clean.length - (clean.length % 4);
}
