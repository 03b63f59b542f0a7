/**
 * Keys are ordered by their UTF-8 bytes, which is the order of code points. JavaScript orders strings by UTF-16 units,
 * which differs where a surrogate (a code point beyond U+FFFF) meets a unit from U+E000 to U+FFFF.
 */
const HIGH = /[\ud800-\uffff]/;

/**
 * A string whose order under `<` is the order of `key`'s UTF-8 bytes; `key` itself for nearly every key. Surrogates move
 * above all other units, as in ICU's "UTF-16 code point order fix-up".
 */
export function orderKey(key: string): string {
  if (!HIGH.test(key)) return key;
  let order = "";
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    order += String.fromCharCode(unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
  }
  return order;
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
