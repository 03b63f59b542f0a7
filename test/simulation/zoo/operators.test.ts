/**
 * Operators with the mistakes of published ones are found, each by the plan of faults that found it first, and their mended
 * twins hold under the same plans. The long run looks for each anew: `node test/mutation/run.mjs zoo-operators`.
 */
import { describe, expect, it } from "vitest";
import { BUGS } from "./operators/index.ts";
import { failuresUnder, plansFor } from "./operators/operator-story.ts";
// @ts-expect-error -- data
import { variants } from "./rows/operators.mjs";

interface Row {
  readonly story: string;
  readonly seed: number;
  readonly budget: number;
}

const rows = new Map((variants as readonly Row[]).map((row) => [row.story.split(" ")[1], row]));

describe("the operators of the zoo", () => {
  it("are at least thirty, each with a row and a name of its own", () => {
    expect(BUGS.length).toBeGreaterThanOrEqual(30);
    expect(new Set(rows.keys())).toEqual(new Set(BUGS.map(({ name }) => name)));
    expect(rows.size).toBe(BUGS.length);
    for (const { seed, budget } of rows.values()) expect(seed).toBeLessThanOrEqual(budget);
  });

  it.each(["failed-is-there", "counts-what-it-made", "given-up-for-its-image"])(
    "%s is first found by what happens to its pods and nodes",
    async (name) => {
      const bug = BUGS.find((each) => each.name === name)!;
      const plans = await plansFor(bug, false);
      expect(plans[rows.get(name)!.seed - 1]!.by).toBe("cluster");
    },
  );

  it.each(BUGS)("$name is found, and its twin is not taken for it: $why (after $after)", async (bug) => {
    const planned = (await plansFor(bug, false))[rows.get(bug.name)!.seed - 1]!;
    expect(await failuresUnder(bug, false, planned)).not.toEqual([]);
    expect(await failuresUnder(bug, true, planned)).toEqual([]);
  });
});
