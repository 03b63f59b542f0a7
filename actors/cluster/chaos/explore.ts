/**
 * Looks for what breaks a controller: a run without faults, twice, then plans of faults, systematic ones first. What is found
 * is made as small as it can be and told as a story that repeats itself.
 */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Exploration, ExplorationFile, Resolved } from "./exploration.ts";
import { checkExploration } from "./exploration.ts";
import { checkFields, isInFile, loadExploration } from "./loading.ts";
import { ThreadPool } from "./pool.ts";
import type { Outcome, RunRequest } from "./outcome.ts";
import type { Failure } from "./run.ts";
import type { RealStage } from "./real/stage.ts";
import type { Runner } from "./runner.ts";
import { OwnThread } from "./runner.ts";
import type { PlannedRun } from "./search.ts";
import type { ChaosReport, Progress } from "./searcher.ts";
import { Searcher } from "./searcher.ts";
import type { Story } from "./story.ts";
import { parseStory, textOfStory } from "./story.ts";

/**
 * Resolves when everything holds. Errors: CHAOS_FOUND with the stories as its text and the report as its details;
 * CHAOS_MISSED for goals that no run met, plans that the budget left out, and those of which nothing can be said; and those of `search`.
 */
export async function explore(exploration: Exploration | ExplorationFile): Promise<ChaosReport> {
  const report = await search(exploration);
  const { found, missed, plansLeft, voided } = report;
  if (found.length > 0) {
    const text = found.map(({ story }) => textOfStory(story)).join("\n\n");
    throw new InkubeError("CHAOS_FOUND", text, { details: report });
  }
  if (missed.length > 0 || plansLeft > 0 || voided.length > 0)
    throw new InkubeError("CHAOS_MISSED", missedText(report), { details: report });
  return report;
}

export function missedText({ missed, plansLeft, voided }: ChaosReport): string {
  return [
    ...missed.map((name) => `no run met the goal: ${name}`),
    ...voided.map(({ about, why }) => `a run is void: ${about}: ${why}`),
    ...(plansLeft > 0 ? [`${plansLeft} plans were left out: the budget was used up`] : []),
  ].join("\n");
}

/**
 * As `explore`, and reports also what it found. Errors: INVALID_EXPLORATION; EXPLORATION_HANGS; CHAOS_NOT_DETERMINISTIC, naming where two runs
 * without faults part; CHAOS_FAILS_WITHOUT_FAULTS; CHAOS_RUN_VOID; CONTROLLER_FAILED.
 */
export async function search(given: Exploration | ExplorationFile, progress: Progress = {}): Promise<ChaosReport> {
  return searching(given, progress, (searcher) => searcher.search());
}

/** The plans that a search would try, but for those that are made of what others show. Errors: those of `search`. */
export async function plansOf(given: Exploration | ExplorationFile): Promise<readonly PlannedRun[]> {
  return searching(given, {}, (searcher) => searcher.plans());
}

async function searching<T>(
  given: Exploration | ExplorationFile,
  progress: Progress,
  work: (searcher: Searcher) => Promise<T>,
): Promise<T> {
  if (isInFile(given)) {
    return onThreads(given, async (resolved, pool) => {
      if (resolved.stage === undefined) return work(new Searcher(resolved, pool, progress));
      await pool.end();
      return inRealTime(resolved, resolved.stage, progress, work);
    });
  }
  const resolved = checkExploration(given);
  if (resolved.stage !== undefined) return inRealTime(resolved, resolved.stage, progress, work);
  return work(new Searcher(resolved, ownThread(resolved), progress));
}

/** With what its file says, which is loaded by other threads first: what never comes to its end ends there. */
async function onThreads<T>(
  given: ExplorationFile,
  work: (resolved: Resolved, pool: ThreadPool) => Promise<T>,
): Promise<T> {
  checkFields(given);
  const pool = new ThreadPool(given);
  try {
    await pool.load();
    const resolved = checkExploration(await loadExploration(given));
    pool.adopt(resolved);
    return await work(resolved, pool);
  } finally {
    await pool.end();
  }
}

/** One run after the other: all have one cluster. Leaves nothing behind that runs. */
async function inRealTime<T>(
  resolved: Resolved,
  stage: RealStage,
  progress: Progress,
  work: (searcher: Searcher) => Promise<T>,
): Promise<T> {
  if (progress.directory !== undefined) stage.directory = progress.directory;
  stage.onAttachable = (attachable) => progress.onAttachable?.(attachable);
  const stopped = new Promise<never>((_, reject) => {
    progress.onRealTime?.(() => reject(new InkubeError("CANCELLED", "the search was ended")));
  });
  try {
    return await Promise.race([work(new Searcher(resolved, new OwnThread(resolved), progress)), stopped]);
  } finally {
    await stage.close();
  }
}

