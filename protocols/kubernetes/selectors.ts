/**
 * Label selectors, as a text (`app=web,tier in (a, b),!canary`) and as an object (`matchLabels`, `matchExpressions`).
 * Source: apimachinery `labels.Parse` and `metav1.LabelSelectorAsSelector`.
 */
import { labelValue, qualifiedName } from "./labels.ts";
import type { LabelSelector } from "./types/meta-v1.ts";

export type Labels = Readonly<Record<string, string>>;

export interface LabelRequirement {
  readonly key: string;
  readonly operator: "=" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";
  /** One for `=`, `!=`, `>`, `<`; none for `exists`, `!`. */
  readonly values: readonly string[];
}

export interface CompiledLabelSelector {
  /** All must hold; none matches everything. */
  readonly requirements: readonly LabelRequirement[];
  readonly matches: (labels: Labels | undefined) => boolean;
}

/** The text is no label selector; the message is apimachinery's. */
export class SelectorSyntaxError extends Error {
  override readonly name = "SelectorSyntaxError";
}

/**
 * @throws SelectorSyntaxError
 */
export function parseLabelSelector(text: string): CompiledLabelSelector {
  const parser = new Parser(tokenize(text));
  return compile(parser.parse());
}

/** A selector object. Absent matches nothing, empty matches everything. */
export function compileSelectorObject(selector: LabelSelector | undefined): CompiledLabelSelector {
  if (selector === undefined) return { requirements: [], matches: () => false };
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: "=",
    values: [value],
  }));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = OPERATORS[operator];
    if (known === undefined) throw new SelectorSyntaxError(`"${operator}" is not a valid label selector operator`);
    requirements.push({ key, operator: known, values: values ?? [] });
  }
  return compile(requirements);
}

/** Whether every pair of a Service's or ReplicationController's plain selector is among `labels`; an empty one matches nothing. */
export function matchesPlainSelector(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const pairs = Object.entries(selector ?? {});
  return pairs.length > 0 && pairs.every(([key, value]) => labels?.[key] === value);
}

/** The text form of a selector object, as printed in tables and sent in `labelSelector`: sorted by key. `<none>` is up to the caller. */
export function formatSelectorObject(selector: LabelSelector | undefined): string {
  if (selector === undefined) return "";
  const parts = compileSelectorObject(selector).requirements.map((requirement) => ({
    key: requirement.key,
    text: formatRequirement(requirement),
  }));
  return parts
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map((part) => part.text)
    .join(",");
}

