/** What is to be explored, and the check of it: it comes from files in plain JavaScript. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { FieldProblem, FieldRule } from "../../../protocols/fault-fields.ts";
import { fieldProblems, isNumber, isRecord, oneOf, optional, required } from "../../../protocols/fault-fields.ts";
import type { ControllerUnderTest } from "./controller.ts";
import { isSimulated } from "./controller.ts";
import { Programs } from "./module/modules.ts";
import type { Oracle } from "./oracles.ts";
import { defaultOracles } from "./oracles.ts";
import type { Pattern } from "./patterns.ts";
import { CLUSTER_PATTERNS, PATTERNS } from "./patterns.ts";
import { QUIET_MS } from "./real/pace.ts";
import { RealStage } from "./real/stage.ts";
import type { ClusterSize, OnStep, World } from "./world.ts";

/** A part of the workload that can be left out when a failure is made smaller. After it the world comes to rest. */
export interface Step {
  /** Unique in the workload. */
  readonly name: string;
  readonly run: (world: World) => void | Promise<void>;
}

export interface Search {
  /** Default `all`. */
  readonly systematic?: readonly Pattern[] | "all";
  /** Plans drawn at random beyond the systematic ones; default 40. */
  readonly random?: number;
  /**
   * Plans that only change in which order things are told: each puts off `depth` messages. `plans`: default 40. Default: none.
   */
  readonly pct?: { readonly depth: number; readonly plans?: number };
  /**
   * The rest of the budget's plans are made of those that have shown something new: an operation of a controller in a state
   * that it knew of, after a fault. Default false.
   */
  readonly coverage?: boolean;
}

export interface Budget {
  /** Default 500. Making failures smaller takes runs beside it. */
  readonly plans?: number;
  /** Real time; default 120,000, and 600,000 where runs take real time. */
  readonly wallMs?: number;
  /** Runs at a time, each on a thread of its own; default: as many as there are processors. Only of an exploration in a file. */
  readonly jobs?: number;
  /**
   * Real time that one run may take before its thread is ended: what has not ended by then never does. Default 60,000. Only of
   * an exploration in a file.
   */
  readonly runWallMs?: number;
}

/** An exploration that is a file's default export: it can be run on several threads, each of which loads the file itself. */
export interface ExplorationFile {
  readonly file: string | URL;
  /** Instead of what the file says. */
  readonly seed?: number;
  readonly budget?: Budget;
}

export type Mode = "sim" | "threads" | "external";

export interface Exploration {
  /** Default: one master and one worker. */
  readonly cluster?: ClusterSize;
  /**
   * `sim`: in the simulation, on virtual time. `threads`, `external`: on a real cluster in this process, in real time, plans one
   * after the other; `threads` for functions of `Env`, `external` for commands, what is attached, and functions beside them.
   * Default: `external` where a controller needs it, else `sim`.
   */
  readonly mode?: Mode;
  /**
   * In real time: how long nothing must be asked by a controller, and nothing change, for it to be at rest, in milliseconds.
   * Longer than the pauses of one that polls. Default 150.
   */
  readonly quietMs?: number;
  readonly controllers: readonly ControllerUnderTest[];
  readonly workload: readonly Step[] | ((world: World) => Promise<void>);
  /** Default: `sameEnd()`, `converges()`, `noHotLoop()`, `watchGuarantees()`. */
  readonly oracles?: readonly Oracle[];
  readonly search?: Search;
  readonly budget?: Budget;
  /** Of the world; plans at random are drawn from it as well. Default 1. */
  readonly seed?: number;
}

