/** A story is as small as it can be, and repeats itself: shown on operators of the zoo whose mistakes need two faults at once. */
import { expect, it } from "vitest";
import type { Pattern } from "../../../actors/cluster/chaos/patterns.ts";
import { replay, search } from "../../../actors/cluster/chaos/explore.ts";
import { BUGS } from "../zoo/operators/index.ts";
import { explorationOf } from "../zoo/operators/operator.ts";

const REPLAYS = 20;

it.each<[string, Pattern]>([
  ["switched-off-in-the-past", "travel"],
  ["expired-and-begun-anew", "unseen"],
  ["owned-by-the-past", "stale-restart"],
])("of %s no fault of %s can be taken out", async (name, pattern) => {
  const bug = BUGS.find((each) => each.name === name)!;
  const exploration = explorationOf(bug, false, { systematic: [pattern], random: 0 });
  const { found } = await search(exploration);
  expect(found.length).toBeGreaterThan(0);
  for (const { story } of found) {
    const { faults } = story.plan;
    for (const fault of faults) {
      const without = { ...story, plan: { faults: faults.filter((each) => each !== fault) } };
      const { failures } = await replay(without, exploration);
      expect(failures.filter(({ oracle }) => oracle === story.oracle)).toEqual([]);
    }
  }
});

it("one story has one digest, however often it is told", async () => {
  const bug = BUGS.find(({ name }) => name === "done-before-it-is")!;
  const exploration = explorationOf(bug, false, { systematic: ["crash-after"], random: 0 });
  const [first] = (await search(exploration)).found;
  const digests = new Set<string>();
  for (let time = 0; time < REPLAYS; time++) digests.add((await replay(first!.story, exploration)).digest);
  expect(digests).toEqual(new Set([first!.story.digest]));
});
