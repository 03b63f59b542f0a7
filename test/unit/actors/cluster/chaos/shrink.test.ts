import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shrink } from "../../../../../actors/cluster/chaos/shrink.ts";

describe("shrinking", () => {
  it("finds the few that it takes among many, whichever they are, and asks for little", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(39), { minLength: 1, maxLength: 3 }), async (needed) => {
        const items = Array.from({ length: 40 }, (_, index) => index);
        let asked = 0;
        const kept = await shrink(items, async (fewer) => {
          asked++;
          return needed.every((each) => fewer.includes(each));
        });
        expect([...kept].sort((left, right) => left - right)).toEqual([...needed].sort((left, right) => left - right));
        expect(asked).toBeLessThan(120);
      }),
      { seed: 7, numRuns: 50 },
    );
  });

  it("leaves what can't be smaller, and never asks about nothing", async () => {
    const asked: (readonly string[])[] = [];
    const kept = await shrink(["a", "b"], async (fewer) => {
      asked.push(fewer);
      return false;
    });
    expect(kept).toEqual(["a", "b"]);
    expect(asked).toEqual([["b"], ["a"]]);
    expect(await shrink(["a"], async () => true)).toEqual(["a"]);
  });
});
