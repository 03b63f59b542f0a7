/** What a search is told of a run. All of it is plain data: the run may have been on another thread. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { Fault } from "../../../runtime/faults/plan.ts";
import { replicasOf } from "./controller.ts";
import { seenIn } from "./coverage.ts";
import { divergenceOf, outcomeDivergenceOf } from "./divergence.ts";
import { NO_SUFFERERS, sufferersIn } from "./cluster-plans.ts";
import type { Drawing } from "./drawn-plans.ts";
import { drawingOf } from "./drawn-plans.ts";
import type { Difference, EndState } from "./end-state.ts";
import { differencesOf } from "./end-state.ts";
import type { Resolved, Step } from "./exploration.ts";
import { withoutGeneratedNames } from "./real/generated-names.ts";
import { ndjsonOf } from "../../trace-collector/core/ndjson.ts";
import type { TraceRecord } from "../../trace-collector/core/record.ts";
import type { Failure, RunResult } from "./run.ts";
import { runOnce, textOf } from "./run.ts";
import type { SystematicPlans } from "./search.ts";
import { systematicPlans } from "./search.ts";
import type { StoryEvent } from "./story-events.ts";
import { eventsOf } from "./story-events.ts";

/** Names, as an oracle, that a run has not ended. */
export const NEVER_ENDS = "neverEnds";

export interface RunRequest {
  readonly faults: readonly Fault[];
  /** Names of steps of the workload. */
  readonly steps: readonly string[];
  /** The end without faults; undefined in the run that finds it out. */
  readonly reference: EndState | undefined;
  /** What is told beside the verdict: how it ended, or also how it came to that. */
  readonly tells?: "end" | "story";
}

export interface Outcome {
  readonly failures: readonly Failure[];
  /** Names of the goals that it met. */
  readonly goals: readonly string[];
  /** Why a run without faults can't be what others are held against; undefined: it can. */
  readonly bad: string | undefined;
  /** Why it says nothing, neither that all holds nor that it does not; absent: it says what it says. */
  readonly void?: string;
  /** Of the whole trace; empty of one that has not ended. */
  readonly digest: string;
  /** What it has shown: see `coverage.ts`. */
  readonly seen: readonly number[];
  readonly end?: EndState;
  readonly events?: readonly StoryEvent[];
  /** Of all that happened, as lines of JSON. */
  readonly trace?: string;
  readonly differences?: readonly Difference[];
}

/** The run without faults. */
export interface Reference {
  readonly digest: string;
  readonly end: EndState;
  readonly goals: readonly string[];
  readonly seen: readonly number[];
  readonly systematic: SystematicPlans;
  readonly drawing: Drawing;
}

/** Errors: CONTROLLER_FAILED; INVALID_STORY for a step that is not there. */
export async function outcomeOf(exploration: Resolved, request: RunRequest): Promise<Outcome> {
  const { faults, steps: names, reference, tells } = request;
  const steps = stepsNamed(exploration, names);
  const result = await runOnce(exploration, { plan: { faults }, steps, reference });
  const { failures, goals, digest, end, history, gap, record } = result;
  return {
    failures: failures.map(({ oracle, cause, text }) => ({ oracle, cause, text })),
    goals,
    bad: whyBad(result),
    digest,
    seen: gap === undefined ? seenIn(history) : [],
    ...(gap === undefined ? {} : { void: gap }),
    ...(tells === undefined ? {} : { end }),
    ...(tells === "story" ? { events: eventsOf(history) } : {}),
    ...(tells === "story" ? traceOf(record()) : {}),
    ...(tells === "story" && reference !== undefined ? { differences: differencesOf(reference, end) } : {}),
  };
}

function traceOf(record: TraceRecord | undefined): Pick<Outcome, "trace"> {
  return record === undefined ? {} : { trace: ndjsonOf(record) };
}

/** Runs without faults, twice. Errors: CHAOS_NOT_DETERMINISTIC, CHAOS_RUN_VOID, CHAOS_FAILS_WITHOUT_FAULTS, CONTROLLER_FAILED. */
export async function referenceOf(exploration: Resolved): Promise<Reference> {
  const { steps, patterns } = exploration;
  const run = (): Promise<RunResult> => runOnce(exploration, { plan: { faults: [] }, steps, reference: undefined });
  const first = await run();
  const second = await run();
  if (exploration.stage === undefined) checkSame("two runs of one seed differ", divergenceOf(first, second));
  const gap = first.gap ?? second.gap;
  if (gap !== undefined) throw new InkubeError("CHAOS_RUN_VOID", `the run without faults is void: ${gap}`);
  const bad = whyBad(first) ?? whyBad(second);
  if (bad !== undefined) throw failsWithoutFaults(bad);
  if (exploration.stage !== undefined) {
    checkSame("two runs without faults end differently", outcomeDivergenceOf(first, second));
  }
  const { digest, end, goals, workMs } = first;
  const history = exploration.stage === undefined ? first.history : withoutGeneratedNames(first.history);
  const controllers = exploration.controllers.flatMap(replicasOf);
  const sufferers = exploration.stage === undefined ? sufferersIn(history, controllers) : NO_SUFFERERS;
  return {
    digest,
    end,
    goals: [...new Set([...goals, ...second.goals])],
    seen: seenIn(history),
    systematic: systematicPlans(history, controllers, patterns, sufferers),
    drawing: drawingOf(history, controllers, workMs, sufferers),
  };
}

/** Errors: CHAOS_NOT_DETERMINISTIC. */
function checkSame(what: string, divergence: string | undefined): void {
  if (divergence !== undefined) throw new InkubeError("CHAOS_NOT_DETERMINISTIC", `${what}: ${divergence}`);
}

export function failsWithoutFaults(why: string): InkubeError {
  return new InkubeError("CHAOS_FAILS_WITHOUT_FAULTS", `it fails without any fault: ${why}`);
}

function stepsNamed({ steps }: Resolved, names: readonly string[]): readonly Step[] {
  return names.map((name) => {
    const step = steps.find((each) => each.name === name);
    if (step !== undefined) return step;
    throw new InkubeError("INVALID_STORY", `the exploration has no step ${name} any more`);
  });
}

function whyBad({ failures, thrown, isQuiet, unrest, gap }: RunResult): string | undefined {
  if (gap !== undefined) return `the run is void: ${gap}`;
  const [died] = thrown;
  if (died !== undefined) return `the controller ${died.controller} threw ${textOf(died.error)}`;
  if (unrest !== undefined) return unrest;
  const [failure] = failures;
  if (failure !== undefined) return `${failure.oracle}: ${failure.text}`;
  return isQuiet ? undefined : "the controllers never come to rest";
}
