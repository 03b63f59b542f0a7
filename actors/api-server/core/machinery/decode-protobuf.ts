/**
 * Bodies of `application/vnd.kubernetes.protobuf`: four magic bytes, then a `runtime.Unknown` that names the kind and holds
 * the object, encoded as its `generated.proto` says. Numbers and types come from the schema table.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { EitherType, Field, FieldType, TypeRef } from "../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../protocols/kubernetes/schema/schema.ts";
import { encodeBase64 } from "./base64.ts";
import { badRequest } from "./status.ts";
import { goDuration } from "./duration.ts";
import { formatMicroTime, formatTime } from "./time.ts";
import { ProtobufError, ProtobufReader } from "./protobuf-reader.ts";

export const PROTOBUF_MEDIA_TYPE = "application/vnd.kubernetes.protobuf";

export const NO_PROTOBUF = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
const MAGIC = [0x6b, 0x38, 0x73, 0x00];
/** Objects nest less deep than this; a body that nests deeper is an attack on the stack. */
const DEPTH_MAX = 64;

export function isProtobuf(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * The object in the envelope, as JSON would have it; give it to `decodeObject` as any JSON body.
 * @throws Status 400 for bytes that are not what the media type says, or of a kind that is not in the schema
 */
export function decodeProtobuf(bytes: Uint8Array): KubernetesObject {
  if (!isProtobuf(bytes)) {
    throw badRequest(NO_PROTOBUF);
  }
  try {
    return decodeEnvelope(bytes.subarray(MAGIC.length));
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(`the object provided is unrecognized: ${error.message}`);
    throw error;
  }
}

function decodeEnvelope(bytes: Uint8Array): KubernetesObject {
  const reader = new ProtobufReader(bytes);
  let apiVersion = "";
  let kind = "";
  let raw: Uint8Array = new Uint8Array(0);
  while (reader.next()) {
    if (reader.field === 1) {
      const meta = new ProtobufReader(reader.bytes());
      while (meta.next()) {
        if (meta.field === 1) apiVersion = meta.string();
        else if (meta.field === 2) kind = meta.string();
        else meta.skip();
      }
    } else if (reader.field === 2) raw = reader.bytes();
    else reader.skip();
  }
  const type = findType(apiVersion, kind);
  if (type === undefined) {
    throw badRequest(
      `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  return { kind, apiVersion, ...decodeMessage(type, raw, 0) };
}

type Plain = Record<string, unknown>;

interface Numbered {
  readonly fields: ReadonlyMap<number, Field>;
  readonly inlined: ReadonlyMap<number, TypeRef>;
}

const BY_NUMBER = new WeakMap<TypeRef, Numbered>();

function numbered(type: TypeRef): Numbered {
  let found = BY_NUMBER.get(type);
  if (found === undefined) {
    found = {
      fields: new Map(type.ownFields.map((field) => [field.number, field])),
      inlined: new Map(type.inlined.map((inline) => [inline.number, inline.type])),
    };
    BY_NUMBER.set(type, found);
  }
  return found;
}

function decodeMessage(type: TypeRef, bytes: Uint8Array, depth: number): Plain {
  if (depth > DEPTH_MAX) throw new ProtobufError("the message nests too deep");
  const { fields, inlined } = numbered(type);
  const reader = new ProtobufReader(bytes);
  const result: Plain = {};
  while (reader.next()) {
    const inline = inlined.get(reader.field);
    if (inline !== undefined) {
      Object.assign(result, decodeMessage(inline, reader.bytes(), depth + 1));
      continue;
    }
    const field = fields.get(reader.field);
    if (field === undefined) reader.skip();
    else decodeField(field, reader, result, depth);
  }
  return result;
}

function decodeField(field: Field, reader: ProtobufReader, result: Plain, depth: number): void {
  const { type, name } = field;
  switch (type.is) {
    case "list": {
      const list = (result[name] ??= []) as unknown[];
      if (type.of.is === "scalar" && isInteger(type.of) && reader.wireType === 2) {
        const packed = new ProtobufReader(reader.bytes());
        while (packed.more()) list.push(packed.varint());
      } else list.push(decodeValue(type.of, reader, depth));
      return;
    }
    case "map": {
      const map = (result[name] ??= {}) as Plain;
      const entry = new ProtobufReader(reader.bytes());
      let key = "";
      let value: unknown;
      while (entry.next()) {
        if (entry.field === 1) key = entry.string();
        else if (entry.field === 2) value = decodeMapValue(type.of, entry, depth);
        else entry.skip();
      }
      Object.defineProperty(map, key, {
        value: value ?? emptyValue(type.of),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return;
    }
    case "object":
    case "scalar":
    case "either":
      result[name] = decodeValue(type, reader, depth);
  }
}

/** A list as the value of a map is a message that holds it as its first field. */
function decodeMapValue(type: FieldType, reader: ProtobufReader, depth: number): unknown {
  if (type.is !== "list") return decodeValue(type, reader, depth);
  const items: unknown[] = [];
  const message = new ProtobufReader(reader.bytes());
  while (message.next()) {
    if (message.field === 1) items.push(decodeValue(type.of, message, depth));
    else message.skip();
  }
  return items;
}

/** Of the forms that are there the one with most in it: `allows` is there beside the schema that it allows. */
function decodeEither(type: EitherType, bytes: Uint8Array, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new ProtobufError("the message nests too deep");
  const reader = new ProtobufReader(bytes);
  let scalar: unknown = null;
  let composed: unknown;
  while (reader.next()) {
    const form = type.forms.find(({ number }) => number === reader.field)?.type;
    if (form === undefined) reader.skip();
    else if (form.is === "list") {
      composed = [...(Array.isArray(composed) ? composed : []), decodeValue(form.of, reader, depth)];
    } else if (form.is === "scalar") scalar = decodeValue(form, reader, depth);
    else composed = decodeValue(form, reader, depth);
  }
  return composed ?? scalar;
}

function emptyValue(type: FieldType): unknown {
  return type.is === "scalar" ? "" : type.is === "list" ? [] : {};
}

function isInteger(type: FieldType & { readonly is: "scalar" }): boolean {
  return type.scalar === "int32" || type.scalar === "int64";
}

function decodeValue(type: FieldType, reader: ProtobufReader, depth: number): unknown {
  if (type.is === "object") return decodeMessage(type.type, reader.bytes(), depth + 1);
  if (type.is === "either") return decodeEither(type, reader.bytes(), depth + 1);
  if (type.is !== "scalar") throw new ProtobufError("a list in a list");
  switch (type.scalar) {
    case "string":
      return reader.string();
    case "bool":
      return reader.varint() !== 0;
    case "int32":
    case "int64":
      return exactInteger(reader.varint());
    case "float64":
      return reader.float64();
    case "bytes":
      return encodeBase64(reader.bytes());
    case "Quantity":
      return firstString(reader.bytes()) || "0";
    case "IntOrString":
      return decodeIntOrString(reader.bytes());
    case "Time":
    case "MicroTime":
      return decodeTime(reader.bytes(), type.scalar === "MicroTime");
    case "Duration":
      return decodeDuration(reader.bytes());
    case "FieldsV1":
    case "RawExtension":
    case "JSON":
      return decodeRawJson(reader.bytes());
  }
}

function exactInteger(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new ProtobufError(`inkube can't keep a whole number of the size of ${value} exactly`);
}

function firstString(bytes: Uint8Array): string {
  const reader = new ProtobufReader(bytes);
  let text = "";
  while (reader.next()) {
    if (reader.field === 1) text = reader.string();
    else reader.skip();
  }
  return text;
}

function decodeRawJson(bytes: Uint8Array): unknown {
  const text = firstString(bytes);
  try {
    return text === "" ? null : JSON.parse(text);
  } catch (error) {
    throw new ProtobufError(`embedded JSON: ${(error as Error).message}`);
  }
}

function decodeDuration(bytes: Uint8Array): string {
  const reader = new ProtobufReader(bytes);
  let nanos = 0;
  while (reader.next()) {
    if (reader.field === 1) nanos = reader.varint();
    else reader.skip();
  }
  return goDuration(nanos);
}

function decodeIntOrString(bytes: Uint8Array): number | string {
  const reader = new ProtobufReader(bytes);
  let isString = false;
  let number = 0;
  let text = "";
  while (reader.next()) {
    if (reader.field === 1) isString = reader.varint() === 1;
    else if (reader.field === 2) number = reader.varint();
    else if (reader.field === 3) text = reader.string();
    else reader.skip();
  }
  return isString ? text : number;
}

/** Seconds and nanoseconds; both zero is "not set". */
function decodeTime(bytes: Uint8Array, micro: boolean): string | null {
  const reader = new ProtobufReader(bytes);
  let seconds = 0;
  let nanos = 0;
  while (reader.next()) {
    if (reader.field === 1) seconds = reader.varint();
    else if (reader.field === 2) nanos = reader.varint();
    else reader.skip();
  }
  if (seconds === 0 && nanos === 0) return null;
  if (Math.abs(seconds) > 253_402_300_799) throw new ProtobufError("a time out of range");
  if (!micro) return formatTime(seconds * 1000);
  const micros = String(Math.floor(nanos / 1000)).padStart(6, "0");
  return formatMicroTime(seconds * 1000).replace("000000Z", `${micros}Z`);
}
