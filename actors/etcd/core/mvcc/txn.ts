/** Transactions: all comparisons, then one of two lists of operations, as one revision. */
import type { Compare, PutRequest, RequestOp, TxnRequest } from "../../../../protocols/etcd.ts";
import { bytesOf } from "../../../../protocols/kept-bytes.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";
import type { KeyRange } from "./key-order.ts";
import { keyRange, rangesOverlap } from "./key-order.ts";
import type { RangeResult, Store } from "./store.ts";
import type { Version } from "./version.ts";

/** etcd's `--max-txn-ops`. */
export const TXN_OPS_MAX = 128;

export type OpResult =
  | { readonly range: RangeResult }
  | { readonly put: Version | undefined; readonly wanted: boolean }
  | { readonly deleteRange: readonly Version[]; readonly wanted: boolean }
  | { readonly txn: TxnResult };
export interface TxnResult {
  readonly succeeded: boolean;
  readonly results: readonly OpResult[];
}

/** What can be refused before the transaction is proposed. Errors: ETCD_TOO_MANY_OPS, ETCD_DUPLICATE_KEY. */
export function checkTxn(request: TxnRequest): void {
  checkOps(request, TXN_OPS_MAX);
  checkDuplicates(request.success);
  checkDuplicates(request.failure);
}

/** A transaction within another one has what that one's longest list leaves. */
function checkOps(
  { compare, success, failure }: Pick<TxnRequest, "compare" | "success" | "failure">,
  max: number,
): void {
  const longest = Math.max(compare.length, success.length, failure.length);
  if (longest > max) throw etcdError("ETCD_TOO_MANY_OPS");
  for (const list of [success, failure]) for (const op of list) if ("txn" in op) checkOps(op.txn, max - longest);
}

interface Changed {
  readonly puts: Set<string>;
  readonly deletes: KeyRange[];
}

/**
 * A key may change at most once in a transaction, since both changes would carry the same revision; once in each of two lists of
 * which only one is carried out. Gives what may change. Source: etcd `server/etcdserver/api/v3rpc/key.go`, `checkIntervals`.
 */
function checkDuplicates(ops: readonly RequestOp[]): Changed {
  const puts = new Set<string>();
  const deletes: KeyRange[] = [];
  for (const op of ops) if ("deleteRange" in op) deletes.push(keyRange(op.deleteRange.key, op.deleteRange.rangeEnd));
  const add = (key: string, either?: ReadonlySet<string>): void => {
    if (puts.has(key) && either?.has(key) !== true) throw etcdError("ETCD_DUPLICATE_KEY");
    if (deletes.length > 0) {
      const range = keyRange(key, undefined);
      if (deletes.some((deleted) => rangesOverlap(deleted, range))) throw etcdError("ETCD_DUPLICATE_KEY");
    }
    puts.add(key);
  };
  for (const op of ops) {
    if (!("txn" in op)) continue;
    const success = checkDuplicates(op.txn.success);
    const failure = checkDuplicates(op.txn.failure);
    for (const key of success.puts) add(key);
    for (const key of failure.puts) add(key, success.puts);
    deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const op of ops) if ("put" in op) add(op.put.key);
  return { puts, deletes };
}

/**
 * Runs a transaction. Everything that can fail is looked at before the first write, so that a member never stops half
 * way (etcd bug 18667); comparisons, also of transactions within it, see the store as it was before.
 * Errors: ETCD_LEASE_NOT_FOUND, ETCD_KEY_NOT_FOUND, ETCD_COMPACTED, ETCD_FUTURE_REVISION.
 */
export function runTxn(store: Store, request: TxnRequest): TxnResult {
  const plan = makePlan(store, request);
  const result = runPlan(store, plan, request.cause);
  store.commit();
  return result;
}

/** Which of the two lists is to be carried out, here and in the transactions within. */
interface Plan {
  readonly succeeded: boolean;
  readonly ops: readonly (Exclude<RequestOp, { readonly txn: unknown }> | { readonly plan: Plan })[];
}

function makePlan(store: Store, request: Pick<TxnRequest, "compare" | "success" | "failure">): Plan {
  const succeeded = request.compare.every((compare) => holds(store, compare));
  const ops = (succeeded ? request.success : request.failure).map((op) => {
    if ("txn" in op) return { plan: makePlan(store, op.txn) };
    if ("put" in op) checkPut(store, op.put);
    else if ("range" in op) store.checkReadable(op.range.revision ?? 0);
    return op;
  });
  return { succeeded, ops };
}

function runPlan(store: Store, { succeeded, ops }: Plan, cause: string | undefined): TxnResult {
  const results = ops.map((op): OpResult => {
    if ("plan" in op) return { txn: runPlan(store, op.plan, cause) };
    if ("put" in op) return { put: store.put(op.put, cause), wanted: op.put.prevKv === true };
    if ("range" in op) return { range: store.range(op.range) };
    return { deleteRange: store.deleteRange(op.deleteRange, cause), wanted: op.deleteRange.prevKv === true };
  });
  return { succeeded, results };
}

/** Errors: ETCD_LEASE_NOT_FOUND, ETCD_KEY_NOT_FOUND. */
export function checkPut(store: Store, request: PutRequest): void {
  const { lease = "0" } = request;
  if (lease !== "0" && !store.leases.has(lease)) throw etcdError("ETCD_LEASE_NOT_FOUND");
  const keeps = request.ignoreValue === true || request.ignoreLease === true;
  if (keeps && store.get(request.key) === undefined) throw etcdError("ETCD_KEY_NOT_FOUND");
}

/** An absent key has version, revisions and lease 0, and equals no value (etcd: not even in "notEqual"); so has an empty range. */
function holds(store: Store, compare: Compare): boolean {
  if (compare.rangeEnd === undefined || compare.rangeEnd === "") return holdsFor(store.get(compare.key), compare);
  let isEmpty = true;
  let holdsForAll = true;
  store.scan(keyRange(compare.key, compare.rangeEnd), (kv) => {
    isEmpty = false;
    holdsForAll = holdsFor(kv, compare);
    return holdsForAll;
  });
  return isEmpty ? holdsFor(undefined, compare) : holdsForAll;
}

function holdsFor(kv: Version | undefined, compare: Compare): boolean {
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
