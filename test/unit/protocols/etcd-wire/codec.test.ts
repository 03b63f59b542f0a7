import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode, WireError } from "../../../../protocols/etcd-wire/codec.ts";
import type { Messages } from "../../../../protocols/etcd-wire/messages.ts";
import { FIELDS } from "../../../../protocols/etcd-wire/tables.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

describe("the bytes", () => {
  // Made with Go's `proto.Marshal` of etcd's own messages.
  it.each([
    ["RangeRequest", { key: bytes("foo"), rangeEnd: bytes("fop"), limit: 500 }, "0a03666f6f 1203666f70 18f403"],
    [
      "PutRequest",
      { key: bytes("k"), value: bytes("v"), lease: "7587862094236131332" },
      "0a016b 120176 1884c0e2dcf58be0a669",
    ],
    ["LeaseGrantRequest", { ttl: -1 }, "08ffffffffffffffffff01"],
    ["WatchResponse", { watchId: "-1", created: true }, "10ffffffffffffffffff01 1801"],
    ["ResponseHeader", { clusterId: "14841639068965178418", revision: 7 }, "08b298eaf1948386fccd01 1807"],
    ["WatchRequest", { progressRequest: {} }, "1a00"],
    ["Compare", { result: 1, target: 2, key: bytes("a"), modRevision: 0 }, "0801 1002 1a0161 3000"],
    ["LeaseTimeToLiveResponse", { id: "5", keys: [bytes("a"), bytes("")] }, "1005 2a0161 2a00"],
  ] as const)("of %s are those that Go makes", (name, message, expected) => {
    const written = encode(name, message);
    expect(Buffer.from(written).toString("hex")).toBe(expected.replaceAll(" ", ""));
    expect(plain(decode(name, written))).toEqual(plain({ ...decode(name, new Uint8Array(0)), ...message }));
  });
});

/** Bytes by their content, whatever class they are of; others boxed, to be compared alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return { items: value.map(plain) };
  if (typeof value !== "object" || value === null) return { value };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, plain(one)]),
  );
}

function messageOf(name: keyof Messages, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [, field, kind, mark] of FIELDS[name]) {
    const one = valueOf(kind, depth);
    if (one === undefined) {
      if (mark === "repeated") fields[field] = fc.constant([]);
      continue;
    }
    const isOptional = mark === "oneof" || kind in FIELDS;
    if (mark === "repeated") fields[field] = fc.array(one, { maxLength: 3 });
    else fields[field] = isOptional ? fc.option(one, { nil: undefined }) : one;
  }
  return fc.record(fields);
}

function valueOf(kind: string, depth: number): fc.Arbitrary<unknown> | undefined {
  switch (kind) {
    case "bool":
      return fc.boolean();
    case "int":
      return fc.maxSafeInteger();
    case "uint":
      return fc.maxSafeNat();
    case "id":
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
    case "uid":
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
    case "string":
      return fc.string({ unit: "grapheme" });
    case "bytes":
      return fc.uint8Array({ maxLength: 300 });
    default:
      return depth >= 3 ? undefined : messageOf(kind as keyof Messages, depth + 1);
  }
}

it.each(Object.keys(FIELDS) as (keyof Messages)[])("%s is read as it was written", (name) => {
  fc.assert(
    fc.property(messageOf(name, 0), (message) => {
      const read = decode(name, encode(name, message as never));
      expect(plain({ ...decode(name, new Uint8Array(0)), ...message })).toEqual(plain(read));
    }),
    { numRuns: 25 },
  );
});

it("skips fields that it does not know, of every wire type", () => {
  const unknown = hex("f80701 f9070102030405060708 fa0703616263 fb070801fc07 fd0701020304");
  expect(decode("HashKVRequest", Buffer.concat([unknown, hex("080c"), unknown])).revision).toBe(12);
});

it("takes of a field that comes twice the last, and of repeated numbers both forms", () => {
  expect(decode("HashKVRequest", hex("0801 0802")).revision).toBe(2);
  expect(decode("WatchCreateRequest", hex("2801 2a020001")).filters).toEqual([1, 0, 1]);
});

it("tells numbers beyond 2^53 as the nearest safe ones, and ids to the digit", () => {
  const max = hex("08ffffffffffffffff7f");
  expect(decode("HashKVRequest", max).revision).toBe(Number.MAX_SAFE_INTEGER);
  expect(decode("LeaseKeepAliveRequest", max).id).toBe("9223372036854775807");
  expect(decode("HashKVRequest", hex("0880808080808080808001")).revision).toBe(-Number.MAX_SAFE_INTEGER);
});

it("keeps room for a head", () => {
  expect([...encode("HashKVRequest", { revision: 3 }, 2)].slice(2)).toEqual([8, 3]);
});

it("writes a message that is larger than its buffer, and small ones after it", () => {
  const value = new Uint8Array(300_000).fill(7);
  const large = { kvs: [{ value }, { key: bytes("k") }] };
  expect(decode("RangeResponse", encode("RangeResponse", large)).kvs[0]!.value).toHaveLength(300_000);
  expect(Buffer.from(encode("HashKVRequest", { revision: 1 })).toString("hex")).toBe("0801");
});

it.each([
  ["a value that ends too early", "0a05 6162"],
  ["a number that ends too early", "18 ff"],
  ["a number of more than 64 bits", "18 ffffffffffffffffffffff01"],
  ["a field of the wrong type", "0801"],
  ["a tag of field 0", "0001"],
  ["an end of no group", "fc07"],
  ["a group without end", "fb070801"],
])("refuses %s", (_, text) => {
  expect(() => decode("RangeRequest", hex(text))).toThrow(WireError);
});

it("refuses transactions that are nested beyond all reason", () => {
  let message = new Uint8Array(0);
  for (let depth = 0; depth < 150; depth++) {
    const op = Buffer.concat([Buffer.from([0x22]), length(message.length), message]);
    message = Buffer.concat([Buffer.from([0x12]), length(op.length), op]);
  }
  expect(() => decode("TxnRequest", message)).toThrow("nested too deeply");
});

it("refuses or reads any bytes, and fails with nothing but its own error", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom("TxnRequest", "WatchRequest", "Compare"),
      (noise, name) => {
        try {
          decode(name as keyof Messages, noise);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      },
    ),
  );
});

function length(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : Buffer.from([(value & 0x7f) | 0x80, value >>> 7]);
}
