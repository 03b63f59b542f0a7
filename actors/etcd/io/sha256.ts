import { createHash } from "node:crypto";

/** Of all pieces, one after the other. */
export function sha256(pieces: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}
