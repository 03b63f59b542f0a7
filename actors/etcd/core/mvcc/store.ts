/**
 * etcd's multi-version store: every change makes a revision of the whole store, and old revisions stay readable until
 * they are compacted. Deterministic: the same commands give the same state, hash and answers on every member.
 * Source: etcd `server/storage/mvcc`, API guarantees as of 3.7.
 */
import type { DeleteRangeRequest, KeyValue, PutRequest, RangeRequest } from "../../../../protocols/etcd.ts";
import { bytesOf, keepBytes, NOTHING_KEPT } from "../../../../protocols/kept-bytes.ts";
import { invariant } from "../bytes.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";
import { StateHash } from "./hash.ts";
import type { KeyRecord } from "./key-index.ts";
import { KeyIndex } from "./key-index.ts";
import type { KeyRange } from "./key-order.ts";
import { keyRange, orderKey } from "./key-order.ts";
import { isOrdered, ordered } from "./range-order.ts";
import type { Change, Version } from "./version.ts";
import { NO_BYTES, sizeOf, toKeyValue, withoutValue } from "./version.ts";

/** One revision: all events of one transaction, which watchers get together. */
export interface Revision {
  readonly revision: number;
  readonly events: readonly Change[];
}

export interface Lease {
  readonly id: string;
  readonly ttlSeconds: number;
  readonly keys: Set<string>;
}

export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

const EVERY_KEY: KeyRange = { start: "", end: undefined };

export class Store {
  readonly index: KeyIndex = new KeyIndex();
  readonly leases: Map<string, Lease> = new Map();
  /** The newest revision; an empty store is at 1, as in etcd. */
  revision = 1;
  /** Revisions below it can't be read or watched any more; 0 before the first compaction. */
  compactRevision = 0;
  sizeBytes = 0;
  private readonly stateHash: StateHash = new StateHash();
  /** Every revision from `historyStart` on. */
  private history: Revision[] = [];
  private historyStart = 2;
  /** Of all that the history's revisions have written; some of it is still current. */
  historyBytes = 0;
  /** Events of the transaction under way. */
  private pending: Change[] = [];

  get hash(): number {
    return this.stateHash.value;
  }

  // ---- reading ------------------------------------------------------------------------------------------------------

  /** Errors: ETCD_COMPACTED, ETCD_FUTURE_REVISION. */
  checkReadable(revision: number): void {
    if (revision <= 0) return;
    if (revision > this.revision) throw etcdError("ETCD_FUTURE_REVISION");
    if (revision < this.compactRevision) throw compacted(this.compactRevision);
  }

  range(request: RangeRequest): RangeResult {
    const revision = request.revision ?? 0;
    this.checkReadable(revision);
    const at = revision > 0 ? revision : Infinity;
    const { key, rangeEnd, countOnly = false, keysOnly = false } = request;
    if (rangeEnd === undefined || rangeEnd === "") {
      const version = versionAt(this.index.get(key), at);
      if (version === undefined) return { kvs: [], more: false, count: 0 };
      if (isOrdered(request) && ordered([version], request).length === 0) return { kvs: [], more: false, count: 1 };
      return { kvs: countOnly ? [] : [keysOnly ? withoutValue(version) : toKeyValue(version)], more: false, count: 1 };
    }
    const limit = request.limit ?? 0;
    if (isOrdered(request) && !countOnly) return this.rangeInOrder(request, at, limit > 0 ? limit : Infinity);
    const max = countOnly ? 0 : limit > 0 ? limit : Infinity;
    const kvs: KeyValue[] = [];
    let count = 0;
    this.index.scan(keyRange(key, rangeEnd), (record) => {
      const version = versionAt(record, at);
      if (version === undefined) return true;
      if (count++ < max) kvs.push(keysOnly ? withoutValue(version) : toKeyValue(version));
      return true;
    });
    return { kvs, more: !countOnly && count > kvs.length, count };
  }

  /** Bounds take keys out of the answer, not out of the count. */
  private rangeInOrder(request: RangeRequest, at: number, limit: number): RangeResult {
    const all: Version[] = [];
    this.index.scan(keyRange(request.key, request.rangeEnd), (record) => {
      const version = versionAt(record, at);
      if (version !== undefined) all.push(version);
      return true;
    });
    const found = ordered(all, request);
    const kvs = found.slice(0, limit).map(request.keysOnly === true ? withoutValue : toKeyValue);
    return { kvs, more: found.length > kvs.length, count: all.length };
  }

  get(key: string): Version | undefined {
    return versionAt(this.index.get(key), Infinity);
  }

  /** Calls `visit` with the newest version of each key of the range, in order, until it returns false. */
  scan(range: KeyRange, visit: (version: Version) => boolean): void {
    this.index.scan(range, (record) => {
      const version = versionAt(record, Infinity);
      return version === undefined || visit(version);
    });
  }

