import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { heapLimitOfThread } from "../../../../runtime/supervisor/core/thread-heap.ts";

const DEFAULT_MB = 4_096;

describe("the heap limit of a thread that actors share", () => {
  it.each([
    ["is Node's default for nobody", [], undefined],
    ["is Node's default when nobody asks for one", [undefined, undefined], undefined],
    ["is what its one actor asks for", [64], 64],
    ["is the sum when all ask for one", [64, 32, 16], 112],
    ["is the sum also above Node's default", [3_000, 3_000], 6_000],
    ["is Node's default when one asks for none", [64, undefined], undefined],
    ["is more than Node's default when the others of such a one ask for more", [6_000, undefined], 6_000],
  ] as const)("%s", (_, limitsMb, expected) => {
    expect(heapLimitOfThread(limitsMb, DEFAULT_MB)).toBe(expected);
  });

  it("is never below what an actor asks for, and the same in every order", () => {
    const limit = fc.option(fc.integer({ min: 1, max: 10_000 }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(limit), (limitsMb) => {
        const limitMb = heapLimitOfThread(limitsMb, DEFAULT_MB);
        for (const asked of limitsMb) expect(limitMb ?? DEFAULT_MB).toBeGreaterThanOrEqual(asked ?? 0);
        expect(heapLimitOfThread([...limitsMb].reverse(), DEFAULT_MB)).toBe(limitMb);
      }),
    );
  });
});
