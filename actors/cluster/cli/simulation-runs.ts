/** Runs the simulated cluster for `inkube simulate`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InkubeError } from "../../../protocols/errors.ts";
import { runSeeds } from "../../../runtime/simulation/seeds.ts";
import type { ScenarioResult } from "../simulation/scenario.ts";
import { runScenario } from "../simulation/scenario.ts";

export interface OneRun {
  readonly seed: number;
  readonly minutes: number;
  readonly traceFile: string | undefined;
}

export interface ManyRuns {
  /** The seeds 1 to this. */
  readonly seeds: number;
  /** At a time; undefined: one for each processor but one. */
  readonly jobs: number | undefined;
  readonly minutes: number;
}

/** Tells the story of one seed, and the digest of its trace: equal for equal runs. Errors: SIMULATION_FAILED. */
export async function runOne({ seed, minutes, traceFile }: OneRun): Promise<void> {
  const started = performance.now();
  const onTrace = traceFile === undefined ? undefined : (text: string): void => writeFileSync(traceFile, text);
  const { story, digest, events, virtualMs } = await runScenario({ seed, minutes }, onTrace);
  for (const line of story) console.log(line);
  const seconds = (performance.now() - started) / 1_000;
  console.log(`${events} events in ${(virtualMs / 1_000).toFixed(0)} s of virtual time (${seconds.toFixed(1)} s here)`);
  console.log(`seed ${seed}, digest ${digest}`);
}

/** Runs many seeds on a pool of threads. Errors: SIMULATION_FAILED, naming the first failing seed and how to repeat it. */
export async function runMany({ seeds, jobs, minutes }: ManyRuns): Promise<void> {
  const started = performance.now();
  let done = 0;
  const { firstFailure } = await runSeeds<ScenarioResult>({
    seeds: Array.from({ length: seeds }, (_, index) => index + 1),
    file: fileURLToPath(new URL("./simulation-worker.js", import.meta.url)),
    options: { minutes },
    ...(jobs === undefined ? {} : { jobs }),
    onResult: () => {
      done++;
      if (done % 10 === 0 || done === seeds) console.log(`${done} of ${seeds} seeds`);
    },
  });
  if (firstFailure !== undefined) {
    const { seed, error } = firstFailure;
    throw new InkubeError(
      "SIMULATION_FAILED",
      `${error.message}\nrepeat it with: inkube simulate --seed ${seed} --minutes ${minutes}`,
    );
  }
  console.log(`${seeds} seeds of ${minutes} min held, in ${((performance.now() - started) / 1_000).toFixed(1)} s`);
}
