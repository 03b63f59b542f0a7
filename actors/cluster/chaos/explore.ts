/**
 * Looks for what breaks a controller: a run without faults, twice, then plans of faults, systematic ones first. What is found
 * is made as small as it can be and told as a story that repeats itself.
 */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InkubeError } from "../../../protocols/errors.ts";
import { isRecord } from "../../../protocols/fault-fields.ts";
import type { Fault } from "../../../runtime/faults/plan.ts";
import { wallNowMs } from "../../../runtime/threads/machine-clock.ts";
import { divergenceOf, outcomeDivergenceOf } from "./divergence.ts";
import type { EndState } from "./end-state.ts";
import type { Exploration, Resolved, Step } from "./exploration.ts";
import { checkExploration } from "./exploration.ts";
import { replicasOf } from "./controller.ts";
import { withoutGeneratedNames } from "./real/generated-names.ts";
import { realPlan } from "./real/plans.ts";
import type { Attachable } from "./real/stage.ts";
import type { Failure, RunResult } from "./run.ts";
import { runOnce, textOf } from "./run.ts";
import type { PlannedRun } from "./search.ts";
import { randomPlan, systematicPlans } from "./search.ts";
import { shrink } from "./shrink.ts";
import type { Story } from "./story.ts";
import { parseStory, storyOf, textOfStory } from "./story.ts";

/** A failure, once for all plans that came upon it. */
export interface Found {
  readonly story: Story;
  /** Plans that failed for the same cause. */
  plans: number;
}

export interface ChaosReport {
  readonly found: readonly Found[];
  /** Plans that were run, and those that the budget left out. */
  readonly plans: number;
  readonly plansLeft: number;
  /** All runs: also the ones without faults, and those that made failures smaller. */
  readonly runs: number;
  /** Goals (`sometimes`) that no run met. */
  readonly missed: readonly string[];
  /** Of the run without faults. */
  readonly digest: string;
}

/** Told as it goes. */
export interface Progress {
  onPlans?(plans: number): void;
  onRun?(run: PlannedRun, failures: readonly Failure[]): void;
  onFound?(story: Story): void;
  /** Somebody is to start that controller now. */
  onAttachable?(attachable: Attachable): void;
  /** Where kubeconfigs of such controllers are written. Default `chaos`. */
  readonly directory?: string;
  /** Of a search in real time, before it begins: `stop` ends it, with CANCELLED, and whatever runs for it. */
  onRealTime?(stop: () => void): void;
}

const NO_FAULTS: readonly Fault[] = [];

/**
 * Resolves when everything holds. Errors: CHAOS_FOUND with the stories as its text and the report as its details;
 * CHAOS_MISSED for goals that no run met and plans that the budget left out; and those of `search`.
 */
export async function explore(exploration: Exploration): Promise<ChaosReport> {
  const report = await search(exploration);
  const { found, missed, plansLeft } = report;
  if (found.length > 0) {
    const text = found.map(({ story }) => textOfStory(story)).join("\n\n");
    throw new InkubeError("CHAOS_FOUND", text, { details: report });
  }
  if (missed.length > 0 || plansLeft > 0)
    throw new InkubeError("CHAOS_MISSED", missedText(report), { details: report });
  return report;
}

export function missedText({ missed, plansLeft }: ChaosReport): string {
  return [
    ...missed.map((name) => `no run met the goal: ${name}`),
    ...(plansLeft > 0 ? [`${plansLeft} plans were left out: the budget was used up`] : []),
  ].join("\n");
}

/**
 * As `explore`, and reports also what it found. Errors: INVALID_EXPLORATION; CHAOS_NOT_DETERMINISTIC, naming where two runs
 * without faults part; CHAOS_FAILS_WITHOUT_FAULTS; CONTROLLER_FAILED.
 */
export async function search(exploration: Exploration, progress: Progress = {}): Promise<ChaosReport> {
  return withSearcher(checkExploration(exploration), progress, (searcher) => searcher.search());
}

