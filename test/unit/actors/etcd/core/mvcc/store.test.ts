import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeStore, encodeStore } from "../../../../../../actors/etcd/core/mvcc/state-codec.ts";
import { StateMachine } from "../../../../../../actors/etcd/core/mvcc/state-machine.ts";
import type { Store } from "../../../../../../actors/etcd/core/mvcc/store.ts";
import { checkTxn } from "../../../../../../actors/etcd/core/mvcc/txn.ts";
import type { Command } from "../../../../../../actors/etcd/core/mvcc/command.ts";
import type { Compare, RequestOp, TxnRequest, TxnResponse } from "../../../../../../protocols/etcd.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

function machine(...commands: readonly Command[]): StateMachine {
  const made = new StateMachine("c", "1");
  for (const command of commands) made.apply(command, false);
  return made;
}
const put = (key: string, value = "", lease = "0"): Command => ({
  type: "put",
  request: { key, value: bytes(value), lease },
});
const remove = (key: string, rangeEnd?: string): Command => ({
  type: "deleteRange",
  request: rangeEnd === undefined ? { key } : { key, rangeEnd },
});
const txn = (request: Partial<TxnRequest>): Command => ({
  type: "txn",
  request: { compare: [], success: [], failure: [], ...request },
});
const ofPut = (key: string, value = ""): RequestOp => ({ put: { key, value: bytes(value) } });

describe("revisions", () => {
  it("start at 1 and count transactions that change something", () => {
    const { store } = machine();
    expect(store.revision).toBe(1);
    expect(machine(put("a")).store.revision).toBe(2);
    expect(machine(put("a"), remove("b"), txn({})).store.revision).toBe(2);
    expect(machine(put("a"), txn({ success: [ofPut("b"), ofPut("c")] })).store.revision).toBe(3);
  });

  it("give a key its creation, its last change and its count of writes; a deletion ends the generation", () => {
    const { store } = machine(put("a", "1"), put("b"), put("a", "2"));
    expect(store.get("a")).toMatchObject({ createRevision: 2, modRevision: 4, version: 2 });
    const again = machine(put("a"), remove("a"), put("a")).store;
    expect(again.get("a")).toMatchObject({ createRevision: 4, modRevision: 4, version: 1 });
  });
});

describe("what a history holds", () => {
  /** Each put: a key of 1, a value of 3 and 96 bytes besides. */
  const written = (count: number): Store =>
    machine(...Array.from({ length: count }, (_, at) => put("k", String(at).padStart(3, "0")))).store;
  const LIMITS = { revisions: 100, bytes: 100_000, revisionsMin: 2 };

  it("is counted in bytes, also after a compaction and in what a snapshot gives back", () => {
    const store = written(10);
    expect(store.historyBytes).toBe(1_000);
    store.compact(8);
    // Revision 8 itself is kept, for a watch that begins there.
    expect(store.historyBytes).toBe(400);
    expect(decodeStore(encodeStore(store)).historyBytes).toBe(400);
  });

  it("says to which revision to compact for it to be small enough, and never forgets the newest few", () => {
    const store = written(10);
    expect(store.compactionFor(LIMITS)).toBeUndefined();
    expect(store.compactionFor({ ...LIMITS, revisions: 4 })).toBe(7);
    expect(store.compactionFor({ ...LIMITS, bytes: 550 })).toBe(6);
    expect(store.compactionFor({ ...LIMITS, bytes: 1 })).toBe(9);
    store.compact(9);
    expect(store.compactionFor({ ...LIMITS, bytes: 1 })).toBeUndefined();
    expect(store.range({ key: "k" }).kvs[0]?.value).toEqual(Buffer.from("009"));
  });
});

