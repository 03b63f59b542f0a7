/**
 * A whole store as bytes, for snapshots: bounds, leases, the versions older than the history in the order of their keys,
 * then every kept revision. So watches from any revision that is kept go on after a member was restored.
 */
import { keepBytes, NOTHING_KEPT } from "../../../../protocols/kept-bytes.ts";
import { ByteReader, ByteWriter, invariant } from "../bytes.ts";
import type { Revision } from "./store.ts";
import { Store } from "./store.ts";
import type { Change, Version } from "./version.ts";

const DELETE = 1;
const LEASE = 2;
const PREVIOUS = 4;
const CAUSE = 8;

/**
 * Encodes a store a bit at a time, while it goes on changing: versions and revisions never change, so what is written is
 * the store as it was at the beginning. Only a compaction takes away what is still to be written: then `isSpoilt`.
 */
export class StoreEncoder {
  private readonly store: Store;
  private readonly writer: ByteWriter;
  private readonly compactRevision: number;
  private readonly from: number;
  private readonly history: readonly Revision[];
  private nextKey: string | undefined = "";
  private nextRevision = 0;

  /** Writes behind what `writer` already has. */
  constructor(store: Store, writer: ByteWriter) {
    this.store = store;
    this.writer = writer;
    this.compactRevision = store.compactRevision;
    this.from = store.historyFrom;
    this.history = store.revisions(this.from);
    writer.varint(store.compactRevision);
    writer.varint(this.from);
    writer.varint(store.revision);
    writer.varint(store.hash);
    writer.varint(store.leases.size);
    for (const { id, ttlSeconds } of store.leases.values()) {
      writer.text(id);
      writer.varint(ttlSeconds);
    }
  }

  get isSpoilt(): boolean {
    return this.store.compactRevision !== this.compactRevision;
  }

  /** Writes about `budgetBytes` more; true when it was the last. */
  step(budgetBytes: number): boolean {
    const { writer } = this;
    const until = writer.length + budgetBytes;
    if (this.nextKey !== undefined && !this.writeVersions(until)) return false;
    while (this.nextRevision < this.history.length && writer.length < until) {
      const { revision, events } = this.history[this.nextRevision++] as Revision;
      writer.varint(events.length);
      // What was before the first kept revision is no longer a version of its own.
      for (const event of events) writeEvent(writer, event, revision === this.from);
    }
    return this.nextRevision === this.history.length;
  }

  private writeVersions(until: number): boolean {
    const { writer, from } = this;
    let visited = 0;
    let stoppedAt: string | undefined;
    this.store.index.scan({ start: this.nextKey as string, end: undefined }, (record) => {
      if (writer.length >= until || visited++ >= RECORDS_PER_STEP) {
        stoppedAt = record.order;
        return false;
      }
      for (const kv of record.versions) if (kv.modRevision < from) writeVersion(writer, kv);
      return true;
    });
    this.nextKey = stoppedAt;
    if (stoppedAt !== undefined) return false;
    writer.u8(END_OF_VERSIONS);
    return true;
  }
}

/** Keys looked at in one step, also where most of them have nothing to write. */
const RECORDS_PER_STEP = 2_500;

export function encodeStore(store: Store): Uint8Array {
  // It fits, so that the writer need not grow on the way.
  const writer = new ByteWriter(1_024 + store.sizeBytes + 64 * store.leases.size);
  const encoder = new StoreEncoder(store, writer);
  while (!encoder.step(Infinity));
  return writer.view();
}

/** Throws `BytesError`, or a broken invariant where the content does not have the hash that it had when it was written. */
export function decodeStore(bytes: Uint8Array): Store {
  const reader = new ByteReader(bytes);
  const store = new Store();
  const compactRevision = reader.varint();
  const from = reader.varint();
  const revision = reader.varint();
  const hash = reader.varint();
  store.restoreBounds(compactRevision, from);
  for (let left = reader.varint(); left > 0; left--) store.grantLease(reader.text(), reader.varint());
  for (let flags = reader.u8(); flags !== END_OF_VERSIONS; flags = reader.u8()) {
    store.restoreVersion(readVersion(reader, flags));
  }
  while (store.revision < revision) {
    const events: Change[] = [];
    for (let left = reader.varint(); left > 0; left--) events.push(readEvent(reader, store.revision + 1));
    store.restoreRevision(events);
  }
  store.finishRestore();
  invariant(store.hash === hash, `restored store has hash ${store.hash}, not ${hash}`);
  return store;
}

const END_OF_VERSIONS = 0xff;

function writeVersion(writer: ByteWriter, kv: Version): void {
  writer.u8((kv.version === 0 ? DELETE : 0) | (kv.lease === "0" ? 0 : LEASE));
  writer.varint(kv.modRevision);
  writeContent(writer, kv);
}

function readVersion(reader: ByteReader, flags: number): Version {
  return readContent(reader, flags, reader.varint());
}

function writeEvent(writer: ByteWriter, event: Change, first: boolean): void {
  const { kv, prevKv, cause } = event;
  const previous = first && prevKv !== undefined;
  writer.u8(
    (event.type === "delete" ? DELETE : 0) |
      (kv.lease === "0" ? 0 : LEASE) |
      (previous ? PREVIOUS : 0) |
      (cause === undefined ? 0 : CAUSE),
  );
  writeContent(writer, kv);
  if (cause !== undefined) writer.text(cause);
  if (previous) writeVersion(writer, prevKv);
}

function readEvent(reader: ByteReader, revision: number): Change {
  const flags = reader.u8();
  const kv = readContent(reader, flags, revision);
  const type = (flags & DELETE) === 0 ? "put" : "delete";
  const cause = (flags & CAUSE) === 0 ? undefined : reader.text();
  const prevKv = (flags & PREVIOUS) === 0 ? undefined : readVersion(reader, reader.u8());
  return { type, kv, ...(prevKv === undefined ? {} : { prevKv }), ...(cause === undefined ? {} : { cause }) };
}

function writeContent(writer: ByteWriter, kv: Version): void {
  writer.text(kv.key);
  if (kv.version === 0) return;
  writer.varint(kv.createRevision);
  writer.varint(kv.version);
  writer.keptBlob(kv.value);
  if (kv.lease !== "0") writer.text(kv.lease);
}

function readContent(reader: ByteReader, flags: number, modRevision: number): Version {
  const key = reader.text();
  if ((flags & DELETE) !== 0) {
    return { key, value: NOTHING_KEPT, createRevision: 0, modRevision, version: 0, lease: "0" };
  }
  const [createRevision, version] = [reader.varint(), reader.varint()];
  const value = keepBytes(reader.blob());
  const lease = (flags & LEASE) === 0 ? "0" : reader.text();
  return { key, value, createRevision, modRevision, version, lease };
}
