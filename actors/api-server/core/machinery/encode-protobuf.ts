/**
 * Objects as `application/vnd.kubernetes.protobuf`, byte for byte as kube-apiserver writes them: fields by number, maps by key,
 * and whatever is no pointer in Go is written although it is zero.
 * @see decode-protobuf.ts, which reads them; apimachinery `pkg/runtime/serializer/protobuf`, gogo/protobuf `plugin/marshalto`
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { keepBytes } from "../../../../protocols/kept-bytes.ts";
import type {
  EitherType,
  Field,
  FieldType,
  ScalarType,
  TypeRef,
} from "../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../protocols/kubernetes/schema/schema.ts";
import { Pieces } from "./pieces.ts";
import { decodeBase64 } from "./base64.ts";
import { parseGoDuration } from "../../../../protocols/kubernetes/go-duration.ts";
import { ProtobufError } from "./protobuf-reader.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { parseTimeMs } from "./time.ts";

/** `k8s` and a zero byte, before the `runtime.Unknown`. */
const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);
/** The fields contentEncoding and contentType of `runtime.Unknown`, both empty. */
const ENVELOPE_END = Uint8Array.of(0x1a, 0x00, 0x22, 0x00);
/** Field numbers of `runtime.Unknown` and its `runtime.TypeMeta`. */
const TYPE_META = 1;
const RAW = 2;
const RAW_TAG = RAW * 8 + 2;
/** Of the items of a list, as a character. */
const ITEM_TAG = String.fromCharCode(2 * 8 + 2);
const API_VERSION = 1;
const KIND = 2;

const VARINT = 0;
const FIXED64 = 1;

type Plain = Readonly<Record<string, unknown>>;

const NOTHING: Plain = {};

/** The type whose message an object of this kind is; undefined where Kubernetes has none. */
export function messageType(apiVersion: string, kind: string): TypeRef | undefined {
  return findType(apiVersion, kind) ?? (apiVersion === "v1" ? findType("meta.k8s.io/v1", kind) : undefined);
}

/** @param writer one that others have used, too: what it grew to serves them all */
export function encodeProtobuf(
  type: TypeRef,
  object: KubernetesObject,
  writer: ProtobufWriter = new ProtobufWriter(),
): Uint8Array {
  writer.clear();
  writer.raw(ENVELOPE_END);
  const before = writer.length;
  writeMessage(writer, type, object as Plain);
  writer.lengthDelimited(RAW, before);
  writeHead(writer, object.apiVersion ?? "", object.kind ?? "");
  return writer.finish();
}

/** Of a kind that has a message. Source: the kinds of discovery are of no group. */
export function inEnvelope(object: KubernetesObject): Uint8Array {
  const { apiVersion = "v1", kind = "" } = object;
  const type = messageType(apiVersion, kind);
  if (type === undefined) throw new Error(`${apiVersion} ${kind} has no message`);
  return encodeProtobuf(type, object);
}

/** The object alone, without the envelope, as lists carry their items. */
export function messageOf(enveloped: KeptBytes): KeptBytes {
  // Of the TypeMeta before it nothing is as long as 128 bytes.
  const tag = MAGIC.length + 2 + enveloped.charCodeAt(MAGIC.length + 1);
  if (enveloped.charCodeAt(tag) !== RAW_TAG) throw new ProtobufError("an envelope without an object");
  let start = tag + 1;
  while (enveloped.charCodeAt(start) >= 0x80) start++;
  return enveloped.slice(start + 1, enveloped.length - ENVELOPE_END.length) as KeptBytes;
}

/** A list of what is encoded already. Source: every `…List` of Kubernetes is `metadata = 1`, `items = 2`. */
export function encodeProtobufList(
  apiVersion: string,
  kind: string,
  metadata: object,
  items: readonly KeptBytes[],
): Pieces {
  const heads = items.map(({ length }) => itemHead(length));
  const itemsBytes = items.reduce((sum, { length }, i) => sum + length + (heads[i] ?? "").length, 0);
  const writer = new ProtobufWriter();
  writeMessage(writer, metaType("ListMeta"), metadata as Plain);
  writer.lengthDelimited(1, 0);
  writer.lengthDelimited(RAW, -itemsBytes);
  writeHead(writer, apiVersion, kind);
  const head = keepBytes(writer.finish());
  return new Pieces(head.length + itemsBytes + ENVELOPE_END.length, function* () {
    yield head;
    for (const [i, item] of items.entries()) {
      yield heads[i] ?? "";
      yield item;
    }
    yield keepBytes(ENVELOPE_END);
  });
}

