import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BoltEntry } from "../../../../../../actors/etcd/core/bbolt/file.ts";
import { boltFile } from "../../../../../../actors/etcd/core/bbolt/file.ts";
import { hashKv, keyBucket } from "../../../../../../actors/etcd/core/bbolt/revisions.ts";
import type { Command } from "../../../../../../actors/etcd/core/mvcc/command.ts";
import { decodeStore, encodeStore } from "../../../../../../actors/etcd/core/mvcc/state-codec.ts";
import { StateMachine } from "../../../../../../actors/etcd/core/mvcc/state-machine.ts";
import type { Store } from "../../../../../../actors/etcd/core/mvcc/store.ts";

const PAGE = 4_096;

/** Reads a file as bbolt does: from the meta page with the highest transaction down the trees. */
class BoltReader {
  private readonly bytes: Buffer;

  constructor(pieces: readonly Uint8Array[]) {
    this.bytes = Buffer.concat(pieces);
    expect(this.bytes.length % PAGE).toBe(0);
    for (const meta of [0, 1]) {
      const at = meta * PAGE + 16;
      expect(this.bytes.readUInt32LE(at)).toBe(0xed0cdaed);
      expect(this.bytes.readBigUInt64LE(at + 40)).toBe(BigInt(this.bytes.length / PAGE));
    }
  }

  bucket(name: string): readonly (readonly [string, string])[] {
    const root = this.entries(Number(this.bytes.readBigUInt64LE(16 + 16))).find(([key]) => key.toString() === name)!;
    const entries = this.entries(Number(root[1].readBigUInt64LE(0)));
    return entries.map(([key, value]) => [key.toString("hex"), value.toString("hex")]);
  }

  private entries(page: number): readonly (readonly [Buffer, Buffer])[] {
    const at = page * PAGE;
    expect(Number(this.bytes.readBigUInt64LE(at))).toBe(page);
    const isLeaf = this.bytes.readUInt16LE(at + 8) === 2;
    const found: (readonly [Buffer, Buffer])[] = [];
    for (let index = 0; index < this.bytes.readUInt16LE(at + 10); index++) {
      const element = at + 16 + index * 16;
      if (!isLeaf) {
        found.push(...this.entries(Number(this.bytes.readBigUInt64LE(element + 8))));
        continue;
      }
      const key = element + this.bytes.readUInt32LE(element + 4);
      const value = key + this.bytes.readUInt32LE(element + 8);
      found.push([
        this.bytes.subarray(key, value),
        this.bytes.subarray(value, value + this.bytes.readUInt32LE(element + 12)),
      ]);
    }
    return found;
  }
}

describe("a file", () => {
  it("gives back its buckets, also the empty ones, large values and trees of several levels", () => {
    const entry = fc.record({
      key: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      value: fc.uint8Array({ maxLength: 200 }),
    });
    const many: BoltEntry[] = Array.from({ length: 3_000 }, (_, at) => ({
      key: Buffer.from(String(at).padStart(200, "0")),
      value: Buffer.alloc(at === 7 ? 20_000 : 30, at),
    }));
    const hexed = (entries: readonly BoltEntry[]): unknown =>
      entries.map(({ key, value }) => [Buffer.from(key).toString("hex"), Buffer.from(value).toString("hex")]);
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ key }) => Buffer.from(key).toString("hex") }), (entries) => {
        const sorted = [...entries].sort((a, b) => Buffer.compare(a.key, b.key));
        const reader = new BoltReader(
          boltFile([
            { name: "a", entries: sorted },
            { name: "b", entries: [] },
            { name: "c", entries: many },
          ]),
        );
        expect(reader.bucket("a")).toEqual(hexed(sorted));
        expect(reader.bucket("b")).toEqual([]);
        expect(reader.bucket("c")).toEqual(hexed(many));
      }),
      { numRuns: 5 },
    );
  });
});

const put = (key: string, value: string): Command => ({ type: "put", request: { key, value: Buffer.from(value) } });
const remove = (key: string): Command => ({ type: "deleteRange", request: { key } });

/** What was done to etcd 3.7.3 as well, by `etcdctl`. */
const HISTORY: readonly Command[] = [
  ...[1, 2, 3, 4, 5].map((at) => put(`k${at}`, `v${at}`)),
  remove("k2"),
  { type: "deleteRange", request: { key: "k4", rangeEnd: "k5" } },
  {
    type: "txn",
    request: {
      compare: [],
      success: [
        { put: { key: "b", value: Buffer.from("x") } },
        { put: { key: "a", value: Buffer.from("y") } },
        { deleteRange: { key: "k1" } },
      ],
      failure: [],
    },
  },
  put("k3", "new"),
];

function storeOf(...commands: readonly Command[]): Store {
  const machine = new StateMachine("1", "1");
  for (const command of commands) machine.apply(command, false);
  return machine.store;
}

describe("the hash of a history", () => {
  it("is etcd's own, whole and compacted, of the newest revision and of an older one", () => {
    const store = storeOf(...HISTORY);
    expect(hashKv(store, 0).hash).toBe(1436932461);
    store.compact(8);
    expect(hashKv(store, 0)).toEqual({ hash: 647006778, compactRevision: 8, hashRevision: 10 });
    expect(hashKv(store, 9).hash).toBe(210033344);
    const restored = decodeStore(encodeStore(store));
    expect(hashKv(restored, 0).hash).toBe(647006778);
  });

  it("is not told of what is compacted, or still to come", () => {
    const store = storeOf(...HISTORY);
    store.compact(8);
    expect(() => hashKv(store, 7)).toThrow("has been compacted");
    expect(() => hashKv(store, 11)).toThrow("future revision");
  });
});

it("versions are in the order of their revisions, those of one in the order in which they were made", () => {
  const keys = [...keyBucket(storeOf(...HISTORY))].map(({ key }) => Buffer.from(key));
  const revisions = keys.map(
    (key) => `${key.readBigUInt64BE(0)}.${key.readBigUInt64BE(9)}${key.length > 17 ? "t" : ""}`,
  );
  expect(revisions).toEqual(["2.0", "3.0", "4.0", "5.0", "6.0", "7.0t", "8.0t", "9.0", "9.1", "9.2t", "10.0"]);
});
