/** Reads DER. Source: X.690; the words for what can't be read are those of Go's `encoding/asn1`. */
export class DerError extends Error {}

export interface DerValue {
  /** 0 universal, 1 application, 2 context, 3 private. */
  readonly class: number;
  readonly tag: number;
  readonly compound: boolean;
  readonly content: Uint8Array;
  /** With its tag and length. */
  readonly whole: Uint8Array;
}

export const SEQUENCE = 16;

/** The value at the start, and where it ends. @throws DerError */
export function readDer(bytes: Uint8Array, at: number = 0): { readonly value: DerValue; readonly end: number } {
  const first = bytes[at];
  const lengthByte = bytes[at + 1];
  if (first === undefined) throw new DerError("asn1: syntax error: sequence truncated");
  if (lengthByte === undefined) throw new DerError("asn1: syntax error: truncated tag or length");
  if ((first & 31) === 31) throw new DerError("asn1: syntax error: base 128 integer too large");
  let start = at + 2;
  let length = lengthByte;
  if (lengthByte >= 128) {
    const count = lengthByte - 128;
    if (count === 0) throw new DerError("asn1: syntax error: indefinite length found (not DER)");
    length = longLength(bytes.subarray(start, start + count), count);
    start += count;
    if (length < 128) throw new DerError("asn1: structure error: non-minimal length");
  }
  const end = start + length;
  const value: DerValue = {
    class: first >> 6,
    tag: first & 31,
    compound: (first & 32) !== 0,
    content: bytes.subarray(start, Math.min(end, bytes.length)),
    whole: bytes.subarray(at, Math.min(end, bytes.length)),
  };
  if (end > bytes.length) throw new DerTruncated(value, length);
  return { value, end };
}

/** Go's keeps within 32 bits. */
const LONG_LENGTH_MAX = 2 ** 23;

function longLength(bytes: Uint8Array, count: number): number {
  let length = 0;
  for (const byte of bytes) {
    if (length >= LONG_LENGTH_MAX) throw new DerError("asn1: structure error: length too large");
    length = length * 256 + byte;
    if (length === 0) throw new DerError("asn1: structure error: superfluous leading zeros in length");
  }
  if (bytes.length < count) throw new DerError("asn1: syntax error: truncated tag or length");
  return length;
}

/** The value ends before its length does. */
export class DerTruncated extends DerError {
  readonly value: DerValue;
  readonly length: number;

  constructor(value: DerValue, length: number) {
    super("asn1: syntax error: data truncated");
    this.value = value;
    this.length = length;
  }
}

/** What stands in a value, one behind the other. @throws DerError */
export function partsOf(content: Uint8Array): readonly DerValue[] {
  const parts: DerValue[] = [];
  for (let at = 0; at < content.length;) {
    const { value, end } = readDer(content, at);
    parts.push(value);
    at = end;
  }
  return parts;
}

export function isSequence(value: DerValue | undefined): value is DerValue {
  return value !== undefined && value.class === 0 && value.tag === SEQUENCE && value.compound;
}

/** `1.2.840…`; "" for what is none. */
export function objectIdentifier(value: DerValue | undefined): string {
  if (value?.tag !== 6 || value.content.length === 0) return "";
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value.content) {
    number = number * 128 + (byte & 127);
    if (byte >= 128) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...others] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...others].join(".");
}

/** Of a bit string without unused bits. */
export function bitsOf(value: DerValue | undefined): Uint8Array | undefined {
  return value?.tag === 3 && value.content[0] === 0 ? value.content.subarray(1) : undefined;
}
