/** Answers that have come over the wire, in the terms of etcd's protocol between actors. */
import { InkubeError } from "../../../protocols/errors.ts";
import { ETCD_ERRORS, etcdErrorCodeOf } from "../../../protocols/etcd-errors.ts";
import type {
  DeleteRangeResponse,
  EtcdErrorCode,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
  WatchEvent,
} from "../../../protocols/etcd.ts";
import { GRPC, GrpcStatus } from "../../../protocols/etcd-wire/grpc.ts";
import type * as wire from "../../../protocols/etcd-wire/messages.ts";
import { textOfBytes } from "../../../protocols/text-bytes.ts";

const DELETE = 1;
const NO_HEADER: ResponseHeader = { clusterId: "0", memberId: "0", revision: 0, raftTerm: 0 };

export const headerOf = (header: wire.ResponseHeader | undefined): ResponseHeader => header ?? NO_HEADER;

export function keyValueOf(kv: wire.KeyValue): KeyValue {
  const { key, ...rest } = kv;
  return { ...rest, key: textOfBytes(key) };
}

export function rangeOf({ header, kvs, more, count }: wire.RangeResponse): RangeResponse {
  return { header: headerOf(header), kvs: kvs.map(keyValueOf), more, count };
}

export function putOf({ header, prevKv }: wire.PutResponse): PutResponse {
  return { header: headerOf(header), ...(prevKv === undefined ? {} : { prevKv: keyValueOf(prevKv) }) };
}

export function deletionOf({ header, deleted, prevKvs }: wire.DeleteRangeResponse): DeleteRangeResponse {
  return { header: headerOf(header), deleted, prevKvs: prevKvs.map(keyValueOf) };
}

export function txnOf({ header, succeeded, responses }: wire.TxnResponse): TxnResponse {
  return { header: headerOf(header), succeeded, responses: responses.map(responseOf) };
}

function responseOf(response: wire.ResponseOp): ResponseOp {
  const { responseRange, responsePut, responseDeleteRange, responseTxn } = response;
  if (responseRange !== undefined) return { range: rangeOf(responseRange) };
  if (responsePut !== undefined) return { put: putOf(responsePut) };
  if (responseDeleteRange !== undefined) return { deleteRange: deletionOf(responseDeleteRange) };
  if (responseTxn !== undefined) return { txn: txnOf(responseTxn) };
  throw new InkubeError("ETCD_CORRUPT", "the answer to a part of a transaction is none that is known");
}

export function eventOf({ type, kv, prevKv }: wire.Event, cause: string | undefined): WatchEvent {
  if (kv === undefined) throw new InkubeError("ETCD_CORRUPT", "an event without its key");
  return {
    type: type === DELETE ? "delete" : "put",
    kv: keyValueOf(kv),
    ...(prevKv === undefined ? {} : { prevKv: keyValueOf(prevKv) }),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** What etcd says when it was about to end or has changed its leader meanwhile: the request may be carried out all the same. */
const AMBIGUOUS: readonly EtcdErrorCode[] = ["ETCD_OUT_OF_SERVICE", "ETCD_LEADER_CHANGED", "ETCD_TIMEOUT"];
/** The text goes on with what may be the reason. */
const TIMED_OUT = ETCD_ERRORS.ETCD_TIMEOUT.text;
/** Codes of gRPC itself, by which nobody knows what became of a request. */
const LOST: readonly number[] = [GRPC.UNAVAILABLE, GRPC.DEADLINE_EXCEEDED, GRPC.CANCELLED, GRPC.UNKNOWN, GRPC.INTERNAL];

/** A refusal in the code that tells whether the request was carried out. `details`: of ETCD_COMPACTED. */
export function errorOf({ code, message }: GrpcStatus, details?: unknown): InkubeError {
  const known = message.startsWith(TIMED_OUT) ? "ETCD_TIMEOUT" : etcdErrorCodeOf(message);
  if (known === undefined) {
    if (LOST.includes(code)) return failure("ETCD_TIMEOUT", message, true);
    // Nothing that an API server could do differently: it is its user's to know.
    return failure(
      code === GRPC.RESOURCE_EXHAUSTED ? "ETCD_REQUEST_TOO_LARGE" : "ETCD_PERMISSION_DENIED",
      message,
      false,
    );
  }
  if (AMBIGUOUS.includes(known))
    return failure(known === "ETCD_TIMEOUT" ? known : "ETCD_LEADER_CHANGED", message, true);
  return new InkubeError(known, message, {
    retryable: ETCD_ERRORS[known].retryable,
    ...(details === undefined ? {} : { details }),
  });
}

export function failure(code: EtcdErrorCode, message: string, retryable: boolean): InkubeError {
  return new InkubeError(code, message, { retryable });
}

/** Why a watch was ended by its member. */
export function cancellation({ compactRevision, cancelReason }: wire.WatchResponse): InkubeError {
  if (compactRevision > 0) {
    const { text } = ETCD_ERRORS.ETCD_COMPACTED;
    return new InkubeError("ETCD_COMPACTED", text, { retryable: false, details: { compactRevision } });
  }
  return errorOf(new GrpcStatus(GRPC.UNAVAILABLE, cancelReason === "" ? "the watch was canceled" : cancelReason));
}
