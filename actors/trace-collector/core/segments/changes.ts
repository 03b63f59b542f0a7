/**
 * What was written to the store, as it was written: `revision` (a double), `key bytes, value bytes` (words; -1 for what was removed),
 * then both.
 */
export interface StoredChange {
  readonly revision: number;
  /** Of the store: `/registry/pods/default/web-1`. */
  readonly key: string;
  /** As it is stored, in JSON; undefined when it was removed. */
  readonly value: Uint8Array | undefined;
}

const HEAD_BYTES = 16;
const REMOVED = -1;

export function encodeChanges(changes: readonly StoredChange[]): Uint8Array {
  const keys = changes.map(({ key }) => Buffer.from(key));
  const length = changes.reduce(
    (sum, { value }, index) => sum + HEAD_BYTES + keys[index]!.length + (value?.length ?? 0),
    0,
  );
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  changes.forEach(({ revision, value }, index) => {
    const key = keys[index]!;
    bytes.writeDoubleLE(revision, at);
    bytes.writeInt32LE(key.length, at + 8);
    bytes.writeInt32LE(value?.length ?? REMOVED, at + 12);
    bytes.set(key, at + HEAD_BYTES);
    if (value !== undefined) bytes.set(value, at + HEAD_BYTES + key.length);
    at += HEAD_BYTES + key.length + (value?.length ?? 0);
  });
  return bytes;
}

/** What is given stays in `content`. */
export function decodeChanges(content: Uint8Array): readonly StoredChange[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const changes: StoredChange[] = [];
  for (let at = 0; at < bytes.length;) {
    const keyEnd = at + HEAD_BYTES + bytes.readInt32LE(at + 8);
    const valueBytes = bytes.readInt32LE(at + 12);
    const end = keyEnd + Math.max(0, valueBytes);
    changes.push({
      revision: bytes.readDoubleLE(at),
      key: bytes.toString("utf8", at + HEAD_BYTES, keyEnd),
      value: valueBytes === REMOVED ? undefined : bytes.subarray(keyEnd, end),
    });
    at = end;
  }
  return changes;
}
