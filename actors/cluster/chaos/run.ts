/** One run of an exploration: some of its steps, under one plan of faults, from the start of the world to the judgement. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import type { EndState } from "./end-state.ts";
import { differencesOf, endStateOf } from "./end-state.ts";
import type { Resolved, Step } from "./exploration.ts";
import type { History } from "./history.ts";
import type { Finding, Judged } from "./oracles.ts";
import { World } from "./world.ts";

/** What does not hold of a run. */
export interface Failure extends Finding {
  /** Its name; `workload` for a step that failed, `cluster` for an actor of the cluster that did. */
  readonly oracle: string;
}

export interface RunResult {
  readonly failures: readonly Failure[];
  /** Names of the goals that it met. */
  readonly goals: readonly string[];
  readonly history: History;
  readonly end: EndState;
  /** Of the whole trace: equal for equal runs. */
  readonly digest: string;
  readonly virtualMs: number;
  /** Whether everything came to rest in the end. */
  readonly isQuiet: boolean;
  /** How long the workload took, in virtual time. */
  readonly workMs: number;
  /** What controllers under test died of by themselves. */
  readonly thrown: readonly { readonly controller: string; readonly error: unknown }[];
}

export interface RunOptions {
  readonly plan: FaultPlan;
  readonly steps: readonly Step[];
  /** The end without faults; undefined in the run that finds it out. */
  readonly reference: EndState | undefined;
}

/** Before the last faults are ended: what they do may have to show first. */
const BEFORE_HEALING_MS = 1_000;
const REST_MS = 1_500;
const CONVERGENCE_MS = 60_000;
/** Where the end is another one: controllers may look again at all that there is, now and then. */
const PATIENCE_MS = 30_000;
const PATIENCE_LOOK_MS = 5_000;
const WINDOW_MS = 5_000;
/** Of virtual time, for the workload and all that is waited for. */
const LIMIT_MS = 3_600_000;

/** Errors: CONTROLLER_FAILED. */
export async function runOnce(exploration: Resolved, { plan, steps, reference }: RunOptions): Promise<RunResult> {
  const { cluster, controllers, seed } = exploration;
  const world = new World({ seed, cluster, controllers, faults: plan }, exploration.programs, exploration.onStep);
  await world.start();
  const { history } = world;
  let workMs = 0;
  let failed: Failure | undefined;
  let isQuiet = false;
  await world.run(async () => {
    failed = await work(world, steps);
    await world.settle({ quietMs: BEFORE_HEALING_MS });
    workMs = world.nowMs - history.beganMs;
    world.heal();
    isQuiet = await world.settle({ quietMs: REST_MS, limitMs: CONVERGENCE_MS });
    await world.caughtUp();
    if (reference !== undefined && isQuiet) isQuiet = await waitForEnd(world, reference);
  }, LIMIT_MS);
  const endMs = world.nowMs;
  const end = endStateOf(history);
  const restMs = endMs - (isQuiet ? REST_MS : WINDOW_MS);
  const judged: Judged = { history, controllers: world.controllers, end, reference, isQuiet, restMs, endMs };
  const failures: Failure[] = failed === undefined ? [] : [failed];
  const goals: string[] = [];
  for (const oracle of exploration.oracles) {
    if ("goal" in oracle) {
      if (oracle.goal(history)) goals.push(oracle.name);
    } else for (const finding of oracle.judge(judged)) failures.push({ oracle: oracle.name, ...finding });
  }
  const thrown: { readonly controller: string; readonly error: unknown }[] = [];
  for (const { actor, error } of world.crashes) {
    if (world.controllers.includes(actor)) thrown.push({ controller: actor, error });
    else
      failures.push({ oracle: "cluster", cause: actor, text: `${actor} died of a fault of its own: ${textOf(error)}` });
  }
  return { failures, goals, history, end, digest: world.digest, virtualMs: endMs, isQuiet, workMs, thrown };
}

/** Undefined when every step went well. */
async function work(world: World, steps: readonly Step[]): Promise<Failure | undefined> {
  for (const { name, run } of steps) {
    try {
      await run(world);
    } catch (error) {
      return { oracle: "workload", cause: name, text: `step ${name} failed: ${textOf(error)}` };
    }
    await world.settle();
  }
  return undefined;
}

/** Whether everything is at rest. */
async function waitForEnd(world: World, reference: EndState): Promise<boolean> {
  const untilMs = world.nowMs + PATIENCE_MS;
  let isQuiet = true;
  while (world.nowMs < untilMs && differencesOf(reference, endStateOf(world.history)).length > 0) {
    await world.clock.sleep(PATIENCE_LOOK_MS);
    isQuiet = await world.settle({ quietMs: REST_MS });
    await world.caughtUp();
  }
  return isQuiet;
}

export function textOf(error: unknown): string {
  if (error instanceof InkubeError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
