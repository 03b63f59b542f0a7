/** What a running cluster is to go through, and what must hold before, during and after: data, but for probes in code. */
import { InkubeError } from "../../../../protocols/errors.ts";
import { isApiFault } from "../../../../protocols/api-faults.ts";
import type { FieldProblem, FieldRule } from "../../../../protocols/fault-fields.ts";
import {
  MS,
  NAME,
  PERIOD,
  SHARE,
  fieldProblems,
  isNumber,
  isRecord,
  optional,
  required,
} from "../../../../protocols/fault-fields.ts";
import type { Fault, FaultPlan } from "../../../../runtime/faults/plan.ts";
import type { Client } from "../../../client/client.ts";

export interface ChaosSchedule extends FaultPlan {
  /** What tells that the cluster is well: its steady state. At least one. */
  readonly probes: readonly Probe[];
  /** How long faults are in force. Default: until the last of them is over; needed where one has no end of its own. */
  readonly forMs?: number;
  /** Before the faults, how long the probes may take until all of them hold. Default 30,000. */
  readonly steadyMs?: number;
  /** After the faults, likewise. Default 60,000. */
  readonly healMs?: number;
  /** Between two looks. Default 1,000. */
  readonly everyMs?: number;
}

interface Named {
  /** For the report; unique in the schedule. */
  readonly name: string;
  /** While faults are in force, the share of the looks at which it must hold. Default 1; 0: whatever happens then is only told. */
  readonly during?: number;
}

export type Probe =
  /** `GET http://service:port/path` is answered with a status from 200 to 399. */
  | (Named & { readonly get: HttpProbe })
  /** An object tells of so many ready replicas. */
  | (Named & { readonly ready: ReadyProbe })
  /** What a function says, or not when it throws; only in code. */
  | (Named & { readonly holds: (client: Client) => boolean | Promise<boolean> });

export interface HttpProbe {
  /** As `default/web`; it needs an address of its own. */
  readonly service: string;
  /** Number or name; default: the first. */
  readonly port?: number | string;
  /** Default `/`. */
  readonly path?: string;
  /** Default 1,000. */
  readonly timeoutMs?: number;
}

export interface ReadyProbe {
  /** As kubectl names it: `deployment/web`. */
  readonly target: string;
  /** Default `default`. */
  readonly namespace?: string;
  readonly least: number;
}

/** A schedule with everything that it does not say. */
export interface FullSchedule extends Required<Omit<ChaosSchedule, "seed" | "faults">> {
  readonly plan: FaultPlan;
}

const STEADY_MS = 30_000;
const HEAL_MS = 60_000;
const EVERY_MS = 1_000;

const SERVICE = required(
  "a namespace and a name, as default/web",
  (value) => typeof value === "string" && /^[a-z0-9-]+\/[a-z0-9-]+$/.test(value),
);
const TARGET = required(
  "a kind and a name, as deployment/web",
  (value) => typeof value === "string" && /^[^/\s]+\/[^/\s]+$/.test(value),
);
const PORT = required(
  "a port's number or name",
  (value) => (isNumber(value, 1, 65_535) && Number.isInteger(value)) || NAME.holds(value),
);
const PATH = required("a path that begins with /", (value) => typeof value === "string" && value.startsWith("/"));
const COUNT = required("a whole number from 1", (value) => isNumber(value, 1, 1e6) && Number.isInteger(value));

const GET: { readonly [F in keyof HttpProbe]-?: FieldRule } = {
  service: SERVICE,
  port: optional(PORT),
  path: optional(PATH),
  timeoutMs: optional(PERIOD),
};
const READY: { readonly [F in keyof ReadyProbe]-?: FieldRule } = {
  target: TARGET,
  namespace: optional(NAME),
  least: COUNT,
};
const NAMED: { readonly [F in keyof Named]-?: FieldRule } = { name: NAME, during: optional(SHARE) };

const within = (fields: Readonly<Record<string, FieldRule>>, what: string): FieldRule => ({
  ...required("an object", isRecord),
  within: (value, at) => fieldProblems(value as Readonly<Record<string, unknown>>, fields, what, `${at}.`),
});
const KINDS: Readonly<Record<string, FieldRule>> = {
  get: within(GET, "a get"),
  ready: within(READY, "a ready"),
  holds: required("a function", (value) => typeof value === "function"),
};

const SCHEDULE: { readonly [F in keyof ChaosSchedule]-?: FieldRule } = {
  seed: optional(required("a number from 0", (value) => isNumber(value, 0, Number.MAX_SAFE_INTEGER))),
  faults: required("a list of faults", (value) => Array.isArray(value) && value.length > 0),
  probes: {
    ...required("a list of at least one probe", (value) => Array.isArray(value) && value.length > 0),
    within: (value, at) => problemsOfProbes(value as readonly unknown[], at),
  },
  forMs: optional(PERIOD),
  steadyMs: optional(MS),
  healMs: optional(MS),
  everyMs: optional(PERIOD),
};

