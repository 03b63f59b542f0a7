/** `inkube chaos`: looks for what breaks a controller, and repeats what it found. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { InkubeError, hasCode } from "../../../protocols/errors.ts";
import type { Budget, ExplorationFile } from "../chaos/exploration.ts";
import type { ChaosReport, Planned, TriedPlan } from "../chaos/searcher.ts";
import type { Story } from "../chaos/story.ts";
import { STORY_ENDING, STORY_PAGE_ENDING, STORY_TRACE_ENDING, testOfStory, textOfStory } from "../chaos/story.ts";
import { integer, milliseconds } from "./arguments.ts";
import { EXIT_CODES } from "./chaos-exit-codes.ts";
import { junitOf } from "./chaos-junit.ts";
import { liveCommand } from "./chaos-live.ts";
import type { Told } from "./chaos-report.ts";
import { contentsOfNdjson } from "../../trace-collector/core/ndjson.ts";
import { TraceRecord } from "../../trace-collector/core/record.ts";
import { exported } from "../trace-export.ts";
import { reportOf } from "./chaos-report.ts";
import { explain } from "./failure.ts";

interface RunOptions {
  readonly plans?: string;
  readonly wall?: string;
  readonly jobs?: string;
  readonly runWall?: string;
  readonly seed?: string;
  readonly out: string;
  readonly junit?: string;
  readonly report?: string;
}

const COUNT_MAX = 1_000_000;
const JOBS_MAX = 1_024;

/** `parent`: whose settings it has, but that what is asked for wrongly ends with the exit code for bad input. */
export function chaosCommand(parent: Command): Command {
  const command = new Command("chaos")
    .copyInheritedSettings(parent)
    .exitOverride(({ exitCode, code, message }) => {
      throw new CommanderError(exitCode === 0 ? 0 : EXIT_CODES.badInput, code, message);
    })
    .description(
      "run controllers in a simulated cluster, break it in every way at every moment, and tell what that breaks",
    );
  command
    .command("run")
    .description("explore what a file's default export describes; exit code 1: something was found")
    .argument("<file>", "a module whose default export is an exploration")
    .option("--plans <count>", "plans of faults at most (default: 500)")
    .option("--wall <time>", "real time to spend, as 90s or 2m (default: 2m)")
    .option("--jobs <count>", "runs at a time, each on a thread of its own (default: one for each processor)")
    .option("--run-wall <time>", "real time after which a run is given up as one that never ends (default: 60s)")
    .option("--seed <number>", "of the world and of what is drawn at random (default: 1)")
    .option("--out <directory>", "where stories of failures are written", "chaos")
    .option("--junit <file>", "write what was tried as JUnit's XML")
    .option("--report <file>", "write what was tried and found as one HTML file that needs nothing else")
    .action((file: string, options: RunOptions) => ending(() => run(file, options)));
  command
    .command("plans")
    .description("tell which plans of faults would be tried")
    .argument("<file>", "a module whose default export is an exploration")
    .option("--plans <count>", "plans of faults at most (default: 500)")
    .option("--seed <number>", "of the world and of what is drawn at random (default: 1)")
    .action((file: string, options: RunOptions) => ending(() => listPlans(file, options)));
  command
    .command("replay")
    .description("run a failure again, event by event the same")
    .argument("<story>", "a story.json of `inkube chaos run`")
    .action((story: string) => ending(() => replayStory(story)));
  command.addCommand(liveCommand(ending).copyInheritedSettings(command));
  return command;
}

/** Every failure ends in its own exit code. */
async function ending(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    process.stderr.write(`inkube: ${explain(error)}\n`);
    process.exitCode = codeOf(error);
  }
}

function codeOf(error: unknown): number {
  if (hasCode(error, "CHAOS_NOT_DETERMINISTIC")) return EXIT_CODES.notDeterministic;
  if (hasCode(error, "CHAOS_FAILS_WITHOUT_FAULTS")) return EXIT_CODES.failsWithoutFaults;
  if (hasCode(error, "EXPLORATION_HANGS")) return EXIT_CODES.neverLoads;
  if (hasCode(error, "CHAOS_RUN_VOID")) return EXIT_CODES.missed;
  if (hasCode(error, "CANCELLED")) return EXIT_CODES.interrupted;
  return EXIT_CODES.badInput;
}