export interface Resolved {
  readonly cluster: Required<ClusterSize>;
  readonly controllers: readonly ControllerUnderTest[];
  readonly steps: readonly Step[];
  readonly oracles: readonly Oracle[];
  readonly patterns: readonly Pattern[];
  readonly random: number;
  readonly pct: { readonly depth: number; readonly plans: number };
  readonly coverage: boolean;
  readonly plansMax: number;
  readonly wallMs: number;
  readonly jobs: number | undefined;
  readonly runWallMs: number | undefined;
  readonly seed: number;
  /** Files of controllers that are modules, read once for all runs. */
  readonly programs: Programs;
  /** What runs take place on; undefined in the simulation. Whoever has them run closes it. */
  readonly stage: RealStage | undefined;
  readonly onStep?: OnStep;
}

const RANDOM_PLANS = 40;
const PCT_PLANS = 40;
const PCT_DEPTH_MAX = 20;
const PLANS_MAX = 500;
const WALL_MS = 120_000;
const REAL_WALL_MS = 600_000;
const QUIET_MS_MAX = 60_000;
/**
 * What can't be tried in real time: revisions are others in each run, and until a node counts as lost, or its pods are elsewhere, it
 * takes more time than a run has.
 */
const SIMULATED_ONLY: readonly Pattern[] = ["travel", ...CLUSTER_PATTERNS];
/** A function can't be paused: its thread is everybody's. Of what somebody else runs nobody can start a second one. */
const PAUSES: readonly Pattern[] = ["paused"];
const SECONDS: readonly Pattern[] = ["twice"];
const COUNT_MAX = 1_000_000;
const JOBS_MAX = 1_024;
const WALL_MS_MAX = 2 ** 31 - 1;
const WORKERS_MAX = 50;
const REPLICAS_MAX = 9;

const isFunction = (value: unknown): boolean => typeof value === "function";
const count = (least: number, most: number): FieldRule =>
  required(
    `a whole number from ${least} to ${most}`,
    (value) => isNumber(value, least, most) && Number.isInteger(value),
  );
const record = (rules: Readonly<Record<string, FieldRule>>, what: string): FieldRule => ({
  ...required("an object", isRecord),
  within: (value, field) => fieldProblems(value as Readonly<Record<string, unknown>>, rules, what, `${field}.`),
});
type Rules = Readonly<Record<string, FieldRule>>;
const records = (
  rules: Rules | ((given: Readonly<Record<string, unknown>>) => Rules),
  what: string,
  allowed: string,
): FieldRule => ({
  ...required(allowed, (value) => Array.isArray(value) && value.length > 0),
  within: (value, field) =>
    (value as readonly unknown[]).flatMap((each, index) =>
      isRecord(each)
        ? fieldProblems(each, typeof rules === "function" ? rules(each) : rules, what, `${field}[${index}].`)
        : [{ field: `${field}[${index}]`, problem: "it is no object", allowed }],
    ),
});
const TEXT = required("a text that is not empty", (value) => typeof value === "string" && value !== "");
const LABEL = required(
  "a DNS label",
  (value) => typeof value === "string" && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value),
);
const FUNCTION = required("a function", isFunction);
const STEPS = records(
  { name: TEXT, run: FUNCTION },
  "a step",
  "a function of the world, or a list of steps { name, run }",
);

const NAMED = { name: LABEL, replicas: optional(count(1, REPLICAS_MAX)) };
const ENVIRONMENT = required(
  "an object of texts",
  (value) => isRecord(value) && Object.values(value).every((each) => typeof each === "string"),
);
const MODULE = required(
  "a path or a file: URL",
  (value) => (typeof value === "string" && value !== "") || value instanceof URL,
);
const COMMAND = required(
  "a program and its arguments: a list of texts",
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string") && value[0] !== "",
);
/** By the field that says what a controller is. */
const CONTROLLERS: Readonly<Record<string, Readonly<Record<string, FieldRule>>>> = {
  start: { ...NAMED, start: FUNCTION },
  module: { ...NAMED, module: MODULE, env: optional(ENVIRONMENT) },
  command: { ...NAMED, command: COMMAND, env: optional(ENVIRONMENT), cwd: optional(TEXT) },
  attach: { ...NAMED, attach: required("true", (value) => value === true) },
};

