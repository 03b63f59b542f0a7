/**
 * Keys are ordered by their bytes. JavaScript orders strings by UTF-16 units, which is the same for ASCII, and for few others: those
 * are ordered by text of one character a byte.
 */
import { bytesOfText } from "../../../../protocols/text-bytes.ts";

const BEYOND_ASCII = /[\u0080-\uffff]/;

/** A string whose order under `<` is the order of `key`'s bytes; `key` itself for nearly every key. */
export function orderKey(key: string): string {
  if (!BEYOND_ASCII.test(key)) return key;
  const { buffer, byteOffset, byteLength } = bytesOfText(key);
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

/** A range of keys in terms of `orderKey`: one key (`end` null), from `start` up to `end`, or without an end. */
export interface KeyRange {
  readonly start: string;
  readonly end: string | null | undefined;
}

/** etcd's convention: no `rangeEnd` is the one key, `"\0"` every key from `key` on. */
export function keyRange(key: string, rangeEnd: string | undefined): KeyRange {
  const start = orderKey(key);
  if (rangeEnd === undefined || rangeEnd === "") return { start, end: null };
  return { start, end: rangeEnd === "\0" ? undefined : orderKey(rangeEnd) };
}

export function inRange(range: KeyRange, order: string): boolean {
  if (range.end === null) return order === range.start;
  return order >= range.start && (range.end === undefined || order < range.end);
}

export function rangesOverlap(a: KeyRange, b: KeyRange): boolean {
  if (a.end === null) return inRange(b, a.start);
  if (b.end === null) return inRange(a, b.start);
  return (a.end === undefined || b.start < a.end) && (b.end === undefined || a.start < b.end);
}