async function run(file: string, options: RunOptions): Promise<number> {
  const { search } = await import("../chaos/explore.ts");
  const exploration = explorationOf(file, options);
  const beganMs = performance.now();
  const tried: TriedPlan[] = [];
  const told: Told[] = [];
  let planned: Planned = { plans: [], count: 0, pruned: [] };
  const report = await search(exploration, {
    directory: options.out,
    onRealTime: (stop) => {
      // The second one ends the process at once.
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
    },
    onAttachable: ({ name, kubeconfig }) =>
      console.log(`waiting for the controller ${name}: start it with KUBECONFIG=${kubeconfig}`),
    onRun: (plan) => tried.push(plan),
    onPlans: (plans) => {
      planned = plans;
      console.log(`holds without faults, twice the same; ${plans.count} plans of faults to try`);
    },
    onVoid: ({ about }, why) => console.log(`void, and not judged: ${about}: ${why}`),
    onFound: ({ trace, ...failure }) => {
      const path = write(failure.story, file, options.out, told.length + 1);
      const page = trace === undefined ? undefined : writeTrace(path, trace, failure.story);
      const linked = page === undefined ? {} : { page: relative(dirname(options.report ?? options.out), page) };
      told.push({ ...failure, path, ...linked });
      const look = page === undefined ? "" : `\nlook at it in a browser: ${page}`;
      console.log(`\n${textOfStory(failure.story)}\nreplay it with: inkube chaos replay ${path}${look}\n`);
    },
  });
  const seconds = (performance.now() - beganMs) / 1_000;
  console.log(`${report.plans} plans, ${report.runs} runs in ${seconds.toFixed(1)} s: ${verdict(report)}`);
  if (options.junit !== undefined) writeText(options.junit, junitOf(file, tried, report.missed, seconds));
  if (options.report !== undefined) {
    const { plans, pruned } = planned;
    writeText(options.report, reportOf({ file, seconds, report, plans, pruned, tried, told }));
  }
  if (report.found.length > 0) return EXIT_CODES.found;
  const isWhole = report.missed.length === 0 && report.plansLeft === 0 && report.voided.length === 0;
  return isWhole ? EXIT_CODES.holds : EXIT_CODES.missed;
}

function verdict({ found, missed, plansLeft, voided }: ChaosReport): string {
  const told = [
    ...(found.length === 0 ? ["nothing was found"] : [`${found.length} failures`]),
    ...(plansLeft === 0 ? [] : [`${plansLeft} plans were left out, as the time was used up`]),
    ...(voided.length === 0 ? [] : [`${voided.length} runs are void, and say nothing`]),
    ...missed.map((name) => `no run met the goal: ${name}`),
  ];
  return told.join("; ");
}

async function listPlans(file: string, options: RunOptions): Promise<number> {
  const { plansOf } = await import("../chaos/explore.ts");
  for (const { about, plan } of await plansOf(explorationOf(file, options))) {
    console.log(`${about}\n  ${JSON.stringify(plan.faults)}`);
  }
  return EXIT_CODES.holds;
}

async function replayStory(path: string): Promise<number> {
  const { replayApart } = await import("../chaos/explore.ts");
  const { failures, asRecorded, digest, story } = await replayApart(path);
  for (const line of story.events) console.log(line);
  for (const { oracle, text } of failures) console.log(`${oracle}: ${text}`);
  if (failures.length === 0) console.log("everything holds");
  console.log(
    asRecorded
      ? `digest ${digest}, as recorded`
      : `digest ${digest}, not ${story.digest} as recorded: the controller, inkube or Node.js is another, and so may be what is told above`,
  );
  return failures.length > 0 ? EXIT_CODES.found : EXIT_CODES.holds;
}

/** Errors: INVALID_ARGUMENT. */
function explorationOf(file: string, options: Partial<RunOptions>): ExplorationFile {
  const { plans, wall, jobs, runWall, seed } = options;
  const budget: Budget = {
    ...(plans === undefined ? {} : { plans: integer("--plans", plans, 1, COUNT_MAX) }),
    ...(wall === undefined ? {} : { wallMs: milliseconds("--wall", wall) }),
    ...(jobs === undefined ? {} : { jobs: integer("--jobs", jobs, 1, JOBS_MAX) }),
    ...(runWall === undefined ? {} : { runWallMs: milliseconds("--run-wall", runWall) }),
  };
  return {
    file,
    ...(Object.keys(budget).length === 0 ? {} : { budget }),
    ...(seed === undefined ? {} : { seed: integer("--seed", seed, 0, Number.MAX_SAFE_INTEGER) }),
  };
}

/** Errors: OUTPUT_FAILED. */
function writeText(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } catch (error) {
    throw new InkubeError("OUTPUT_FAILED", `${path} can't be written: ${(error as Error).message}`, { cause: error });
  }
}

/** The story, and a test beside it. Errors: OUTPUT_FAILED. */
function write(story: Story, file: string, directory: string, count: number): string {
  const name = String(count).padStart(4, "0");
  const path = join(directory, `${name}${STORY_ENDING}`);
  const told: Story = { ...story, file: relative(resolve(directory), resolve(file)) };
  writeText(path, `${JSON.stringify(told, undefined, 2)}\n`);
  writeText(join(directory, `${name}.test.ts`), testOfStory(told, `./${name}${STORY_ENDING}`));
  return path;
}

/**
 * What happened in a story, beside it: for `inkube trace --from`, and as a page. Gives the path of the page.
 * Errors: OUTPUT_FAILED.
 */
function writeTrace(storyPath: string, trace: string, { about }: Story): string {
  const path = storyPath.slice(0, -STORY_ENDING.length);
  const lines = `${path}${STORY_TRACE_ENDING}`;
  const page = `${path}${STORY_PAGE_ENDING}`;
  const record = new TraceRecord(contentsOfNdjson(trace, lines));
  writeText(lines, trace);
  writeText(page, [...exported(record, "html", { title: about })].join(""));
  return page;
}