function controllerFields(given: Readonly<Record<string, unknown>>): Readonly<Record<string, FieldRule>> {
  return CONTROLLERS[Object.keys(CONTROLLERS).find((field) => Object.hasOwn(given, field)) ?? "start"]!;
}

const FIELDS: { readonly [F in keyof Exploration]-?: FieldRule } = {
  cluster: optional(
    record({ masters: optional(oneOf(1, 3, 5, 7)), workers: optional(count(0, WORKERS_MAX)) }, "a cluster"),
  ),
  mode: optional(oneOf("sim", "threads", "external")),
  quietMs: optional(count(1, QUIET_MS_MAX)),
  controllers: records(
    controllerFields,
    "a controller",
    "a list of at least one { name, start }, { name, module }, { name, command } or { name, attach: true }",
  ),
  workload: {
    ...required(STEPS.allowed, (value) => isFunction(value) || STEPS.holds(value)),
    within: (value, field) => (isFunction(value) ? [] : STEPS.within!(value, field)),
  },
  oracles: optional({
    ...required("a list of oracles", (value) => Array.isArray(value) && value.every((each) => isRecord(each))),
    within: (value, field) =>
      (value as readonly Readonly<Record<string, unknown>>[]).flatMap((oracle, index) =>
        fieldProblems(oracle, oracleFields(oracle), "an oracle", `${field}[${index}].`),
      ),
  }),
  search: optional(
    record(
      {
        systematic: optional(
          required(
            `all, or a list of some of ${PATTERNS.join(", ")}`,
            (value) => value === "all" || arePatterns(value),
          ),
        ),
        random: optional(count(0, COUNT_MAX)),
        pct: optional(
          record({ depth: count(1, PCT_DEPTH_MAX), plans: optional(count(1, COUNT_MAX)) }, "a search by pct"),
        ),
        coverage: optional(required("true or false", (value) => typeof value === "boolean")),
      },
      "a search",
    ),
  ),
  budget: optional(
    record(
      {
        plans: optional(count(1, COUNT_MAX)),
        wallMs: optional(count(1, WALL_MS_MAX)),
        jobs: optional(count(1, JOBS_MAX)),
        runWallMs: optional(count(1, WALL_MS_MAX)),
      },
      "a budget",
    ),
  ),
  seed: optional(count(0, Number.MAX_SAFE_INTEGER)),
};

/** Errors: INVALID_EXPLORATION, naming every problem (`details.problems`). */
export function checkExploration(given: unknown): Resolved {
  const problems: FieldProblem[] = isRecord(given)
    ? [...fieldProblems(given, FIELDS, "an exploration")]
    : [{ field: "", problem: "it is no object", allowed: "{ controllers: […], workload: […] }" }];
  if (problems.length === 0) {
    problems.push(...doubledNames(given as unknown as Exploration), ...misplaced(given as unknown as Exploration));
  }
  if (problems.length > 0) throw invalid(problems);
  const { cluster, controllers, workload, oracles, search, budget, seed, quietMs } = given as unknown as Exploration;
  const { systematic = "all", random = RANDOM_PLANS, pct, coverage = false } = search ?? {};
  const mode = modeOf(given as unknown as Exploration);
  const size = { masters: cluster?.masters ?? 1, workers: cluster?.workers ?? 1 };
  return {
    cluster: size,
    controllers,
    steps: typeof workload === "function" ? [{ name: "workload", run: workload }] : workload,
    oracles: oracles ?? defaultOracles(),
    patterns: systematic === "all" ? PATTERNS.filter((each) => !unfit(mode, controllers).includes(each)) : systematic,
    random,
    pct: pct === undefined ? { depth: 0, plans: 0 } : { plans: PCT_PLANS, ...pct },
    coverage,
    plansMax: budget?.plans ?? PLANS_MAX,
    wallMs: budget?.wallMs ?? (mode === "sim" ? WALL_MS : REAL_WALL_MS),
    jobs: budget?.jobs,
    runWallMs: budget?.runWallMs,
    seed: seed ?? 1,
    programs: new Programs(),
    stage:
      mode === "sim"
        ? undefined
        : new RealStage({ controllers, cluster: size, quietMs: quietMs ?? QUIET_MS, seed: seed ?? 1 }),
  };
}

