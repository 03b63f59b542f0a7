/** How many plans each way of the search takes until it finds an operator's mistake: what the ways are held against each other by. */
import type { Search } from "../../../../actors/cluster/chaos/exploration.ts";
import { checkExploration } from "../../../../actors/cluster/chaos/exploration.ts";
import type { Outcome, Reference, RunRequest } from "../../../../actors/cluster/chaos/outcome.ts";
import type { Runner } from "../../../../actors/cluster/chaos/runner.ts";
import { OwnThread } from "../../../../actors/cluster/chaos/runner.ts";
import { Searcher } from "../../../../actors/cluster/chaos/searcher.ts";
import type { Bug } from "./operator.ts";
import { explorationOf } from "./operator.ts";

export const WAYS = ["systematic", "random", "pct", "coverage"] as const;
export type Way = (typeof WAYS)[number];

/** Plans that are drawn before the ones that are made of what these have shown. */
const BEFORE_COVERAGE = 8;

/** The how-manieth plan finds it; undefined: none of `plansMax` does, or there are no more. */
export async function plansUntilFound(bug: Bug, way: Way, seed: number, plansMax: number): Promise<number | undefined> {
  const searches: { readonly [W in Way]: Search } = {
    systematic: { random: 0 },
    random: { systematic: [], random: plansMax },
    pct: { systematic: [], random: 0, pct: { depth: 3, plans: plansMax } },
    coverage: { systematic: [], random: BEFORE_COVERAGE, coverage: true },
  };
  const budget = { plans: plansMax, wallMs: 2 ** 31 - 1 };
  const resolved = checkExploration({ ...explorationOf(bug, false, searches[way]), seed, budget });
  const runner = new UntilRed(new OwnThread(resolved));
  try {
    await new Searcher(resolved, runner, {}).search();
  } catch (error) {
    if (error !== FOUND) throw error;
    return runner.foundBy;
  }
  return undefined;
}

const FOUND = new Error("found");

/** Ends with the first run that fails: what comes of it is of no interest. */
class UntilRed implements Runner {
  readonly jobs = 1;
  /** The how-manieth plan failed. */
  foundBy: number | undefined;
  private plans = 0;
  private readonly runner: Runner;

  constructor(runner: Runner) {
    this.runner = runner;
  }

  reference(): Promise<Reference> {
    return this.runner.reference();
  }

  async run(request: RunRequest): Promise<Outcome> {
    // The next plan comes before that is taken in.
    if (this.foundBy !== undefined) throw FOUND;
    this.plans++;
    const outcome = await this.runner.run(request);
    if (outcome.failures.length === 0) return outcome;
    this.foundBy = this.plans;
    throw FOUND;
  }

  end(): Promise<void> {
    return this.runner.end();
  }
}
