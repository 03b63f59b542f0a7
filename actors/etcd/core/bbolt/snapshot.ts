/**
 * A store as the database of an etcd: what `etcdctl snapshot save` takes away.
 * Source: etcd `server/storage/schema`.
 */
import { encode } from "../../../../protocols/etcd-wire/codec.ts";
import type { Store } from "../mvcc/store.ts";
import type { BoltEntry } from "./file.ts";
import { boltFile } from "./file.ts";
import { keyBucket } from "./revisions.ts";

export interface SnapshotFacts {
  readonly index: number;
  readonly term: number;
  /** The version that is spoken. */
  readonly version: string;
  /** The members' ids. */
  readonly voters: readonly number[];
}

/** The file in pieces, in order. */
export function snapshotFile(store: Store, facts: SnapshotFacts): readonly Uint8Array[] {
  const buckets: Record<string, Iterable<BoltEntry>> = {
    alarm: [],
    auth: [],
    authRoles: [],
    authUsers: [],
    cluster: [text("clusterVersion", facts.version)],
    key: keyBucket(store),
    lease: leases(store),
    // Whoever restores it names the members of the new group; those of this one have no place in it.
    members: [],
    members_removed: [],
    meta: meta(store, facts),
  };
  return boltFile(Object.entries(buckets).map(([name, entries]) => ({ name, entries })));
}

function meta({ compactRevision }: Store, { index, term, version, voters }: SnapshotFacts): readonly BoltEntry[] {
  const compacted = compactRevision === 0 ? [] : [compactRevision];
  // In the order of their names, capitals first.
  return [
    text("confState", JSON.stringify({ voters, auto_leave: false })),
    number("consistent_index", index),
    ...compacted.map((revision) => ({ key: Buffer.from("finishedCompactRev"), value: revisionBytes(revision) })),
    ...compacted.map((revision) => ({ key: Buffer.from("scheduledCompactRev"), value: revisionBytes(revision) })),
    text("storageVersion", version),
    number("term", term),
  ];
}

function leases(store: Store): readonly BoltEntry[] {
  const entries = [...store.leases.values()].map(({ id, ttlSeconds }) => {
    const key = Buffer.alloc(8);
    key.writeBigInt64BE(BigInt(id));
    return { key, value: encode("Lease", { id, ttl: ttlSeconds }) };
  });
  return entries.sort((a, b) => Buffer.compare(a.key, b.key));
}

function text(key: string, value: string): BoltEntry {
  return { key: Buffer.from(key), value: Buffer.from(value) };
}

function number(key: string, value: number): BoltEntry {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return { key: Buffer.from(key), value: bytes };
}

function revisionBytes(revision: number): Uint8Array {
  const bytes = Buffer.alloc(17);
  bytes.writeBigUInt64BE(BigInt(revision));
  bytes[8] = 0x5f;
  return bytes;
}
