/** What every member must be able to carry out, and what a request weighs. Errors: INVALID_ARGUMENT, ETCD_…, as each function says. */
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Compare, PutRequest, RangeRequest, RequestOp, TxnRequest } from "../../../../protocols/etcd.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";

export interface Weight {
  readonly sizeBytes: number;
  /** Whether it can make the store larger. */
  readonly grows: boolean;
}

/** etcd's `MaxLeaseTTL`, in seconds. */
const LEASE_TTL_MAX = 9_000_000_000;

/** Errors: ETCD_EMPTY_KEY. */
export function checkKey(key: string): void {
  if (typeof key !== "string" || key === "") throw etcdError("ETCD_EMPTY_KEY");
}

/** Errors: ETCD_EMPTY_KEY, ETCD_VALUE_PROVIDED, ETCD_LEASE_PROVIDED. */
export function checkPutFields({ key, value, lease = "0", ignoreValue, ignoreLease }: PutRequest): void {
  checkKey(key);
  if (ignoreValue === true && value.length > 0) throw etcdError("ETCD_VALUE_PROVIDED");
  if (ignoreLease === true && lease !== "0") throw etcdError("ETCD_LEASE_PROVIDED");
  leaseId(lease);
}

/** An int64 as text. */
export function leaseId(id: string): string {
  if (/^(0|-?[1-9]\d{0,18})$/.test(id)) return id;
  throw new InkubeError("INVALID_ARGUMENT", `${JSON.stringify(id)} is no id of a lease`);
}

/** Whole seconds, `minSeconds` at least. Errors: ETCD_LEASE_TTL_TOO_LARGE. */
export function leaseTtl(ttlSeconds: number, minSeconds: number): number {
  if (Number.isNaN(ttlSeconds)) throw new InkubeError("INVALID_ARGUMENT", "ttlSeconds must be a number");
  if (ttlSeconds > LEASE_TTL_MAX) throw etcdError("ETCD_LEASE_TTL_TOO_LARGE");
  return Math.max(minSeconds, Math.ceil(ttlSeconds));
}

export function natural(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InkubeError("INVALID_ARGUMENT", `${what} must be a natural number, not ${value}`);
}

/** What a transaction carries at most. Errors: as those of its parts. */
export function weigh({ compare, success, failure }: Pick<TxnRequest, "compare" | "success" | "failure">): Weight {
  let sizeBytes = 0;
  let grows = false;
  for (const one of compare) sizeBytes += weighCompare(one);
  for (const op of [...success, ...failure]) {
    const weight = weighOp(op);
    sizeBytes += weight.sizeBytes;
    grows ||= weight.grows;
  }
  return { sizeBytes, grows };
}

function weighCompare(compare: Compare): number {
  checkKey(compare.key);
  if (compare.target === "lease") leaseId(compare.value);
  // What is below 0 is told as -1, which no version and no revision is.
  else if (compare.target !== "value" && compare.value !== -1) natural(compare.value, compare.target);
  return compare.key.length + (compare.target === "value" ? compare.value.length : 0);
}

function weighOp(op: RequestOp): Weight {
  if ("put" in op) {
    checkPutFields(op.put);
    return { sizeBytes: op.put.key.length + op.put.value.length, grows: true };
  }
  if ("txn" in op) return weigh(op.txn);
  if ("range" in op) {
    checkRange(op.range);
    return { sizeBytes: op.range.key.length, grows: false };
  }
  checkKey(op.deleteRange.key);
  return { sizeBytes: op.deleteRange.key.length, grows: false };
}

/** Errors: ETCD_EMPTY_KEY. */
export function checkRange(request: RangeRequest): void {
  checkKey(request.key);
  const { limit = 0, revision = 0, minModRevision = 0, maxModRevision = 0 } = request;
  const { minCreateRevision = 0, maxCreateRevision = 0 } = request;
  natural(limit, "limit");
  natural(revision, "revision");
  natural(minModRevision, "minModRevision");
  natural(maxModRevision, "maxModRevision");
  natural(minCreateRevision, "minCreateRevision");
  natural(maxCreateRevision, "maxCreateRevision");
}
