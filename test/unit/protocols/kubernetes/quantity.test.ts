import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  quantityMilli,
  quantityValue,
  subtractQuantities,
  tryParseQuantity,
} from "../../../../protocols/kubernetes/quantity.ts";

describe("quantities", () => {
  // Source: apimachinery `resource/quantity_test.go` describes the canonical form; checked with kube-apiserver 1.37.
  const canonical: readonly (readonly [string | number, string])[] = [
    ["0", "0"],
    ["-", "0"],
    [".", "0"],
    ["e3", "0"],
    ["m", "0"],
    ["0Gi", "0"],
    ["1", "1"],
    [1, "1"],
    [0.5, "500m"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["0.1", "100m"],
    [".5", "500m"],
    ["5.", "5"],
    ["1024Mi", "1Gi"],
    ["1500Mi", "1500Mi"],
    ["0.5Gi", "512Mi"],
    ["1536", "1536"],
    ["1.5Ki", "1536"],
    ["0.5Ki", "512"],
    ["1000Ki", "1000Ki"],
    ["1000k", "1M"],
    ["1e3", "1e3"],
    ["1E3", "1e3"],
    ["12e-1", "1200e-3"],
    ["-1", "-1"],
    ["+1.5", "1500m"],
    ["100u", "100u"],
    ["1n", "1n"],
    ["0.1n", "1n"],
    ["9223372036854775807", "9223372036854775807"],
    ["1E", "1E"],
    ["10E", "10E"],
    ["9223372036854775808", "9223372036854775808"],
    ["16Ei", "9223372036854775807"],
    ["-16Ei", "-9223372036854775807"],
    ["100e18", "100e18"],
    ["1e21", "1e21"],
    ["1e100", "10e99"],
  ];
  for (const [text, expected] of canonical) {
    it(`writes ${JSON.stringify(text)} as ${expected}`, () => expect(canonicalQuantity(text)).toBe(expected));
  }

  for (const text of [
    "",
    "1 ",
    "1mi",
    "1K",
    "0x1",
    "1.2.3",
    "--1",
    "1e",
    "Infinity",
    "1KiB",
    "1e1001",
    "9".repeat(1_001),
  ]) {
    it(`takes ${JSON.stringify(text)} for no quantity`, () => {
      expect(tryParseQuantity(text)).toBeUndefined();
      expect(() => parseQuantity(text)).toThrow(RangeError);
    });
  }

  it("rounds up to whole and to thousandths", () => {
    expect(quantityMilli("100u")).toBe(1);
    expect(quantityMilli("2")).toBe(2000);
    expect(quantityValue("1500m")).toBe(2);
    expect(quantityValue("-1500m")).toBe(-1);
    expect(quantityValue("1Gi")).toBe(1_073_741_824);
  });

  const amount = fc
    .tuple(fc.integer({ min: 0, max: 99_999 }), fc.constantFrom("", "m", "k", "M", "Ki", "Mi", "Gi", "u", "e2"))
    .map(([number, suffix]) => `${number}${suffix}`);

  it("mean the same when read again from their canonical form", () => {
    fc.assert(
      fc.property(amount, (text) => {
        const again = canonicalQuantity(text) ?? "";
        expect(parseQuantity(again).nano).toBe(parseQuantity(text).nano);
        expect(canonicalQuantity(again)).toBe(again);
      }),
    );
  });

  it("add and subtract exactly", () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        expect(compareQuantities(subtractQuantities(addQuantities(a, b), b), a)).toBe(0);
        expect(compareQuantities(addQuantities(a, b), addQuantities(b, a))).toBe(0);
      }),
    );
  });

  it("are the same whether or not a sign stands before them", () => {
    const suffix = fc.constantFrom(
      "",
      "n",
      "u",
      "m",
      "k",
      "M",
      "G",
      "T",
      "P",
      "E",
      "Ki",
      "Mi",
      "Gi",
      "Ti",
      "Pi",
      "Ei",
      "e3",
      "x",
    );
    fc.assert(
      fc.property(fc.oneof(fc.nat(2_000), fc.nat(2 ** 31 - 1)), fc.constantFrom("", "0"), suffix, (units, zero, of) => {
        const text = `${zero}${units}${of}`;
        expect(tryParseQuantity(text)).toEqual(tryParseQuantity(`+${text}`));
        expect(canonicalQuantity(text)).toBe(canonicalQuantity(`+${text}`));
      }),
      { numRuns: 1_000 },
    );
  });
});
