/** A failure that was found, as a file: all that is needed to repeat it, and what happened in it. */
import { createRequire } from "node:module";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import { fieldProblems, isRecord, required } from "../../../protocols/fault-fields.ts";
import type { Failure } from "./run.ts";
import type { StoryEvent } from "./story-events.ts";
import { lineOf } from "./story-events.ts";

export interface Story {
  readonly format: "inkube-story-1";
  readonly versions: { readonly inkube: string; readonly node: string };
  /** Whose default export is the exploration: a path from where the story lies. Absent: it was given by a program. */
  readonly file?: string;
  readonly seed: number;
  readonly plan: FaultPlan;
  /** Names of those steps of the workload that it takes. */
  readonly steps: readonly string[];
  /** What does not hold, and why. */
  readonly oracle: string;
  readonly cause: string;
  readonly text: string;
  /** The plan in words, as the search came upon it. */
  readonly about: string;
  /** What the controllers asked for, what they were told, and which fault struck when; a line each. */
  readonly events: readonly string[];
  /** Of the whole trace. */
  readonly digest: string;
}

const FORMAT = "inkube-story-1";
/** Files' names end so: a story, and beside it what happened, as lines of JSON and as a page. */
export const STORY_ENDING = ".story.json";
export const STORY_TRACE_ENDING = ".trace.ndjson";
export const STORY_PAGE_ENDING = ".trace.html";

export interface ToldRun {
  readonly seed: number;
  readonly plan: FaultPlan;
  readonly steps: readonly string[];
  readonly about: string;
  readonly failure: Failure;
  readonly events: readonly StoryEvent[];
  readonly digest: string;
}

export function storyOf({ seed, plan, steps, about, failure, events, digest }: ToldRun): Story {
  const { oracle, cause, text } = failure;
  return {
    format: FORMAT,
    versions: { inkube: ownVersion(), node: process.versions.node },
    seed,
    plan,
    steps,
    oracle,
    cause,
    text,
    about,
    events: events.map(lineOf),
    digest,
  };
}

/** As a person reads it. */
export function textOfStory({ oracle, text, about, plan, steps, events }: Story): string {
  return [
    `${oracle}: ${text}`,
    `found by ${about}`,
    `steps: ${steps.join(", ")}`,
    ...plan.faults.map((fault) => `fault: ${JSON.stringify(fault)}`),
    ...events.map((line) => `  ${line}`),
  ].join("\n");
}

/** A test that holds once the failure is mended. `storyFile`: its path from where the test lies. */
export function testOfStory({ oracle, about }: Story, storyFile: string): string {
  return `import { replay } from "inkube/chaos";
import { expect, it } from "vitest";

it(${JSON.stringify(`holds ${oracle} under ${about}`)}, async () => {
  const { failures } = await replay(new URL(${JSON.stringify(storyFile)}, import.meta.url));
  expect(failures).toEqual([]);
});
`;
}

/** Errors: INVALID_STORY. */
export function parseStory(text: string, where: string): Story {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw invalid(`${where}: ${(error as Error).message}`);
  }
  if (!isRecord(given) || given["format"] !== FORMAT) throw invalid(`${where} is no story of format ${FORMAT}`);
  const [problem] = fieldProblems(given, FIELDS, "a story");
  if (problem !== undefined)
    throw invalid(`${where}: ${problem.field}: ${problem.problem} (allowed: ${problem.allowed})`);
  return given as unknown as Story;
}

const TEXT = required("a text", (value) => typeof value === "string");
const TEXTS = required(
  "a list of texts",
  (value) => Array.isArray(value) && value.every((each) => typeof each === "string"),
);
const FIELDS = {
  format: TEXT,
  versions: required("an object", isRecord),
  file: { ...TEXT, required: false },
  seed: required("a number", (value) => typeof value === "number"),
  plan: required("a plan of faults", isRecord),
  steps: TEXTS,
  oracle: TEXT,
  cause: TEXT,
  text: TEXT,
  about: TEXT,
  events: TEXTS,
  digest: TEXT,
};

function ownVersion(): string {
  const manifest = createRequire(import.meta.url)("inkube/package.json") as { readonly version: string };
  return manifest.version;
}

function invalid(what: string): InkubeError {
  return new InkubeError("INVALID_STORY", what);
}