/** Errors: INVALID_EXPLORATION for what takes other threads. */
function ownThread(resolved: Resolved): Runner {
  const { jobs = 1, runWallMs } = resolved;
  const field = jobs > 1 ? "jobs" : runWallMs === undefined ? undefined : "runWallMs";
  if (field === undefined) return new OwnThread(resolved);
  const why = "it takes other threads, to which the functions of an exploration can't be sent";
  const message = `exploration: budget.${field}: ${why} (allowed: with { file }, whose default export it is)`;
  throw new InkubeError("INVALID_EXPLORATION", message);
}

export interface Replayed {
  readonly failures: readonly Failure[];
  readonly digest: string;
  /** Whether it was the very same run: it is not when the controller, inkube or Node is another. */
  readonly asRecorded: boolean;
  readonly story: Story;
}

/**
 * Runs a story again, in this thread: a path, or the story itself. `exploration`: in place of the file that the story names.
 * Errors: INVALID_STORY, INVALID_EXPLORATION, CHAOS_FAILS_WITHOUT_FAULTS, CHAOS_RUN_VOID.
 */
export async function replay(story: string | URL | Story, exploration?: Exploration): Promise<Replayed> {
  const { told, file } = await readStory(story);
  const given = exploration ?? (await loadExploration({ file: file() }));
  return replayedHere(checkExploration({ ...given, seed: told.seed }), told);
}

async function replayedHere(resolved: Resolved, told: Story): Promise<Replayed> {
  try {
    return await replayed(resolved, new OwnThread(resolved), told);
  } finally {
    await resolved.stage?.close();
  }
}

/** As `replay`, but a simulation on a thread of its own, which is given up when the run never ends. */
export async function replayApart(story: string | URL): Promise<Replayed> {
  const { told, file } = await readStory(story);
  return onThreads({ file: file(), seed: told.seed }, async (resolved, pool) => {
    if (resolved.stage === undefined) return replayed(resolved, pool, told);
    await pool.end();
    return replayedHere(resolved, told);
  });
}

async function replayed(resolved: Resolved, runner: Runner, told: Story): Promise<Replayed> {
  const { steps, plan, seed } = told;
  const reference = await new Searcher({ ...resolved, seed }, runner, {}).endOf(steps);
  const { failures, digest } = await ranAgain(runner, { faults: plan.faults, steps, reference });
  return { failures, digest, asRecorded: digest === told.digest, story: told };
}

/** Errors: CHAOS_RUN_VOID. */
async function ranAgain(runner: Runner, request: RunRequest): Promise<Outcome> {
  const outcome = await runner.run(request);
  if (outcome.void !== undefined) throw new InkubeError("CHAOS_RUN_VOID", `the run is void: ${outcome.void}`);
  return outcome;
}

/**
 * What happened in a story, as lines of JSON, by running it again on a thread of its own. It is not what was recorded when the
 * controller, inkube or Node is another. Errors: those of `replay`; TRACE_NOT_FOUND for one of real time, whose record is not kept.
 */
export async function traceOfStory(story: string): Promise<{ readonly trace: string; readonly asRecorded: boolean }> {
  const { told, file } = await readStory(story);
  const { steps, plan, digest, seed } = told;
  return onThreads({ file: file(), seed }, async (resolved, pool) => {
    const none = (): InkubeError =>
      new InkubeError("TRACE_NOT_FOUND", `${story} is a story of real time: its trace was not kept`);
    if (resolved.stage !== undefined) throw none();
    const reference = await new Searcher({ ...resolved, seed }, pool, {}).endOf(steps);
    const outcome = await ranAgain(pool, { faults: plan.faults, steps, reference, tells: "story" });
    if (outcome.trace === undefined) throw none();
    return { trace: outcome.trace, asRecorded: outcome.digest === digest };
  });
}

interface ReadStory {
  readonly told: Story;
  /** Path of its exploration. Errors: INVALID_STORY. */
  readonly file: () => string;
}

/** Errors: INVALID_STORY. */
async function readStory(story: string | URL | Story): Promise<ReadStory> {
  if (typeof story !== "string" && !(story instanceof URL)) {
    return { told: story, file: () => fileOf(story, process.cwd()) };
  }
  const path = story instanceof URL ? fileURLToPath(story) : resolve(story);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new InkubeError("INVALID_STORY", `${path} can't be read: ${(error as Error).message}`);
  }
  const told = parseStory(text, path);
  return { told, file: () => fileOf(told, dirname(path)) };
}

function fileOf({ file }: Story, directory: string): string {
  if (file !== undefined) return resolve(directory, file);
  throw new InkubeError("INVALID_STORY", "this story names no file: give its exploration to replay");
}
