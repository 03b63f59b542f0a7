/**
 * Brings a JSON value into the form in which Kubernetes would hold it: unknown fields are dropped (or refused), nulls and
 * empty optional values vanish, required ones get their zero value, quantities and times are canonical.
 * Source: what decoding into the Go types and encoding them again does; the texts are those of `sigs.k8s.io/json`.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { canonicalQuantity, quantityProblem } from "../../../../protocols/kubernetes/quantity.ts";
import type { EitherType, Field, FieldType, Scalar, TypeRef } from "../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../protocols/kubernetes/schema/schema.ts";
import type { ObjectMeta } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import { canonicalMicroTime, canonicalTime } from "./time.ts";
import type { JsonBody } from "./json.ts";
import { textOf } from "./json-value.ts";
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
 * @throws Status 400: wrong types, wrong kind, a map with the key `__proto__`, or (Strict) unknown and duplicate fields
 */
export function decodeObject(expected: ExpectedKind, body: JsonBody, fieldValidation: FieldValidation): Decoded {
  const value = recordIn(expected, body);
  checkKind(expected, value);
  const type = findType(expected.apiVersion, expected.kind);
  if (type === undefined) throw new Error(`no schema for ${expected.apiVersion} ${expected.kind}`);
  const walk = new Decoding(type);
  const object = walk.decode(value);
  if (walk.error !== undefined) throw badRequest(`${handledAs(expected)}${walk.error}`);
  const isStrict = fieldValidation === "Strict";
  const strict = [...yamlProblemsOf(body, isStrict), ...strictProblems(walk, body)];
  if (isStrict && strict.length > 0) {
    throw badRequest(`${handledAs(expected)}strict decoding error: ${strict.join(", ")}`);
  }
  return {
    object: { kind: expected.kind, apiVersion: expected.apiVersion, ...object },
    warnings: fieldValidation === "Warn" ? strict : [],
  };
}

/** One text for each warning, and all in one for a refusal. */
export function yamlProblemsOf({ yamlProblems = [] }: JsonBody, isRefused: boolean): readonly string[] {
  if (!isRefused || yamlProblems.length === 0) return yamlProblems;
  return [`yaml: unmarshal errors:${yamlProblems.map((problem) => `\n  ${problem}`).join("")}`];
}

/** In the order in which they stand in the text, where that is known. */
function strictProblems(walk: Decoding, { duplicates, places }: JsonBody): readonly string[] {
  const problems = [
    ...walk.unknown.map((path) => ({ path, text: `unknown field "${path}"` })),
    ...duplicates.filter((path) => !walk.isUnknown(path)).map((path) => ({ path, text: `duplicate field "${path}"` })),
  ];
  if (places !== undefined) problems.sort((a, b) => (places.get(a.path) ?? 0) - (places.get(b.path) ?? 0));
  return problems.map(({ text }) => text);
}

/** @throws Status 400 for a body that is no object */
export function recordIn(expected: ExpectedKind, body: JsonBody): Readonly<Record<string, unknown>> {
  const value = body.value === null ? {} : body.value;
  if (isRecord(value)) return value;
  const goType =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  const why = `json: cannot unmarshal ${jsonType(value)} into Go value of type ${goType}`;
  throw unrecognized(expected, `couldn't get version/kind; json parse error: ${why}`, body.source);
}

/** A value as a type of the schema has it; undefined when it does not fit. For JSON that an object carries as a text. */
export function decodeAs(apiVersion: string, typeName: string, value: unknown): object | undefined {
  const type = findType(apiVersion, typeName);
  if (type === undefined || !isRecord(value)) return undefined;
  const walk = new Decoding(type);
  const object = walk.decode(value);
  return walk.error === undefined ? object : undefined;
}

export interface DecodedMetadata {
  readonly metadata: ObjectMeta;
  /** What is wrong, as Go's decoder says it. */
  readonly error: string | undefined;
  /** Paths within the metadata. */
  readonly unknown: readonly string[];
}

