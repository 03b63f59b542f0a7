/**
 * What was written to the store, as it was written: `revision` (a double), `key bytes, value bytes` (words; -1 for what was removed),
 * then both. The heads of changes are the same without the values: from them it is known whose values stand where.
 */
export interface StoredChange {
  readonly revision: number;
  /** Of the store: `/registry/pods/default/web-1`. */
  readonly key: string;
  /** As it is stored, in JSON; undefined when it was removed. */
  readonly value: Uint8Array | undefined;
}

/** Of a change without its value: where that begins among the changes, and its length, which is `REMOVED` where there is none. */
export type OnHead = (revision: number, key: string, valueAt: number, valueBytes: number) => void;

const HEAD_BYTES = 16;
export const REMOVED = -1;

export function encodeChanges(changes: readonly StoredChange[]): Uint8Array {
  return encoded(changes, true);
}

/** Fewer heads are as they are: they would not become smaller, and to unpack them takes longer than to read them. */
const HEADS_PACKED_MIN = 3;
/** A guess is enough: what is longer comes in several pieces. */
const HEAD_BYTES_GUESSED = 128;

/** Their heads, as a batch has them; undefined of none. */
export function headsOf(
  changes: readonly StoredChange[],
  pack: (bytes: Uint8Array) => Uint8Array,
): Uint8Array | undefined {
  if (changes.length === 0) return undefined;
  const heads = encoded(changes, false);
  return changes.length < HEADS_PACKED_MIN ? heads : pack(heads);
}

/** What `headsOf` gave for so many changes. */
export function unpackedHeads(
  heads: Uint8Array,
  count: number,
  unpack: (packed: Uint8Array, bytes: number) => Uint8Array,
): Uint8Array {
  return count < HEADS_PACKED_MIN ? heads : unpack(heads, count * HEAD_BYTES_GUESSED);
}

/** One after the other, of what `unpackedHeads` gave, or `encodeChanges`. */
export function readHeads(content: Uint8Array, hasValues: boolean, onHead: OnHead): void {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  let valueAt = 0;
  for (let at = 0; at < bytes.length;) {
    const keyAt = at + HEAD_BYTES;
    const keyBytes = bytes.readInt32LE(at + 8);
    const valueBytes = bytes.readInt32LE(at + 12);
    valueAt += HEAD_BYTES + keyBytes;
    onHead(bytes.readDoubleLE(at), bytes.toString("utf8", keyAt, keyAt + keyBytes), valueAt, valueBytes);
    valueAt += Math.max(0, valueBytes);
    at = hasValues ? valueAt : keyAt + keyBytes;
  }
}

function encoded(changes: readonly StoredChange[], hasValues: boolean): Uint8Array {
  const keys = changes.map(({ key }) => Buffer.from(key));
  const valueOf = ({ value }: StoredChange): Uint8Array => (hasValues ? value : undefined) ?? NO_BYTES;
  const length = changes.reduce(
    (sum, change, index) => sum + HEAD_BYTES + keys[index]!.length + valueOf(change).length,
    0,
  );
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  changes.forEach((change, index) => {
    const key = keys[index]!;
    bytes.writeDoubleLE(change.revision, at);
    bytes.writeInt32LE(key.length, at + 8);
    bytes.writeInt32LE(change.value?.length ?? REMOVED, at + 12);
    bytes.set(key, at + HEAD_BYTES);
    bytes.set(valueOf(change), at + HEAD_BYTES + key.length);
    at += HEAD_BYTES + key.length + valueOf(change).length;
  });
  return bytes;
}

const NO_BYTES = new Uint8Array();
