/**
 * Evaluates CEL, step by step and within a budget, so that no expression takes longer than it may.
 * Source: the CEL specification; costs after cel-go `interpreter/runtimecost.go`: a step costs 1, a text a tenth of its characters.
 */
import { callFunction, callMethod } from "./functions.ts";
import type { BinaryOperator, CelNode } from "./syntax.ts";
import {
  CelBudgetError,
  CelDuration,
  CelError,
  CelMap,
  CelOptional,
  CelTimestamp,
  CelType,
  CelUint,
  compareCel,
  equalCel,
  fieldsOf,
  numberOf,
  typeName,
} from "./values.ts";
import type { CelMapKey } from "./values.ts";

/** What counts the steps of an evaluation. */
export class CelBudget {
  left: number;
  readonly limit: number;

  constructor(limit: number) {
    this.left = limit;
    this.limit = limit;
  }

  /** @throws CelBudgetError */
  readonly spend = (cost: number): void => {
    this.left -= cost;
    if (this.left < 0) throw new CelBudgetError("operation cancelled: actual cost limit exceeded");
  };
}

/** A chain: what an inner scope names hides the outer. */
interface Scope {
  readonly name: string;
  readonly value: unknown;
  readonly outer: Scope | undefined;
}

/**
 * @throws CelError when there is no value, CelBudgetError when the budget is spent
 */
export function evaluateCel(node: CelNode, variables: Readonly<Record<string, unknown>>, budget: CelBudget): unknown {
  let scope: Scope | undefined;
  for (const [name, value] of Object.entries(variables)) scope = { name, value, outer: scope };
  return new Evaluation(budget).run(node, scope);
}

const TYPES: ReadonlyMap<string, CelType> = new Map(
  [
    ["bool", "bool"],
    ["bytes", "bytes"],
    ["double", "double"],
    ["int", "int"],
    ["list", "list"],
    ["map", "map"],
    ["null_type", "null_type"],
    ["string", "string"],
    ["type", "type"],
    ["uint", "uint"],
  ].map(([name = "", type = ""]) => [name, new CelType(type)]),
);

class Evaluation {
  readonly #budget: CelBudget;

  constructor(budget: CelBudget) {
    this.#budget = budget;
  }

  run(node: CelNode, scope: Scope | undefined): unknown {
    switch (node.op) {
      case "value":
        return literal(node.args);
      case "id":
        this.#budget.spend(1);
        return variable(node.args, scope);
      case ".":
      case ".?":
        return this.#select(node, scope);
      case "[]":
      case "[?]":
        return this.#index(node, scope);
      case "call":
        return this.#call(node.args[0], node.args[1], scope);
      case "rcall":
        return this.#method(node.args[0], node.args[1], node.args[2], scope);
      case "list":
        this.#budget.spend(10);
        return node.args.map((item) => this.run(item, scope));
      case "map":
        return this.#map(node.args, scope);
      case "?:":
        this.#budget.spend(1);
        return this.run(this.#bool(node.args[0], scope) ? node.args[1] : node.args[2], scope);
      case "&&":
        return this.#logical(node.args, false, scope);
      case "||":
        return this.#logical(node.args, true, scope);
      case "!_":
        this.#budget.spend(1);
        return !this.#bool(node.args, scope);
      case "-_":
        return this.#negative(this.run(node.args, scope));
      case "!=":
      case "==":
      case "in":
      case "+":
      case "-":
      case "*":
      case "/":
      case "%":
      case "<":
      case "<=":
      case ">":
      case ">=":
        return this.#binary(node.op, this.run(node.args[0], scope), this.run(node.args[1], scope));
    }
  }

  #bool(node: CelNode, scope: Scope | undefined): boolean {
    const value = this.run(node, scope);
    if (typeof value === "boolean") return value;
    throw new CelError("no such overload");
  }

