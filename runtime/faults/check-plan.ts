/**
 * Checks a plan of faults whole before anything of it is carried out: a plan comes from files and from programs in plain
 * JavaScript, and a fault that is misspelt, or that nobody answers to, would otherwise be one that quietly never happens.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { ApiFaultKind } from "../../protocols/api-faults.ts";
import {
  API_FAULT_FIELDS,
  API_FAULTS_AT,
  TRIGGERED,
  isApiFault,
  problemsOfApiFault,
  secondOf,
} from "../../protocols/api-faults.ts";
import type { ClusterFaultKind } from "../../protocols/cluster-faults.ts";
import {
  CLUSTER_FAULTS_AT,
  CLUSTER_FAULT_FIELDS,
  isClusterFault,
  nodeOf,
  problemsOfClusterFault,
} from "../../protocols/cluster-faults.ts";
import type { FieldProblem, FieldRule } from "../../protocols/fault-fields.ts";
import {
  FAULT_TIMES,
  LASTING_TIMES,
  MS,
  NAME,
  PERIOD,
  SHARE,
  STRIKE_TIMES,
  fieldProblems,
  isNumber,
  isRecord,
  nearest,
  oneOf,
  optional,
  required,
  saying,
  told,
} from "../../protocols/fault-fields.ts";
import type { Fault, FaultPlan } from "./plan.ts";
import { namesAt } from "./plan.ts";

/** Who a plan may name. */
export interface Places {
  /** Names of all actors that take part now, also of those that are down. */
  actors(): readonly string[];
  /** Who else has links and a clock, and neither a disk nor a life of its own: the embedding program. */
  readonly outsiders: readonly string[];
  areLinked(left: string, right: string): boolean;
  /** Names of masters and workers, also of those that are down. */
  machines(): readonly string[];
  /** Those of `actors` that are of a kind, as a child's spec names it. */
  actorsOf(kind: string): readonly string[];
  /** Ids of faults of other plans that are in force. */
  readonly takenIds?: () => readonly string[];
}

/** What is wrong with one field of one fault. */
export interface PlanProblem extends FieldProblem {
  /** Its id, or `number N` when it has none; empty for the plan itself. */
  readonly fault: string;
}

/** A hundred years: what goes further is no date in places. */
const CLOCK_MS_MAX = 3_155_760_000_000;

const OPERATIONS = ["open", "read", "write", "truncate", "sync", "rename", "remove", "list"];
const PLACE = required("names of actors, as etcd-0, etcd-*, worker-1/* or **", NAME.holds);
const isMs = (value: unknown): value is number => MS.holds(value);
const RANGE = required(
  "a range [least, most] of milliseconds",
  (value) => Array.isArray(value) && value.length === 2 && isMs(value[0]) && isMs(value[1]) && value[0] <= value[1],
);
const OFFSET = required(`a number of milliseconds from -${CLOCK_MS_MAX} to ${CLOCK_MS_MAX}`, (value) =>
  isNumber(value, -CLOCK_MS_MAX, CLOCK_MS_MAX),
);
const YES_OR_NO = required("true or false", (value) => typeof value === "boolean");
const SOME_OPERATIONS = required(
  `a list of some of ${OPERATIONS.join(", ")}`,
  (value) => Array.isArray(value) && value.length > 0 && value.every((each) => OPERATIONS.includes(each as string)),
);

const ON_LINK = { ...LASTING_TIMES, from: PLACE, to: PLACE };
const ON_DISK = { ...LASTING_TIMES, at: PLACE, chance: optional(SHARE) };
const ON_ACTOR = { ...LASTING_TIMES, at: PLACE, ...STRIKE_TIMES };

type OwnKind = Exclude<Fault["kind"], ApiFaultKind | ClusterFaultKind>;
type FieldsOf<K extends OwnKind> = Exclude<keyof Extract<Fault, { readonly kind: K }>, "kind">;