function modeOf({ mode, controllers }: Exploration): Mode {
  return mode ?? (controllers.every(isSimulated) ? "sim" : "external");
}

/** Patterns that can't be tried. */
function unfit(mode: Mode, controllers: readonly ControllerUnderTest[]): readonly Pattern[] {
  if (mode === "sim") return [];
  return [
    ...SIMULATED_ONLY,
    ...(controllers.some((each) => "start" in each) ? PAUSES : []),
    ...(controllers.some((each) => "attach" in each) ? SECONDS : []),
  ];
}

/** What does not go with the mode. */
function misplaced(exploration: Exploration): readonly FieldProblem[] {
  const { controllers, search, quietMs } = exploration;
  const mode = modeOf(exploration);
  const fits: { readonly [M in Mode]: readonly string[] } = {
    sim: ["start", "module"],
    threads: ["start"],
    external: ["command", "attach", "start"],
  };
  const problems = controllers.flatMap((controller, index): readonly FieldProblem[] => {
    if (fits[mode].some((field) => Object.hasOwn(controller, field))) return [];
    const allowed = fits[mode].map((field) => `one with ${field}`).join(", ");
    return [{ field: `controllers[${index}]`, problem: `it can't take part in the mode ${mode}`, allowed }];
  });
  if (mode === "sim" && quietMs !== undefined) {
    problems.push({ field: "quietMs", problem: "it is of real time, and the mode is sim", allowed: "nothing" });
  }
  for (const field of ["jobs", "runWallMs"] as const) {
    if (mode === "sim" || exploration.budget?.[field] === undefined) continue;
    const problem = `in the mode ${mode} runs take place one after the other, in this process`;
    problems.push({ field: `budget.${field}`, problem, allowed: "nothing" });
  }
  const asked = search?.systematic ?? "all";
  const wrong = unfit(mode, controllers).filter((each) => asked !== "all" && asked.includes(each));
  const fit = PATTERNS.filter((each) => !unfit(mode, controllers).includes(each)).join(", ");
  for (const each of wrong) {
    problems.push({
      field: "search.systematic",
      problem: `${each} can't be tried on these controllers in the mode ${mode}`,
      allowed: fit,
    });
  }
  return problems;
}

function oracleFields(oracle: Readonly<Record<string, unknown>>): Readonly<Record<string, FieldRule>> {
  return Object.hasOwn(oracle, "goal") ? { name: TEXT, goal: FUNCTION } : { name: TEXT, judge: FUNCTION };
}

function arePatterns(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => PATTERNS.includes(each as Pattern));
}

function doubledNames({ controllers, workload, oracles = [] }: Exploration): readonly FieldProblem[] {
  const lists: readonly (readonly [string, readonly { readonly name: string }[]])[] = [
    ["controllers", controllers],
    ["workload", typeof workload === "function" ? [] : workload],
    ["oracles", oracles],
  ];
  return lists.flatMap(([field, named]) =>
    named.flatMap(({ name }, index) =>
      named.findIndex((other) => other.name === name) === index
        ? []
        : [
            {
              field: `${field}[${index}].name`,
              problem: `an earlier one is called ${name} too`,
              allowed: "a name of its own",
            },
          ],
    ),
  );
}

function invalid(problems: readonly FieldProblem[]): InkubeError {
  const lines = problems.map(({ field, problem, allowed, nearest }) => {
    const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    return `${field === "" ? "" : `${field}: `}${problem}${hint} (allowed: ${allowed})`;
  });
  const message = lines.length === 1 ? lines[0]! : `${lines.length} things are wrong:\n${lines.join("\n")}`;
  return new InkubeError("INVALID_EXPLORATION", `exploration: ${message}`, { details: { problems } });
}
