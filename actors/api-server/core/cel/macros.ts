/**
 * Macros: calls that stand for something longer. What a macro adds has its mark where the call has it.
 * Source: cel-go `parser/macro.go`, `cel/library.go`, `ext/comprehensions.go`, `ext/bindings.go`, `ext/lists.go`.
 */
import type { Call, Expression, Problem } from "./expression.ts";

/** Names that a user can't write. */
export const RESULT = "@result";
const UNUSED = "#unused";
const SORT_INPUT = "@__sortBy_input__";

export interface Expansion {
  /** undefined: the call is no macro. */
  readonly expression?: Expression;
  readonly problem?: Problem;
}

export interface MacroSet {
  /** `cel.bind`: not everywhere. */
  readonly bind: boolean;
}

export function expandMacro(call: Call, { bind }: MacroSet): Expansion {
  const { name, target, args, at } = call;
  const [first] = args;
  if (first === undefined) return {};
  if (target === undefined) return name === "has" && args.length === 1 ? expandHas(first, at) : {};
  if (name === "bind" && args.length === 3 && bind && target.is === "identifier" && target.name === "cel") {
    return expandBind(call, first);
  }
  const two = expandTwo(call);
  if (two !== undefined) return two;
  if (args.length === 2 || (args.length === 3 && name === "map")) return expandOne(call, target, first);
  return {};
}

function expandHas(field: Expression, at: number): Expansion {
  if (field.is !== "select" || field.optional || field.test) {
    return { problem: { at: field.at, words: "invalid argument to has() macro" } };
  }
  return { expression: { ...field, test: true, at } };
}

function expandBind({ args, at }: Call, name: Expression): Expansion {
  const [, initial, end] = args;
  if (name.is !== "identifier") {
    return { problem: { at: name.at, words: "cel.bind() variable names must be simple identifiers" } };
  }
  if (initial === undefined || end === undefined) return {};
  return { expression: new Maker(at).bound(name.name, initial, end) };
}

const OVER_ITEMS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "existsOne", "filter", "map"]);

function expandOne(call: Call, target: Expression, first: Expression): Expansion {
  const { name, args, at } = call;
  const make = new Maker(at);
  const body = args[1];
  if (body === undefined) return {};
  if (name === "optMap" || name === "optFlatMap") return expandOptional(name, target, first, body, make);
  if (name === "sortBy") {
    const input = make.identifier(SORT_INPUT);
    const keys = expandOne({ ...call, name: "map" }, input, first);
    if (keys.expression === undefined) return keys;
    return {
      expression: make.bound(SORT_INPUT, target, make.method("@sortByAssociatedKeys", input, [keys.expression])),
    };
  }
  if (!OVER_ITEMS.has(name)) return {};
  if (first.is !== "identifier") {
    const words =
      name === "filter" || name === "map" ? "argument is not an identifier" : "argument must be a simple name";
    return { problem: { at: first.at, words } };
  }
  if (first.name === "__result__") {
    return { problem: { at: first.at, words: "iteration variable overwrites accumulator variable" } };
  }
  const variables = [first.name];
  const result = make.identifier(RESULT);
  if (name === "map") {
    const [predicate, item] = args.length === 3 ? [body, args[2] ?? body] : [undefined, body];
    return { expression: make.collected(target, variables, predicate, item) };
  }
  if (name === "filter") return { expression: make.collected(target, variables, body, first) };
  return { expression: make.quantified(name, target, variables, body, result) };
}

function expandOptional(
  name: "optFlatMap" | "optMap",
  target: Expression,
  variable: Expression,
  body: Expression,
  make: Maker,
): Expansion {
  if (variable.is !== "identifier") {
    return { problem: { at: variable.at, words: `${name}() variable name must be a simple identifier` } };
  }
  const value = make.bound(variable.name, make.method("value", target, []), body);
  const some = name === "optMap" ? make.call("optional.of", [value]) : value;
  return {
    expression: make.call("_?_:_", [make.method("hasValue", target, []), some, make.call("optional.none", [])]),
  };
}

