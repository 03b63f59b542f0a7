/**
 * What is wrong with an expression before it runs, in cel-go's form: syntax, types, and literals that can't be what they are used for.
 * Source: cel-go `cel/env.go`, `cel/validator.go`, `ext/formatting.go`.
 */
import { RE2JS } from "re2js";
import type { Expression, ListItem, Problem } from "./expression.ts";
import { partsOf, pushParts } from "./expression.ts";
import { BadFormat, CLAUSES, formatText } from "./format.ts";
import { callFunction } from "./functions.ts";
import type { Pace, Steps } from "../steps.ts";
import { isTooLarge as isPatternTooLarge } from "../machinery/pattern-size.ts";
import { parseExpression } from "./parse-expression.ts";
import { durationOf, timestampOf } from "./times.ts";
import type { CelEnvironment, Typed } from "./type-check.ts";
import { checkTypes } from "./type-check.ts";
import type { CelType } from "./types.ts";
import { DYN_TYPE, fullTypeName, sameType, shownType, unwrapped } from "./types.ts";
import { CelError } from "./values.ts";

export interface Uncompiled {
  readonly problem: string;
  /** It was found when the program was made, and not in what the user wrote. */
  readonly internal?: true;
}

export interface CelProgram extends Omit<Typed, "problems"> {
  readonly expression: Expression;
}

export type Compiled = CelProgram | Uncompiled;

/** Kubernetes shows no more. */
const PROBLEMS_MAX = 100;
/** Characters that an expression may have. */
const CHARS_MAX = 100_000;
/** Of an expression that is read, or looked over, in the units of `Pace`. */
const CHARS_OF_A_UNIT = 2;

/** @param pace between the parts of the work it may be time to yield: a text of 100,000 characters takes a tenth of a second */
export function* compileCel(text: string, environment: CelEnvironment, pace: Pace): Steps<Compiled> {
  const units = text.length / CHARS_OF_A_UNIT;
  if (text.length > CHARS_MAX) {
    const words = `expression code point size exceeds limit: size: ${text.length}, limit ${CHARS_MAX}`;
    return { problem: told(text, [{ at: 0, words }]) };
  }
  const parsed = parseExpression(text, { bind: environment.bind });
  if ("problems" in parsed) return { problem: told(text, parsed.problems) };
  if (pace.isDue(units)) yield;
  const { expression } = parsed;
  if (isTooLarge(expression)) {
    return { problem: told(text, [{ at: 0, words: "expression recursion limit exceeded: 250" }]) };
  }
  if (pace.isDue(units)) yield;
  const { problems, ...typed } = checkTypes(expression, environment);
  if (pace.isDue(units)) yield;
  if (problems.length > 0) return { problem: told(text, problems) };
  const wrong = yield* misuses(expression, typed.types, pace);
  if (wrong.length > 0) return { problem: told(text, wrong) };
  const unmade = constantProblem(expression) ?? (yield* unreadable(expression, pace));
  return unmade === undefined
    ? { expression, ...typed }
    : { problem: `program instantiation failed: ${unmade}`, internal: true };
}

/** Deeper ones would take more stack than there is, and macros that repeat what they are called on can make much of little. */
const LEVELS_MAX = 1_000;
const NODES_MAX = 100_000;

function isTooLarge(root: Expression): boolean {
  let level: Expression[] = [root];
  let nodes = 0;
  for (let depth = 0; level.length > 0; depth++) {
    nodes += level.length;
    if (depth > LEVELS_MAX || nodes > NODES_MAX) return true;
    const next: Expression[] = [];
    for (const expression of level) pushParts(expression, next);
    level = next;
  }
  return false;
}

/** From the left: the parts of a part before what comes after it. */
function* partsIn(root: Expression, isLeftOut: (expression: Expression) => boolean): Generator<Expression> {
  const waiting: Expression[] = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (isLeftOut(next)) continue;
    yield next;
    const first = waiting.length;
    pushParts(next, waiting);
    reverseFrom(waiting, first);
  }
}

function reverseFrom(list: Expression[], first: number): void {
  for (let left = first, right = list.length - 1; left < right; left++, right--) {
    [list[left], list[right]] = [list[right] as Expression, list[left] as Expression];
  }
}

const nothing = (): boolean => false;

function isFormat(expression: Expression): boolean {
  return expression.is === "call" && expression.name === "format";
}

