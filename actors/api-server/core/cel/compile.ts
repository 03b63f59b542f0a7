/**
 * What is wrong with an expression before it runs, in cel-go's form: syntax, types, and literals that can't be what they are used for.
 * Source: cel-go `cel/env.go`, `cel/validator.go`, `ext/formatting.go`.
 */
import { RE2JS } from "re2js";
import type { Expression, ListItem, Problem } from "./expression.ts";
import { parseExpression } from "./parse-expression.ts";
import { durationOf, timestampOf } from "./times.ts";
import type { CelEnvironment, Typed } from "./type-check.ts";
import { checkTypes } from "./type-check.ts";
import type { CelType } from "./types.ts";
import { DYN_TYPE, sameType, shownType, unwrapped } from "./types.ts";
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

export function compileCel(text: string, environment: CelEnvironment): Compiled {
  if (text.length > CHARS_MAX) {
    const words = `expression code point size exceeds limit: size: ${text.length}, limit ${CHARS_MAX}`;
    return { problem: told(text, [{ at: 0, words }]) };
  }
  const parsed = parseExpression(text, { bind: environment.bind });
  if ("problems" in parsed) return { problem: told(text, parsed.problems) };
  const { expression } = parsed;
  if (isTooLarge(expression)) {
    return { problem: told(text, [{ at: 0, words: "expression recursion limit exceeded: 250" }]) };
  }
  const { problems, ...typed } = checkTypes(expression, environment);
  if (problems.length > 0) return { problem: told(text, problems) };
  const wrong = [
    ...CHECKS.flatMap((check) => [...walked(expression, check)]),
    ...mixedLiterals(expression, typed.types),
  ];
  if (wrong.length > 0) return { problem: told(text, wrong) };
  const pattern = [...walked(expression, unreadablePattern)][0];
  return pattern === undefined
    ? { expression, ...typed }
    : { problem: `program instantiation failed: ${pattern.words}`, internal: true };
}

/** Deeper ones would take more stack than there is, and macros that repeat what they are called on can make much of little. */
const LEVELS_MAX = 1_000;
const NODES_MAX = 100_000;

function isTooLarge(root: Expression): boolean {
  let level: readonly Expression[] = [root];
  let nodes = 0;
  for (let depth = 0; level.length > 0; depth++) {
    nodes += level.length;
    if (depth > LEVELS_MAX || nodes > NODES_MAX) return true;
    level = level.flatMap(partsOf);
  }
  return false;
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

type Check = (expression: Expression) => readonly Problem[];

function* walked(expression: Expression, check: Check): Iterable<Problem> {
  yield* check(expression);
  for (const part of partsOf(expression)) yield* walked(part, check);
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.is) {
    case "literal":
    case "identifier":
      return [];
    case "select":
      return [expression.from];
    case "call":
      return expression.target === undefined ? expression.args : [expression.target, ...expression.args];
    case "list":
      return expression.items.map(({ value }) => value);
    case "map":
      return expression.entries.flatMap(({ key, value }) => [key, value]);
    case "struct":
      return expression.fields.map(({ value }) => value);
    case "fold": {
      const { over, result, condition, step, end } = expression;
      return [over, result.initial, condition, step, end];
    }
  }
}

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

/** `name("text")` of a text that is none. */
function literalCheck(name: string, isWrong: (text: string) => boolean): Check {
  return (expression) => {
    if (expression.is !== "call" || expression.name !== name) return [];
    const [arg] = name === "matches" && expression.target === undefined ? expression.args.slice(1) : expression.args;
    const text = literalText(arg);
    if (arg === undefined || text === undefined || !isWrong(text)) return [];
    return [{ at: arg.at, words: `invalid ${name} argument` }];
  };
}

const CHECKS: readonly Check[] = [
  literalCheck("duration", (text) => isRefused(() => durationOf(text))),
  literalCheck("timestamp", (text) => isRefused(() => timestampOf(text))),
  literalCheck("matches", (text) => patternProblem(text) !== undefined),
  formatProblems,
];

/** Lists and maps have items of one type each, but those that are formatted. */
function* mixedLiterals(expression: Expression, types: CelProgram["types"]): Iterable<Problem> {
  if (expression.is === "call" && expression.name === "format") return;
  if (expression.is === "list") yield* firstOf(mismatches(expression.items, types));
  if (expression.is === "map") {
    const keys = expression.entries.map(({ key }) => ({ value: key, optional: false }));
    yield* [...mismatches(keys, types), ...mismatches(expression.entries, types)];
  }
  for (const part of partsOf(expression)) yield* mixedLiterals(part, types);
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
  if (expression.is !== "call" || (expression.name !== "find" && expression.name !== "findAll")) return [];
  const text = literalText(expression.args[0]);
  const words = text === undefined ? undefined : patternProblem(text);
  return words === undefined ? [] : [{ at: expression.at, words }];
}

function patternProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const CLAUSES: Readonly<Record<string, { readonly takes: readonly string[]; readonly words: string }>> = {
  b: { takes: ["bool", "int", "uint"], words: "only integers and bools can be formatted as binary, was given" },
  d: { takes: ["int", "uint"], words: "decimal clause can only be used on integers, was given" },
  e: { takes: ["double"], words: "scientific clause can only be used on doubles, was given" },
  f: { takes: ["double"], words: "fixed-point clause can only be used on doubles, was given" },
  o: { takes: ["int", "uint"], words: "octal clause can only be used on integers, was given" },
  X: {
    takes: ["bytes", "int", "string", "uint"],
    words: "only integers, byte buffers, and strings can be formatted as hex, was given",
  },
  x: {
    takes: ["bytes", "int", "string", "uint"],
    words: "only integers, byte buffers, and strings can be formatted as hex, was given",
  },
};

/** Of `"…".format([…])` with literals. */
function formatProblems(expression: Expression): readonly Problem[] {
  if (expression.is !== "call" || expression.name !== "format") return [];
  const text = literalText(expression.target);
  const [list] = expression.args;
  if (text === undefined || list?.is !== "list") return [];
  const clauses = [...text.replaceAll("%%", "").matchAll(/%(?:\.\d+)?([a-zA-Z])/g)].map(([, clause = ""]) => clause);
  if (clauses.length > list.items.length) {
    return [{ at: list.at, words: `index ${list.items.length} out of range` }];
  }
  if (clauses.length < list.items.length) {
    const words = `too many arguments supplied to string.format (expected ${clauses.length}, got ${list.items.length})`;
    return [{ at: expression.at, words }];
  }
  for (const [i, clause] of clauses.entries()) {
    const item = list.items[i]?.value;
    const rule = Object.hasOwn(CLAUSES, clause) ? CLAUSES[clause] : undefined;
    if (item?.is !== "literal" || rule === undefined || rule.takes.includes(item.value.type)) continue;
    const given = item.value.type === "null" ? "null_type" : item.value.type;
    return [{ at: item.at, words: `error during formatting: ${rule.words} ${given}` }];
  }
  return [];
}