  /** Either side may decide, and then the other may fail. */
  #logical([left, right]: readonly [CelNode, CelNode], decisive: boolean, scope: Scope | undefined): boolean {
    this.#budget.spend(1);
    let problem: CelError;
    try {
      const value = this.#bool(left, scope);
      if (value === decisive) return decisive;
      return this.#bool(right, scope);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      problem = error;
    }
    // The left side failed, or the right after a left that decided nothing.
    const other = this.#bool(right, scope);
    if (other === decisive) return decisive;
    throw problem;
  }

  #select(node: CelNode & { readonly op: "." | ".?" }, scope: Scope | undefined): unknown {
    const [target, name] = node.args;
    this.#budget.spend(1);
    const given = this.run(target, scope);
    if (node.op === ".?") return optionalField(given, name);
    if (given instanceof CelOptional) return optionalField(given, name);
    return fieldIn(given, name);
  }

  #index(node: CelNode & { readonly op: "[]" | "[?]" }, scope: Scope | undefined): unknown {
    const given = this.run(node.args[0], scope);
    const key = this.run(node.args[1], scope);
    this.#budget.spend(1);
    const optional = node.op === "[?]" || given instanceof CelOptional;
    const target = given instanceof CelOptional ? given.value : given;
    if (!optional) return itemIn(target, key);
    if (target === undefined) return new CelOptional(undefined);
    try {
      return new CelOptional(itemIn(target, key));
    } catch (error) {
      if (error instanceof CelError) return new CelOptional(undefined);
      throw error;
    }
  }

  #map(entries: readonly (readonly [CelNode, CelNode])[], scope: Scope | undefined): CelMap {
    this.#budget.spend(30);
    const map = new Map<CelMapKey, unknown>();
    for (const [key, value] of entries) map.set(keyOf(this.run(key, scope)), this.run(value, scope));
    return new CelMap(map);
  }

  #negative(value: unknown): unknown {
    this.#budget.spend(1);
    if (typeof value === "bigint") return checkedInt(-value);
    if (typeof value === "number") return -value;
    throw new CelError("no such overload");
  }

  #binary(op: BinaryOperator, a: unknown, b: unknown): unknown {
    const spend = this.#budget.spend;
    switch (op) {
      case "==":
        return equalCel(a, b, spend);
      case "!=":
        return !equalCel(a, b, spend);
      case "in": {
        spend(1);
        if (Array.isArray(b)) return b.some((item) => equalCel(item, a, spend));
        const fields = fieldsOf(b);
        if (fields !== undefined) return fields.has(a);
        throw new CelError("no such overload");
      }
      case "<":
      case "<=":
      case ">":
      case ">=": {
        spend(typeof a === "string" && typeof b === "string" ? 1 + Math.min(a.length, b.length) / 10 : 1);
        const order = compareCel(a, b);
        if (order === undefined) throw new CelError("no such overload");
        return op === "<" ? order < 0 : op === "<=" ? order <= 0 : op === ">" ? order > 0 : order >= 0;
      }
      case "+":
      case "-":
      case "*":
      case "/":
      case "%":
        spend(1);
        return arithmetic(op, a, b, spend);
    }
  }

  #call(name: string, args: readonly CelNode[], scope: Scope | undefined): unknown {
    this.#budget.spend(1);
    if (name === "has") return this.#has(args[0], scope);
    return callFunction(
      name,
      args.map((arg) => this.run(arg, scope)),
      this.#budget.spend,
    );
  }

  #has(node: CelNode | undefined, scope: Scope | undefined): boolean {
    if (node === undefined || (node.op !== "." && node.op !== ".?"))
      throw new CelError("invalid argument to has() macro");
    const given = this.run(node.args[0], scope);
    const target = given instanceof CelOptional ? given.value : given;
    const fields = fieldsOf(target);
    if (fields !== undefined) return fields.has(node.args[1]);
    if (target === undefined) return false;
    throw new CelError("no such overload");
  }

  #method(name: string, target: CelNode, args: readonly CelNode[], scope: Scope | undefined): unknown {
    this.#budget.spend(1);
    const namespace = target.op === "id" && !isVariable(target.args, scope) ? target.args : undefined;
    if (namespace !== undefined) {
      return callFunction(
        `${namespace}.${name}`,
        args.map((arg) => this.run(arg, scope)),
        this.#budget.spend,
      );
    }
    const given = this.run(target, scope);
    if (MACROS.has(name) && args[0]?.op === "id" && args.length > 1)
      return this.#comprehension(name, given, args, scope);
    if (given instanceof CelOptional && (name === "or" || name === "orValue")) {
      if (given.value !== undefined) return name === "or" ? given : given.value;
      return args[0] === undefined ? undefined : this.run(args[0], scope);
    }
    return callMethod(
      name,
      given,
      args.map((arg) => this.run(arg, scope)),
      this.#budget.spend,
    );
  }

  #comprehension(name: string, range: unknown, args: readonly CelNode[], scope: Scope | undefined): unknown {
    if (range instanceof CelOptional) return this.#optionalMacro(name, range, args, scope);
    const [first, second] = args;
    const names = [first, second].flatMap((arg) => (arg?.op === "id" ? [arg.args] : []));
    const two = TWO_VARIABLES.has(name) || (QUANTIFIERS.has(name) && args.length === 3);
    const bodies = args.slice(two ? 2 : 1);
    const items = this.#itemsOf(range, two);
    const inner = (i: number): Scope | undefined => {
      this.#budget.spend(1);
      const [key, value] = items[i] ?? [undefined, undefined];
      const one: Scope = { name: names[0] ?? "", value: two ? key : value, outer: scope };
      return two ? { name: names[1] ?? "", value, outer: one } : one;
    };
    return this.#fold(name, items, bodies, inner);
  }

  /** Pairs of place and item of a list, or of key and value of a map, of which only the keys are the range of one variable. */
  #itemsOf(range: unknown, two: boolean): readonly (readonly [unknown, unknown])[] {
    if (Array.isArray(range)) return range.map((item, i) => [BigInt(i), item]);
    const fields = fieldsOf(range);
    if (fields === undefined) throw new CelError("no such overload");
    return [...fields].map(([key, value]) => [key, two ? value : key]);
  }

  #fold(
    name: string,
    items: readonly (readonly [unknown, unknown])[],
    [body, transform]: readonly CelNode[],
    inner: (i: number) => Scope | undefined,
  ): unknown {
    if (body === undefined) throw new CelError("no such overload");
    switch (name) {
      case "all":
        return this.#quantify(items, body, inner, false);
      case "exists":
        return this.#quantify(items, body, inner, true);
      case "exists_one":
      case "existsOne":
        return items.filter((_item, i) => this.#bool(body, inner(i))).length === 1;
      case "filter":
        return items.filter((_item, i) => this.#bool(body, inner(i))).map(([, value]) => value);
      case "map":
      case "transformList":
      case "transformMap":
      case "transformMapEntry":
    }
    const kept: [unknown, unknown][] = [];
    for (const [i, [key]] of items.entries()) {
      const scope = inner(i);
      if (transform !== undefined && !this.#bool(body, scope)) continue;
      kept.push([key, this.run(transform ?? body, scope)]);
    }
    if (name === "transformMap") return new CelMap(new Map(kept.map(([key, value]) => [keyOf(key), value])));
    if (name === "transformMapEntry") {
      return new CelMap(new Map(kept.flatMap(([, entry]) => (entry instanceof CelMap ? [...entry.entries] : []))));
    }
    return kept.map(([, value]) => value);
  }

  /** One item may decide, and then others may fail. */
  #quantify(
    items: readonly unknown[],
    body: CelNode,
    inner: (i: number) => Scope | undefined,
    decisive: boolean,
  ): boolean {
    let problem: CelError | undefined;
    for (const i of items.keys()) {
      try {
        if (this.#bool(body, inner(i)) === decisive) return decisive;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        problem ??= error;
      }
    }
    if (problem !== undefined) throw problem;
    return !decisive;
  }

  #optionalMacro(name: string, given: CelOptional, args: readonly CelNode[], scope: Scope | undefined): unknown {
    const [variableNode, body] = args;
    if (variableNode?.op !== "id" || body === undefined || !name.startsWith("opt"))
      throw new CelError("no such overload");
    if (given.value === undefined) return given;
    const value = this.run(body, { name: variableNode.args, value: given.value, outer: scope });
    return name === "optFlatMap" ? value : new CelOptional(value);
  }
}

const QUANTIFIERS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "existsOne"]);
const TWO_VARIABLES: ReadonlySet<string> = new Set(["transformList", "transformMap", "transformMapEntry"]);
export const MACROS: ReadonlySet<string> = new Set([
  ...QUANTIFIERS,
  ...TWO_VARIABLES,
  "filter",
  "map",
  "optMap",
  "optFlatMap",
]);

