/** What the fields of a fault may be, so that a plan that comes from a file can be refused by field and by name. */
import { nearestName } from "./nearest-name.ts";

/** What is wrong with one field. */
export interface FieldProblem {
  /** Its path: `when.seq[1].phase`. */
  readonly field: string;
  readonly problem: string;
  /** What the field may be, or the names to choose from. */
  readonly allowed: string;
  /** What was probably meant. */
  readonly nearest?: string;
}

export interface FieldRule {
  readonly required: boolean;
  readonly allowed: string;
  readonly holds: (value: unknown) => boolean;
  /** For what has fields of its own: all that is wrong within `value`, which stands at the path `field`. */
  readonly within?: (value: unknown, field: string) => readonly FieldProblem[];
}

/** Node's timers fire at once when they are set for longer. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1;

export function isNumber(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most;
}

export function required(allowed: string, holds: FieldRule["holds"]): FieldRule {
  return { required: true, allowed, holds };
}

export function optional(rule: FieldRule): FieldRule {
  return { ...rule, required: false };
}

export function oneOf(...choices: readonly (string | number)[]): FieldRule {
  return required(`one of ${choices.join(", ")}`, (value) => choices.includes(value as string));
}

/** What every fault of a plan has that time alone begins and ends. */
export interface FaultTimes {
  /** Names the fault in reports and in its random choices; unique in the plan. */
  readonly id: string;
  /** Since the plan was applied; default 0. */
  readonly fromMs?: number;
}

export interface LastingTimes extends FaultTimes {
  /** Default: as long as the plan is applied. */
  readonly forMs?: number;
}

/** Of what happens at moments: at `fromMs`, and from then on every `everyMs`, if given, for `forMs`. */
export interface StrikeTimes extends LastingTimes {
  readonly everyMs?: number;
  /** Each time; default 1. */
  readonly chance?: number;
  /** Whom it hits among those that it is for: one of them each time (the default), or all. */
  readonly victims?: "one" | "all";
}

export const NAME: FieldRule = required(
  "a text that is not empty",
  (value) => typeof value === "string" && value !== "",
);
export const SHARE: FieldRule = required("a number from 0 to 1", (value) => isNumber(value, 0, 1));
export const MS: FieldRule = required(`a number of milliseconds from 0 to ${TIMER_MS_MAX}`, (value) =>
  isNumber(value, 0, TIMER_MS_MAX),
);
export const PERIOD: FieldRule = required(`a number of milliseconds from 1 to ${TIMER_MS_MAX}`, (value) =>
  isNumber(value, 1, TIMER_MS_MAX),
);

export const FAULT_TIMES: { readonly [F in keyof FaultTimes]-?: FieldRule } = { id: NAME, fromMs: optional(MS) };
export const LASTING_TIMES: { readonly [F in keyof LastingTimes]-?: FieldRule } = {
  ...FAULT_TIMES,
  forMs: optional(MS),
};
export const STRIKE_TIMES: { readonly [F in keyof StrikeTimes]-?: FieldRule } = {
  ...LASTING_TIMES,
  everyMs: optional(PERIOD),
  chance: optional(SHARE),
  victims: optional(oneOf("one", "all")),
};

/** What is wrong with the fields of one object. `what`: how it is called in `a … has no such field`; `at`: the path before its fields. */
export function fieldProblems(
  given: Readonly<Record<string, unknown>>,
  rules: Readonly<Record<string, FieldRule>>,
  what: string,
  at = "",
): readonly FieldProblem[] {
  const fields = Object.keys(rules);
  const problems: FieldProblem[] = Object.keys(given)
    .filter((field) => !Object.hasOwn(rules, field))
    .map((field) => ({
      field: `${at}${field}`,
      problem: `${what} has no such field`,
      allowed: fields.join(", "),
      ...nearest(field, fields),
    }));
  for (const [field, rule] of Object.entries(rules)) {
    const value = given[field];
    if (value === undefined ? rule.required : !rule.holds(value)) {
      problems.push({ field: `${at}${field}`, problem: saying(value), allowed: rule.allowed });
    } else if (value !== undefined && rule.within !== undefined) {
      problems.push(...rule.within(value, `${at}${field}`));
    }
  }
  return problems;
}

export function nearest(name: unknown, names: readonly string[]): { readonly nearest?: string } {
  const found = typeof name === "string" ? nearestName(name, names) : undefined;
  return found === undefined ? {} : { nearest: found };
}

export function saying(value: unknown): string {
  return value === undefined ? "it is missing" : `it is ${told(value)}`;
}

export function told(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "function") return String(value);
  return JSON.stringify(value) ?? String(value);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `*` stands for anything but a slash; `anywhere`: for anything. */
export function fitsPattern(pattern: string, text: string, reach: "within" | "anywhere" = "within"): boolean {
  if (!pattern.includes("*")) return pattern === text;
  const source = pattern
    .split("*")
    .map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`))
    .join(reach === "within" ? "[^/]*" : ".*");
  return new RegExp(`^${source}$`).test(text);
}