/** What is of the right types and still can't be meant. */
function* misuses(expression: Expression, types: CelProgram["types"], pace: Pace): Steps<readonly Problem[]> {
  const wrong: Problem[] = [];
  for (const part of partsIn(expression, nothing)) {
    for (const check of CHECKS) wrong.push(...check(part));
    wrong.push(...formatProblems(part, types));
    if (pace.isDue()) yield;
  }
  // Lists and maps have items of one type each, but those that are formatted.
  for (const part of partsIn(expression, isFormat)) {
    wrong.push(...mixedLiterals(part, types));
    if (pace.isDue()) yield;
  }
  return wrong;
}

function* unreadable(expression: Expression, pace: Pace): Steps<string | undefined> {
  for (const part of partsIn(expression, nothing)) {
    const [problem] = unreadablePattern(part);
    if (problem !== undefined) return problem.words;
    if (pace.isDue()) yield;
  }
  return undefined;
}

function told(text: string, problems: readonly Problem[]): string {
  const sorted = problems.toSorted((a, b) => a.at - b.at);
  // What is nowhere has no line to be shown in.
  const shown = sorted
    .slice(0, PROBLEMS_MAX)
    .map(({ at, words }) => (text === "" ? `ERROR: <input>:1:0: ${words}` : issue(text, at, words)));
  const more = sorted.length - PROBLEMS_MAX;
  const lines = more > 0 ? [...shown, `${more} more errors were truncated`] : shown;
  return `compilation failed: ${lines.join("\n")}`;
}

/** `ERROR: <input>:1:6: …`, the line, and a mark below the place. A character of several bytes has a wide sign below. */
function issue(text: string, at: number, problem: string): string {
  const before = text.slice(0, at).split("\n");
  const left = Array.from(before.at(-1) ?? "");
  const line = (text.split("\n")[before.length - 1] ?? "").replaceAll("\t", " ");
  const dots = left.map((char) => (isWide(char) ? "．" : ".")).join("");
  const mark = isWide(String.fromCodePoint(text.codePointAt(at) ?? 0)) ? "＾" : "^";
  return `ERROR: <input>:${before.length}:${left.length + 1}: ${problem}\n | ${line}\n | ${dots}${mark}`;
}

function isWide(char: string): boolean {
  return char > "\u007f";
}

const NO_PROBLEMS: readonly Problem[] = [];

type Check = (expression: Expression) => readonly Problem[];

function literalText(expression: Expression | undefined): string | undefined {
  const value = expression?.is === "literal" ? expression.value.value : undefined;
  return typeof value === "string" ? value : undefined;
}

function isRefused(what: () => unknown): boolean {
  try {
    what();
    return false;
  } catch (error) {
    if (error instanceof CelError) return true;
    throw error;
  }
}

/** `name(literal)` of a literal that is none. */
function literalCheck(name: string, isWrong: (value: unknown) => boolean): Check {
  return (expression) => {
    if (expression.is !== "call" || expression.name !== name) return NO_PROBLEMS;
    const [arg] = expression.args;
    if (arg?.is !== "literal" || !isWrong(arg.value.value)) return [];
    return [{ at: arg.at, words: `invalid ${name} argument` }];
  };
}

const CHECKS: readonly Check[] = [
  literalCheck("duration", (value) => isRefused(() => durationOf(value))),
  literalCheck("timestamp", (value) => isRefused(() => timestampOf(value))),
  literalCheck("matches", (value) => typeof value === "string" && patternProblem(value) !== undefined),
];

function mixedLiterals(expression: Expression, types: CelProgram["types"]): readonly Problem[] {
  if (expression.is === "list") return firstOf(mismatches(expression.items, types));
  if (expression.is !== "map") return NO_PROBLEMS;
  const keys = expression.entries.map(({ key }) => ({ value: key, optional: false }));
  return [...mismatches(keys, types), ...mismatches(expression.entries, types)];
}

function firstOf(problems: readonly Problem[]): readonly Problem[] {
  return problems.slice(0, 1);
}

function mismatches(items: readonly ListItem[], types: CelProgram["types"]): readonly Problem[] {
  const typeOf = ({ value, optional }: ListItem): CelType => {
    const type = types.get(value) ?? DYN_TYPE;
    return optional ? unwrapped(type) : type;
  };
  const [first, ...others] = items;
  if (first === undefined) return [];
  const wanted = typeOf(first);
  return others.flatMap((item) => {
    const given = typeOf(item);
    if (sameType(wanted, given)) return [];
    return [{ at: item.value.at, words: `expected type '${shownType(wanted)}' but found '${shownType(given)}'` }];
  });
}

