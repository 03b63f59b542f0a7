/** Bytes that can be sent while they are put together: whole, tens of megabytes would be held for each who reads them. */
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { bytesOf } from "../../../../protocols/kept-bytes.ts";

/**
 * So much is joined at a time, as text: buffers would save a copy, but their memory is outside of V8's heap, and the tens of megabytes of
 * a list have V8 mark the whole heap, which costs more than the list.
 */
const PIECE_BYTES = 65_536;

export class Pieces {
  /** About so much, to a few bytes a part. */
  readonly sizeBytes: number;
  private readonly parts: () => Iterable<string>;

  /** @param parts in order, each a `KeptBytes`, or text in ASCII */
  constructor(sizeBytes: number, parts: () => Iterable<string>) {
    this.sizeBytes = sizeBytes;
    this.parts = parts;
  }

  /** In order; each but the last of `PIECE_BYTES` or more. */
  *each(): Generator<KeptBytes, void, undefined> {
    let joined: string[] = [];
    let length = 0;
    for (const part of this.parts()) {
      joined.push(part);
      length += part.length;
      if (length < PIECE_BYTES) continue;
      yield joined.join("") as KeptBytes;
      joined = [];
      length = 0;
    }
    if (length > 0) yield joined.join("") as KeptBytes;
  }

  /** All of it at once. */
  get bytes(): Uint8Array {
    return Buffer.concat([...this.each()].map(bytesOf));
  }
}