const OPERATORS: Readonly<Record<string, LabelRequirement["operator"]>> = {
  In: "in",
  NotIn: "notin",
  Exists: "exists",
  DoesNotExist: "!",
};

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${[...values].sort().join(",")})`;
    case "=":
    case "!=":
    case ">":
    case "<":
      return `${key}${operator}${values[0] ?? ""}`;
  }
}

type Test = (labels: Labels | undefined) => boolean;

function compile(requirements: readonly LabelRequirement[]): CompiledLabelSelector {
  const tests = requirements.map(testOf);
  const [only] = tests;
  const matches: Test =
    only !== undefined && tests.length === 1 ? only : (labels) => tests.every((test) => test(labels));
  return { requirements, matches };
}

/** Lists ask it of each object: what can be found out once is. */
function testOf({ key, operator, values }: LabelRequirement): Test {
  const wanted = new Set(values);
  const [first = ""] = values;
  switch (operator) {
    case "=":
    case "in":
      // What an object inherits is no text, and equals none.
      if (wanted.size === 1) return (labels) => labels?.[key] === first;
      return (labels) => labels !== undefined && wanted.has(labels[key] as string);
    case "!=":
    case "notin":
      return (labels) => labels === undefined || !wanted.has(labels[key] as string);
    case "exists":
      return (labels) => labels !== undefined && Object.hasOwn(labels, key);
    case "!":
      return (labels) => labels === undefined || !Object.hasOwn(labels, key);
    case ">":
    case "<": {
      const bound = BigInt(first || "0");
      return (labels) => {
        const value = labels !== undefined && Object.hasOwn(labels, key) ? (labels[key] ?? "") : "";
        if (!INTEGER.test(value)) return false;
        return operator === ">" ? BigInt(value) > bound : BigInt(value) < bound;
      };
    }
  }
}

const INTEGER = /^-?\d+$/;

/** A token; `text` is empty at the end of the input. */
interface Token {
  readonly kind: "word" | "punctuation" | "end";
  readonly text: string;
}

const PUNCTUATION = /^(==|!=|=|!|>|<|,|\(|\))/;
const WORD = /^[^\s=!><,()]+/;

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let rest = text.trimStart();
  while (rest !== "") {
    const punctuation = PUNCTUATION.exec(rest)?.[0];
    const token = punctuation ?? WORD.exec(rest)?.[0] ?? rest;
    tokens.push({ kind: punctuation === undefined ? "word" : "punctuation", text: token });
    rest = rest.slice(token.length).trimStart();
  }
  return tokens;
}

const END: Token = { kind: "end", text: "" };

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): readonly LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const first = this.#peek();
      if (first.kind === "end" && requirements.length === 0) return requirements;
      if (first.kind !== "word" && first.text !== "!") {
        throw new SelectorSyntaxError(`found '${first.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#parseRequirement());
      const token = this.#next();
      if (token.kind === "end") return requirements;
      if (token.text !== ",") throw new SelectorSyntaxError(`found '${token.text}', expected: ',' or 'end of string'`);
      const following = this.#peek();
      if (following.kind !== "word" && following.text !== "!") {
        throw new SelectorSyntaxError(`found '${following.text}', expected: identifier after ','`);
      }
    }
  }

  #parseRequirement(): LabelRequirement {
    try {
      return this.#requirement();
    } catch (error) {
      if (!(error instanceof SelectorSyntaxError)) throw error;
      throw new SelectorSyntaxError(`unable to parse requirement: ${error.message}`);
    }
  }

  #requirement(): LabelRequirement {
    const negated = this.#peek().text === "!";
    if (negated) this.#next();
    const word = this.#next();
    if (word.kind !== "word") throw new SelectorSyntaxError(`found '${word.text}', expected: identifier`);
    const key = checkKey(word.text);
    const token = this.#peek();
    if (negated || token.kind === "end" || token.text === ",") {
      return { key, operator: negated ? "!" : "exists", values: [] };
    }
    this.#next();
    switch (token.text) {
      case "in":
      case "notin":
        return { key, operator: token.text, values: checkValues(key, this.#set()) };
      case "=":
      case "==":
      case "!=":
        return { key, operator: token.text === "!=" ? "!=" : "=", values: checkValues(key, [this.#value()]) };
      case ">":
      case "<": {
        const value = this.#value();
        if (!INTEGER.test(value)) {
          const detail = "for 'Gt', 'Lt' operators, the value must be an integer";
          throw new SelectorSyntaxError(`values[0]: Invalid value: ${JSON.stringify(value)}: ${detail}`);
        }
        return { key, operator: token.text, values: checkValues(key, [value]) };
      }
    }
    throw new SelectorSyntaxError(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
  }

  #value(): string {
    const token = this.#peek();
    if (token.kind === "end" || token.text === ",") return "";
    this.#next();
    if (token.kind !== "word") throw new SelectorSyntaxError(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  #set(): readonly string[] {
    const open = this.#next();
    if (open.text !== "(") throw new SelectorSyntaxError(`found '${open.text}' expected: '('`);
    const values: string[] = [];
    let current: string | undefined;
    for (;;) {
      const token = this.#next();
      if (token.kind === "word" && current === undefined) current = token.text;
      else if (token.text === "," || token.text === ")") {
        values.push(current ?? "");
        current = undefined;
        if (token.text === ")") return [...new Set(values)];
      } else {
        const wanted = current === undefined ? "',', ')' or identifier" : "',' or ')'";
        throw new SelectorSyntaxError(`found '${token.text}', expected: ${wanted}`);
      }
    }
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  #next(): Token {
    return this.#tokens[this.#at++] ?? END;
  }
}

function checkKey(key: string): string {
  const problem = qualifiedName(key)[0];
  if (problem !== undefined) throw new SelectorSyntaxError(`<nil>: Invalid value: ${JSON.stringify(key)}: ${problem}`);
  return key;
}

function checkValues(key: string, values: readonly string[]): readonly string[] {
  for (const [i, value] of values.entries()) {
    const problem = labelValue(value)[0];
    if (problem === undefined) continue;
    throw new SelectorSyntaxError(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
  }
  return values;
}