/** A pattern is read when the program is made, if it is a literal. */
function unreadablePattern(expression: Expression): readonly Problem[] {
  if (expression.is !== "call") return NO_PROBLEMS;
  const { name, target, args } = expression;
  const isFunction = name === "matches" && target === undefined;
  if (!isFunction && name !== "find" && name !== "findAll") return [];
  const text = literalText(args[isFunction ? 1 : 0]);
  const words = text === undefined ? undefined : patternProblem(text);
  return words === undefined ? [] : [{ at: expression.at, words }];
}

/** Of functions that make a value of another type of one that is known, which is done when the program is made. */
const CONVERSIONS: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "duration",
  "dyn",
  "int",
  "string",
  "timestamp",
  "type",
  "uint",
]);

/** Why the program can't be made; undefined: it can. */
function constantProblem(expression: Expression): string | undefined {
  try {
    constantOf(expression);
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

/**
 * The value of what is known when the program is made; undefined of what is not.
 * @throws CelError
 */
function constantOf(expression: Expression): { readonly value: unknown } | undefined {
  if (expression.is === "literal") return { value: expression.value.value };
  const parts = partsOf(expression).map(constantOf);
  if (expression.is === "list") {
    const plain = expression.items.every(({ optional }) => !optional) && parts.every((part) => part !== undefined);
    return plain ? { value: parts.map((part) => part?.value) } : undefined;
  }
  const [only, ...others] = parts;
  const converts = expression.is === "call" && expression.target === undefined && CONVERSIONS.has(expression.name);
  if (!converts || only === undefined || others.length > 0) return undefined;
  return { value: callFunction(expression.name, [only.value], () => undefined) };
}

function patternProblem(pattern: string): string | undefined {
  if (isPatternTooLarge(pattern)) return "error parsing regexp: expression too large";
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Of `"…".format([…])` with a literal text and list. */
function formatProblems(expression: Expression, types: CelProgram["types"]): readonly Problem[] {
  if (expression.is !== "call" || expression.name !== "format") return NO_PROBLEMS;
  const text = literalText(expression.target);
  const [list] = expression.args;
  if (text === undefined || list?.is !== "list") return NO_PROBLEMS;
  return firstOf(formatProblem(text, list.items, expression.at, types));
}

function formatProblem(
  text: string,
  items: readonly ListItem[],
  at: number,
  types: CelProgram["types"],
): readonly Problem[] {
  const wrong: Problem[] = [];
  let asked = 0;
  try {
    formatText(
      text,
      (index) => index < items.length,
      ({ verb }, index) => {
        asked = index + 1;
        const bad = wrong.length > 0 ? undefined : misfit(items[index]?.value, verb, types);
        const words = `error during formatting: ${CLAUSES[verb]?.words ?? ""}, was given`;
        if (bad !== undefined) wrong.push({ at: bad.at, words: `${words} ${runtimeName(types.get(bad) ?? DYN_TYPE)}` });
        return "";
      },
    );
  } catch (error) {
    if (!(error instanceof BadFormat)) throw error;
    wrong.push({ at, words: error.message });
  }
  if (wrong.length > 0 || asked >= items.length) return wrong;
  return [{ at, words: `too many arguments supplied to string.format (expected ${asked}, got ${items.length})` }];
}

/** Without what it is a list or a map of. */
function runtimeName(type: CelType): string {
  return fullTypeName({ ...type, of: [] });
}

/** The first part of a value that a clause does not take. */
function misfit(value: Expression | undefined, verb: string, types: CelProgram["types"]): Expression | undefined {
  if (value === undefined) return undefined;
  const type = types.get(value) ?? DYN_TYPE;
  if (type.is !== "dyn" && CLAUSES[verb]?.takes.includes(runtimeName(type)) !== true) return value;
  if (verb !== "s") return undefined;
  const parts =
    value.is === "list"
      ? value.items.map((item) => item.value)
      : value.is === "map"
        ? value.entries.flatMap((entry) => [entry.key, entry.value])
        : [];
  for (const part of parts) {
    const found = misfit(part, verb, types);
    if (found !== undefined) return found;
  }
  return undefined;
}
