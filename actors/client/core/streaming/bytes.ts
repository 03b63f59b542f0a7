/** Bytes that come in pieces of any size. */
export const NOTHING: Uint8Array = new Uint8Array(0);

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What has come and has not been taken yet. */
export class Incoming {
  private bytes: Uint8Array = NOTHING;
  private at = 0;

  get length(): number {
    return this.bytes.length - this.at;
  }

  push(given: Uint8Array): void {
    // A Buffer of Node.js has a `slice` of its own, which copies nothing.
    const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
    const rest = this.bytes.subarray(this.at);
    this.bytes = rest.length === 0 ? bytes : joined([rest, bytes]);
    this.at = 0;
  }

  /** Without taking it. `offset` is from what comes next. */
  byte(offset: number): number {
    return this.bytes[this.at + offset] ?? 0;
  }

  /** Big-endian, of up to six bytes. */
  number(offset: number, length: number): number {
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + this.byte(offset + i);
    return value;
  }

  /** The next bytes, as many as there are up to `length`. They are the caller's own only until the next `push`. */
  take(length: number): Uint8Array {
    const from = this.at;
    this.at = Math.min(from + length, this.bytes.length);
    return this.bytes.subarray(from, this.at);
  }
}

/** What the other side has said is not in its protocol: nothing more can be understood of it. */
export class ProtocolFault extends Error {}