/** Every field of every kind: what `plan.ts` has and this lacks does not compile, and the other way round. */
const RULES: { readonly [K in OwnKind]: { readonly [F in FieldsOf<K>]-?: FieldRule } } = {
  "link-drop": { ...ON_LINK, chance: SHARE, messages: optional(oneOf("casts", "calls", "all")) },
  "link-delay": { ...ON_LINK, byMs: RANGE, chance: optional(SHARE) },
  "link-duplicate": { ...ON_LINK, chance: SHARE },
  "link-reorder": { ...ON_LINK, chance: SHARE, byMs: RANGE },
  partition: { ...ON_LINK, oneWay: optional(YES_OR_NO), breakAfterMs: optional(MS) },
  "disk-full": ON_DISK,
  "disk-error": { ...ON_DISK, operations: optional(SOME_OPERATIONS) },
  "disk-stall": ON_DISK,
  "disk-slow": { ...ON_DISK, byMs: RANGE },
  "disk-bit-flip": ON_DISK,
  "disk-torn-write": ON_DISK,
  "disk-unsynced": ON_DISK,
  "actor-crash": { ...ON_ACTOR, disk: optional(oneOf("crash", "kept", "lost")) },
  "actor-oom": ON_ACTOR,
  "actor-hang": { ...ON_ACTOR, hangMs: optional(PERIOD) },
  "actor-slow": { ...LASTING_TIMES, at: PLACE, share: SHARE },
  "clock-skew": { ...LASTING_TIMES, at: PLACE, byMs: OFFSET },
  "node-loss": { ...ON_ACTOR, ...TRIGGERED, downMs: optional(MS) },
  "node-upgrade": { ...ON_ACTOR, ...TRIGGERED },
  "clock-jump": { ...FAULT_TIMES, at: PLACE, byMs: OFFSET },
};

/** Of the runtime's own kinds, and of those that an actor's protocol brings along. */
const ALL_RULES: { readonly [kind: string]: Readonly<Record<string, FieldRule>> } = {
  ...RULES,
  ...CLUSTER_FAULT_FIELDS,
  ...API_FAULT_FIELDS,
};

export const FAULT_KINDS: readonly string[] = Object.keys(ALL_RULES);
const PLAN_FIELDS = ["seed", "faults"];

/** The plan, when all of it can be carried out. Errors: INVALID_FAULT_PLAN, naming every problem (`details.problems`). */
export function checkPlan(plan: unknown, places: Places): FaultPlan {
  const problems = isRecord(plan)
    ? problemsOf(plan, places)
    : [aboutPlan("", "it is not an object", "{ faults: […] }")];
  if (problems.length === 0) return plan as FaultPlan;
  const lines = problems.map(textOf);
  const message = lines.length === 1 ? lines[0]! : `${lines.length} things are wrong:\n${lines.join("\n")}`;
  throw new InkubeError("INVALID_FAULT_PLAN", `plan of faults: ${message}`, { details: { problems } });
}

function problemsOf(plan: Readonly<Record<string, unknown>>, places: Places): readonly PlanProblem[] {
  const problems: PlanProblem[] = Object.keys(plan)
    .filter((field) => !PLAN_FIELDS.includes(field))
    .map((field) => ({
      ...aboutPlan(field, "a plan has no such field", PLAN_FIELDS.join(", ")),
      ...nearest(field, PLAN_FIELDS),
    }));
  const { seed, faults } = plan;
  if (seed !== undefined && !isNumber(seed, 0, Number.MAX_SAFE_INTEGER)) {
    problems.push(aboutPlan("seed", saying(seed), "a number from 0"));
  }
  if (!Array.isArray(faults)) return [...problems, aboutPlan("faults", saying(faults), "a list of faults")];
  const ids = new Set<unknown>();
  const taken = places.takenIds?.() ?? [];
  for (const [index, fault] of (faults as readonly unknown[]).entries()) {
    if (!isRecord(fault)) {
      problems.push({ fault: `number ${index + 1}`, field: "", problem: saying(fault), allowed: "an object" });
      continue;
    }
    const name = NAME.holds(fault["id"]) ? (fault["id"] as string) : `number ${index + 1}`;
    if (NAME.holds(fault["id"]) && ids.has(fault["id"])) {
      problems.push({ fault: name, field: "id", problem: "an earlier fault has it too", allowed: "an id of its own" });
    }
    ids.add(fault["id"]);
    if (taken.includes(fault["id"] as string)) {
      const problem = "a fault of a plan that is in force has it too";
      problems.push({ fault: name, field: "id", problem, allowed: "an id of its own" });
    }
    for (const problem of problemsOfFault(fault, places)) problems.push({ fault: name, ...problem });
  }
  return problems;
}

