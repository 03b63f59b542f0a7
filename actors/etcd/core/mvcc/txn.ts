/** Transactions: all comparisons, then one of two lists of operations, as one revision. */
import type { Compare, RequestOp, TxnRequest } from "../../../../protocols/etcd.ts";
import { bytesOf } from "../../../../protocols/kept-bytes.ts";
import { etcdError } from "./errors.ts";
import type { KeyRange } from "./key-order.ts";
import { keyRange, rangesOverlap } from "./key-order.ts";
import type { RangeResult, Store } from "./store.ts";
import type { Version } from "./version.ts";

/** etcd's `--max-txn-ops`. */
export const TXN_OPS_MAX = 128;

export type OpResult =
  | { readonly range: RangeResult }
  | { readonly put: Version | undefined; readonly wanted: boolean }
  | { readonly deleteRange: readonly Version[]; readonly wanted: boolean };

/** What can be refused before the transaction is proposed. Errors: ETCD_TOO_MANY_OPS, ETCD_DUPLICATE_KEY. */
export function checkTxn(request: TxnRequest): void {
  for (const list of [request.compare, request.success, request.failure]) {
    if (list.length > TXN_OPS_MAX) throw etcdError("ETCD_TOO_MANY_OPS");
  }
  checkDuplicates(request.success);
  checkDuplicates(request.failure);
}

/** A key may change at most once in a transaction, since both changes would carry the same revision. */
function checkDuplicates(ops: readonly RequestOp[]): void {
  if (ops.length < 2) return;
  const puts = new Set<string>();
  const deletes: KeyRange[] = [];
  for (const op of ops) {
    if ("put" in op) {
      if (puts.has(op.put.key)) throw etcdError("ETCD_DUPLICATE_KEY");
      puts.add(op.put.key);
    } else if ("deleteRange" in op) {
      deletes.push(keyRange(op.deleteRange.key, op.deleteRange.rangeEnd));
    }
  }
  if (deletes.length === 0) return;
  for (const key of puts) {
    const range = keyRange(key, undefined);
    if (deletes.some((deleted) => rangesOverlap(deleted, range))) throw etcdError("ETCD_DUPLICATE_KEY");
  }
}

/**
 * Runs a transaction. Everything that can fail is looked at before the first write, so that a member never stops half
 * way (etcd bug 18667). Errors: ETCD_LEASE_NOT_FOUND, ETCD_COMPACTED, ETCD_FUTURE_REVISION.
 */
export function runTxn(
  store: Store,
  request: TxnRequest,
): { readonly succeeded: boolean; readonly results: readonly OpResult[] } {
  const succeeded = request.compare.every((compare) => holds(store, compare));
  const ops = succeeded ? request.success : request.failure;
  for (const op of ops) {
    if ("put" in op) checkLease(store, op.put.lease);
    else if ("range" in op) store.checkReadable(op.range.revision ?? 0);
  }
  const results = ops.map((op) => runOp(store, op, request.cause));
  store.commit();
  return { succeeded, results };
}

export function checkLease(store: Store, lease: string = "0"): void {
  if (lease !== "0" && !store.leases.has(lease)) throw etcdError("ETCD_LEASE_NOT_FOUND");
}

function runOp(store: Store, op: RequestOp, cause: string | undefined): OpResult {
  if ("put" in op) return { put: store.put(op.put, cause), wanted: op.put.prevKv === true };
  if ("range" in op) return { range: store.range(op.range) };
  return { deleteRange: store.deleteRange(op.deleteRange, cause), wanted: op.deleteRange.prevKv === true };
}

/** An absent key has version, revisions and lease 0, and equals no value (etcd: not even in "notEqual"). */
function holds(store: Store, compare: Compare): boolean {
  const kv = store.get(compare.key);
  switch (compare.target) {
    case "version":
      return decides(compare.result, sign(kv?.version ?? 0, compare.value));
    case "create":
      return decides(compare.result, sign(kv?.createRevision ?? 0, compare.value));
    case "mod":
      return decides(compare.result, sign(kv?.modRevision ?? 0, compare.value));
    case "value":
      return kv !== undefined && decides(compare.result, compareBytes(bytesOf(kv.value), compare.value));
    case "lease":
      return decides(compare.result, sign(BigInt(kv?.lease ?? "0"), BigInt(compare.value)));
  }
}

function decides(result: Compare["result"], order: number): boolean {
  switch (result) {
    case "equal":
      return order === 0;
    case "notEqual":
      return order !== 0;
    case "greater":
      return order > 0;
    case "less":
      return order < 0;
  }
}

function sign<T extends number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const order = (a[index] as number) - (b[index] as number);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
