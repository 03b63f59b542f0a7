/**
 * A file of bbolt, the database below etcd, written in one go out of sorted buckets. Source: go.etcd.io/bbolt `page.go`, `meta.go`,
 * `bucket.go`: pages of 4 KiB, two of them meta, a B+ tree for each bucket, little endian.
 */

const PAGE_BYTES = 4_096;
const PAGE_HEAD_BYTES = 16;
/** Of an element of a leaf, and of a branch: both have 16 bytes before their keys. */
const ELEMENT_BYTES = 16;
const BRANCH = 0x01;
const LEAF = 0x02;
const META = 0x04;
const FREE_LIST = 0x10;
const MAGIC = 0xed0cdaed;
const VERSION = 2;
/** Of an element of a leaf: its value is the root of a bucket. */
const IS_BUCKET = 0x01;
const FREE_LIST_PAGE = 2;
const FIRST_PAGE = 3;
const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

export interface BoltEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

interface Element {
  readonly flags: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}
/** A page that is written, by its first key. */
interface Child {
  readonly key: Uint8Array;
  readonly page: number;
}

/** `buckets` by name and `entries` of each by key, in the order of their bytes. The file is the pieces, one after the other. */
export function boltFile(
  buckets: readonly { readonly name: string; readonly entries: Iterable<BoltEntry> }[],
): readonly Uint8Array[] {
  const pages = new Pages();
  const roots = buckets.map(({ name, entries }): Element => {
    const root = pages.tree(withoutFlags(entries));
    return { flags: IS_BUCKET, key: Buffer.from(name), value: bucketHead(root) };
  });
  const root = pages.tree(roots);
  const free = page(FREE_LIST_PAGE, FREE_LIST, 0, PAGE_BYTES);
  // The transaction with the higher number counts; its number says on which of the two pages it is.
  const metas = [meta(0, root, pages.next, 2n), meta(1, root, pages.next, 1n)];
  return [...metas, free, ...pages.written];
}

function* withoutFlags(entries: Iterable<BoltEntry>): Iterable<Element> {
  for (const { key, value } of entries) yield { flags: 0, key, value };
}

class Pages {
  readonly written: Uint8Array[] = [];
  next = FIRST_PAGE;

  /** The root page of a tree of `elements`. */
  tree(elements: Iterable<Element>): number {
    let level = this.level(LEAF, elements);
    while (level.length > 1) {
      const children = level.map(({ key, page: id }): Element => ({ flags: 0, key, value: pageId(id) }));
      level = this.level(BRANCH, children);
    }
    return (level[0] as Child).page;
  }

  private level(kind: number, elements: Iterable<Element>): Child[] {
    const children: Child[] = [];
    let gathered: Element[] = [];
    let bytes = PAGE_HEAD_BYTES;
    const close = (): void => {
      children.push({ key: gathered[0]?.key ?? new Uint8Array(0), page: this.write(kind, gathered, bytes) });
      gathered = [];
      bytes = PAGE_HEAD_BYTES;
    };
    for (const element of elements) {
      // The page of a branch has its children's numbers in the elements themselves.
      const size = ELEMENT_BYTES + element.key.length + (kind === LEAF ? element.value.length : 0);
      if (gathered.length > 0 && bytes + size > PAGE_BYTES) close();
      gathered.push(element);
      bytes += size;
    }
    if (gathered.length > 0 || children.length === 0) close();
    return children;
  }

  private write(kind: number, elements: readonly Element[], bytes: number): number {
    const id = this.next;
    const size = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    this.next += size / PAGE_BYTES;
    const buffer = page(id, kind, elements.length, size);
    let head = PAGE_HEAD_BYTES;
    let at = PAGE_HEAD_BYTES + elements.length * ELEMENT_BYTES;
    for (const { flags, key, value } of elements) {
      if (kind === LEAF) {
        buffer.writeUInt32LE(flags, head);
        buffer.writeUInt32LE(at - head, head + 4);
        buffer.writeUInt32LE(key.length, head + 8);
        buffer.writeUInt32LE(value.length, head + 12);
      } else {
        buffer.writeUInt32LE(at - head, head);
        buffer.writeUInt32LE(key.length, head + 4);
        buffer.set(value, head + 8);
      }
      buffer.set(key, at);
      at += key.length;
      if (kind === LEAF) {
        buffer.set(value, at);
        at += value.length;
      }
      head += ELEMENT_BYTES;
    }
    this.written.push(buffer);
    return id;
  }
}

function page(id: number, flags: number, count: number, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  buffer.set(pageId(id), 0);
  buffer.writeUInt16LE(flags, 8);
  buffer.writeUInt16LE(count, 10);
  buffer.writeUInt32LE(size / PAGE_BYTES - 1, 12);
  return buffer;
}

function meta(id: number, root: number, pages: number, transaction: bigint): Buffer {
  const buffer = page(id, META, 0, PAGE_BYTES);
  const at = PAGE_HEAD_BYTES;
  buffer.writeUInt32LE(MAGIC, at);
  buffer.writeUInt32LE(VERSION, at + 4);
  buffer.writeUInt32LE(PAGE_BYTES, at + 8);
  buffer.set(bucketHead(root), at + 16);
  buffer.set(pageId(FREE_LIST_PAGE), at + 32);
  buffer.set(pageId(pages), at + 40);
  buffer.writeBigUInt64LE(transaction, at + 48);
  let hash = FNV_OFFSET;
  for (const byte of buffer.subarray(at, at + 56)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  buffer.writeBigUInt64LE(hash, at + 56);
  return buffer;
}

function bucketHead(root: number): Uint8Array {
  return Buffer.concat([pageId(root), Buffer.alloc(8)]);
}

function pageId(id: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(id));
  return bytes;
}
