/** One run of an exploration: some of its steps, under one plan of faults, from the start of the world to the judgement. */
import { createHash } from "node:crypto";
import { InkubeError } from "../../../protocols/errors.ts";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import type { TraceRecord } from "../../trace-collector/core/record.ts";
import type { EndState } from "./end-state.ts";
import { differencesOf, endStateOf } from "./end-state.ts";
import type { Resolved, Step } from "./exploration.ts";
import type { History } from "./history.ts";
import type { Finding, Judged } from "./oracles.ts";
import type { RunWorld } from "./world.ts";
import { SimulatedWorld } from "./world.ts";

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
  /** Of the whole trace: equal for equal runs. In real time of how it ended. */
  readonly digest: string;
  /** From its start to its end; virtual in the simulation. */
  readonly virtualMs: number;
  /** Whether everything came to rest in the end. */
  readonly isQuiet: boolean;
  /** Why it has not, where more is known than that. */
  readonly unrest: string | undefined;
  /** Why nothing can be said of it: then it was not judged. */
  readonly gap: string | undefined;
  /** How long the workload took. */
  readonly workMs: number;
  /** Of all that happened; undefined in real time. */
  readonly record: () => TraceRecord | undefined;
  /** What controllers under test died of by themselves. */
  readonly thrown: readonly { readonly controller: string; readonly error: unknown }[];
}

export interface RunOptions {
  readonly plan: FaultPlan;
  readonly steps: readonly Step[];
  /** The end without faults; undefined in the run that finds it out. */
  readonly reference: EndState | undefined;
}

const DIGEST_DIGITS = 16;

/** Errors: CONTROLLER_FAILED; of a real run also CHAOS_FAILS_WITHOUT_FAULTS, and what its cluster failed with. */
export async function runOnce(exploration: Resolved, options: RunOptions): Promise<RunResult> {
  const world = await worldOf(exploration, options.plan);
  try {
    return await runIn(world, exploration, options);
  } finally {
    await world.close();
  }
}

async function worldOf(
  { cluster, controllers, seed, programs, stage, onStep }: Resolved,
  plan: FaultPlan,
): Promise<RunWorld> {
  if (stage !== undefined) return stage.world(plan);
  return new SimulatedWorld({ seed, cluster, controllers, faults: plan }, programs, onStep);
}

async function runIn(
  world: RunWorld,
  exploration: Resolved,
  { plan, steps, reference }: RunOptions,
): Promise<RunResult> {
  await world.start();
  const { history, pace } = world;
  let workMs = 0;
  let failed: Failure | undefined;
  let isQuiet = false;
  await world.run(async () => {
    failed = await work(world, steps);
    await world.settle({ quietMs: pace.beforeHealingMs, limitMs: pace.settleMs + downMsOf(plan) });
    workMs = world.nowMs - history.beganMs;
    world.heal();
    isQuiet = await world.settle({ quietMs: pace.restMs, limitMs: pace.convergenceMs });
    await world.caughtUp();
    if (reference !== undefined && isQuiet) isQuiet = await waitForEnd(world, reference);
  }, pace.limitMs);
  const endMs = world.nowMs;
  const end = endStateOf(history);
  const restMs = endMs - (isQuiet ? pace.restMs : pace.windowMs);
  const judged: Judged = { history, controllers: world.controllers, end, reference, isQuiet, restMs, endMs };
  const { gap } = world;
  const failures: Failure[] = failed === undefined || gap !== undefined ? [] : [failed];
  const goals: string[] = [];
  for (const oracle of gap === undefined ? exploration.oracles : []) {
    if ("goal" in oracle) {
      if (oracle.goal(history)) goals.push(oracle.name);
    } else for (const finding of oracle.judge(judged)) failures.push({ oracle: oracle.name, ...finding });
  }
  const thrown: { readonly controller: string; readonly error: unknown }[] = [];
  for (const { actor, error } of gap === undefined ? world.crashes : []) {
    if (world.controllers.includes(actor)) thrown.push({ controller: actor, error });
    else
      failures.push({ oracle: "cluster", cause: actor, text: `${actor} died of a fault of its own: ${textOf(error)}` });
  }
  const unrest = isQuiet ? undefined : world.unrest;
  const digest = world.digest ?? outcomeDigest(end, failures);
  const record = (): TraceRecord | undefined => world.record;
  return { failures, goals, history, end, digest, virtualMs: endMs, isQuiet, unrest, gap, workMs, record, thrown };
}

/** How long a node that the plan loses is down: its absence takes time to be noticed. */
function downMsOf({ faults }: FaultPlan): number {
  return Math.max(0, ...faults.map((fault) => (fault.kind === "node-loss" ? (fault.downMs ?? 0) : 0)));
}

/** Undefined when every step went well. */
async function work(world: RunWorld, steps: readonly Step[]): Promise<Failure | undefined> {
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
async function waitForEnd(world: RunWorld, reference: EndState): Promise<boolean> {
  const { pace } = world;
  const untilMs = world.nowMs + pace.patienceMs;
  let isQuiet = true;
  while (world.nowMs < untilMs && differencesOf(reference, endStateOf(world.history)).length > 0) {
    await world.clock.sleep(pace.patienceLookMs);
    isQuiet = await world.settle({ quietMs: pace.restMs });
    await world.caughtUp();
  }
  return isQuiet;
}

/** Of what has become of it, and of what does not hold. */
function outcomeDigest({ objects }: EndState, failures: readonly Failure[]): string {
  const outcome = [[...objects], failures.map(({ oracle, cause }) => [oracle, cause])];
  return createHash("sha256").update(JSON.stringify(outcome)).digest("hex").slice(0, DIGEST_DIGITS);
}

export function textOf(error: unknown): string {
  if (error instanceof InkubeError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
