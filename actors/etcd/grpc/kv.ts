/** KV. Source: etcd `server/etcdserver/api/v3rpc/key.go`. */
import type { Actor } from "../../../runtime/actor.ts";
import type { EtcdMethods } from "../../../protocols/etcd.ts";
import { GRPC } from "../../../protocols/etcd-wire/grpc.ts";
import { deleteAnswer, putAnswer, rangeAnswer, txnAnswer } from "../core/grpc/answers.ts";
import { deleteRequest, putRequest, rangeRequest, txnRequest } from "../core/grpc/requests.ts";
import { isOrdered } from "../core/mvcc/range-order.ts";
import type { Services } from "./calls.ts";
import { status } from "./calls.ts";

/** Keys in one answer of a streamed range. */
const STREAMED_KEYS = 500;

export function kvServices(handlers: Actor<EtcdMethods>["handlers"]): Services {
  return {
    "/etcdserverpb.KV/Range": async (request, call) => rangeAnswer(await handlers.range(rangeRequest(request), call)),
    "/etcdserverpb.KV/Put": async (request, call) => putAnswer(await handlers.put(putRequest(request), call)),
    "/etcdserverpb.KV/DeleteRange": async (request, call) =>
      deleteAnswer(await handlers.deleteRange(deleteRequest(request), call)),
    "/etcdserverpb.KV/Txn": async (request, call) => txnAnswer(await handlers.txn(txnRequest(request), call)),
    "/etcdserverpb.KV/Compact": async ({ revision }, call) =>
      handlers.compact({ revision: Math.max(0, revision) }, call),
    "/etcdserverpb.KV/RangeStream": async (request, stream) => {
      const range = rangeRequest(request);
      if (range.sort !== undefined) throw status(GRPC.UNIMPLEMENTED, "RangeStream does not support custom sort orders");
      if (isOrdered(range)) throw status(GRPC.UNIMPLEMENTED, "RangeStream does not support revision filters");
      const { header, kvs, more, count } = await handlers.range(range, stream);
      // All that is told of the whole comes last, as from etcd.
      let at = 0;
      for (; at + STREAMED_KEYS < kvs.length; at += STREAMED_KEYS) {
        if (stream.isFull) await stream.drained();
        if (stream.signal.aborted) return;
        stream.send({
          rangeResponse: { kvs: rangeAnswer({ header, kvs: kvs.slice(at, at + STREAMED_KEYS), more, count }).kvs },
        });
      }
      stream.send({ rangeResponse: rangeAnswer({ header, kvs: kvs.slice(at), more, count }) });
    },
  };
}