describe("range", () => {
  const { store } = machine(put("a", "1"), put("b", "2"), put("c", "3"), put("b", "4"), remove("a"));

  it.each([
    [{ key: "b" }, ["b=4"], 1, false],
    [{ key: "a" }, [], 0, false],
    [{ key: "a", rangeEnd: "c" }, ["b=4"], 1, false],
    [{ key: "a", rangeEnd: "\0" }, ["b=4", "c=3"], 2, false],
    [{ key: "a", rangeEnd: "\0", limit: 1 }, ["b=4"], 2, true],
    [{ key: "a", rangeEnd: "\0", revision: 4 }, ["a=1", "b=2", "c=3"], 3, false],
    [{ key: "a", rangeEnd: "\0", revision: 4, limit: 2 }, ["a=1", "b=2"], 3, true],
    [{ key: "a", rangeEnd: "\0", countOnly: true }, [], 2, false],
    [{ key: "a", rangeEnd: "\0", keysOnly: true }, ["b=", "c="], 2, false],
    [{ key: "c", rangeEnd: "a" }, [], 0, false],
  ])("answers %j", (request, expected, count, more) => {
    const result = store.range(request);
    expect(result.kvs.map((kv) => `${kv.key}=${text(kv.value)}`)).toEqual(expected);
    expect([result.count, result.more]).toEqual([count, more]);
  });

  it("refuses revisions that are to come or compacted", () => {
    expect(() => store.range({ key: "a", revision: 99 })).toThrow(
      expect.objectContaining({ code: "ETCD_FUTURE_REVISION" }),
    );
    const old = machine(put("a", "1"), put("a", "2"), put("a", "3"), { type: "compact", revision: 3 }).store;
    expect(() => old.range({ key: "a", revision: 2 })).toThrow(expect.objectContaining({ code: "ETCD_COMPACTED" }));
    expect(text(old.range({ key: "a", revision: 3 }).kvs[0]!.value)).toBe("2");
  });

  it("orders keys by their UTF-8 bytes, also where UTF-16 orders them otherwise", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 3 }), { maxLength: 20 }), (keys) => {
        const { store: filled } = machine(...keys.map((key) => put(key)));
        const listed = filled.range({ key: "\0", rangeEnd: "\0" }).kvs.map(({ key }) => key);
        const sorted = [...new Set(keys)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(listed).toEqual(sorted);
      }),
    );
    expect(
      machine(put("\u{1f600}"), put("\uffee"))
        .store.range({ key: "a", rangeEnd: "\0" })
        .kvs.map(({ key }) => key),
    ).toEqual(["\uffee", "\u{1f600}"]);
  });
});

describe("transactions", () => {
  const compareCases: readonly (readonly [Compare, boolean])[] = [
    [{ key: "a", target: "mod", result: "equal", value: 4 }, true],
    [{ key: "a", target: "mod", result: "equal", value: 2 }, false],
    [{ key: "a", target: "create", result: "less", value: 3 }, true],
    [{ key: "a", target: "version", result: "greater", value: 1 }, true],
    [{ key: "a", target: "version", result: "notEqual", value: 2 }, false],
    [{ key: "a", target: "value", result: "equal", value: bytes("2") }, true],
    [{ key: "a", target: "value", result: "greater", value: bytes("1") }, true],
    [{ key: "a", target: "lease", result: "equal", value: "0" }, true],
    [{ key: "none", target: "mod", result: "equal", value: 0 }, true],
    [{ key: "none", target: "version", result: "equal", value: 0 }, true],
    [{ key: "none", target: "value", result: "notEqual", value: bytes("x") }, false],
  ];
  it.each(compareCases)("compares %j", (compare, succeeded) => {
    const made = machine(put("a", "1"), put("b"), put("a", "2"));
    expect((made.apply(txn({ compare: [compare] }), true) as TxnResponse).succeeded).toBe(succeeded);
  });

  it("change nothing at all when something in them can't be done (etcd bug 18667)", () => {
    const made = machine(put("a", "1"), put("a", "2"), { type: "compact", revision: 3 });
    for (const bad of [
      { range: { key: "a", revision: 1 } },
      { range: { key: "a", revision: 77 } },
      { put: { key: "z", value: bytes(""), lease: "5" } },
    ]) {
      expect(made.apply(txn({ success: [ofPut("b"), bad] }), true)).toBeInstanceOf(Error);
      expect(made.store.revision).toBe(3);
      expect(made.store.get("b")).toBeUndefined();
    }
  });

  it("see their own writes, under the revision that they make", () => {
    const made = machine(put("a", "1"));
    const answer = made.apply(txn({ success: [ofPut("a", "2"), { range: { key: "a" } }] }), true) as TxnResponse;
    expect(answer.header.revision).toBe(3);
    expect(answer.responses[1]).toMatchObject({ range: { kvs: [{ modRevision: 3 }], count: 1 } });
  });

  it.each([
    [[ofPut("a"), ofPut("a")], "ETCD_DUPLICATE_KEY"],
    [[ofPut("b"), { deleteRange: { key: "a", rangeEnd: "c" } }], "ETCD_DUPLICATE_KEY"],
    [Array.from({ length: 129 }, (_, at) => ofPut(`k${at}`)), "ETCD_TOO_MANY_OPS"],
  ])("are refused with a key that would change twice, or with too many operations", (success, code) => {
    expect(() => checkTxn({ compare: [], success, failure: [] })).toThrow(expect.objectContaining({ code }));
  });

  it("may delete beside what they put", () => {
    expect(() =>
      checkTxn({ compare: [], success: [ofPut("c"), { deleteRange: { key: "a", rangeEnd: "c" } }], failure: [] }),
    ).not.toThrow();
  });
});

