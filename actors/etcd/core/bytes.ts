/**
 * Compact binary writing and reading, shared by the WAL, peer messages and commands. Integers are LEB128 varints up to
 * 2^53 - 1; text is UTF-8 behind its length, and as in `text-bytes.ts` where it was made of other bytes. What a reader can't make sense of throws `BytesError`; whoever reads
 * bytes that come from outside turns that into an error of its own.
 */
import type { KeptBytes } from "../../../protocols/kept-bytes.ts";
import { bytesOfText, textOfBytes } from "../../../protocols/text-bytes.ts";

export class BytesError extends Error {}

export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${message}`);
}

export class ByteWriter {
  private readonly capacity: number;
  private bytes: Uint8Array;
  length = 0;

  constructor(capacity: number = 256) {
    this.capacity = capacity;
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `more` bytes. */
  private reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** A safe integer from 0 on. */
  varint(value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, `not a safe natural number: ${value}`);
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) + 0x80;
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  u32(value: number): void {
    this.reserve(4);
    this.bytes[this.length++] = value & 0xff;
    this.bytes[this.length++] = (value >>> 8) & 0xff;
    this.bytes[this.length++] = (value >>> 16) & 0xff;
    this.bytes[this.length++] = value >>> 24;
  }

  /** Bytes behind their length. */
  blob(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value);
  }

  /** As `blob`. */
  keptBlob(value: KeptBytes): void {
    this.varint(value.length);
    this.reserve(value.length);
    const { buffer, byteOffset, byteLength } = this.bytes;
    this.length += Buffer.from(buffer, byteOffset, byteLength).write(value, this.length, "latin1");
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  /** Text behind its length in bytes; ASCII is written in one pass without a detour through `TextEncoder`. */
  text(value: string): void {
    const start = this.length;
    this.varint(value.length);
    this.reserve(value.length);
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) {
        this.length = start;
        this.blob(bytesOfText(value));
        return;
      }
      this.bytes[this.length++] = unit;
    }
  }

  /** Zeros up to a length that is a multiple of `multiple`. */
  align(multiple: number): void {
    const padding = (multiple - (this.length % multiple)) % multiple;
    this.reserve(padding);
    this.bytes.fill(0, this.length, this.length + padding);
    this.length += padding;
  }

  patchU32(position: number, value: number): void {
    this.bytes[position] = value & 0xff;
    this.bytes[position + 1] = (value >>> 8) & 0xff;
    this.bytes[position + 2] = (value >>> 16) & 0xff;
    this.bytes[position + 3] = value >>> 24;
  }

  /** What was written, as a view that the next write may change or leave behind. */
  view(from: number = 0): Uint8Array {
    return this.bytes.subarray(from, this.length);
  }

  /** What was written, handed over; the writer starts anew. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  /** Starts anew, with a small buffer again where what was written has made it larger than that. */
  clear(keptBytesMax: number = Infinity): void {
    this.length = 0;
    if (this.bytes.length > keptBytesMax) this.bytes = new Uint8Array(this.capacity);
  }
}

export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly end: number;
  /** The same bytes, for what only a Buffer does: most messages hold numbers alone. */
  private viewed: Buffer | undefined;
  position: number;

  /** Reads `bytes` from `position` up to `end`; blobs are views into `bytes`. */
  constructor(bytes: Uint8Array, position: number = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  bool(): boolean {
    return this.u8() !== 0;
  }

  u8(): number {
    if (this.position >= this.end) throw new BytesError("truncated");
    return this.bytes[this.position++] as number;
  }

  varint(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80 && scale <= 0x2_0000_0000_0000);
    if (byte >= 0x80 || !Number.isSafeInteger(value)) throw new BytesError("number out of range");
    return value;
  }

  u32(): number {
    const at = this.skip(4);
    return (
      ((this.bytes[at] as number) |
        ((this.bytes[at + 1] as number) << 8) |
        ((this.bytes[at + 2] as number) << 16) |
        ((this.bytes[at + 3] as number) << 24)) >>>
      0
    );
  }

  blob(): Uint8Array {
    return this.raw(this.varint());
  }

  raw(length: number): Uint8Array {
    const at = this.skip(length);
    return this.buffer.subarray(at, at + length);
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.raw(this.end - this.position);
  }

  text(): string {
    const length = this.varint();
    const at = this.skip(length);
    return textOfBytes(this.buffer.subarray(at, at + length));
  }

  private get buffer(): Buffer {
    const { buffer, byteOffset, byteLength } = this.bytes;
    return (this.viewed ??= Buffer.from(buffer, byteOffset, byteLength));
  }

  private skip(length: number): number {
    const at = this.position;
    if (length > this.end - at) throw new BytesError("truncated");
    this.position = at + length;
    return at;
  }
}