/** Macros over keys and values, or places and items. */
function expandTwo({ name, target, args, at }: Call): Expansion | undefined {
  const [first, second, third, fourth] = args;
  const quantifier = ["all", "exists", "exists_one", "existsOne"].includes(name) && args.length === 3;
  const transformer =
    ["transformList", "transformMap", "transformMapEntry"].includes(name) && (args.length === 3 || args.length === 4);
  if ((!quantifier && !transformer) || target === undefined) return undefined;
  if (first === undefined || second === undefined || third === undefined) return undefined;
  for (const variable of [first, second]) {
    if (variable.is !== "identifier") return { problem: { at: variable.at, words: "argument must be a simple name" } };
  }
  if (first.is !== "identifier" || second.is !== "identifier") return undefined;
  if (first.name === second.name) {
    return { problem: { at: second.at, words: `duplicate variable name: ${first.name}` } };
  }
  const make = new Maker(at);
  const variables = [first.name, second.name];
  const result = make.identifier(RESULT);
  if (quantifier) return { expression: make.quantified(name, target, variables, third, result) };
  const [predicate, item] = fourth === undefined ? [undefined, third] : [third, fourth];
  if (name === "transformList") return { expression: make.collected(target, variables, predicate, item) };
  const added = name === "transformMap" ? [result, first, item] : [result, item];
  const insert = make.call("cel.@mapInsert", added);
  const step = predicate === undefined ? insert : make.call("_?_:_", [predicate, insert, result]);
  const initial: Expression = { is: "map", entries: [], at };
  return { expression: make.fold(target, variables, initial, make.bool(true), step, result) };
}

class Maker {
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  identifier(name: string): Expression {
    return { is: "identifier", name, at: this.#at };
  }

  bool(value: boolean): Expression {
    return { is: "literal", value: { type: "bool", value }, at: this.#at };
  }

  int(value: bigint): Expression {
    return { is: "literal", value: { type: "int", value }, at: this.#at };
  }

  call(name: string, args: readonly Expression[]): Expression {
    return { is: "call", name, args, at: this.#at };
  }

  method(name: string, target: Expression, args: readonly Expression[]): Expression {
    return { is: "call", name, target, args, at: this.#at };
  }

  list(items: readonly Expression[]): Expression {
    return { is: "list", items: items.map((value) => ({ value, optional: false })), at: this.#at };
  }

  fold(
    over: Expression,
    variables: readonly string[],
    initial: Expression,
    condition: Expression,
    step: Expression,
    end: Expression,
  ): Expression {
    return { is: "fold", over, variables, result: { name: RESULT, initial }, condition, step, end, at: this.#at };
  }

  /** A name for a value: a fold over nothing. */
  bound(name: string, initial: Expression, end: Expression): Expression {
    const [over, condition] = [this.list([]), this.bool(false)];
    const step = this.identifier(name);
    return { is: "fold", over, variables: [UNUSED], result: { name, initial }, condition, step, end, at: this.#at };
  }

  collected(
    over: Expression,
    variables: readonly string[],
    predicate: Expression | undefined,
    item: Expression,
  ): Expression {
    const result = this.identifier(RESULT);
    const more = this.call("_+_", [result, this.list([item])]);
    const step = predicate === undefined ? more : this.call("_?_:_", [predicate, more, result]);
    return this.fold(over, variables, this.list([]), this.bool(true), step, result);
  }

  quantified(
    name: string,
    over: Expression,
    variables: readonly string[],
    body: Expression,
    result: Expression,
  ): Expression {
    if (name === "all") {
      const going = this.call("@not_strictly_false", [result]);
      return this.fold(over, variables, this.bool(true), going, this.call("_&&_", [result, body]), result);
    }
    if (name === "exists") {
      const going = this.call("@not_strictly_false", [this.call("!_", [result])]);
      return this.fold(over, variables, this.bool(false), going, this.call("_||_", [result, body]), result);
    }
    const one = this.int(1n);
    const step = this.call("_?_:_", [body, this.call("_+_", [result, one]), result]);
    return this.fold(over, variables, this.int(0n), this.bool(true), step, this.call("_==_", [result, one]));
  }
}
