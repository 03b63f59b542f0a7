import type { KeyRange } from "./key-order.ts";
import type { Version } from "./version.ts";

/** All that is kept of one key: its versions from old to new. */
export interface KeyRecord {
  readonly key: string;
  readonly order: string;
  readonly versions: Version[];
}

/** Records in one chunk: small enough to insert by moving, large enough that the list of chunks stays short. */
const CHUNK_MAX = 512;

/** Keys in order: a B-tree of two levels (a list of sorted chunks), with a map beside it for single keys. */
export class KeyIndex {
  private readonly byKey: Map<string, KeyRecord> = new Map();
  private chunks: KeyRecord[][] = [[]];

  get size(): number {
    return this.byKey.size;
  }

  get(key: string): KeyRecord | undefined {
    return this.byKey.get(key);
  }

  add(record: KeyRecord): void {
    this.byKey.set(record.key, record);
    const at = this.chunkOf(record.order);
    const chunk = this.chunks[at] as KeyRecord[];
    chunk.splice(lowerBound(chunk, record.order), 0, record);
    if (chunk.length > CHUNK_MAX) this.chunks.splice(at + 1, 0, chunk.splice(CHUNK_MAX / 2));
  }

  remove(record: KeyRecord): void {
    this.byKey.delete(record.key);
    const at = this.chunkOf(record.order);
    const chunk = this.chunks[at] as KeyRecord[];
    chunk.splice(lowerBound(chunk, record.order), 1);
    if (chunk.length === 0 && this.chunks.length > 1) this.chunks.splice(at, 1);
  }

  /** Calls `visit` with the records of `range` in order, until it returns false. */
  scan(range: KeyRange, visit: (record: KeyRecord) => boolean): void {
    if (range.end === null) {
      const chunk = this.chunks[this.chunkOf(range.start)] as KeyRecord[];
      const found = chunk[lowerBound(chunk, range.start)];
      if (found !== undefined && found.order === range.start) visit(found);
      return;
    }
    let at = this.chunkOf(range.start);
    let index = lowerBound(this.chunks[at] as KeyRecord[], range.start);
    for (; at < this.chunks.length; at++, index = 0) {
      const chunk = this.chunks[at] as KeyRecord[];
      for (; index < chunk.length; index++) {
        const record = chunk[index] as KeyRecord;
        if (range.end !== undefined && record.order >= range.end) return;
        if (!visit(record)) return;
      }
    }
  }

  clear(): void {
    this.byKey.clear();
    this.chunks = [[]];
  }

  /** The last chunk that begins at or before `order`. */
  private chunkOf(order: string): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (((this.chunks[middle] as KeyRecord[])[0] as KeyRecord).order <= order) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lowerBound(chunk: readonly KeyRecord[], order: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle] as KeyRecord).order < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
