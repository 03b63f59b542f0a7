/**
 * JSONPath as Kubernetes reads it, as far as columns need it: `.spec.ports[0].name`, `.metadata.annotations.a\.b/c`,
 * `.status.conditions[?(@.type=="Ready")].status`, `..name`, `[*]`, slices and unions. No ranges, and no text around it.
 * Source: client-go `util/jsonpath`.
 */
import { isJsonObject } from "../machinery/json-value.ts";

type Step =
  | { readonly is: "field"; readonly name: string }
  | { readonly is: "value"; readonly value: unknown }
  | { readonly is: "every" }
  | { readonly is: "descend" }
  | { readonly is: "slice"; readonly from?: number; readonly to?: number; readonly step?: number }
  | { readonly is: "union"; readonly paths: readonly JsonPath[] }
  | { readonly is: "filter"; readonly left: JsonPath; readonly operator: Operator; readonly right: JsonPath };

export type JsonPath = readonly Step[];

const OPERATORS = ["exists", "==", "!=", "<", "<=", ">", ">="] as const;
type Operator = (typeof OPERATORS)[number];

/** Longer ones are refused, so that a path in a path in a path can't take all of the stack. */
const PATH_CHARS_MAX = 10_000;
/** A filter in a filter, and so on. */
const DEPTH_MAX = 20;

/** undefined for what Kubernetes does not read either. */
export function parseJsonPath(text: string, depth: number = 0): JsonPath | undefined {
  if (text.length > PATH_CHARS_MAX || depth > DEPTH_MAX) return undefined;
  const steps: Step[] = [];
  let rest = text;
  while (rest !== "") {
    const found = stepOf(rest, depth);
    if (found === undefined) return undefined;
    const twice = found.step?.is === "descend" && steps.at(-1)?.is === "descend";
    if (twice) return undefined;
    if (found.step !== undefined) steps.push(found.step);
    if (found.more !== undefined) steps.push(found.more);
    rest = rest.slice(found.length);
  }
  return steps;
}

interface Read {
  readonly length: number;
  readonly step?: Step;
  readonly more?: Step;
}

/** Everything up to what ends a name; a backslash takes the next character for what it is. */
const NAME = /^(?:\\[\s\S]|[^\s.,[\]$@{}\\])*/;

function stepOf(text: string, depth: number): Read | undefined {
  if (text.startsWith("[?(")) return filterOf(text, depth);
  if (text.startsWith("..")) {
    const name = /^[\p{L}\p{N}_]/u.test(text.slice(2)) ? nameAt(text.slice(2)) : "";
    const read: Read = { length: 2 + name.length, step: { is: "descend" } };
    return name === "" ? read : { ...read, more: fieldStep(name) };
  }
  switch (text.charAt(0)) {
    case " ":
    case "@":
    case "$":
      return { length: 1 };
    case "[":
      return bracketOf(text, depth);
    case '"':
    case "'":
      return quoteOf(text);
    case ".": {
      const name = nameAt(text.slice(1));
      return { length: 1 + name.length, step: fieldStep(name) };
    }
  }
  const number = /^[+-]?[\d.]+/.exec(text)?.[0];
  if (number !== undefined) {
    return Number.isNaN(Number(number))
      ? undefined
      : { length: number.length, step: { is: "value", value: Number(number) } };
  }
  const word = /^(true|false)(?=$|[\s.,[\]$@{}])/.exec(text)?.[0];
  return word === undefined ? undefined : { length: word.length, step: { is: "value", value: word === "true" } };
}

function nameAt(text: string): string {
  return NAME.exec(text)?.[0] ?? "";
}

function fieldStep(name: string): Step {
  return name === "*" ? { is: "every" } : { is: "field", name: name.replaceAll("\\", "") };
}

function quoteOf(text: string): Read | undefined {
  const quote = text.charAt(0);
  for (let at = 1; at < text.length; at++) {
    if (text[at] === "\n") return undefined;
    if (text[at] !== quote || text[at - 1] === "\\") continue;
    const inner = text.slice(1, at).replaceAll(/\\(.)/g, (_all, char: string) => ESCAPES[char] ?? char);
    return { length: at + 1, step: { is: "value", value: inner } };
  }
  return undefined;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function bracketOf(text: string, depth: number): Read | undefined {
  const end = text.indexOf("]");
  if (end < 0) return undefined;
  const inner = text.slice(1, end);
  const length = end + 1;
  if (inner === "*") return { length, step: { is: "slice" } };
  if (inner.includes(",")) {
    const paths = inner.split(",").map((part) => parseJsonPath(`[${part.trim()}]`, depth + 1));
    return paths.every((path) => path !== undefined) ? { length, step: { is: "union", paths } } : undefined;
  }
  const key = /^'([^']*)'$/.exec(inner)?.[1];
  if (key !== undefined) {
    const path = parseJsonPath(`.${key}`, depth + 1);
    return path === undefined ? undefined : { length, step: { is: "union", paths: [path] } };
  }
  const parts = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/.exec(inner);
  return parts === null ? undefined : sliceOf(length, parts[1] ?? "", parts[2], parts[3]);
}