/**
 * The schedule with its defaults. Its faults are checked by who carries them out. Errors: INVALID_CHAOS_SCHEDULE, naming every
 * problem (`details.problems`).
 */
export function checkSchedule(schedule: unknown): FullSchedule {
  const problems = isRecord(schedule)
    ? problemsOf(schedule)
    : [{ field: "", problem: "it is no object", allowed: "{ faults: […], probes: […] }" }];
  if (problems.length > 0) throw refused(problems);
  const { seed, faults, probes, forMs, steadyMs, healMs, everyMs } = schedule as unknown as ChaosSchedule;
  return {
    plan: { ...(seed === undefined ? {} : { seed }), faults },
    probes,
    forMs: forMs ?? endOf(faults)!,
    steadyMs: steadyMs ?? STEADY_MS,
    healMs: healMs ?? HEAL_MS,
    everyMs: everyMs ?? EVERY_MS,
  };
}

function problemsOf(schedule: Readonly<Record<string, unknown>>): readonly FieldProblem[] {
  const problems = fieldProblems(schedule, SCHEDULE, "a schedule");
  if (problems.length > 0 || schedule["forMs"] !== undefined) return problems;
  // What is no fault at all is told by who checks those.
  const faults = (schedule["faults"] as readonly unknown[]).filter(isRecord) as unknown as readonly Fault[];
  if (endOf(faults) !== undefined) return [];
  const endless = faults.find((fault) => endOf([fault]) === undefined);
  const problem = `it is missing, and the fault ${endless?.id ?? ""} has no end of its own`;
  return [{ field: "forMs", problem, allowed: SCHEDULE.forMs.allowed }];
}

function problemsOfProbes(probes: readonly unknown[], at: string): readonly FieldProblem[] {
  const names = new Set<unknown>();
  return probes.flatMap((probe, index) => {
    const place = `${at}[${index}]`;
    if (!isRecord(probe)) return [{ field: place, problem: "it is no object", allowed: "an object" }];
    const kinds = Object.keys(KINDS).filter((kind) => Object.hasOwn(probe, kind));
    const [kind] = kinds;
    if (kind === undefined || kinds.length > 1) {
      const problem = kind === undefined ? "it looks at nothing" : `it has ${kinds.join(" and ")}`;
      return [{ field: place, problem, allowed: `one of ${Object.keys(KINDS).join(", ")}` }];
    }
    const problems = fieldProblems(probe, { ...NAMED, [kind]: KINDS[kind]! }, `a probe of ${kind}`, `${place}.`);
    const { name } = probe;
    const isTaken = names.has(name);
    names.add(name);
    if (!isTaken || problems.length > 0) return problems;
    return [{ field: `${place}.name`, problem: "an earlier probe has it too", allowed: "a name of its own" }];
  });
}

/** When the last fault is over, in milliseconds after the first can begin; undefined: never. At least 1. */
function endOf(faults: readonly Fault[]): number | undefined {
  let endMs = 1;
  for (const fault of faults) {
    // Nobody knows when what it waits for comes.
    if (isApiFault(fault) || ("when" in fault && fault.when !== undefined)) return undefined;
    const { fromMs = 0 } = fault;
    const { forMs, everyMs } = fault as { readonly forMs?: number; readonly everyMs?: number };
    const downMs = fault.kind === "node-loss" ? fault.downMs : 0;
    const isMoment = everyMs === undefined && isOfMoments(fault);
    if (downMs === undefined || (forMs === undefined && !isMoment)) return undefined;
    endMs = Math.max(endMs, fromMs + (isMoment ? 0 : (forMs ?? 0)) + downMs);
  }
  return endMs;
}

function isOfMoments({ kind }: Fault): boolean {
  const moments: readonly Fault["kind"][] = [
    ...(["actor-crash", "actor-oom", "actor-hang", "clock-jump"] as const),
    ...(["node-loss", "node-upgrade", "pod-kill", "object-flip"] as const),
  ];
  return moments.includes(kind);
}

function refused(problems: readonly FieldProblem[]): InkubeError {
  const lines = problems.map(({ field, problem, allowed, nearest }) => {
    const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    return `${field === "" ? "" : `${field}: `}${problem}${hint} (allowed: ${allowed})`;
  });
  const what = lines.length === 1 ? lines[0]! : `${lines.length} things are wrong:\n${lines.join("\n")}`;
  return new InkubeError("INVALID_CHAOS_SCHEDULE", `schedule of chaos: ${what}`, { details: { problems } });
}