/** What stands before an item of so many bytes. */
function itemHead(length: number): string {
  let head = ITEM_TAG;
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) head += String.fromCharCode((rest & 0x7f) | 0x80);
  return head + String.fromCharCode(rest);
}

/** One event of a watch: four bytes of length, then a `meta.v1.WatchEvent` that holds an enveloped object. */
export function encodeWatchFrame(type: string, object: Uint8Array): Uint8Array {
  const writer = new ProtobufWriter(object.length + 48);
  writer.bytes(1, object);
  writer.lengthDelimited(2, 0);
  writer.string(1, type);
  const { length } = writer;
  writer.raw(Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length));
  return writer.finish();
}

function metaType(kind: string): TypeRef {
  const type = findType("meta.k8s.io/v1", kind);
  if (type === undefined) throw new Error(`no schema for ${kind}`);
  return type;
}

function writeHead(writer: ProtobufWriter, apiVersion: string, kind: string): void {
  const before = writer.length;
  writer.string(KIND, kind);
  writer.string(API_VERSION, apiVersion);
  writer.lengthDelimited(TYPE_META, before);
  writer.raw(MAGIC);
}

/** A field, or an inlined type. One shape for both: they are read for every object. */
interface Entry {
  readonly number: number;
  readonly name: string;
  readonly type: FieldType;
  readonly inlined: TypeRef | undefined;
  /** Written even when it is zero. */
  readonly always: boolean;
}

/** The last field first. What is derived from the tables never changes. */
const ENTRIES = new WeakMap<TypeRef, readonly Entry[]>();

function entriesOf(type: TypeRef): readonly Entry[] {
  let entries = ENTRIES.get(type);
  if (entries === undefined) {
    entries = [
      ...type.ownFields.map((field): Entry => {
        const { number, name } = field;
        return { number, name, type: field.type, inlined: undefined, always: isAlwaysWritten(type, field) };
      }),
      ...type.inlined.map((inline): Entry => {
        const { number, type: inlined } = inline;
        return { number, name: "", type: { is: "object", type: inlined }, inlined, always: true };
      }),
    ]
      .filter(({ number }) => number > 0)
      .sort((a, b) => b.number - a.number);
    ENTRIES.set(type, entries);
  }
  return entries;
}

/** The tables call a time a pointer where JSON leaves it out; of an object's creation Go has a struct all the same. */
function isAlwaysWritten({ name }: TypeRef, field: Field): boolean {
  if (name === "ObjectMeta" && field.name === "creationTimestamp") return true;
  const { type } = field;
  // A slice is nil when it is zero, and then not written.
  return !field.pointer && type.is !== "list" && type.is !== "map" && !isBytes(type);
}

function writeMessage(writer: ProtobufWriter, type: TypeRef, object: Plain): void {
  const entries = entriesOf(type);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    if (entry.inlined === undefined) writeField(writer, entry, object[entry.name]);
    else {
      const before = writer.length;
      writeMessage(writer, entry.inlined, object);
      writer.lengthDelimited(entry.number, before);
    }
  }
}

function writeField(writer: ProtobufWriter, { type, number, always }: Entry, value: unknown): void {
  if (value === undefined || value === null) {
    if (always) writeValue(writer, number, type, undefined);
  } else if (type.is === "list") {
    const list = value as readonly unknown[];
    for (let i = list.length - 1; i >= 0; i--) writeValue(writer, number, type.of, list[i]);
  } else if (type.is === "map") writeMap(writer, number, type.of, value as Plain);
  else writeValue(writer, number, type, value);
}

function isBytes(type: FieldType): boolean {
  return type.is === "scalar" && type.scalar === "bytes";
}

function writeMap(writer: ProtobufWriter, number: number, of: FieldType, map: Plain): void {
  const keys = Object.keys(map).sort();
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] as string;
    const before = writer.length;
    if (of.is === "list") writeListMessage(writer, of.of, map[key] as readonly unknown[] | null);
    else if (!isBytes(of) || typeof map[key] === "string") writeValue(writer, 2, of, map[key]);
    writer.string(1, key);
    writer.lengthDelimited(number, before);
  }
}

