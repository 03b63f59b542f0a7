/** What etcd's own clients ask for beyond what the API servers do. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Command } from "../../../../../../actors/etcd/core/mvcc/command.ts";
import { checkPutFields, leaseTtl, weigh } from "../../../../../../actors/etcd/core/mvcc/check-request.ts";
import { StateMachine } from "../../../../../../actors/etcd/core/mvcc/state-machine.ts";
import { checkTxn } from "../../../../../../actors/etcd/core/mvcc/txn.ts";
import type {
  Compare,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
  TxnResponse,
} from "../../../../../../protocols/etcd.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const put = (key: string, value = "", more: Partial<PutRequest> = {}): Command => ({
  type: "put",
  request: { key, value: bytes(value), ...more },
});
const ofPut = (key: string): RequestOp => ({ put: { key, value: bytes("") } });
const ofTxn = (success: readonly RequestOp[], failure: readonly RequestOp[] = []): RequestOp => ({
  txn: { compare: [], success, failure },
});
const grant: Command = { type: "leaseGrant", id: "7", ttlSeconds: 9 };

function machine(...commands: readonly Command[]): StateMachine {
  const made = new StateMachine("1", "1");
  for (const command of commands) made.apply(command, false);
  return made;
}

describe("a range", () => {
  /** a: created 2, changed 6; b: 3; c: 4, changed 5. */
  const made = machine(put("a", "3"), put("b", "2"), put("c", "0"), put("c", "1"), put("a", "3"));
  const keys = (request: Partial<RangeRequest>): string =>
    made
      .range({ key: "a", rangeEnd: "z", ...request })
      .kvs.map(({ key }) => key)
      .join("");

  it.each([
    [{ sort: { target: "key", isDescending: true } }, "cba"],
    [{ sort: { target: "version", isDescending: false } }, "bac"],
    [{ sort: { target: "create", isDescending: true } }, "cba"],
    [{ sort: { target: "mod", isDescending: false } }, "bca"],
    [{ sort: { target: "mod", isDescending: true }, limit: 1 }, "a"],
    [{ sort: { target: "value", isDescending: false }, keysOnly: true }, "cba"],
    [{ minModRevision: 5 }, "ac"],
    [{ maxModRevision: 5 }, "bc"],
    [{ minCreateRevision: 3 }, "bc"],
    [{ maxCreateRevision: 3, minModRevision: 4 }, "a"],
    [{ revision: 4, sort: { target: "mod", isDescending: true } }, "cba"],
  ] as const)("%j gives %s", (request, expected) => {
    expect(keys(request)).toBe(expected);
  });

  it("counts all keys, whatever its bounds, and tells of more only within them", () => {
    expect(made.range({ key: "a", rangeEnd: "z", minModRevision: 5, limit: 1 })).toMatchObject({
      count: 3,
      more: true,
    });
    expect(made.range({ key: "a", rangeEnd: "z", minModRevision: 6, limit: 1 })).toMatchObject({
      count: 3,
      more: false,
    });
    expect(made.range({ key: "b", minModRevision: 5 })).toMatchObject({ kvs: [], count: 1 });
  });
});

describe("a put", () => {
  it("keeps the value or the lease that the key has", () => {
    const made = machine(grant, put("a", "1", { lease: "7" }), put("a", "", { ignoreValue: true }));
    expect(Buffer.from(made.range({ key: "a" }).kvs[0]!.value).toString()).toBe("1");
    expect(made.store.get("a")!.lease).toBe("0");
    const other = machine(grant, put("a", "1", { lease: "7" }), put("a", "2", { ignoreLease: true }));
    expect(other.store.get("a")).toMatchObject({ lease: "7", version: 2 });
    expect([...other.store.leases.get("7")!.keys]).toEqual(["a"]);
  });

  it("that keeps something of a key that is not there changes nothing, alone and in a transaction", () => {
    const made = machine();
    const request = { key: "a", value: bytes(""), ignoreValue: true };
    expect(made.apply({ type: "put", request }, true)).toMatchObject({ code: "ETCD_KEY_NOT_FOUND" });
    const txn: TxnRequest = { compare: [], success: [ofPut("b"), { put: request }], failure: [] };
    expect(made.apply({ type: "txn", request: txn }, true)).toMatchObject({ code: "ETCD_KEY_NOT_FOUND" });
    expect(made.store.revision).toBe(1);
  });

  it("can't keep what it gives", () => {
    const refused = (code: string): unknown => expect.objectContaining({ code });
    expect(() => checkPutFields({ key: "a", value: bytes("1"), ignoreValue: true })).toThrow(
      refused("ETCD_VALUE_PROVIDED"),
    );
    const lease = { key: "a", value: bytes(""), lease: "7", ignoreLease: true };
    expect(() => checkPutFields(lease)).toThrow(refused("ETCD_LEASE_PROVIDED"));
    expect(() => checkPutFields({ key: "", value: bytes("") })).toThrow(refused("ETCD_EMPTY_KEY"));
  });
});

