/** What etcd answers, in the codes by which an API server knows whether its request may have been carried out. */
import { describe, expect, it } from "vitest";
import { cancellation, errorOf, eventOf } from "../../../../actors/etcd-gateway/core/answers.ts";
import { rangeToWire, txnToWire } from "../../../../actors/etcd-gateway/core/requests.ts";
import { decode, encode } from "../../../../protocols/etcd-wire/codec.ts";
import type { GrpcCode } from "../../../../protocols/etcd-wire/grpc.ts";
import { GRPC, GrpcStatus } from "../../../../protocols/etcd-wire/grpc.ts";

/** The texts are etcd's own: `api/v3rpc/rpctypes/error.go`. The first three are certainly not carried out, of the others nobody knows. */
const ERRORS: readonly (readonly [GrpcCode, string, string])[] = [
  [GRPC.UNAVAILABLE, "etcdserver: no leader", "ETCD_NO_LEADER"],
  [GRPC.RESOURCE_EXHAUSTED, "etcdserver: too many requests", "ETCD_TOO_MANY_REQUESTS"],
  [GRPC.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", "ETCD_NO_SPACE"],
  [GRPC.UNAVAILABLE, "etcdserver: request timed out", "ETCD_TIMEOUT"],
  [GRPC.UNAVAILABLE, "etcdserver: request timed out, possibly due to previous leader failure", "ETCD_TIMEOUT"],
  [GRPC.UNAVAILABLE, "etcdserver: request timed out, possibly due to connection lost", "ETCD_TIMEOUT"],
  [GRPC.UNAVAILABLE, "etcdserver: leader changed", "ETCD_LEADER_CHANGED"],
  [GRPC.UNAVAILABLE, "etcdserver: server stopped", "ETCD_LEADER_CHANGED"],
  [GRPC.UNAVAILABLE, "transport is closing", "ETCD_TIMEOUT"],
  [GRPC.DEADLINE_EXCEEDED, "context deadline exceeded", "ETCD_TIMEOUT"],
  [GRPC.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", "ETCD_COMPACTED"],
  [GRPC.INVALID_ARGUMENT, "etcdserver: request is too large", "ETCD_REQUEST_TOO_LARGE"],
  [GRPC.PERMISSION_DENIED, "etcdserver: permission denied", "ETCD_PERMISSION_DENIED"],
];

describe("an answer of etcd", () => {
  it.each(ERRORS)("%i %s is %s", (code, message, expected) => {
    expect(errorOf(new GrpcStatus(code, message))).toMatchObject({ code: expected, message });
  });

  it("tells of the revision that is left, where a watch begins before it", () => {
    const answer = { ...decode("WatchResponse", new Uint8Array()), canceled: true, compactRevision: 7 };
    expect(cancellation(answer)).toMatchObject({ code: "ETCD_COMPACTED", details: { compactRevision: 7 } });
    const lost = { ...answer, compactRevision: 0, cancelReason: "etcdserver: no leader" };
    expect(cancellation(lost)).toMatchObject({ code: "ETCD_NO_LEADER" });
  });

  it("has keys as text, whatever their bytes, and leases that no number holds", () => {
    const kv = { key: Uint8Array.of(0x2f, 0xff), modRevision: 3, lease: "9223372036854775807" };
    const event = decode("Event", encode("Event", { type: 1, kv }));
    expect(eventOf(event, "a#1")).toMatchObject({
      type: "delete",
      kv: { key: "/\udcff", modRevision: 3, lease: "9223372036854775807" },
      cause: "a#1",
    });
    const asked = decode("RangeRequest", encode("RangeRequest", rangeToWire({ key: "/\udcff", rangeEnd: "\0" })));
    expect([[...asked.key], [...asked.rangeEnd]]).toEqual([[0x2f, 0xff], [0]]);
  });
});

describe("a transaction", () => {
  it("goes over the wire as kube-apiserver's would, without what caused it", () => {
    const value = Uint8Array.of(1, 2);
    const request = txnToWire({
      compare: [{ key: "k", target: "mod", result: "equal", value: 5 }],
      success: [{ put: { key: "k", value, lease: "12" } }],
      failure: [{ range: { key: "k", limit: 1 } }, { deleteRange: { key: "k", prevKv: true } }],
    });
    expect(decode("TxnRequest", encode("TxnRequest", request))).toMatchObject({
      compare: [{ target: 2, result: 0, modRevision: 5 }],
      success: [{ requestPut: { lease: "12" } }],
      failure: [{ requestRange: { limit: 1 } }, { requestDeleteRange: { prevKv: true } }],
    });
  });
});