function isVariable(name: string, scope: Scope | undefined): boolean {
  for (let at = scope; at !== undefined; at = at.outer) if (at.name === name) return true;
  return false;
}

function variable(name: string, scope: Scope | undefined): unknown {
  for (let at = scope; at !== undefined; at = at.outer) if (at.name === name) return at.value;
  const type = TYPES.get(name);
  if (type !== undefined) return type;
  throw new CelError(`no such attribute(s): ${name}`);
}

/** The parser has a class of its own for unsigned integers. */
function literal(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const inner: unknown = (value as { readonly value?: unknown }).value;
  return typeof inner === "bigint" ? new CelUint(inner) : value;
}

function keyOf(value: unknown): CelMapKey {
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") return value;
  throw new CelError(`unsupported key type: ${typeName(value)}`);
}

function fieldIn(target: unknown, name: string): unknown {
  const fields = fieldsOf(target);
  if (fields === undefined) throw new CelError("no such overload");
  if (!fields.has(name)) throw new CelError(`no such key: ${name}`);
  return fields.get(name);
}

function optionalField(given: unknown, name: string): CelOptional {
  const target = given instanceof CelOptional ? given.value : given;
  return new CelOptional(fieldsOf(target)?.get(name));
}

function itemIn(target: unknown, key: unknown): unknown {
  if (Array.isArray(target)) {
    const number = numberOf(key);
    if (number === undefined) throw new CelError("no such overload");
    const at = Number(number);
    if (!(at >= 0 && at < target.length)) throw new CelError(`index out of bounds: ${number}`);
    return target[at] as unknown;
  }
  const fields = fieldsOf(target);
  if (fields === undefined) throw new CelError("no such overload");
  if (!fields.has(key)) throw new CelError(`no such key: ${String(key)}`);
  return fields.get(key);
}