describe("a comparison over a range", () => {
  const made = machine(put("a", "1"), put("b", "1"), put("b", "1"));
  const holds = (compare: Compare): boolean =>
    (made.apply({ type: "txn", request: { compare: [compare], success: [], failure: [] } }, true) as TxnResponse)
      .succeeded;

  it.each([
    [{ key: "a", rangeEnd: "c", target: "version", result: "greater", value: 0 }, true],
    [{ key: "a", rangeEnd: "c", target: "version", result: "greater", value: 1 }, false],
    [{ key: "a", rangeEnd: "c", target: "value", result: "equal", value: bytes("1") }, true],
    [{ key: "a", rangeEnd: "\0", target: "create", result: "less", value: 4 }, true],
    [{ key: "x", rangeEnd: "z", target: "version", result: "equal", value: 0 }, true],
    [{ key: "x", rangeEnd: "z", target: "value", result: "notEqual", value: bytes("1") }, false],
    [{ key: "a", rangeEnd: "c", target: "mod", result: "greater", value: -1 }, true],
  ] as const)("%j: %s", (compare, expected) => {
    expect(holds(compare)).toBe(expected);
  });
});

describe("a transaction within a transaction", () => {
  it("compares with the state before all of it, and makes the same revision", () => {
    const inner: TxnRequest = {
      compare: [{ key: "a", target: "version", result: "equal", value: 0 }],
      success: [{ range: { key: "a" } }, ofPut("b")],
      failure: [ofPut("c")],
    };
    const made = machine();
    const request = { compare: [], success: [ofPut("a"), { txn: inner }], failure: [] };
    const answer = made.apply({ type: "txn", request }, true) as TxnResponse;
    expect(answer.responses[1]).toMatchObject({ txn: { succeeded: true, responses: [{ range: { count: 1 } }, {}] } });
    expect(made.store.get("b")).toMatchObject({ modRevision: 2 });
    expect(made.store.revision).toBe(2);
  });

  it("changes nothing when something deep within it can't be done", () => {
    const made = machine();
    const bad = ofTxn([ofTxn([{ put: { key: "z", value: bytes(""), lease: "5" } }])]);
    const request = { compare: [], success: [ofPut("a"), bad], failure: [] };
    expect(made.apply({ type: "txn", request }, true)).toMatchObject({ code: "ETCD_LEASE_NOT_FOUND" });
    expect(made.store.index.size).toBe(0);
  });

  it.each([
    ["puts a key twice", [ofPut("a"), ofTxn([ofPut("a")])], "ETCD_DUPLICATE_KEY"],
    ["puts what the other deletes", [{ deleteRange: { key: "a" } }, ofTxn([], [ofPut("a")])], "ETCD_DUPLICATE_KEY"],
    ["deletes what is put beside it", [ofPut("a"), ofTxn([{ deleteRange: { key: "a" } }])], "ETCD_DUPLICATE_KEY"],
    ["puts what another one does", [ofTxn([ofPut("a")]), ofTxn([ofPut("a")])], "ETCD_DUPLICATE_KEY"],
    ["has more than what is left of 128", [...many(100), ofTxn(many(29))], "ETCD_TOO_MANY_OPS"],
  ] as const)("is refused where it %s", (_, success, code) => {
    expect(() => checkTxn({ compare: [], success, failure: [] })).toThrow(expect.objectContaining({ code }));
  });

  it("may put one key in both of its lists, of which one is carried out", () => {
    expect(() => checkTxn({ compare: [], success: [ofTxn([ofPut("a")], [ofPut("a")])], failure: [] })).not.toThrow();
  });

  it("weighs what it holds, and an empty key is found in it", () => {
    expect(
      weigh({ compare: [], success: [ofTxn([{ put: { key: "ab", value: bytes("123") } }])], failure: [] }),
    ).toEqual({
      sizeBytes: 5,
      grows: true,
    });
    expect(() => weigh({ compare: [], success: [ofTxn([ofPut("")])], failure: [] })).toThrow("key is not provided");
  });
});

function many(count: number): readonly RequestOp[] {
  return Array.from({ length: count }, (_, at) => ({ range: { key: `k${at}` } }));
}

it("times of leases are bounded as etcd's", () => {
  expect(leaseTtl(0, 2)).toBe(2);
  expect(leaseTtl(-5, 2)).toBe(2);
  expect(leaseTtl(60, 2)).toBe(60);
  expect(() => leaseTtl(9_000_000_001, 2)).toThrow("too large lease TTL");
});

it("keys of any bytes are told in the order of their bytes", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: "binary", minLength: 1, maxLength: 4 }), { maxLength: 8 }),
      (texts) => {
        const keys = texts.map((text) => Buffer.from(text).toString());
        const made = machine(...keys.map((key) => put(key)));
        const told = made.range({ key: "\0", rangeEnd: "\0" }).kvs.map(({ key }) => key);
        const expected = [...new Set(keys)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(told).toEqual(expected);
      },
    ),
  );
});
