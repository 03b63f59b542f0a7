/**
 * Writes protobuf from the end to the beginning: the length of a message is known when its head is written, and nothing is
 * measured before or moved after. So fields are written in the reverse of the order in which readers find them.
 */
const encoder = new TextEncoder();
const CAPACITY_BYTES = 1_024;
/** Longer texts go to the engine's own encoder; shorter ones are faster by hand. */
const BY_HAND_MAX = 64;
const BITS_7 = 128;
const BITS_32 = 0x1_0000_0000;

export class ProtobufWriter {
  #bytes: Buffer;
  #at: number;

  /** @param capacityBytes what it is likely to need */
  constructor(capacityBytes: number = CAPACITY_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes);
    this.#at = capacityBytes;
  }

  /** How much has been written. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** As if nothing had been written. */
  clear(): void {
    this.#at = this.#bytes.length;
  }

  /** A copy of what has been written. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(this.#at));
  }

  /** An integer up to 2^53 in size; a negative one as its 64 bits. */
  varint(value: number): void {
    if (value >= 0 && value < BITS_7) {
      this.#room(1);
      this.#bytes[--this.#at] = value;
    } else if (value >= 0 && value < BITS_32) this.#varint32(value);
    else this.#varint64(BigInt.asUintN(64, BigInt(value)));
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** The head of what was written since `length` was `before`. */
  lengthDelimited(field: number, before: number): void {
    this.varint(this.length - before);
    this.tag(field, 2);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#at -= bytes.length;
    this.#bytes.set(bytes, this.#at);
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.raw(bytes);
    this.varint(bytes.length);
    this.tag(field, 2);
  }

  string(field: number, text: string): void {
    const before = this.length;
    this.text(text);
    this.lengthDelimited(field, before);
  }

  /** The bytes of a text alone. */
  text(text: string): void {
    const { length } = text;
    if (length > BY_HAND_MAX) {
      this.raw(encoder.encode(text));
      return;
    }
    this.#room(length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = length - 1; i >= 0; i--) {
      const code = text.charCodeAt(i);
      if (code >= BITS_7) {
        this.raw(encoder.encode(text));
        return;
      }
      bytes[--at] = code;
    }
    this.#at = at;
  }

  float64(value: number): void {
    this.#room(8);
    this.#at -= 8;
    new DataView(this.#bytes.buffer, this.#at, 8).setFloat64(0, value, true);
  }

  #varint32(value: number): void {
    let size = 1;
    for (let rest = value; rest >= BITS_7; rest = Math.floor(rest / BITS_7)) size++;
    this.#room(size);
    this.#at -= size;
    let at = this.#at;
    let rest = value;
    for (; rest >= BITS_7; rest = Math.floor(rest / BITS_7)) this.#bytes[at++] = (rest % BITS_7) | BITS_7;
    this.#bytes[at] = rest;
  }

  #varint64(value: bigint): void {
    const digits: number[] = [];
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) digits.push(Number(rest & 127n) | BITS_7);
    digits.push(Number(rest));
    this.raw(Uint8Array.from(digits));
  }

  #room(length: number): void {
    if (this.#at >= length) return;
    const used = this.length;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, used + length));
    grown.set(this.#bytes.subarray(this.#at), grown.length - used);
    this.#at = grown.length - used;
    this.#bytes = grown;
  }
}
