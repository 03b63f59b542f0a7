/** Requests of etcd's clients in terms of our protocol. Errors: ETCD_…, for what can't be asked of a store at all. */
import { ENUMS } from "../../../../protocols/etcd-wire/tables.ts";
import type * as wire from "../../../../protocols/etcd-wire/messages.ts";
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RangeSort,
  RequestOp,
  TxnRequest,
} from "../../../../protocols/etcd.ts";
import { textOfBytes } from "../../../../protocols/text-bytes.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";

const NO_VALUE = new Uint8Array(0);
const TARGETS: readonly (RangeSort["target"] | undefined)[] = ["key", "version", "create", "mod", "value"];
const RESULTS: readonly (Compare["result"] | undefined)[] = ["equal", "greater", "less", "notEqual"];
const { NONE, DESCEND } = ENUMS.SortOrder;

/** Errors: ETCD_EMPTY_KEY, ETCD_INVALID_SORT_OPTION. */
export function rangeRequest(request: wire.RangeRequest): RangeRequest {
  const sort = sortOf(request);
  const base: RangeRequest = {
    key: textOfBytes(request.key),
    limit: Math.max(0, request.limit),
    revision: Math.max(0, request.revision),
    keysOnly: request.keysOnly,
    countOnly: request.countOnly,
    serializable: request.serializable,
    ...(request.rangeEnd.length === 0 ? {} : { rangeEnd: textOfBytes(request.rangeEnd) }),
  };
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  const isBounded = minModRevision !== 0 || maxModRevision !== 0 || minCreateRevision !== 0 || maxCreateRevision !== 0;
  if (sort === undefined && !isBounded) return base;
  return {
    ...base,
    ...(sort === undefined ? {} : { sort }),
    minModRevision: Math.max(0, minModRevision),
    maxModRevision: atMost(maxModRevision),
    minCreateRevision: Math.max(0, minCreateRevision),
    maxCreateRevision: atMost(maxCreateRevision),
  };
}

/** No key has a revision of 1: nothing is below a bound that is below all. */
function atMost(revision: number): number {
  return revision < 0 ? 1 : revision;
}

/** By etcd's rule an order without a direction is ascending, and keys are so without being asked. */
function sortOf({ sortOrder, sortTarget }: wire.RangeRequest): RangeSort | undefined {
  const target = TARGETS[sortTarget];
  if (target === undefined || sortOrder < NONE || sortOrder > DESCEND) throw etcdError("ETCD_INVALID_SORT_OPTION");
  if (target === "key" && sortOrder !== DESCEND) return undefined;
  return { target, isDescending: sortOrder === DESCEND };
}

/** `value` is a view on the request: it is taken over before the next turn. */
export function putRequest(request: wire.PutRequest): PutRequest {
  const { value, lease, prevKv, ignoreValue, ignoreLease } = request;
  const key = textOfBytes(request.key);
  if (lease === "0" && !prevKv && !ignoreValue && !ignoreLease) return { key, value };
  return { key, value, lease, prevKv, ignoreValue, ignoreLease };
}

export function deleteRequest({ key, rangeEnd, prevKv }: wire.DeleteRangeRequest): DeleteRangeRequest {
  const base = { key: textOfBytes(key), prevKv };
  return rangeEnd.length === 0 ? base : { ...base, rangeEnd: textOfBytes(rangeEnd) };
}

/** Errors: ETCD_KEY_NOT_FOUND for an operation of no kind, as etcd; ETCD_COMPACTED for a revision below 0. */
export function txnRequest({ compare, success, failure }: wire.TxnRequest): TxnRequest {
  return { compare: compare.map(compareOf), success: success.map(opOf), failure: failure.map(opOf) };
}

function opOf({ requestRange, requestPut, requestDeleteRange, requestTxn }: wire.RequestOp): RequestOp {
  if (requestRange !== undefined) {
    if (requestRange.revision < 0) throw etcdError("ETCD_COMPACTED");
    return { range: rangeRequest(requestRange) };
  }
  if (requestPut !== undefined) return { put: putRequest(requestPut) };
  if (requestDeleteRange !== undefined) return { deleteRange: deleteRequest(requestDeleteRange) };
  if (requestTxn !== undefined) return { txn: txnRequest(requestTxn) };
  throw etcdError("ETCD_KEY_NOT_FOUND");
}

function compareOf(compare: wire.Compare): Compare {
  const { VERSION, CREATE, MOD, VALUE } = ENUMS.CompareTarget;
  const result = RESULTS[compare.result] ?? "equal";
  const key = textOfBytes(compare.key);
  const base =
    compare.rangeEnd.length === 0 ? { key, result } : { key, result, rangeEnd: textOfBytes(compare.rangeEnd) };
  switch (compare.target) {
    case VERSION:
      return { ...base, target: "version", value: fromMinusOne(compare.version) };
    case CREATE:
      return { ...base, target: "create", value: fromMinusOne(compare.createRevision) };
    case MOD:
      return { ...base, target: "mod", value: fromMinusOne(compare.modRevision) };
    case VALUE:
      return { ...base, target: "value", value: compare.value ?? NO_VALUE };
    default:
      return { ...base, target: "lease", value: compare.lease ?? "0" };
  }
}

/** What is below 0 is below all that it is compared with. */
function fromMinusOne(value: number = 0): number {
  return Math.max(-1, value);
}