  /** Revisions from `from` on, oldest first, `max` at most. They must not be compacted. */
  revisions(from: number, max: number = Infinity): readonly Revision[] {
    invariant(from >= this.historyStart, `history from ${from} is compacted at ${this.historyStart}`);
    const start = from - this.historyStart;
    return this.history.slice(start, max === Infinity ? undefined : start + max);
  }

  // ---- writing: within begin() … commit() ---------------------------------------------------------------------------

  /** The version that was there before. The lease, if any, must exist, and the key where something of it is to be kept. */
  put(request: PutRequest, cause: string | undefined): Version | undefined {
    const { key } = request;
    const record = this.index.get(key);
    const previous = versionAt(record, Infinity);
    const isKept = request.ignoreValue === true && previous !== undefined;
    const value = isKept ? bytesOf(previous.value) : request.value;
    const lease = request.ignoreLease === true && previous !== undefined ? previous.lease : (request.lease ?? "0");
    const revision = this.revision + 1;
    const kv: Version = {
      key,
      value: keepBytes(value),
      createRevision: previous === undefined ? revision : previous.createRevision,
      modRevision: revision,
      version: previous === undefined ? 1 : previous.version + 1,
      lease,
    };
    this.addVersion(record, kv, value);
    if (previous !== undefined && previous.lease !== lease) this.detach(previous);
    if (lease !== "0" && previous?.lease !== lease) this.attach(kv);
    this.pending.push(change("put", kv, previous, cause));
    return previous;
  }

  /** The versions that were there before, in the order of their keys. */
  deleteRange(request: DeleteRangeRequest, cause: string | undefined): readonly Version[] {
    return this.deleteKeys(keyRange(request.key, request.rangeEnd), cause);
  }

  private deleteKeys(range: KeyRange, cause: string | undefined): readonly Version[] {
    const found: KeyRecord[] = [];
    this.index.scan(range, (record) => {
      if (versionAt(record, Infinity) !== undefined) found.push(record);
      return true;
    });
    return found.map((record) => {
      const previous = versionAt(record, Infinity) as Version;
      const tombstone: Version = {
        key: record.key,
        value: NOTHING_KEPT,
        createRevision: 0,
        modRevision: this.revision + 1,
        version: 0,
        lease: "0",
      };
      this.addVersion(record, tombstone, NO_BYTES);
      this.detach(previous);
      this.pending.push(change("delete", tombstone, previous, cause));
      return previous;
    });
  }

  /** Makes what was written since the last commit a revision; nothing written, no revision. */
  commit(): void {
    if (this.pending.length === 0) return;
    this.remember(this.pending);
    this.pending = [];
  }

  /** Errors: ETCD_LEASE_EXISTS. */
  grantLease(id: string, ttlSeconds: number): void {
    if (this.leases.has(id)) throw etcdError("ETCD_LEASE_EXISTS");
    this.leases.set(id, { id, ttlSeconds, keys: new Set() });
  }

  /** Deletes the lease and its keys, in one revision and in the order of the keys. Errors: ETCD_LEASE_NOT_FOUND. */
  revokeLease(id: string): void {
    const lease = this.leases.get(id);
    if (lease === undefined) throw etcdError("ETCD_LEASE_NOT_FOUND");
    const keys = [...lease.keys].map((key) => ({ key, order: orderKey(key) }));
    keys.sort((a, b) => (a.order < b.order ? -1 : 1));
    for (const { order } of keys) this.deleteKeys({ start: order, end: null }, undefined);
    this.leases.delete(id);
    this.commit();
  }

  /**
   * Forgets what no reader at `revision` or later can see: of each key all versions but the last one up to `revision`,
   * and that one too when it is a tombstone older than `revision`; a watch from `revision` itself still gets its event.
   * Costs in proportion to the revisions forgotten. Errors: ETCD_COMPACTED, ETCD_FUTURE_REVISION.
   */
  compact(revision: number): void {
    if (revision <= this.compactRevision) throw compacted(this.compactRevision);
    if (revision > this.revision) throw etcdError("ETCD_FUTURE_REVISION");
    this.compactRevision = revision;
    const upTo = this.history.slice(0, revision - this.historyStart + 1);
    for (const { events } of upTo) {
      for (const { kv } of events) {
        const record = this.index.get(kv.key);
        if (record !== undefined) this.compactKey(record, revision);
      }
    }
    const keepFrom = Math.max(revision, this.historyStart);
    for (const { events } of this.history.slice(0, keepFrom - this.historyStart))
      this.historyBytes -= eventBytes(events);
    this.history = this.history.slice(keepFrom - this.historyStart);
    this.historyStart = keepFrom;
  }

