import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flipped } from "../../../../../actors/api-server/core/faults/flip.ts";

describe("a flip", () => {
  it.each([
    [true, 0, false],
    [3, 0, 2],
    [4, 0, 5],
    [4, 0.99, 12],
    [0.5, 0, -0.5],
    ["web", 0, "xeb"],
    ["web", 0.99, "wec"],
    ["", 0, "x"],
    [["a", "b"], 0.5, ["a"]],
    [{ a: 1, b: 2 }, 0, { b: 2 }],
  ])("of %j by %d is %j", (value, draw, after) => expect(flipped(value, draw)).toEqual(after));

  it.each([[null], [undefined], [[]], [{}]])("of %j is none", (value) => expect(flipped(value, 0.5)).toBeUndefined());

  it("of a number or a text always is another one of its kind", () => {
    const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.string()), draws, (value, draw) => {
        const after = flipped(value, draw);
        expect(typeof after).toBe(typeof value);
        expect(after).not.toBe(value);
      }),
    );
  });
});
