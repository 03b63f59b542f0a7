/** Objects in few bytes, and hashes of what no record may have. */
import { createHmac, randomBytes } from "node:crypto";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Hash } from "../core/sealed.ts";

/** The fastest: of objects that are much alike it leaves a tenth all the same. */
export function pack(bytes: Uint8Array): Uint8Array {
  return deflateRawSync(bytes, { level: constants.Z_BEST_SPEED });
}

/** `bytes`: how many there will be, or a few more, so that they come in one piece. */
export function unpack(packed: Uint8Array, bytes: number): Uint8Array {
  return inflateRawSync(packed, { chunkSize: Math.max(CHUNK_BYTES_MIN, bytes + 1) });
}

/** zlib takes no less. */
const CHUNK_BYTES_MIN = 64;

const HEX_DIGITS = 16;

/** With a key of its own that is kept nowhere. */
export function newHash(): Hash {
  const key = randomBytes(32);
  return (text) => `hmac-sha256:${createHmac("sha256", key).update(text).digest("hex").slice(0, HEX_DIGITS)}`;
}
