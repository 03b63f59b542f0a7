/**
 * Writing OpenAPI documents as protobuf: what the messages of both versions have in common.
 * Source: gnostic-models `openapiv2` and `openapiv3`, whose names for things these are.
 */
import type { Json } from "./openapi-schemas.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

const VARINT = 0;
const FIXED64 = 1;

/** How a member of a JSON object is written, and under which number. Members are written in this order. */
export type Member = readonly [name: string, number: number, write: Write];
export type Write = (writer: ProtobufWriter, number: number, value: unknown) => void;

export function text(writer: ProtobufWriter, number: number, value: unknown): void {
  writer.string(number, String(value));
}

export function flag(writer: ProtobufWriter, number: number, value: unknown): void {
  writer.varint(value === true ? 1 : 0);
  writer.tag(number, VARINT);
}

export function integer(writer: ProtobufWriter, number: number, value: unknown): void {
  writer.varint(value as number);
  writer.tag(number, VARINT);
}

export function double(writer: ProtobufWriter, number: number, value: unknown): void {
  writer.float64(value as number);
  writer.tag(number, FIXED64);
}

/** A message `Any`, whose text readers take for YAML. */
export function any(writer: ProtobufWriter, number: number, value: unknown): void {
  const before = writer.length;
  writer.string(2, JSON.stringify(value));
  writer.lengthDelimited(number, before);
}

export function each(write: Write): Write {
  return (writer, number, value) => {
    const list = Array.isArray(value) ? (value as readonly unknown[]) : [value];
    for (let i = list.length - 1; i >= 0; i--) write(writer, number, list[i]);
  };
}

/** A message that holds nothing but `write`'s field of number `inner`. */
export function wrapped(inner: number, write: Write): Write {
  return (writer, number, value) => {
    const before = writer.length;
    write(writer, inner, value);
    writer.lengthDelimited(number, before);
  };
}

/** Entries `{ name = 1, value = 2 }` of an object. */
export function named(write: Write): Write {
  return (writer, number, value) => {
    const entries = Object.entries(value as Json);
    for (let i = entries.length - 1; i >= 0; i--) {
      const [name, of] = entries[i] as [string, unknown];
      const before = writer.length;
      write(writer, 2, of);
      writer.string(1, name);
      writer.lengthDelimited(number, before);
    }
  };
}

/** What is written only when it is not zero. */
const SCALARS: ReadonlySet<Write> = new Set([text, flag, integer, double]);

function isWritten(value: unknown, write: Write): boolean {
  if (value === undefined) return false;
  return !SCALARS.has(write) || (value !== "" && value !== false && value !== 0);
}

/** @param extensions the number of `vendor_extension`, which takes what begins with `x-` */
export function message(members: () => readonly Member[], extensions: number): Write {
  return (writer, number, value) => {
    const before = writer.length;
    const object = value as Json;
    const vendor = Object.entries(object).filter(([name]) => name.startsWith("x-"));
    if (vendor.length > 0) named(any)(writer, extensions, Object.fromEntries(vendor));
    const all = members();
    for (let i = all.length - 1; i >= 0; i--) {
      const [name, field, write] = all[i] as Member;
      if (isWritten(object[name], write)) write(writer, field, object[name]);
    }
    writer.lengthDelimited(number, before);
  };
}
