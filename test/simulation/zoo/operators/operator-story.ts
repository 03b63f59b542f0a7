/**
 * An operator of the zoo under one plan of faults after the other: a seed is the number of a plan, from 1 on; past the last
 * one everything holds. `operator NAME` has its mistake; `operator-mended NAME` has not, under the same plans, and
 * `operator-own NAME` under those that follow from what it does itself.
 */
import type { Exploration } from "../../../../actors/cluster/chaos/exploration.ts";
import { plansOf, replay } from "../../../../actors/cluster/chaos/explore.ts";
import type { Failure } from "../../../../actors/cluster/chaos/run.ts";
import type { PlannedRun } from "../../../../actors/cluster/chaos/search.ts";
import { BUGS } from "./index.ts";
import type { Bug } from "./operator.ts";
import { explorationOf } from "./operator.ts";

const RANDOM_PLANS = 20;

/** Plans that a search of the operator with its mistake tries, or of the mended one. */
export function plansFor(bug: Bug, isMended: boolean): Promise<readonly PlannedRun[]> {
  return plansOf(explorationOf(bug, isMended, { random: RANDOM_PLANS }));
}

export async function failuresUnder(
  bug: Bug,
  isMended: boolean,
  { plan, about }: PlannedRun,
): Promise<readonly Failure[]> {
  const exploration: Exploration = explorationOf(bug, isMended);
  const steps = bug.workload.map(({ name }) => name);
  const nothing = { oracle: "", cause: "", text: "", events: [], digest: "" };
  const versions = { inkube: "", node: "" };
  const story = { format: "inkube-story-1", versions, seed: 1, plan, steps, about, ...nothing } as const;
  const { failures } = await replay(story, exploration);
  return failures;
}

/** @returns undefined for a story that is about no operator */
export function operatorStory(story: string): ((nth: number) => Promise<void>) | undefined {
  const [kind = "", name] = story.split(" ");
  const bug = BUGS.find((each) => each.name === name);
  if (bug === undefined || !kind.startsWith("operator")) return undefined;
  let plans: Promise<readonly PlannedRun[]> | undefined;
  return async (nth) => {
    plans ??= plansFor(bug, kind === "operator-own");
    const planned = (await plans)[nth - 1];
    if (planned === undefined) return;
    const [failure] = await failuresUnder(bug, kind !== "operator", planned);
    if (failure !== undefined) throw new Error(`${planned.about}: ${failure.oracle}: ${failure.text}`);
  };
}
