/**
 * Protocol Buffers (proto3) by the tables in `tables.ts`. Unknown fields are skipped; of a field that comes twice the last counts.
 * What can't be read throws `WireError`. Bytes that are read are views on the message: whoever keeps them copies them.
 * Source: https://protobuf.dev/programming-guides/encoding
 */
import type { Messages } from "./messages.ts";
import { FIELDS } from "./tables.ts";

export type FieldTable = readonly (readonly [
  number: number,
  name: string,
  kind: ScalarKind | keyof Messages,
  mark?: "repeated" | "oneof",
])[];
/** `id` and `uid` are decimal text for 64 bits with and without sign; `int` and `uint` the nearest safe integer. */
type ScalarKind = "bool" | "int" | "uint" | "id" | "uid" | "string" | "bytes";

/** What is to be written: what is absent is left at its default. */
export type Draft<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Draft<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]?: Draft<T[Key]> | undefined }
      : T;

/** Bytes that are no message of the kind that is expected. */
export class WireError extends Error {}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const START_GROUP = 3;
const END_GROUP = 4;
const FIXED32 = 5;
/** Deeper ones are refused: nested transactions are the only messages that nest. As Go's default. */
const DEPTH_MAX = 100;
const NO_BYTES = new Uint8Array(0);
const NOTHING: readonly never[] = Object.freeze([]);
const TWO_32 = 0x1_0000_0000;

type Fields = Record<string, unknown>;
interface Field {
  readonly tag: number;
  readonly name: string;
  readonly kind: ScalarKind | "message";
  readonly of: keyof Messages | undefined;
  readonly isRepeated: boolean;
  readonly isOneOf: boolean;
}
interface Layout {
  readonly fields: readonly Field[];
  /** By field number. */
  readonly byNumber: readonly (Field | undefined)[];
  /** A message of defaults, to begin with. */
  readonly empty: Fields;
}

const DEFAULTS: { readonly [Kind in ScalarKind]: unknown } = {
  bool: false,
  int: 0,
  uint: 0,
  id: "0",
  uid: "0",
  string: "",
  bytes: NO_BYTES,
};
const SCALARS: ReadonlySet<string> = new Set(Object.keys(DEFAULTS));

const layouts = new Map<keyof Messages, Layout>();

function layoutOf(name: keyof Messages): Layout {
  const known = layouts.get(name);
  if (known !== undefined) return known;
  const fields: Field[] = [];
  const byNumber: (Field | undefined)[] = [];
  const empty: Fields = {};
  for (const [number, field, kind, mark] of FIELDS[name]) {
    const isScalar = SCALARS.has(kind);
    const wireType = isScalar && kind !== "string" && kind !== "bytes" ? VARINT : DELIMITED;
    byNumber[number] = {
      tag: number * 8 + wireType,
      name: field,
      kind: isScalar ? (kind as ScalarKind) : "message",
      of: isScalar ? undefined : (kind as keyof Messages),
      isRepeated: mark === "repeated",
      isOneOf: mark === "oneof",
    };
    fields.push(byNumber[number]);
    if (mark === "repeated") empty[field] = NOTHING;
    else empty[field] = isScalar && mark !== "oneof" ? DEFAULTS[kind as ScalarKind] : undefined;
  }
  const layout = { fields, byNumber, empty };
  layouts.set(name, layout);
  return layout;
}

/** Throws WireError. */
export function decode<Name extends keyof Messages>(
  name: Name,
  bytes: Uint8Array,
  from: number = 0,
  to: number = bytes.length,
): Messages[Name] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Decoder(buffer, from).message(layoutOf(name), to, 0) as unknown as Messages[Name];
}

