/** Requests of etcd's protocol between actors, as they go over the wire. */
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../../protocols/etcd.ts";
import type { Draft } from "../../../protocols/etcd-wire/codec.ts";
import type * as wire from "../../../protocols/etcd-wire/messages.ts";
import { bytesOfText } from "../../../protocols/text-bytes.ts";
import { ENUMS } from "../../../protocols/etcd-wire/tables.ts";

const SORT_TARGETS = { key: 0, version: 1, create: 2, mod: 3, value: 4 } as const;
const ASCEND = 1;
const DESCEND = 2;
const { CompareResult, CompareTarget } = ENUMS;
const RESULTS = {
  equal: CompareResult.EQUAL,
  greater: CompareResult.GREATER,
  less: CompareResult.LESS,
  notEqual: CompareResult.NOT_EQUAL,
} as const;

export function rangeToWire(request: RangeRequest): Draft<wire.RangeRequest> {
  const { key, rangeEnd, sort, ...rest } = request;
  return {
    ...rest,
    key: bytesOfText(key),
    ...endOf(rangeEnd),
    ...(sort === undefined
      ? {}
      : { sortTarget: SORT_TARGETS[sort.target], sortOrder: sort.isDescending ? DESCEND : ASCEND }),
  };
}

export function putToWire({ key, ...rest }: PutRequest): Draft<wire.PutRequest> {
  return { ...rest, key: bytesOfText(key) };
}

export function deleteToWire({ key, rangeEnd, prevKv }: DeleteRangeRequest): Draft<wire.DeleteRangeRequest> {
  return { key: bytesOfText(key), ...endOf(rangeEnd), prevKv };
}

/** What caused it stays here: etcd keeps nothing of that. */
export function txnToWire({ compare, success, failure }: Omit<TxnRequest, "cause">): Draft<wire.TxnRequest> {
  return { compare: compare.map(compareToWire), success: success.map(opToWire), failure: failure.map(opToWire) };
}

function opToWire(op: RequestOp): Draft<wire.RequestOp> {
  if ("range" in op) return { requestRange: rangeToWire(op.range) };
  if ("put" in op) return { requestPut: putToWire(op.put) };
  if ("deleteRange" in op) return { requestDeleteRange: deleteToWire(op.deleteRange) };
  return { requestTxn: txnToWire(op.txn) };
}

function compareToWire(compare: Compare): Draft<wire.Compare> {
  const about = { key: bytesOfText(compare.key), ...endOf(compare.rangeEnd), result: RESULTS[compare.result] };
  switch (compare.target) {
    case "version":
      return { ...about, target: CompareTarget.VERSION, version: compare.value };
    case "create":
      return { ...about, target: CompareTarget.CREATE, createRevision: compare.value };
    case "mod":
      return { ...about, target: CompareTarget.MOD, modRevision: compare.value };
    case "value":
      return { ...about, target: CompareTarget.VALUE, value: compare.value };
    case "lease":
      return { ...about, target: CompareTarget.LEASE, lease: compare.value };
  }
}

function endOf(rangeEnd: string | undefined): { readonly rangeEnd?: Uint8Array } {
  return rangeEnd === undefined ? {} : { rangeEnd: bytesOfText(rangeEnd) };
}