/** The plans that a search would try. Errors: those of `search`. */
export async function plansOf(exploration: Exploration): Promise<readonly PlannedRun[]> {
  return withSearcher(checkExploration(exploration), {}, async (searcher) =>
    searcher.plans(await searcher.checkedReference()),
  );
}

/** Leaves nothing behind that runs. */
async function withSearcher<T>(
  exploration: Resolved,
  progress: Progress,
  work: (searcher: Searcher) => Promise<T>,
): Promise<T> {
  const { stage } = exploration;
  if (stage !== undefined) {
    if (progress.directory !== undefined) stage.directory = progress.directory;
    stage.onAttachable = (attachable) => progress.onAttachable?.(attachable);
  }
  const searcher = new Searcher(exploration, progress);
  if (stage === undefined) return work(searcher);
  const stopped = new Promise<never>((_, reject) => {
    progress.onRealTime?.(() => reject(new InkubeError("CANCELLED", "the search was ended")));
  });
  try {
    return await Promise.race([work(searcher), stopped]);
  } finally {
    await stage.close();
  }
}

export interface Replayed {
  readonly failures: readonly Failure[];
  readonly digest: string;
  /** Whether it was the very same run, in real time one of the same outcome: it is not when the controller, inkube or Node is another. */
  readonly asRecorded: boolean;
  readonly story: Story;
}

/**
 * Runs a story again: a path, or the story itself. `exploration`: in place of the file that the story names.
 * Errors: INVALID_STORY, INVALID_EXPLORATION, CHAOS_FAILS_WITHOUT_FAULTS.
 */
export async function replay(story: string | URL | Story, exploration?: Exploration): Promise<Replayed> {
  const isPath = typeof story === "string" || story instanceof URL;
  const path = isPath ? (story instanceof URL ? fileURLToPath(story) : resolve(story)) : "";
  const told = isPath ? parseStory(await readStory(path), path) : story;
  const given = exploration ?? (await loadExploration(fileOf(told, isPath ? dirname(path) : process.cwd())));
  const resolved = checkExploration({ ...given, seed: told.seed });
  const steps = stepsNamed(resolved, told.steps);
  const result = await withSearcher(resolved, {}, async (searcher) => {
    const reference = await searcher.referenceOf(steps);
    return runOnce(resolved, { plan: told.plan, steps, reference });
  });
  const { failures, digest } = result;
  return { failures, digest, asRecorded: digest === told.digest, story: told };
}

/** The default export of a file. Errors: INVALID_EXPLORATION, also for a file that can't be loaded. */
export async function loadExploration(path: string): Promise<Exploration> {
  let loaded: { readonly default?: Exploration };
  try {
    loaded = (await import(pathToFileURL(path).href)) as { readonly default?: Exploration };
  } catch (error) {
    throw new InkubeError("INVALID_EXPLORATION", `${path} can't be loaded: ${textOf(error)}`, { cause: error });
  }
  if (loaded.default !== undefined) return fromFile(loaded.default, path);
  throw new InkubeError("INVALID_EXPLORATION", `${path} has no default export: export the exploration as its default`);
}

/** Its modules' paths, and the directories of its commands, are taken from it. */
function fromFile(exploration: Exploration, path: string): Exploration {
  const { controllers } = exploration;
  if (!Array.isArray(controllers)) return exploration;
  const placed = (controllers as readonly unknown[]).map((each) => {
    if (!isRecord(each)) return each;
    const { module, command, cwd = "" } = each;
    if (command !== undefined && typeof cwd === "string") return { ...each, cwd: resolve(dirname(path), cwd) };
    if (typeof module !== "string" || module.startsWith("file:")) return each;
    return { ...each, module: resolve(dirname(path), module) };
  });
  return { ...exploration, controllers: placed as Exploration["controllers"] };
}

async function readStory(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new InkubeError("INVALID_STORY", `${path} can't be read: ${(error as Error).message}`);
  }
}

function fileOf({ file }: Story, directory: string): string {
  if (file !== undefined) return resolve(directory, file);
  throw new InkubeError("INVALID_STORY", "this story names no file: give its exploration to replay");
}