  /**
   * To which revision to compact for the history to be of `revisions` and `bytes` at most, but of `revisionsMin` in any case.
   * Undefined where nothing is to be done.
   */
  compactionFor(limits: {
    readonly revisions: number;
    readonly bytes: number;
    readonly revisionsMin: number;
  }): number | undefined {
    let bytes = 0;
    let at = this.history.length;
    while (at > 0 && this.history.length - at < limits.revisions) {
      bytes += eventBytes((this.history[at - 1] as Revision).events);
      if (bytes > limits.bytes && this.history.length - at >= limits.revisionsMin) break;
      at--;
    }
    const revision = this.historyStart + at - 1;
    return at > 0 && revision > this.compactRevision ? revision : undefined;
  }

  private remember(events: readonly Change[]): void {
    this.revision++;
    this.history.push({ revision: this.revision, events });
    this.historyBytes += eventBytes(events);
  }

  private compactKey(record: KeyRecord, revision: number): void {
    const { versions } = record;
    let keep = 0;
    while (keep + 1 < versions.length && (versions[keep + 1] as Version).modRevision <= revision) keep++;
    const last = versions[keep] as Version;
    if (last.version === 0 && last.modRevision < revision) keep++;
    for (const dropped of versions.splice(0, keep)) {
      this.stateHash.remove(dropped, bytesOf(dropped.value));
      this.sizeBytes -= sizeOf(dropped);
    }
    if (versions.length === 0) this.index.remove(record);
  }

  /** `value`: of the version, as bytes. */
  private addVersion(record: KeyRecord | undefined, kv: Version, value: Uint8Array): void {
    this.stateHash.add(kv, value);
    this.sizeBytes += sizeOf(kv);
    if (record === undefined) this.index.add({ key: kv.key, order: orderKey(kv.key), versions: [kv] });
    else record.versions.push(kv);
  }

  private attach(kv: Version): void {
    const lease = this.leases.get(kv.lease);
    invariant(lease !== undefined, `lease ${kv.lease} of ${kv.key} does not exist`);
    lease.keys.add(kv.key);
  }

  private detach(previous: Version): void {
    if (previous.lease !== "0") this.leases.get(previous.lease)?.keys.delete(previous.key);
  }

  // ---- whole state: for snapshots -----------------------------------------------------------------------------------

  /** First kept revision of the history. */
  get historyFrom(): number {
    return this.historyStart;
  }

  /** In a new store: where the history begins. Leases, old versions and revisions follow, in this order; then `finishRestore`. */
  restoreBounds(compactRevision: number, historyStart: number): void {
    invariant(this.revision === 1 && this.index.size === 0, "only a new store is restored");
    this.compactRevision = compactRevision;
    this.historyStart = historyStart;
    this.revision = historyStart - 1;
  }

  /** A version older than the history. Its lease may have ended since. */
  restoreVersion(kv: Version): void {
    this.addVersion(this.index.get(kv.key), kv, bytesOf(kv.value));
  }

  /** The next revision; `prevKv` of its events comes from the versions before, where the event itself has none. */
  restoreRevision(events: readonly Change[]): void {
    const whole: Change[] = [];
    for (const { type, kv, prevKv, cause } of events) {
      const record = this.index.get(kv.key);
      const previous = versionAt(record, Infinity);
      this.addVersion(record, kv, bytesOf(kv.value));
      whole.push(change(type, kv, previous ?? prevKv, cause));
    }
    this.remember(whole);
  }

  /** Attaches to each lease the keys whose newest version names it: only that one holds a key to its lease. */
  finishRestore(): void {
    this.index.scan(EVERY_KEY, (record) => {
      const kv = versionAt(record, Infinity);
      if (kv !== undefined && kv.lease !== "0") this.attach(kv);
      return true;
    });
  }
}

export function versionAt(record: KeyRecord | undefined, revision: number): Version | undefined {
  if (record === undefined) return undefined;
  const { versions } = record;
  for (let at = versions.length - 1; at >= 0; at--) {
    const kv = versions[at] as Version;
    if (kv.modRevision <= revision) return kv.version === 0 ? undefined : kv;
  }
  return undefined;
}

function change(type: Change["type"], kv: Version, prevKv: Version | undefined, cause: string | undefined): Change {
  if (prevKv === undefined) return cause === undefined ? { type, kv } : { type, kv, cause };
  return cause === undefined ? { type, kv, prevKv } : { type, kv, prevKv, cause };
}

function eventBytes(events: readonly Change[]): number {
  return events.reduce((sum, { kv }) => sum + sizeOf(kv), 0);
}

function compacted(compactRevision: number): Error {
  return etcdError("ETCD_COMPACTED", { compactRevision });
}