function sliceOf(length: number, first: string, second: string | undefined, third: string | undefined): Read {
  const from = first === "" ? undefined : Number(first);
  const number = (part: string | undefined): number | undefined =>
    part === undefined || part === ":" ? undefined : Number(part.slice(1));
  // A single index is the slice that ends after it; after the last that is the end.
  const single = second === undefined;
  const to = single ? (from === -1 ? undefined : (from ?? 0) + 1) : number(second);
  const step = number(third);
  return {
    length,
    step: {
      is: "slice",
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(step === undefined ? {} : { step }),
    },
  };
}

function filterOf(text: string, depth: number): Read | undefined {
  const end = endOfFilter(text);
  if (end === undefined) return undefined;
  const inner = text.slice(3, end);
  const [, left = "", operator = "", right = ""] = /^([^!<>=]+)([!<>=]+)([\s\S]+)$/.exec(inner) ?? [];
  if (operator === "") {
    const exists = parseJsonPath(inner, depth + 1);
    if (exists === undefined) return undefined;
    return { length: end + 2, step: { is: "filter", left: exists, operator: "exists", right: [] } };
  }
  const known = OPERATORS.find((one) => one === operator);
  const paths = [parseJsonPath(left, depth + 1), parseJsonPath(right, depth + 1)] as const;
  if (known === undefined || paths[0] === undefined || paths[1] === undefined) return undefined;
  return { length: end + 2, step: { is: "filter", left: paths[0], operator: known, right: paths[1] } };
}

/** Where the parenthesis is that closes a filter: one that is in no quotes. */
function endOfFilter(text: string): number | undefined {
  let quote = "";
  for (let at = 3; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote !== "") {
      if (char === quote && text[at - 1] !== "\\") quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === ")") return text[at + 1] === "]" ? at : undefined;
  }
  return undefined;
}

/** What the path leads to; undefined when Kubernetes says that it can't be followed. */
export function find(path: JsonPath, root: unknown): readonly unknown[] | undefined {
  let values: readonly unknown[] | undefined = [root];
  for (const step of path) {
    values = follow(step, values);
    if (values === undefined) return undefined;
  }
  return values;
}

function follow(step: Step, values: readonly unknown[]): readonly unknown[] | undefined {
  switch (step.is) {
    case "field":
      return values.flatMap((value) =>
        isJsonObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [],
      );
    case "value":
      return values.map(() => step.value);
    case "every":
      return values.flatMap(partsOf);
    case "descend":
      return values.flatMap(descend);
    case "slice":
      return slices(step, values);
    case "union": {
      const found: unknown[] = [];
      for (const path of step.paths) {
        for (const value of values) {
          const one = find(path, value);
          if (one === undefined) return undefined;
          found.push(...one);
        }
      }
      return found;
    }
    case "filter":
      return filtered(step, values);
  }
}

function partsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  return isJsonObject(value) ? Object.values(value) : [];
}

/** The value and all that is in it, of what has parts. */
function descend(value: unknown): readonly unknown[] {
  const parts = partsOf(value);
  return parts.length === 0 ? [] : [value, ...parts.flatMap(descend)];
}

function slices(step: Step & { readonly is: "slice" }, values: readonly unknown[]): readonly unknown[] | undefined {
  const found: unknown[] = [];
  for (const value of values) {
    if (value === null || value === undefined) continue;
    if (!Array.isArray(value)) return undefined;
    const length = value.length;
    const place = (at: number): number => (at < 0 ? at + length : at);
    const from = place(step.from ?? 0);
    const to = step.to === undefined ? length : place(step.to);
    if (from === to) continue;
    const every = step.step ?? 1;
    if (from < 0 || from >= length || to < 0 || to > length || from > to || every <= 0) return undefined;
    for (let at = from; at < to; at += every) found.push(value[at]);
  }
  return found;
}

function filtered(step: Step & { readonly is: "filter" }, values: readonly unknown[]): readonly unknown[] | undefined {
  const found: unknown[] = [];
  for (const value of values) {
    if (!Array.isArray(value)) return undefined;
    for (const item of value) {
      const lefts = find(step.left, item);
      if (step.operator === "exists") {
        if (lefts !== undefined && lefts.length > 0) found.push(item);
        continue;
      }
      const rights = find(step.right, item);
      if (lefts === undefined || rights === undefined || lefts.length > 1 || rights.length > 1) return undefined;
      if (lefts.length === 0 || rights.length === 0) continue;
      const holds = compare(lefts[0], step.operator, rights[0]);
      if (holds === undefined) return undefined;
      if (holds) found.push(item);
    }
  }
  return found;
}

/** undefined: values of such types can't be compared. */
function compare(left: unknown, operator: Operator, right: unknown): boolean | undefined {
  const comparable = typeof left === typeof right && ["string", "number", "boolean"].includes(typeof left);
  if (!comparable) return undefined;
  const [a, b] = [left as string, right as string];
  switch (operator) {
    case "exists":
      return true;
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
  }
}