class Decoder {
  private readonly bytes: Buffer;
  private at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  message(layout: Layout, end: number, depth: number): Fields {
    if (depth > DEPTH_MAX) throw new WireError("messages are nested too deeply");
    const result = { ...layout.empty };
    while (this.at < end) {
      const tag = this.uint();
      const number = Math.floor(tag / 8);
      if (number === 0) throw new WireError(`illegal tag ${tag}`);
      const field = layout.byNumber[number];
      if (field === undefined) this.skip(tag & 7, end, 0);
      else if (field.tag === tag) this.field(result, field, end, depth);
      else if (field.isRepeated && (tag & 7) === DELIMITED) this.packed(result, field, end);
      else throw new WireError(`wrong wire type ${tag & 7} for field ${field.name}`);
    }
    if (this.at !== end) throw new WireError("truncated");
    return result;
  }

  private field(result: Fields, field: Field, end: number, depth: number): void {
    const value = this.value(field, end, depth);
    if (!field.isRepeated) result[field.name] = value;
    else if (result[field.name] === NOTHING) result[field.name] = [value];
    else (result[field.name] as unknown[]).push(value);
  }

  /** Repeated numbers in one piece, which a writer may choose. */
  private packed(result: Fields, field: Field, end: number): void {
    const until = this.length(end);
    const values = result[field.name] === NOTHING ? [] : (result[field.name] as unknown[]);
    while (this.at < until) values.push(this.value(field, until, 0));
    result[field.name] = values;
  }

  private value(field: Field, end: number, depth: number): unknown {
    switch (field.kind) {
      case "bool":
        return this.uint() !== 0;
      case "int":
        return this.int();
      case "uint":
        return this.uint();
      case "id":
        return this.id(true);
      case "uid":
        return this.id(false);
      case "string": {
        const until = this.length(end);
        const text = this.bytes.toString("utf8", this.at, until);
        this.at = until;
        return text;
      }
      case "bytes": {
        const until = this.length(end);
        const view = this.bytes.subarray(this.at, until);
        this.at = until;
        return view;
      }
      case "message": {
        const until = this.length(end);
        return this.message(layoutOf(field.of as keyof Messages), until, depth + 1);
      }
    }
  }

  /** Where the delimited value that begins here ends. */
  private length(end: number): number {
    const length = this.uint();
    const until = this.at + length;
    if (until > end) throw new WireError("truncated");
    return until;
  }

  /** Without sign; a value beyond 2^53 is the largest safe integer. */
  private uint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte === undefined) throw new WireError("truncated");
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    for (let length = 2; length <= 10; length++) {
      byte = bytes[this.at++];
      if (byte === undefined) throw new WireError("truncated");
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value;
    }
    throw new WireError("a number of more than 64 bits");
  }

  private int(): number {
    const start = this.at;
    const value = this.uint();
    if (this.at - start < 10) return value;
    this.at = start;
    const signed = BigInt.asIntN(64, this.bits());
    if (signed < -Number.MAX_SAFE_INTEGER) return -Number.MAX_SAFE_INTEGER;
    return signed > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(signed);
  }

  private id(isSigned: boolean): string {
    const start = this.at;
    const value = this.uint();
    // Seven groups of seven bits are exact.
    if (this.at - start <= 7) return value === 0 ? "0" : String(value);
    this.at = start;
    const bits = this.bits();
    return String(isSigned ? BigInt.asIntN(64, bits) : BigInt.asUintN(64, bits));
  }

  private bits(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  private skip(wireType: number, end: number, depth: number): void {
    if (depth > DEPTH_MAX) throw new WireError("messages are nested too deeply");
    switch (wireType) {
      case VARINT:
        this.uint();
        return;
      case FIXED64:
        this.at += 8;
        return;
      case DELIMITED:
        this.at = this.length(end);
        return;
      case FIXED32:
        this.at += 4;
        return;
      case START_GROUP:
        for (;;) {
          const tag = this.uint();
          if ((tag & 7) === END_GROUP) return;
          this.skip(tag & 7, end, depth + 1);
        }
    }
    throw new WireError(`wire type ${wireType}`);
  }
}

/** `headRoom` bytes are left free at the beginning, for a frame's head. */
export function encode<Name extends keyof Messages>(
  name: Name,
  message: Draft<Messages[Name]>,
  headRoom: number = 0,
): Uint8Array {
  const encoder = new Encoder(headRoom);
  encoder.message(layoutOf(name), message as Fields);
  return encoder.take();
}