function stepsNamed({ steps }: Resolved, names: readonly string[]): readonly Step[] {
  return names.map((name) => {
    const step = steps.find((each) => each.name === name);
    if (step !== undefined) return step;
    throw new InkubeError("INVALID_STORY", `the exploration has no step ${name} any more`);
  });
}

class Searcher {
  private readonly exploration: Resolved;
  private readonly progress: Progress;
  private readonly controllers: readonly string[];
  /** By the names of their steps. */
  private readonly references = new Map<string, EndState | undefined>();
  private readonly found = new Map<string, Found>();
  private readonly met = new Set<string>();
  private runs = 0;

  constructor(exploration: Resolved, progress: Progress) {
    this.exploration = exploration;
    this.progress = progress;
    this.controllers = exploration.controllers.flatMap(replicasOf);
  }

  async search(): Promise<ChaosReport> {
    const { wallMs, oracles } = this.exploration;
    const untilMs = wallNowMs() + wallMs;
    const reference = await this.checkedReference();
    const plans = this.plans(reference);
    this.progress.onPlans?.(plans.length);
    let done = 0;
    for (const planned of plans) {
      if (wallNowMs() >= untilMs) break;
      await this.tryPlan(planned, reference.end);
      done++;
    }
    const goals = oracles.flatMap((oracle) => ("goal" in oracle ? [oracle.name] : []));
    return {
      found: [...this.found.values()],
      plans: done,
      plansLeft: plans.length - done,
      runs: this.runs,
      missed: goals.filter((name) => !this.met.has(name)),
      digest: reference.digest,
    };
  }

  plans(reference: RunResult): readonly PlannedRun[] {
    const { patterns, random, plansMax, seed, stage, controllers } = this.exploration;
    const { workMs } = reference;
    const history = stage === undefined ? reference.history : withoutGeneratedNames(reference.history);
    const systematic = systematicPlans(history, this.controllers, patterns);
    const drawn = Array.from({ length: random }, (_, nth) =>
      randomPlan(history, this.controllers, workMs, seed, nth + 1),
    );
    const plans = [...systematic, ...drawn].slice(0, plansMax);
    if (stage === undefined) return plans;
    const tireless = controllers.flatMap((each) => ("start" in each ? replicasOf(each) : []));
    return plans.map((each) => realPlan(each, tireless));
  }

  /** The run without faults, twice. Errors: CHAOS_NOT_DETERMINISTIC, CHAOS_FAILS_WITHOUT_FAULTS. */
  async checkedReference(): Promise<RunResult> {
    const { steps } = this.exploration;
    const first = await this.run(NO_FAULTS, steps, undefined);
    const second = await this.run(NO_FAULTS, steps, undefined);
    const isReal = this.exploration.stage !== undefined;
    const bad = isReal ? (whyBad(first) ?? whyBad(second)) : undefined;
    const divergence = isReal ? outcomeDivergenceOf(first, second) : divergenceOf(first, second);
    if (bad === undefined && divergence !== undefined) {
      const what = isReal ? "two runs without faults end differently" : "two runs of one seed differ";
      throw new InkubeError("CHAOS_NOT_DETERMINISTIC", `${what}: ${divergence}`);
    }
    const why = bad ?? whyBad(first);
    if (why !== undefined) throw new InkubeError("CHAOS_FAILS_WITHOUT_FAULTS", `it fails without any fault: ${why}`);
    this.references.set(keyOf(steps), first.end);
    return first;
  }

  /** The end of these steps without faults. Errors: CHAOS_FAILS_WITHOUT_FAULTS. */
  async referenceOf(steps: readonly Step[]): Promise<EndState> {
    const key = keyOf(steps);
    const known = this.references.get(key);
    if (known !== undefined) return known;
    const result = await this.run(NO_FAULTS, steps, undefined);
    const why = whyBad(result);
    if (why !== undefined) throw new InkubeError("CHAOS_FAILS_WITHOUT_FAULTS", `it fails without any fault: ${why}`);
    this.references.set(key, result.end);
    return result.end;
  }

