import fc from "fast-check";
import { expect, it } from "vitest";
import { orderKey } from "../../../actors/etcd/core/mvcc/key-order.ts";
import { bytesOfText, textOfBytes } from "../../../protocols/text-bytes.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** Of those that UTF-8 is made of, more often than chance gives. */
const anyBytes = fc
  .array(fc.oneof(fc.nat(255), fc.constantFrom(0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xbf)), {
    maxLength: 12,
  })
  .map((bytes) => Uint8Array.from(bytes));

it("any bytes come back from their text", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      expect(hex(bytesOfText(textOfBytes(bytes)))).toBe(hex(bytes));
    }),
  );
});

it("UTF-8 is the text that it says, the sign for what is none among it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      if (/[\ud800-\udfff]/u.test(text)) return;
      expect(textOfBytes(new TextEncoder().encode(text))).toBe(text);
    }),
  );
  expect(textOfBytes(new TextEncoder().encode("a\ufffd"))).toBe("a\ufffd");
});

it.each([
  ["a byte that begins nothing", "61ff62", "a\udcffb"],
  ["a character that is cut off", "e282", "\udce2\udc82"],
  ["a surrogate", "eda080", "\udced\udca0\udc80"],
  ["a longer form than needed", "c0af", "\udcc0\udcaf"],
  ["good text around it", "c3a9ffe282ac", "é\udcff€"],
])("each byte of %s is one character", (_, bytes, text) => {
  expect(textOfBytes(Buffer.from(bytes, "hex"))).toBe(text);
});

it("keys are in the order of their bytes", () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      const [first, second] = [orderKey(textOfBytes(a)), orderKey(textOfBytes(b))];
      expect(first < second ? -1 : first > second ? 1 : 0).toBe(Math.sign(Buffer.compare(a, b)));
    }),
  );
});