/** The metadata of an object of which nothing else has a type here. */
export function decodeMetadata(value: unknown): DecodedMetadata {
  if (value === null) return { metadata: {}, error: undefined, unknown: [] };
  if (!isRecord(value)) {
    const error = `json: cannot unmarshal ${jsonType(value)} into Go value of type v1.ObjectMeta`;
    return { metadata: {}, error, unknown: [] };
  }
  const type = findType("meta.k8s.io/v1", "ObjectMeta");
  if (type === undefined) throw new Error("no schema for ObjectMeta");
  const walk = new Decoding(type);
  const metadata = walk.decode(value) as ObjectMeta;
  return { metadata, error: walk.error, unknown: walk.unknown };
}

/** Where a map has the key `__proto__`, which nothing here can keep; undefined when it has none. */
export function protoKeyAt(value: unknown, path: string = ""): string | undefined {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      const found = protoKeyAt(item, `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  for (const key of Object.keys(value)) {
    const at = path === "" ? key : `${path}.${key}`;
    const found = key === "__proto__" ? at : protoKeyAt(value[key], at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The sentence about such a key. */
export function unkeepableKey(path: string): string {
  return `${path}: Invalid value: "__proto__": inkube can't keep a key of this name`;
}

/** How much of a bad body an error message repeats. */
const SHOWN_BYTES_MAX = 30;

/**
 * 400 for a body in which no kind can be found.
 * @param source the body; undefined: nobody has sent it as a text
 */
export function unrecognized(expected: ExpectedKind, why: string, source: string | Uint8Array | undefined): Error {
  const shown = source === undefined ? "" : ` (${summaryOf(source)})`;
  return badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${why}${shown}`);
}

/** What looks like JSON as it is, and all else in hexadecimal. Source: apiserver `endpoints/handlers`, `summarizeData`. */
function summaryOf(source: string | Uint8Array): string {
  const bytes = typeof source === "string" ? new TextEncoder().encode(source) : source;
  if (bytes.length === 0) return "<empty>";
  const shown = bytes.subarray(0, SHOWN_BYTES_MAX);
  const text =
    bytes[0] === OPENING_BRACE
      ? new TextDecoder().decode(shown)
      : Array.from(shown, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return bytes.length > SHOWN_BYTES_MAX ? `${text} ...` : text;
}

const OPENING_BRACE = 0x7b;

function checkKind(expected: ExpectedKind, value: Readonly<Record<string, unknown>>): void {
  const apiVersion = textOf(value["apiVersion"]);
  const kind = textOf(value["kind"]);
  const wrongVersion = apiVersion !== "" && apiVersion !== expected.apiVersion;
  const wrongKind = kind !== "" && kind !== expected.kind;
  if (!wrongVersion && !wrongKind) return;
  const got = { apiVersion: apiVersion || expected.apiVersion, kind: kind || expected.kind };
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

/** How a 400 about a body of the right kind begins. */
export function handledAs({ apiVersion, kind }: ExpectedKind): string {
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
const STRUCT_SCALARS: ReadonlySet<Scalar> = new Set([
  "Time",
  "MicroTime",
  "Duration",
  "Quantity",
  "IntOrString",
  "RawExtension",
]);

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
    case "Duration":
      return "0s";
    case "bytes":
    case "Time":
    case "MicroTime":
    case "FieldsV1":
    case "RawExtension":
    case "JSON":
      return null;
  }
}

/** What a field of a kind is when nothing has been said of it; undefined when it is left out then. */
export function zeroOfField({ apiVersion, kind }: ExpectedKind, name: string): unknown {
  const field = findType(apiVersion, kind)?.fields.get(name);
  if (field === undefined || (field.omitEmpty && (field.pointer || !isStruct(field.type)))) return undefined;
  return zeroOf(field);
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
  readonly #root: TypeRef;
  #unknownPaths: ReadonlySet<string> | undefined;
  /** Keys and indices that lead to the value at hand. */
  readonly #steps: (string | number)[] = [];

  constructor(root: TypeRef) {
    this.#root = root;
  }

  decode(value: Readonly<Record<string, unknown>>): Plain {
    return this.#object(this.#root, value);
  }

  /** Whether a path names an unknown field, or something in one. Asked when all has been decoded. */
  isUnknown(path: string): boolean {
    this.#unknownPaths ??= new Set(this.unknown);
    for (let end = path.length; end > 0; end--) {
      const isStep = end === path.length || path[end] === "." || path[end] === "[";
      if (isStep && this.#unknownPaths.has(path.slice(0, end))) return true;
    }
    return false;
  }

  #object(type: TypeRef, value: Readonly<Record<string, unknown>>): Plain {
    const result: Plain = {};
    const fields = type.fields;
    const steps = this.#steps;
    for (const key in value) {
      const field = fields.get(key);
      const item = value[key];
      if (field === undefined) {
        steps.push(key);
        if ((key === "kind" || key === "apiVersion") && (steps.length === 1 || type.isKind))
          this.#typeMeta(key, item, result);
        else this.unknown.push(this.#path());
        steps.pop();
        continue;
      }
      if (item === null || item === undefined) continue;
      steps.push(key);
      const decoded = this.#value(field.type, item, field);
      steps.pop();
      if (decoded === undefined) continue;
      const empty = field.omitEmpty && !field.pointer && (isEmpty(decoded) || isEmptyMap(field.type, decoded));
      // An empty list of managers asks for something: that none are noted any more.
      const managers = key === "managedFields" && steps.length === 1;
      if (empty && !managers) continue;
      // A list without items is none once it has been stored.
      const none = Array.isArray(decoded) && decoded.length === 0 && !field.pointer && !managers;
      result[key] = none ? null : decoded;
    }
    for (const field of alwaysWritten(type)) if (!(field.name in result)) result[field.name] = zeroOf(field);
    return result;
  }

  /** Of the object itself they are known already; an embedded one keeps its own. */
  #typeMeta(key: string, item: unknown, result: Plain): void {
    if (typeof item !== "string") {
      if (item !== null) this.#wrong(item, "string");
    } else if (this.#steps.length > 1 && item !== "") result[key] = item;
  }

  #value(type: FieldType, value: unknown, field: Field): unknown {
    const steps = this.#steps;
    switch (type.is) {
      case "object":
        return isRecord(value) ? this.#object(type.type, value) : this.#wrong(value, goTypeOf(type));
      case "list":
        if (!Array.isArray(value)) return this.#wrong(value, goTypeOf(type));
        return value.map((item, i) => {
          steps.push(i);
          const element = this.#element(type.of, item, field);
          steps.pop();
          return element;
        });
      case "map": {
        if (!isRecord(value)) return this.#wrong(value, goTypeOf(type));
        const result: Plain = {};
        for (const key of Object.keys(value)) {
          if (key === "__proto__") {
            this.#refuseKey();
            continue;
          }
          steps.push(key);
          result[key] = this.#element(type.of, value[key], field);
          steps.pop();
        }
        return result;
      }
      case "scalar":
        return this.#scalar(type, value);
      case "either":
        return this.#either(type, value, field);
    }
  }

  /** Go's decoder of such a type decodes anew what is in it, and knows nothing of unknown fields there. */
  #either(type: EitherType, value: unknown, field: Field): unknown {
    const form = formOf(type, value);
    if (form === undefined) return this.#wrong(value, goTypeOf(type));
    const unknown = this.unknown.length;
    const decoded = this.#value(form, value, field);
    this.unknown.length = unknown;
    return decoded;
  }

  /** Elements of lists and maps: a null is the zero value. */
  #element(type: FieldType, value: unknown, field: Field): unknown {
    if (value === null || value === undefined) {
      // Bytes come back from the store as no bytes, which are written as an empty text.
      return type.is === "scalar" && type.scalar === "bytes" ? "" : zeroOf({ ...field, type, pointer: false });
    }
    return this.#value(type, value, field);
  }

  #scalar(type: FieldType & { readonly is: "scalar" }, value: unknown): unknown {
    switch (type.scalar) {
      case "string":
        return typeof value === "string" ? value : this.#wrong(value, "string");
      case "bool":
        return typeof value === "boolean" ? value : this.#wrong(value, "bool");
      case "float64":
        return typeof value === "number" ? value : this.#wrong(value, "float64");
      case "int32":
      case "int64":
        return this.#integer(type.scalar, value);
      case "IntOrString":
        return typeof value === "string" ? value : this.#integer("int32", value);
      case "bytes":
        return this.#bytes(value);
      case "Quantity": {
        const text = typeof value === "string" || typeof value === "number" ? canonicalQuantity(value) : undefined;
        if (text === undefined) this.error ??= quantityProblem(value);
        return text;
      }
      case "Time":
      case "MicroTime":
        return this.#time(type.scalar, value);
      case "Duration":
        return typeof value === "string" ? value : this.#wrong(value, "string");
      case "FieldsV1":
      case "RawExtension":
      case "JSON":
        if (protoKeyAt(value) !== undefined) this.#refuseKey();
        return value;
    }
  }

  /** Kubernetes takes the key. Between actors it would become another one, so that data would change without a word. */
  #refuseKey(): void {
    this.error ??= unkeepableKey(this.#path());
  }

  #integer(goType: "int32" | "int64", value: unknown): unknown {
    if (typeof value !== "number") return this.#wrong(value, goType);
    const limit = goType === "int32" ? 2 ** 31 : 2 ** 63;
    if (Number.isInteger(value) && value >= -limit && value < limit) return value;
    return this.#wrong(value, goType, `number ${value}`);
  }

  #bytes(value: unknown): unknown {
    if (typeof value !== "string") return this.#wrong(value, "[]uint8");
    const bad = badBase64At(value);
    if (bad >= 0) this.error ??= `illegal base64 data at input byte ${bad}`;
    return value.includes("\n") || value.includes("\r") ? value.replaceAll(/[\r\n]/g, "") : value;
  }

  #time(scalar: "Time" | "MicroTime", value: unknown): unknown {
    if (typeof value !== "string") return this.#wrong(value, "string");
    const text = scalar === "Time" ? canonicalTime(value) : canonicalMicroTime(value);
    if (text === undefined) {
      const layout = scalar === "Time" ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
      this.error ??= `parsing time "${value}" as "${layout}": cannot parse "${value}" as "2006"`;
    }
    return text;
  }

  #wrong(value: unknown, goType: string, what: string = jsonType(value)): undefined {
    this.error ??= `json: cannot unmarshal ${what} into Go struct field ${this.#goField()} of type ${goType}`;
    return undefined;
  }

  #path(): string {
    return this.#steps.reduce<string>(
      (path, step) => (typeof step === "number" ? `${path}[${step}]` : path === "" ? step : `${path}.${step}`),
      "",
    );
  }

  /** The innermost struct and the path, as Go's decoder names it: no indices or map keys, inlined structs by their name. */
  #goField(): string {
    const names: string[] = [];
    let owner = this.#root;
    let at: FieldType | undefined = { is: "object", type: this.#root };
    for (const step of this.#steps) {
      if (at?.is === "either") at = formOf(at, typeof step === "number" ? [] : {});
      if (at?.is === "list" || at?.is === "map") at = at.of;
      else if (at?.is === "object" && typeof step === "string") {
        owner = at.type;
        names.push(goName(owner, step));
        at = owner.fields.get(step)?.type;
      }
    }
    return `${owner.name}.${names.join(".")}`;
  }
}

/** The form that a value of this JSON type has. */
function formOf(type: EitherType, value: unknown): FieldType | undefined {
  return type.forms.find(({ type: form }) => {
    if (form.is === "list") return Array.isArray(value);
    if (form.is === "scalar") return form.scalar === "bool" && typeof value === "boolean";
    return isRecord(value);
  })?.type;
}

function isEmptyMap(type: FieldType, value: unknown): boolean {
  if (type.is !== "map") return false;
  for (const key in value as object) return key === undefined;
  return true;
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
    case "either":
      return `v1.${type.name}`;
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
