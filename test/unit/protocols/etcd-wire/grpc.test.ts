import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode } from "../../../../protocols/etcd-wire/codec.ts";
import {
  decodeGrpcMessage,
  encodeGrpcMessage,
  frame,
  FRAME_HEAD_BYTES,
  FrameReader,
  GRPC,
  timeoutMsOf,
  timeoutText,
} from "../../../../protocols/etcd-wire/grpc.ts";

describe("frames", () => {
  it("come out whole however they are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (values, cuts) => {
          const sent = Buffer.concat(values.map((value) => frame("PutRequest", { value })));
          const reader = new FrameReader(1_000);
          const read: string[] = [];
          for (let at = 0, cut = 0; at < sent.length; cut++) {
            const length = cuts[cut % cuts.length]!;
            reader.push(sent.subarray(at, at + length), (message) => {
              read.push(Buffer.from(decode("PutRequest", message).value).toString("hex"));
            });
            at += length;
          }
          expect(read).toEqual(values.map((value) => Buffer.from(value).toString("hex")));
          expect(reader.isWithin).toBe(false);
        },
      ),
    );
  });

  it("have a head of one flag and four bytes of length", () => {
    expect([...frame("HashKVRequest", { revision: 3 })]).toEqual([0, 0, 0, 0, 2, 8, 3]);
    const large = frame("PutRequest", { value: new Uint8Array(70_000) });
    expect(Buffer.from(large).readUInt32BE(1)).toBe(large.length - FRAME_HEAD_BYTES);
  });

  it.each([
    ["too large a message, before it comes", [0, 0, 1, 0, 0], GRPC.RESOURCE_EXHAUSTED],
    ["a compressed message", [1, 0, 0, 0, 1, 0], GRPC.UNIMPLEMENTED],
    ["what is no frame", [71, 69, 84, 32, 47], GRPC.INTERNAL],
  ])("are refused: %s", (_, bytes, code) => {
    const reader = new FrameReader(1_000);
    expect(() => reader.push(Uint8Array.from(bytes), () => undefined)).toThrow(expect.objectContaining({ code }));
  });

  it("tell that one is not whole", () => {
    const reader = new FrameReader(1_000);
    reader.push(Uint8Array.from([0, 0, 0, 0, 9, 1]), () => undefined);
    expect(reader.isWithin).toBe(true);
  });
});

it.each([
  ["1S", 1_000],
  ["250m", 250],
  ["5H", 18_000_000],
  ["500u", 0.5],
  ["99999999n", 99.999999],
  ["2M", 120_000],
  ["123456789m", undefined],
  ["1", undefined],
  ["-1S", undefined],
])("grpc-timeout %s is %s ms", (text, expected) => {
  const ms = timeoutMsOf(text);
  if (expected === undefined) expect(ms).toBeUndefined();
  else expect(ms).toBeCloseTo(expected);
});

it("a timeout is told in at most eight digits", () => {
  expect(timeoutText(1_500.2)).toBe("1501m");
  expect(timeoutText(-3)).toBe("0m");
  expect(timeoutText(1e9)).toBe("1000000S");
});

it("messages survive a header", () => {
  expect(encodeGrpcMessage("etcdserver: leader changed")).toBe("etcdserver: leader changed");
  expect(encodeGrpcMessage("50% of ü\n")).toBe("50%25 of %C3%BC%0A");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const encoded = encodeGrpcMessage(text);
      expect(encoded).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeGrpcMessage(encoded)).toBe(text);
    }),
  );
  expect(decodeGrpcMessage("100% sure")).toBe("100% sure");
});