/** As they are written: the same few, of groups and members, are in every answer, and their arithmetic is slow. */
const largeIds = new Map<string, Uint8Array>();
const LARGE_IDS_MAX = 256;

/** Bytes from here on are copied in pieces of their own size; smaller buffers are made once and used again. */
const BUFFER_BYTES = 64 * 1_024;
let spare: Buffer | undefined = Buffer.allocUnsafeSlow(BUFFER_BYTES);

class Encoder {
  private bytes: Buffer;
  private at: number;

  constructor(headRoom: number) {
    this.bytes = spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    spare = undefined;
    this.at = headRoom;
  }

  take(): Uint8Array {
    const { bytes, at } = this;
    if (bytes.length > BUFFER_BYTES) {
      spare ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
      return bytes.subarray(0, at);
    }
    spare = bytes;
    const result = Buffer.allocUnsafe(at);
    bytes.copy(result, 0, 0, at);
    return result;
  }

  message(layout: Layout, message: Fields): void {
    for (const field of layout.fields) {
      const value = message[field.name];
      if (value === undefined) continue;
      if (field.isRepeated) for (const one of value as readonly unknown[]) this.field(field, one, true);
      else this.field(field, value, field.isOneOf);
    }
  }

  /** `always`: also a default, which else goes without saying. */
  private field(field: Field, value: unknown, always: boolean): void {
    switch (field.kind) {
      case "bool":
        if (value === true || always) this.number(field.tag, value === true ? 1 : 0);
        return;
      case "int":
      case "uint":
        if (value !== 0 || always) this.number(field.tag, value as number);
        return;
      case "id":
      case "uid":
        if (value !== "0" || always) this.id(field.tag, value as string);
        return;
      case "string":
        if (value !== "" || always) this.text(field.tag, value as string);
        return;
      case "bytes":
        if ((value as Uint8Array).length > 0 || always) this.blob(field.tag, value as Uint8Array);
        return;
      case "message":
        this.nested(field.tag, layoutOf(field.of as keyof Messages), value as Fields);
    }
  }

  private number(tag: number, value: number): void {
    this.reserve(16);
    this.varint(tag);
    if (value >= 0) this.varint(value);
    else this.bits(BigInt.asUintN(64, BigInt(value)));
  }

  private id(tag: number, value: string): void {
    this.reserve(16);
    this.varint(tag);
    if (value.length <= 15 && !value.startsWith("-")) return this.varint(Number(value));
    const known = largeIds.get(value);
    if (known !== undefined) {
      this.bytes.set(known, this.at);
      this.at += known.length;
      return;
    }
    const start = this.at;
    this.bits(BigInt.asUintN(64, BigInt(value)));
    if (largeIds.size >= LARGE_IDS_MAX) largeIds.clear();
    largeIds.set(value, Uint8Array.from(this.bytes.subarray(start, this.at)));
  }

  private text(tag: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.reserve(16 + length);
    this.varint(tag);
    this.varint(length);
    this.at += this.bytes.write(value, this.at);
  }

  private blob(tag: number, value: Uint8Array): void {
    this.reserve(16 + value.length);
    this.varint(tag);
    this.varint(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** Its length is known when it is written; one of more than 127 bytes moves a little to make room for it. */
  private nested(tag: number, layout: Layout, value: Fields): void {
    this.reserve(8);
    this.varint(tag);
    const start = ++this.at;
    this.message(layout, value);
    const length = this.at - start;
    if (length < 0x80) {
      this.bytes[start - 1] = length;
      return;
    }
    const more = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    this.reserve(more);
    this.bytes.copyWithin(start + more, start, this.at);
    this.at = start - 1;
    this.varint(length);
    this.at += length;
  }

  private varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest % 0x80) + 0x80;
      rest = rest < TWO_32 / 2 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.bytes[this.at++] = rest;
  }

  private bits(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.at++] = Number(rest);
  }

  private reserve(more: number): void {
    const needed = this.at + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}