  private async run(
    faults: readonly Fault[],
    steps: readonly Step[],
    reference: EndState | undefined,
  ): Promise<RunResult> {
    this.runs++;
    const result = await runOnce(this.exploration, { plan: { faults }, steps, reference });
    for (const goal of result.goals) this.met.add(goal);
    return result;
  }

  private async tryPlan(planned: PlannedRun, reference: EndState): Promise<void> {
    const result = await this.run(planned.plan.faults, this.exploration.steps, reference);
    const { failures } = result;
    this.progress.onRun?.(planned, failures);
    const [failure] = failures;
    if (failure === undefined) return;
    const known = this.knownFor(planned, failure);
    if (known !== undefined) known.plans++;
    else await this.tell(planned, failure, result, reference);
  }

  /** One cause at one kind of moment is one failure; what chance comes upon is mostly one that is known. */
  private knownFor({ pattern }: PlannedRun, { oracle, cause }: Failure): Found | undefined {
    const same = `${oracle}: ${cause}`;
    if (pattern !== "random") return this.found.get(`${MOMENTS[pattern]} ${same}`);
    return [...this.found].find(([key]) => key.endsWith(` ${same}`))?.[1];
  }

  private async tell(planned: PlannedRun, failure: Failure, first: RunResult, reference: EndState): Promise<void> {
    const { steps, seed, stage } = this.exploration;
    const { oracle, cause } = failure;
    const isRed = ({ failures }: RunResult): boolean => failures.some((each) => each.oracle === oracle);
    const faults = await shrink(planned.plan.faults, async (fewer) => isRed(await this.run(fewer, steps, reference)));
    // In real time all steps stay: each try without one would take another run without faults.
    const fewest =
      stage !== undefined
        ? steps
        : await shrink(steps, async (fewer) => {
            const without = await this.endWithout(fewer);
            return without !== undefined && isRed(await this.run(faults, fewer, without));
          });
    const end = (await this.endWithout(fewest)) ?? reference;
    const repeated = await this.run(faults, fewest, end);
    const result = isRed(repeated) ? repeated : first;
    const again = result === repeated ? "" : ", and did not fail again when it was repeated: it is a matter of timing";
    const smallest = result.failures.find((each) => each.oracle === oracle) ?? failure;
    const names = fewest.map(({ name }) => name);
    const about = `${planned.about}${again}`;
    const told = { seed, plan: { faults }, steps: names, about, failure: smallest, result };
    const story = storyOf(told);
    const moment = planned.pattern === "random" ? "random" : MOMENTS[planned.pattern];
    this.found.set(`${moment} ${oracle}: ${cause}`, { story, plans: 1 });
    this.progress.onFound?.(story);
  }

  /** Undefined where these steps fail without any fault. */
  private async endWithout(steps: readonly Step[]): Promise<EndState | undefined> {
    const key = keyOf(steps);
    if (!this.references.has(key)) {
      const result = await this.run(NO_FAULTS, steps, undefined);
      this.references.set(key, whyBad(result) === undefined ? result.end : undefined);
    }
    return this.references.get(key);
  }
}

/** Patterns that find the same. */
const MOMENTS: { readonly [P in Exclude<PlannedRun["pattern"], "random">]: string } = {
  "crash-before": "write",
  "crash-after": "write",
  "down-after": "write",
  "lost-reply": "write",
  conflict: "write",
  refused: "request",
  down: "notification",
  held: "notification",
  unseen: "notification",
  dropped: "notification",
  late: "notification",
  "stale-restart": "restart",
  travel: "restart",
  paused: "lease",
  twice: "lease",
};

function keyOf(steps: readonly Step[]): string {
  return JSON.stringify(steps.map(({ name }) => name));
}

function whyBad({ failures, thrown, isQuiet, unrest }: RunResult): string | undefined {
  const [died] = thrown;
  if (died !== undefined) return `the controller ${died.controller} threw ${textOf(died.error)}`;
  if (unrest !== undefined) return unrest;
  const [failure] = failures;
  if (failure !== undefined) return `${failure.oracle}: ${failure.text}`;
  return isQuiet ? undefined : "the controllers never come to rest";
}
