import type { Version } from "./version.ts";

/**
 * The state's hash is the sum of the hashes of its versions: it doesn't depend on their order, and a version comes and
 * goes at the cost of itself. Two lanes of 32 bits (multiply and rotate, after MurmurHash3) give 53 bits in the end.
 */
export class StateHash {
  private high = 0;
  private low = 0;

  /** `value`: of the version, as bytes, which are read several times as fast as characters. */
  add(kv: Version, value: Uint8Array): void {
    this.mix(kv, value, 1);
  }

  remove(kv: Version, value: Uint8Array): void {
    this.mix(kv, value, -1);
  }

  /** A safe integer. */
  get value(): number {
    return (this.high >>> 11) * 0x1_0000_0000 + (this.low >>> 0);
  }

  private mix(kv: Version, value: Uint8Array, sign: 1 | -1): void {
    const { key } = kv;
    let a = Math.imul(kv.modRevision ^ Math.imul(kv.version, 0x85ebca6b), 0xcc9e2d51) ^ kv.createRevision;
    let b = kv.lease === "0" ? 0x1b873593 : 0x52dce729;
    for (let index = 0; index < key.length; index++) a = round(a ^ key.charCodeAt(index));
    let index = 0;
    for (; index + 4 <= value.length; index += 4) {
      const word =
        (value[index] as number) |
        ((value[index + 1] as number) << 8) |
        ((value[index + 2] as number) << 16) |
        ((value[index + 3] as number) << 24);
      b = round(b ^ word);
    }
    for (; index < value.length; index++) b = round(b ^ (value[index] as number));
    if (kv.lease !== "0") for (let at = 0; at < kv.lease.length; at++) a = round(a ^ kv.lease.charCodeAt(at));
    const low = round(round(a) ^ b ^ value.length);
    const high = round(round(b) ^ Math.imul(low, 0x27d4eb2f));
    this.low = (this.low + sign * low) | 0;
    this.high = (this.high + sign * high) | 0;
  }
}

function round(state: number): number {
  const product = Math.imul(state, 0xcc9e2d51);
  return (Math.imul((product << 15) | (product >>> 17), 0x1b873593) + 0xe6546b64) | 0;
}