describe("leases", () => {
  it("take their keys with them, in one revision and in the order of the keys", () => {
    const made = machine(
      { type: "leaseGrant", id: "7", ttlSeconds: 5 },
      put("b", "", "7"),
      put("a", "", "7"),
      put("c"),
    );
    const before = made.store.revision;
    made.apply({ type: "leaseRevoke", id: "7" }, false);
    expect(made.store.revision).toBe(before + 1);
    expect(made.store.revisions(before + 1)[0]!.events.map(({ type, kv }) => `${type} ${kv.key}`)).toEqual([
      "delete a",
      "delete b",
    ]);
    expect(made.store.get("c")).toBeDefined();
    expect(made.apply({ type: "leaseRevoke", id: "7" }, true)).toMatchObject({ code: "ETCD_LEASE_NOT_FOUND" });
  });

  it("let go of a key that is written without them or deleted", () => {
    const made = machine(
      { type: "leaseGrant", id: "7", ttlSeconds: 5 },
      put("a", "", "7"),
      put("b", "", "7"),
      put("a"),
      remove("b"),
    );
    made.apply({ type: "leaseRevoke", id: "7" }, false);
    expect(made.store.get("a")).toBeDefined();
    expect(made.store.leases.size).toBe(0);
  });

  it("must exist to be attached, and not exist to be granted", () => {
    const made = machine({ type: "leaseGrant", id: "7", ttlSeconds: 5 });
    expect(made.apply(put("a", "", "8"), true)).toMatchObject({ code: "ETCD_LEASE_NOT_FOUND" });
    expect(made.apply({ type: "leaseGrant", id: "7", ttlSeconds: 5 }, true)).toMatchObject({
      code: "ETCD_LEASE_EXISTS",
    });
  });
});

describe("compaction", () => {
  it("keeps of each key the last version up to it, and a deletion that happened at it (etcd bug 19179)", () => {
    const { store } = machine(put("a", "1"), put("a", "2"), remove("a"), put("b", "1"), put("b", "2"), {
      type: "compact",
      revision: 4,
    });
    expect(store.revisions(4)[0]!.events[0]).toMatchObject({ type: "delete", kv: { key: "a" } });
    expect(store.range({ key: "b", revision: 5 }).kvs.length).toBe(1);
    store.compact(5);
    expect(store.index.get("a")).toBeUndefined();
    expect(() => store.compact(5)).toThrow(expect.objectContaining({ code: "ETCD_COMPACTED" }));
    expect(() => store.compact(99)).toThrow(expect.objectContaining({ code: "ETCD_FUTURE_REVISION" }));
  });

  it("leaves every later revision as it was, and what a change replaced", () => {
    fc.assert(
      fc.property(histories, fc.nat(), (commands, at) => {
        const { store } = machine(...commands);
        if (store.revision < 2) return;
        const revision = 1 + (at % store.revision);
        if (revision < 2) return;
        const before: unknown[] = [];
        for (let one = revision; one <= store.revision; one++)
          before.push(store.range({ key: "\0", rangeEnd: "\0", revision: one }));
        const events = store.revisions(revision);
        store.compact(revision);
        for (let one = revision; one <= store.revision; one++) {
          expect(store.range({ key: "\0", rangeEnd: "\0", revision: one })).toEqual(before[one - revision]);
        }
        expect(store.revisions(revision)).toEqual(events);
      }),
    );
  });
});

