/** Answers of our protocol as etcd's clients know them. */
import type { Draft } from "../../../../protocols/etcd-wire/codec.ts";
import type * as wire from "../../../../protocols/etcd-wire/messages.ts";
import { ENUMS } from "../../../../protocols/etcd-wire/tables.ts";
import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseOp,
  TxnResponse,
  WatchEvent,
} from "../../../../protocols/etcd.ts";
import { bytesOfText } from "../../../../protocols/text-bytes.ts";

const { PUT, DELETE } = ENUMS.EventType;

export function keyValue({ key, ...rest }: KeyValue): Draft<wire.KeyValue> {
  return { key: bytesOfText(key), ...rest };
}

export function rangeAnswer({ header, kvs, more, count }: RangeResponse): Draft<wire.RangeResponse> {
  return { header, kvs: kvs.map(keyValue), more, count };
}

export function putAnswer({ header, prevKv }: PutResponse): Draft<wire.PutResponse> {
  return prevKv === undefined ? { header } : { header, prevKv: keyValue(prevKv) };
}

export function deleteAnswer({ header, deleted, prevKvs }: DeleteRangeResponse): Draft<wire.DeleteRangeResponse> {
  return { header, deleted, prevKvs: prevKvs.map(keyValue) };
}

export function txnAnswer({ header, succeeded, responses }: TxnResponse): Draft<wire.TxnResponse> {
  return { header, succeeded, responses: responses.map(opAnswer) };
}

/** Of what is within a transaction only the revision is told, as etcd does. */
function opAnswer(response: ResponseOp): Draft<wire.ResponseOp> {
  if ("range" in response) return { responseRange: within(rangeAnswer(response.range)) };
  if ("put" in response) return { responsePut: within(putAnswer(response.put)) };
  if ("txn" in response) return { responseTxn: within(txnAnswer(response.txn)) };
  return { responseDeleteRange: within(deleteAnswer(response.deleteRange)) };
}

function within<T extends { readonly header?: Draft<wire.ResponseHeader> | undefined }>(answer: T): T {
  return { ...answer, header: { revision: answer.header?.revision } };
}

export function watchEvent({ type, kv, prevKv }: WatchEvent): Draft<wire.Event> {
  const told =
    type === "put"
      ? { type: PUT, kv: keyValue(kv) }
      : { type: DELETE, kv: { key: bytesOfText(kv.key), modRevision: kv.modRevision } };
  return prevKv === undefined ? told : { ...told, prevKv: keyValue(prevKv) };
}
