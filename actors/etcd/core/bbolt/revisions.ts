/**
 * The versions of a store as etcd has them in its `key` bucket: by revision, and by place within the revision. Where a version
 * is older than the kept history its place is no longer known: then it is that of its key among those of the revision.
 * Source: etcd `server/storage/mvcc/revision.go`, `hash.go`.
 */
import { encode } from "../../../../protocols/etcd-wire/codec.ts";
import { bytesOf } from "../../../../protocols/kept-bytes.ts";
import { bytesOfText } from "../../../../protocols/text-bytes.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";
import type { Store } from "../mvcc/store.ts";
import { versionAt } from "../mvcc/store.ts";
import type { Version } from "../mvcc/version.ts";
import { crc32c } from "../wal/crc32c.ts";
import type { BoltEntry } from "./file.ts";

const EVERYTHING = { start: "", end: undefined };
const UNDERSCORE = 0x5f;
const TOMBSTONE = 0x74;
/** Length of a revision's key; a tombstone has one byte more. */
const KEY_BYTES = 17;

/** In the order of the bucket. */
export function* keyBucket(store: Store): Iterable<BoltEntry> {
  let revision = 0;
  let place = 0;
  for (const version of byRevision(store)) {
    place = version.modRevision === revision ? place + 1 : 0;
    revision = version.modRevision;
    yield entryOf(version, place);
  }
}

/** All versions, those of one revision in the order in which they were made, as far as that is known. */
function byRevision(store: Store): readonly Version[] {
  const old: Version[] = [];
  store.index.scan(EVERYTHING, ({ versions }) => {
    for (const version of versions) if (version.modRevision < store.historyFrom) old.push(version);
    return true;
  });
  // Stable: keys stay in their order.
  old.sort((a, b) => a.modRevision - b.modRevision);
  const kept = store.revisions(store.historyFrom).flatMap(({ events }) => events.map(({ kv }) => kv));
  return [...old, ...kept.filter((version) => store.index.get(version.key)?.versions.includes(version) === true)];
}

function entryOf(version: Version, place: number): BoltEntry {
  const { key: text, version: count, modRevision, createRevision, lease } = version;
  const isTombstone = count === 0;
  const key = Buffer.alloc(isTombstone ? KEY_BYTES + 1 : KEY_BYTES);
  key.writeBigUInt64BE(BigInt(modRevision));
  key[8] = UNDERSCORE;
  key.writeBigUInt64BE(BigInt(place), 9);
  const bytes = bytesOfText(text);
  if (isTombstone) {
    key[KEY_BYTES] = TOMBSTONE;
    return { key, value: encode("KeyValue", { key: bytes }) };
  }
  const value = encode("KeyValue", {
    key: bytes,
    createRevision,
    modRevision,
    version: count,
    value: bytesOf(version.value),
    lease,
  });
  return { key, value };
}

export interface HashKv {
  readonly hash: number;
  readonly compactRevision: number;
  readonly hashRevision: number;
}

/** Of all that can be read from the last compaction up to `revision`; 0 is the newest. Errors: ETCD_COMPACTED, ETCD_FUTURE_REVISION. */
export function hashKv(store: Store, revision: number): HashKv {
  const hashRevision = revision <= 0 ? store.revision : revision;
  const { compactRevision } = store;
  if (hashRevision > store.revision) throw etcdError("ETCD_FUTURE_REVISION");
  if (hashRevision < compactRevision) throw etcdError("ETCD_COMPACTED", { compactRevision });
  let hash = crc32c(Buffer.from("key"));
  for (const { key, value } of hashed(store, hashRevision)) hash = crc32c(value, crc32c(key, hash));
  return { hash: hash >>> 0, compactRevision, hashRevision };
}

function* hashed(store: Store, revision: number): Iterable<BoltEntry> {
  const { compactRevision } = store;
  let last = 0;
  let place = 0;
  for (const version of byRevision(store)) {
    const { modRevision } = version;
    place = modRevision === last ? place + 1 : 0;
    last = modRevision;
    if (modRevision > revision) return;
    // Of what was before the compaction only what can still be read at `revision`.
    const isRead = modRevision > compactRevision || versionAt(store.index.get(version.key), revision) === version;
    const isTombstone = version.version === 0;
    if (isRead && !(isTombstone && modRevision === compactRevision)) yield entryOf(version, place);
  }
}