function problemsOfFault(fault: Readonly<Record<string, unknown>>, places: Places): readonly FieldProblem[] {
  const { kind } = fault;
  if (typeof kind !== "string" || !Object.hasOwn(ALL_RULES, kind)) {
    const problem = kind === undefined ? "it is missing" : `there is no kind ${told(kind)}`;
    return [{ field: "kind", problem, allowed: FAULT_KINDS.join(", "), ...nearest(kind, FAULT_KINDS) }];
  }
  const { kind: _kind, ...fields } = fault;
  const problems = fieldProblems(fields, ALL_RULES[kind]!, `a fault of kind ${kind}`);
  if (problems.length > 0) return problems;
  return [...problemsOfPlaces(fault as unknown as Fault, places), ...problemsOfTimes(fault as unknown as Fault)];
}

function problemsOfPlaces(fault: Fault, places: Places): readonly FieldProblem[] {
  const { outsiders } = places;
  const actors = places.actors();
  const everybody = [...actors, ...outsiders];
  const unanswered = (field: string, place: string, names: readonly string[]): readonly FieldProblem[] => {
    if (namesAt(place, names).length > 0) return [];
    const forms = [...new Set(names.map(formOf))];
    const problem = `nobody answers to ${place}`;
    return [{ field, problem, allowed: forms.join(", "), ...nearest(place, [...names, ...forms]) }];
  };
  const isServed = places.actorsOf(API_FAULTS_AT).length > 0;
  if (isApiFault(fault)) {
    if (!isServed) {
      return [{ field: "kind", problem: "no actor here serves the API", allowed: Object.keys(RULES).join(", ") }];
    }
    if (fault.kind === "controller-twice") return unanswered("by", secondOf(fault.by), actors);
    return fault.kind.startsWith("controller-") ? unanswered("by", fault.by, actors) : problemsOfApiFault(fault);
  }
  if ("when" in fault && !isServed) {
    return [{ field: "when", problem: "no actor here serves the API", allowed: "fromMs in its place" }];
  }
  if (isClusterFault(fault)) {
    const kind = CLUSTER_FAULTS_AT[fault.kind];
    const carriers = places.actorsOf(kind);
    if (carriers.length === 0) {
      return [{ field: "kind", problem: `no ${kind} is here to carry it out`, allowed: Object.keys(RULES).join(", ") }];
    }
    if ("at" in fault && fault.at !== undefined) return unanswered("at", fault.at, carriers.map(nodeOf));
    return problemsOfClusterFault(fault);
  }
  if (fault.kind === "node-loss" || fault.kind === "node-upgrade") {
    return unanswered("at", fault.at, places.machines());
  }
  if (!("from" in fault)) return unanswered("at", fault.at, fault.kind.startsWith("clock-") ? everybody : actors);
  const problems = [...unanswered("from", fault.from, everybody), ...unanswered("to", fault.to, everybody)];
  if (problems.length > 0) return problems;
  const to = namesAt(fault.to, everybody);
  if (namesAt(fault.from, everybody).some((left) => to.some((right) => places.areLinked(left, right)))) return [];
  const problem = `no actor of ${fault.from} has a link to one of ${fault.to}`;
  return [{ field: "to", problem, allowed: "places between which messages go" }];
}

/** What would never come about, or not as it reads. */
function problemsOfTimes(fault: Fault): readonly FieldProblem[] {
  if ("when" in fault && "fromMs" in fault) {
    return [{ field: "fromMs", problem: "it begins by its when", allowed: "atMs within when" }];
  }
  if (fault.kind === "partition") {
    const { breakAfterMs, forMs = Infinity } = fault;
    if (breakAfterMs === undefined || breakAfterMs < forMs) return [];
    return [{ field: "breakAfterMs", problem: `it is over after ${forMs} ms`, allowed: "less than forMs" }];
  }
  if (!("victims" in ALL_RULES[fault.kind]!)) return [];
  const { forMs, everyMs } = fault as Fault & { readonly forMs?: number; readonly everyMs?: number };
  if (forMs === undefined || everyMs !== undefined) return [];
  return [{ field: "forMs", problem: "it happens once", allowed: "forMs beside everyMs" }];
}

/** `etcd-*` for `etcd-2`, `worker-*`/kubelet for `worker-7/kubelet`: what a person would write. */
function formOf(name: string): string {
  return name.replaceAll(/-\d+(?=\/|$)/g, "-*");
}

function aboutPlan(field: string, problem: string, allowed: string): PlanProblem {
  return { fault: "", field, problem, allowed };
}

function textOf({ fault, field, problem, allowed, nearest: meant }: PlanProblem): string {
  const where = [fault === "" ? "" : `fault ${fault}`, field].filter((part) => part !== "").join(": ");
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  return `${where === "" ? "" : `${where}: `}${problem}${hint} (allowed: ${allowed})`;
}