/** Puts, deletions and transactions on few keys. */
const someKey = fc.constantFrom("a", "b", "c", "d");
const histories = fc.array(
  fc.oneof(
    fc.tuple(someKey, fc.string({ maxLength: 3 })).map(([key, value]) => put(key, value)),
    someKey.map((key) => remove(key)),
    fc.constant(remove("a", "c")),
    fc.string({ maxLength: 3 }).map((value) => txn({ success: [ofPut("a", value), ofPut("d", value)], cause: "x#1" })),
  ),
  { maxLength: 30 },
);

describe("a whole store", () => {
  it("reads at every revision what a plain list of all states says", () => {
    fc.assert(
      fc.property(histories, (commands) => {
        const made = new StateMachine("c", "1");
        const model: Map<string, string>[] = [new Map(), new Map()];
        for (const command of commands) {
          made.apply(command, false);
          if (made.store.revision < model.length) continue;
          const next = new Map(model[model.length - 1]);
          if (command.type === "put") next.set(command.request.key, text(command.request.value));
          if (command.type === "txn")
            for (const op of command.request.success) if ("put" in op) next.set(op.put.key, text(op.put.value));
          if (command.type === "deleteRange") {
            const { key, rangeEnd } = command.request;
            for (const old of [...next.keys()])
              if (old === key || (rangeEnd !== undefined && old >= key && old < rangeEnd)) next.delete(old);
          }
          model.push(next);
        }
        for (let revision = 1; revision <= made.store.revision; revision++) {
          const { kvs } = made.store.range({ key: "\0", rangeEnd: "\0", revision });
          expect(new Map(kvs.map((kv) => [kv.key, text(kv.value)]))).toEqual(model[revision]);
        }
      }),
    );
  });

  it("survives being written and read, with its history, leases, sizes and hash", () => {
    fc.assert(
      fc.property(histories, fc.nat(), (commands, at) => {
        const { store } = machine({ type: "leaseGrant", id: "9", ttlSeconds: 60 }, put("d", "x", "9"), ...commands);
        if (at % 2 === 0 && store.revision > 2) store.compact(2 + (at % (store.revision - 1)));
        const again = decodeStore(encodeStore(store));
        expect(again.hash).toBe(store.hash);
        expect([again.revision, again.compactRevision, again.sizeBytes]).toEqual([
          store.revision,
          store.compactRevision,
          store.sizeBytes,
        ]);
        const plain = (from: Store): unknown =>
          JSON.parse(
            JSON.stringify({
              history: from.revisions(from.historyFrom),
              leases: [...from.leases.values()].map(({ keys, ...rest }) => ({ ...rest, keys: [...keys].sort() })),
            }),
          );
        expect(plain(again)).toEqual(plain(store));
        expect(encodeStore(again)).toEqual(encodeStore(store));
      }),
    );
  });

  it("has a hash that tells any two contents apart, and is the same however it came about", () => {
    const base = machine(put("a", "1"), put("b", "2")).store.hash;
    for (const other of [
      machine(put("a", "1")),
      machine(put("a", "1"), put("b", "3")),
      machine(put("b", "2"), put("a", "1")),
    ]) {
      expect(other.store.hash).not.toBe(base);
    }
    expect(machine(put("a", "1"), put("b", "2")).store.hash).toBe(base);
  });
});
