/** Bytes that can be sent while they are put together: whole, tens of megabytes would be held for each who reads them. */

/** So much is joined at a time. */
const PIECE_BYTES = 65_536;
const EMPTY = Buffer.alloc(0);

export class Pieces {
  /** About so much, to a few bytes a part. */
  readonly sizeBytes: number;
  private readonly parts: () => Iterable<string>;

  /** @param parts in order, each a `KeptBytes`, or text in ASCII */
  constructor(sizeBytes: number, parts: () => Iterable<string>) {
    this.sizeBytes = sizeBytes;
    this.parts = parts;
  }

  /** In order; each of about `PIECE_BYTES`, or of one part that is larger. */
  *each(): Generator<Uint8Array, void, undefined> {
    let piece = EMPTY;
    let length = 0;
    for (const part of this.parts()) {
      if (length + part.length > piece.length) {
        if (length > 0) yield piece.subarray(0, length);
        piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, part.length));
        length = 0;
      }
      length += piece.write(part, length, "latin1");
    }
    if (length > 0) yield piece.subarray(0, length);
  }

  /** All of it at once. */
  get bytes(): Uint8Array {
    return Buffer.concat([...this.each()]);
  }
}