/** A list as the value of a map is a message that holds it as its first field. */
function writeListMessage(writer: ProtobufWriter, of: FieldType, list: readonly unknown[] | null): void {
  const before = writer.length;
  for (let i = (list?.length ?? 0) - 1; i >= 0; i--) writeValue(writer, 1, of, list?.[i]);
  writer.lengthDelimited(2, before);
}

/** With its tag. Undefined and null are the zero value. */
function writeValue(writer: ProtobufWriter, number: number, type: FieldType, value: unknown): void {
  switch (type.is) {
    case "object": {
      const before = writer.length;
      writeMessage(writer, type.type, (value as Plain | undefined | null) ?? NOTHING);
      writer.lengthDelimited(number, before);
      return;
    }
    case "either": {
      const before = writer.length;
      writeEither(writer, type, value);
      writer.lengthDelimited(number, before);
      return;
    }
    case "scalar":
      writeScalar(writer, number, type, value);
      return;
    case "list":
    case "map":
      throw new Error("no message of Kubernetes has a list in a list");
  }
}

/** The form that the value has. A bool beside it is always there: true of a schema, which allows something. */
function writeEither(writer: ProtobufWriter, type: EitherType, value: unknown): void {
  for (const form of [...type.forms].sort((a, b) => b.number - a.number)) {
    if (form.type.is === "list") {
      if (!Array.isArray(value)) continue;
      for (let i = value.length - 1; i >= 0; i--) writeValue(writer, form.number, form.type.of, value[i]);
    } else if (form.type.is === "scalar") writeValue(writer, form.number, form.type, value !== false);
    else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      writeValue(writer, form.number, form.type, value);
    }
  }
}

function writeScalar(writer: ProtobufWriter, number: number, type: ScalarType, value: unknown): void {
  switch (type.scalar) {
    case "string":
      writer.string(number, (value as string | undefined | null) ?? "");
      return;
    case "bool":
      writer.varint(value === true ? 1 : 0);
      writer.tag(number, VARINT);
      return;
    case "int32":
    case "int64":
      writer.varint((value as number | undefined | null) ?? 0);
      writer.tag(number, VARINT);
      return;
    case "float64":
      writer.float64((value as number | undefined | null) ?? 0);
      writer.tag(number, FIXED64);
      return;
    case "bytes":
      writer.bytes(number, decodeBase64((value as string | undefined | null) ?? ""));
      return;
    case "Quantity": {
      const before = writer.length;
      writer.string(1, quantityText(value));
      writer.lengthDelimited(number, before);
      return;
    }
    case "IntOrString":
      writeIntOrString(writer, number, value);
      return;
    case "Time":
    case "MicroTime":
      writeTime(writer, number, value, type.scalar === "MicroTime");
      return;
    case "Duration": {
      const before = writer.length;
      writer.varint(typeof value === "string" ? Number(parseGoDuration(value)) : 0);
      writer.tag(1, VARINT);
      writer.lengthDelimited(number, before);
      return;
    }
    case "FieldsV1":
    case "RawExtension":
    case "JSON": {
      const before = writer.length;
      if (value !== undefined && (value !== null || type.scalar === "JSON")) writer.string(1, JSON.stringify(value));
      writer.lengthDelimited(number, before);
    }
  }
}

function quantityText(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "0";
}

/** `type`, `intVal` and `strVal`, all of them. */
function writeIntOrString(writer: ProtobufWriter, number: number, value: unknown): void {
  const before = writer.length;
  const isText = typeof value === "string";
  writer.string(3, isText ? value : "");
  writer.varint(typeof value === "number" ? value : 0);
  writer.tag(2, VARINT);
  writer.varint(isText ? 1 : 0);
  writer.tag(1, VARINT);
  writer.lengthDelimited(number, before);
}

/** Seconds and nanoseconds; the zero time is an empty message. */
function writeTime(writer: ProtobufWriter, number: number, value: unknown, micro: boolean): void {
  const before = writer.length;
  const ms = typeof value === "string" ? parseTimeMs(value) : undefined;
  if (ms !== undefined) {
    const seconds = Math.floor(ms / 1_000);
    writer.varint(micro ? microseconds(value as string) * 1_000 : 0);
    writer.tag(2, VARINT);
    writer.varint(seconds);
    writer.tag(1, VARINT);
  }
  writer.lengthDelimited(number, before);
}

/** The API writes them as exactly six decimals. */
function microseconds(time: string): number {
  return Number(/\.(\d{6})/.exec(time)?.[1] ?? "0");
}
