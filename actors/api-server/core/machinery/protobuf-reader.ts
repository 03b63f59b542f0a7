/** Reads the fields of one protobuf message, in the order in which they come. */

/** The bytes are no protobuf message. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

const decoder = new TextDecoder("utf-8");

export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Number of the field that `next` found. */
  field = 0;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  wireType = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  more(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** Reads the next tag; false at the end. Its value must be read or skipped. */
  next(): boolean {
    if (!this.more()) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    if (this.field <= 0) throw new ProtobufError("illegal tag");
    return true;
  }

  /** A signed integer. Beyond 2^53 it loses its last bits. */
  varint(): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low;
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new ProtobufError("integer overflow");
  }

  bytes(): Uint8Array {
    if (this.wireType !== 2) throw new ProtobufError(`wrong wireType = ${this.wireType} for field ${this.field}`);
    const length = this.varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw new ProtobufError("unexpected EOF");
    const result = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return result;
  }

  string(): string {
    return decoder.decode(this.bytes());
  }

  float64(): number {
    if (this.#at + 8 > this.#bytes.length) throw new ProtobufError("unexpected EOF");
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8);
    this.#at += 8;
    return view.getFloat64(0, true);
  }

  skip(): void {
    if (this.wireType === 0) this.varint();
    else if (this.wireType === 1) this.#at += 8;
    else if (this.wireType === 2) this.bytes();
    else if (this.wireType === 5) this.#at += 4;
    else throw new ProtobufError(`illegal wireType ${this.wireType}`);
    if (this.#at > this.#bytes.length) throw new ProtobufError("unexpected EOF");
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new ProtobufError("unexpected EOF");
    return byte;
  }
}
