/** What a thread of the pool runs: one seed of the scenario. */
import type { SeedTask } from "../../../runtime/simulation/seeds.ts";
import type { ScenarioOptions, ScenarioResult } from "./scenario.ts";
import { runScenario } from "./scenario.ts";

// A pool's file has its task as the default export.
// oxlint-disable-next-line import/no-default-export
export default function runSeed({ seed, options }: SeedTask): Promise<ScenarioResult> {
  return runScenario({ seed, ...(options as Omit<ScenarioOptions, "seed">) });
}