const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);

function checkedInt(value: bigint): bigint {
  if (value > INT_MAX || value < INT_MIN) throw new CelError("integer overflow");
  return value;
}

type Arithmetic = "+" | "-" | "*" | "/" | "%";

function arithmetic(op: Arithmetic, a: unknown, b: unknown, spend: (cost: number) => void): unknown {
  if (typeof a === "bigint" && typeof b === "bigint") return checkedInt(integers(op, a, b));
  if (a instanceof CelUint && b instanceof CelUint) {
    const value = integers(op, a.value, b.value);
    if (value < 0n || value >= 2n ** 64n) throw new CelError("unsigned integer overflow");
    return new CelUint(value);
  }
  if (typeof a === "number" && typeof b === "number") {
    switch (op) {
      case "+":
        return a + b;
      case "-":
        return a - b;
      case "*":
        return a * b;
      case "/":
        return a / b;
      case "%":
    }
  }
  if (op === "+" && typeof a === "string" && typeof b === "string") {
    spend((a.length + b.length) / 10);
    return a + b;
  }
  if (op === "+" && Array.isArray(a) && Array.isArray(b)) {
    spend((a.length + b.length) / 10);
    return [...(a as unknown[]), ...(b as unknown[])];
  }
  return times(op, a, b);
}

function integers(op: Arithmetic, a: bigint, b: bigint): bigint {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      if (b === 0n) throw new CelError("division by zero");
      return a / b;
    case "%":
      if (b === 0n) throw new CelError("modulus by zero");
      return a % b;
  }
}

function times(op: Arithmetic, a: unknown, b: unknown): unknown {
  if (op === "+") {
    if (a instanceof CelTimestamp && b instanceof CelDuration) return new CelTimestamp(a.nanos + b.nanos);
    if (a instanceof CelDuration && b instanceof CelTimestamp) return new CelTimestamp(a.nanos + b.nanos);
    if (a instanceof CelDuration && b instanceof CelDuration) return new CelDuration(a.nanos + b.nanos);
  }
  if (op === "-") {
    if (a instanceof CelTimestamp && b instanceof CelTimestamp) return new CelDuration(a.nanos - b.nanos);
    if (a instanceof CelTimestamp && b instanceof CelDuration) return new CelTimestamp(a.nanos - b.nanos);
    if (a instanceof CelDuration && b instanceof CelDuration) return new CelDuration(a.nanos - b.nanos);
  }
  throw new CelError("no such overload");
}
