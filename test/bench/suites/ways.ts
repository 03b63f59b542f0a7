/** The ways of the chaos harness's search against each other: how many plans each takes until it finds a mistake of the zoo's operators. */
import { BUGS } from "../../simulation/zoo/operators/index.ts";
import { plansUntilFound, WAYS } from "../../simulation/zoo/operators/ways.ts";
import type { Suite } from "../report.ts";
import { median } from "../report.ts";

const SEEDS = 3;
const PLANS_MAX = 60;
/** So that all kinds of mistakes are among them. */
const EVERY = 4;
/** In place of a number: it was not found within `PLANS_MAX`. */
const NEVER = PLANS_MAX + 1;

export const ways: Suite = {
  name: "ways",
  about: `operators of the zoo, each searched in every way with ${SEEDS} seeds and at most ${PLANS_MAX} plans; medians, ${NEVER}: not found`,
  run: async (report) => {
    const all = new Map(WAYS.map((way) => [way, [] as number[]]));
    for (const bug of BUGS.filter((_, index) => index % EVERY === 0)) {
      for (const way of WAYS) {
        const counts: number[] = [];
        for (let seed = 1; seed <= SEEDS; seed++) {
          counts.push((await plansUntilFound(bug, way, seed, PLANS_MAX)) ?? NEVER);
        }
        all.get(way)!.push(median(counts));
        report({ name: `${bug.name}: ${way}`, value: median(counts), unit: "plans" });
      }
    }
    for (const [way, counts] of all) {
      const found = counts.filter((count) => count < NEVER).length;
      report({ name: `found of ${counts.length}: ${way}`, value: found, unit: "operators" });
      report({ name: `plans until found, median: ${way}`, value: median(counts), unit: "plans" });
    }
  },
};
