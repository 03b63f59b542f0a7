/** Runs the simulated cluster for `inkube simulate`. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InkubeError, hasCode } from "../../../protocols/errors.ts";
import { DecisionLog } from "../../../runtime/simulation/decisions.ts";
import { runSeeds } from "../../../runtime/simulation/seeds.ts";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import { CLUSTER_FAULTS } from "../simulation/fault-plan.ts";
import type { ScenarioOptions, ScenarioResult } from "../simulation/scenario.ts";
import { runScenario } from "../simulation/scenario.ts";
import { SimulatedCluster } from "../simulation/simulated-cluster.ts";
import { describeFeatures, drawSwarm } from "../simulation/swarm.ts";

/** What goes wrong beneath the story, and how the command is told so again. */
export interface Faults {
  readonly plan: FaultPlan | undefined;
  /** `--faults`, `--faults FILE`, or nothing. */
  readonly argument: string;
}

export interface OneRun {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: Faults;
  readonly traceFile: string | undefined;
  /** Gets the log of decisions, also of a run that fails. */
  readonly recordFile: string | undefined;
}

export interface ManyRuns {
  /** The seeds 1 to this. */
  readonly seeds: number;
  /** At a time; undefined: one for each processor but one. */
  readonly jobs: number | undefined;
  readonly minutes: number;
  readonly faults: Faults;
  /** Of the seeds, to be run twice. */
  readonly selfCheckShare: number;
}

/** Tells the story of one seed, and the digest of its trace: equal for equal runs. Errors: SIMULATION_FAILED. */
export async function runOne({ seed, minutes, faults, traceFile, recordFile }: OneRun): Promise<void> {
  const record = recordFile === undefined ? undefined : new DecisionLog(seed, { minutes, ...planOf(faults.plan) });
  try {
    await tell({ seed, minutes, ...planOf(faults.plan), ...(record === undefined ? {} : { record }) }, traceFile);
  } finally {
    if (record !== undefined && recordFile !== undefined) {
      writeFileSync(recordFile, record.toBytes());
      console.log(
        `${record.count} decisions are in ${recordFile}; repeat them with: inkube simulate --replay ${recordFile}`,
      );
    }
  }
}

/** Repeats a recorded run. Errors: INVALID_DECISION_LOG, also for a file that can't be read; SIMULATION_DIVERGED at the first difference, SIMULATION_FAILED. */
export async function replay(file: string, traceFile: string | undefined): Promise<void> {
  const log = readLog(file);
  const { minutes, faults } = log.about as { readonly minutes: number; readonly faults?: FaultPlan };
  await tell({ seed: log.seed, minutes, ...planOf(faults), replay: log }, traceFile);
  console.log(`as recorded: all ${log.count} decisions were asked for again, in the same order`);
}

function readLog(file: string): DecisionLog {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InkubeError(
      "INVALID_DECISION_LOG",
      code === "ENOENT" ? `there is no file ${file}` : `${file}: ${message}`,
    );
  }
  try {
    return DecisionLog.fromBytes(bytes);
  } catch (error) {
    if (hasCode(error)) throw new InkubeError(error.code, `${file} is no log of decisions: ${error.message}`);
    throw error;
  }
}

/**
 * `given`: nothing, the option alone, or the name of a file that holds a plan as JSON.
 * Errors: INVALID_FAULT_PLAN, also for a file that can't be read.
 */
export function faultsOf(given: true | string | undefined): Faults {
  if (given === undefined) return { plan: undefined, argument: "" };
  if (given === true) return { plan: CLUSTER_FAULTS, argument: " --faults" };
  const plan = readPlan(given);
  // The cluster knows who may be named; it is not started.
  void new SimulatedCluster({ seed: 1, faults: plan });
  return { plan, argument: ` --faults ${given}` };
}

function readPlan(file: string): FaultPlan {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as FaultPlan;
  } catch (error) {
    throw new InkubeError("INVALID_FAULT_PLAN", `plan of faults: ${file}: ${(error as Error).message}`);
  }
}

function planOf(faults: FaultPlan | undefined): Pick<ScenarioOptions, "faults"> {
  return faults === undefined ? {} : { faults };
}

async function tell(options: ScenarioOptions, traceFile: string | undefined): Promise<void> {
  const started = performance.now();
  const onTrace = traceFile === undefined ? undefined : (text: string): void => writeFileSync(traceFile, text);
  const { story, digest, events, virtualMs } = await runScenario(options, onTrace);
  for (const line of story) console.log(line);
  const seconds = (performance.now() - started) / 1_000;
  console.log(`${events} events in ${(virtualMs / 1_000).toFixed(0)} s of virtual time (${seconds.toFixed(1)} s here)`);
  console.log(`seed ${options.seed}, digest ${digest}`);
}

/** Runs many seeds on a pool of threads. Errors: SIMULATION_FAILED, naming the first failing seed and how to repeat it. */
export async function runMany({ seeds, jobs, minutes, faults, selfCheckShare }: ManyRuns): Promise<void> {
  const started = performance.now();
  let done = 0;
  const { firstFailure, checked } = await runSeeds<ScenarioResult>({
    seeds: Array.from({ length: seeds }, (_, index) => index + 1),
    file: fileURLToPath(new URL("./simulation-worker.js", import.meta.url)),
    options: { minutes, ...planOf(faults.plan) },
    selfCheck: { share: selfCheckShare },
    ...(jobs === undefined ? {} : { jobs }),
    onResult: ({ seed, ok }) => {
      done++;
      const features = describeFeatures(drawSwarm(seed).features);
      console.log(`${done} of ${seeds}: seed ${seed} ${ok ? "held" : "failed"}; ${features}`);
    },
  });
  if (firstFailure !== undefined) {
    const { seed, error } = firstFailure;
    const repeat = `inkube simulate --seed ${seed} --minutes ${minutes}${faults.argument}`;
    if (hasCode(error, "SIMULATION_DIVERGED")) {
      const file = `seed-${seed}.decisions`;
      throw new InkubeError(
        "SIMULATION_DIVERGED",
        `${error.message}\nfind the first difference with: ${repeat} --record ${file} && inkube simulate --replay ${file}`,
      );
    }
    throw new InkubeError("SIMULATION_FAILED", `${error.message}\nrepeat it with: ${repeat}`);
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`${seeds} seeds of ${minutes} min held, ${checked} of them run twice, in ${seconds} s`);
}
