import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../../../../actors/etcd/core/bytes.ts";
import type { Command } from "../../../../../../actors/etcd/core/mvcc/command.ts";
import { CommandBatch, readBatches } from "../../../../../../actors/etcd/core/mvcc/command.ts";

describe("bytes", () => {
  it("come back as numbers, texts and blobs of any size", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.maxSafeNat(), fc.string({ unit: "grapheme" }), fc.uint8Array())), (values) => {
        const writer = new ByteWriter(1);
        for (const value of values) {
          if (typeof value === "number") writer.varint(value);
          else if (typeof value === "string") writer.text(value);
          else writer.blob(value);
        }
        const reader = new ByteReader(writer.take());
        for (const value of values) {
          if (typeof value === "number") expect(reader.varint()).toBe(value);
          else if (typeof value === "string") expect(reader.text()).toBe(value);
          else expect(new Uint8Array(reader.blob())).toEqual(value);
        }
        expect(reader.done).toBe(true);
      }),
    );
  });

  it.each([[[0x80]], [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]], [[]]])(
    "are refused where no number can be read: %j",
    (raw) => expect(() => new ByteReader(new Uint8Array(raw)).varint()).toThrow(),
  );
});

describe("commands", () => {
  const value = new Uint8Array([1, 2, 3]);
  const commands: readonly Command[] = [
    { type: "put", request: { key: "/é", value } },
    { type: "put", request: { key: "/b", value, lease: "9223372036854775807", prevKv: true } },
    { type: "deleteRange", request: { key: "/b", rangeEnd: "/c", prevKv: true } },
    { type: "put", request: { key: "/b", value, prevKv: false, ignoreValue: true, ignoreLease: false } },
    {
      type: "put",
      request: { key: "/b\udcff", value, lease: "-5", prevKv: true, ignoreValue: false, ignoreLease: true },
    },
    {
      type: "txn",
      request: {
        compare: [
          { key: "a", result: "greater", rangeEnd: "b", target: "version", value: -1 },
          { key: "a", result: "equal", rangeEnd: "b", target: "value", value },
          { key: "a", result: "equal", target: "mod", value: 3 },
          { key: "b", result: "notEqual", target: "value", value },
          { key: "c", result: "less", target: "lease", value: "12" },
        ],
        success: [{ put: { key: "/b", value } }, { deleteRange: { key: "x" } }],
        failure: [
          {
            txn: {
              compare: [{ key: "z", result: "equal", target: "create", value: 0 }],
              success: [{ txn: { compare: [], success: [], failure: [{ put: { key: "n", value } }] } }],
              failure: [],
            },
          },
          {
            range: {
              key: "/b",
              limit: 0,
              revision: 0,
              keysOnly: false,
              countOnly: true,
              sort: { target: "value", isDescending: true },
              minModRevision: 1,
              maxModRevision: 2,
              minCreateRevision: 3,
              maxCreateRevision: 4,
            },
          },
          { range: { key: "/b", rangeEnd: "\0", limit: 5, revision: 7, keysOnly: true, countOnly: false } },
        ],
        cause: "api-server-0#5",
      },
    },
    { type: "compact", revision: 88 },
    { type: "leaseGrant", id: "5", ttlSeconds: 60 },
    { type: "leaseRevoke", id: "5" },
  ];

  it("come back in order, with whom they are from and which they are, when batches are joined", () => {
    const first = new CommandBatch(111);
    const second = new CommandBatch(222);
    for (const command of commands) first.add(command);
    expect(second.add(commands[0]!)).toBe(1);
    const parts = [first.take(), second.take()];
    expect(first.add(commands[4]!)).toBe(commands.length + 1);
    parts.push(first.take());
    const read: [Command, number, number][] = [];
    readBatches(new Uint8Array(Buffer.concat(parts)), (...one) => void read.push(one));
    expect(read.map(([, origin, sequence]) => [origin, sequence])).toEqual([
      ...commands.map((_, at) => [111, at + 1]),
      [222, 1],
      [111, commands.length + 1],
    ]);
    // Blobs may be views of another class; what counts is their content.
    const plain = (command: Command): string =>
      JSON.stringify(command, (_, inner: unknown) =>
        typeof inner === "object" && inner !== null && "data" in inner ? Object.assign({}, inner.data) : inner,
      );
    expect(read.slice(0, commands.length).map(([command]) => plain(command))).toEqual(commands.map(plain));
  });
});
