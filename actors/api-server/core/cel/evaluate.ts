/**
 * Evaluates CEL, step by step and within a budget, so that no expression takes longer than it may.
 * Source: the CEL specification; costs after cel-go `interpreter/runtimecost.go`: a step costs 1, a text a tenth of its characters.
 */
import type { Call, Expression, Fold, Selection } from "./expression.ts";
import { qualifiedNameOf } from "./expression.ts";
import type { Spend } from "./arithmetic.ts";
import { arithmetic, negative } from "./arithmetic.ts";
import { callFunction, callMethod } from "./functions.ts";
import { RESULT } from "./macros.ts";
import { BASE_OVERLOADS } from "./overloads.ts";
import {
  BASE_TYPES,
  CelBudgetError,
  CelError,
  CelMap,
  CelOptional,
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
export interface Scope {
  readonly name: string;
  /** A CelError of a result that has none: who asks for it fails. */
  value: unknown;
  readonly outer: Scope | undefined;
}

/**
 * @throws CelError when there is no value, CelBudgetError when the budget is spent
 */
export function evaluateCel(
  expression: Expression,
  variables: Readonly<Record<string, unknown>>,
  budget: CelBudget,
): unknown {
  return new Evaluation(budget).run(expression, scopeOf(variables));
}

export function scopeOf(variables: Readonly<Record<string, unknown>>): Scope | undefined {
  let scope: Scope | undefined;
  for (const [name, value] of Object.entries(variables)) scope = { name, value, outer: scope };
  return scope;
}

const TYPES: ReadonlyMap<string, CelType> = new Map(BASE_TYPES.map((name) => [name, new CelType(name)]));

export class Evaluation {
  readonly #budget: CelBudget;

  constructor(budget: CelBudget) {
    this.#budget = budget;
  }

  run(expression: Expression, scope: Scope | undefined): unknown {
    switch (expression.is) {
      case "literal":
        return expression.value.value;
      case "identifier":
        this.#budget.spend(1);
        return variable(expression.name, scope);
      case "select":
        return this.#select(expression, scope);
      case "call":
        return expression.target === undefined ? this.#call(expression, scope) : this.#method(expression, scope);
      case "list":
        this.#budget.spend(10);
        return expression.items.flatMap(({ value, optional }) => {
          const item = this.run(value, scope);
          return optional ? presentIn(item) : [item];
        });
      case "map":
        return this.#map(expression, scope);
      case "struct":
        // Types of schemas have no values of their own.
        throw new CelError(`unknown type '${expression.name}'`);
      case "fold":
        return this.#fold(expression, scope);
    }
  }

  #bool(expression: Expression | undefined, scope: Scope | undefined): boolean {
    return checkedBool(expression === undefined ? undefined : this.run(expression, scope));
  }

  #values(expressions: readonly Expression[], scope: Scope | undefined): readonly unknown[] {
    return expressions.map((one) => this.run(one, scope));
  }

  /** Any part may decide, and then others may fail. */
  #logical(parts: readonly Expression[], decisive: boolean, scope: Scope | undefined): boolean {
    let problem: CelError | undefined;
    for (const part of parts) {
      const value = attempt(() => this.#bool(part, scope));
      if (value === decisive) return decisive;
      if (value instanceof CelError) problem ??= value;
    }
    if (problem !== undefined) throw problem;
    return !decisive;
  }

  #select(selection: Selection, scope: Scope | undefined): unknown {
    const { from, field, test, optional } = selection;
    this.#budget.spend(1);
    const type = TYPES_IN_PACKAGES.has(field) ? TYPES.get(qualifiedNameOf(selection) ?? "") : undefined;
    if (type !== undefined) return type;
    const given = this.run(from, scope);
    if (test) return hasField(given, field);
    return optional || given instanceof CelOptional ? optionalField(given, field) : fieldIn(given, field);
  }

  #map({ entries }: Expression & { readonly is: "map" }, scope: Scope | undefined): CelMap {
    this.#budget.spend(30);
    const map = new Map<CelMapKey, unknown>();
    for (const entry of entries) {
      const key = keyOf(this.run(entry.key, scope));
      const value = this.run(entry.value, scope);
      for (const present of entry.optional ? presentIn(value) : [value]) map.set(key, present);
    }
    return new CelMap(map);
  }

  #call({ name, args }: Call, scope: Scope | undefined): unknown {
    const [first, second, third] = args;
    switch (name) {
      case "_&&_":
        return this.#logical(args, false, scope);
      case "_||_":
        return this.#logical(args, true, scope);
      case "_?_:_": {
        const chosen = this.#bool(first, scope) ? second : third;
        return chosen === undefined ? undefined : this.run(chosen, scope);
      }
      case "@not_strictly_false":
        this.#budget.spend(1);
        return attempt(() => this.#bool(first, scope)) !== false;
    }
    this.#budget.spend(1);
    if (first?.is === "identifier" && first.name === RESULT) return this.#grow(name, first, args.slice(1), scope);
    return this.#apply(name, this.#values(args, scope));
  }

  /** What a macro has found so far, and one more: nobody else has that list or map, so it may change. */
  #grow(name: string, result: Expression, more: readonly Expression[], scope: Scope | undefined): unknown {
    const found = this.run(result, scope);
    const values = this.#values(more, scope);
    const [first, second] = values;
    if (name === "_+_" && Array.isArray(found) && Array.isArray(first)) {
      found.push(...(first as readonly unknown[]));
      return found;
    }
    if (name !== "cel.@mapInsert" || !(found instanceof CelMap)) return this.#apply(name, [found, ...values]);
    if (values.length > 1) insert(found.entries, keyOf(first), second);
    else for (const [key, value] of fieldsOf(first) ?? []) insert(found.entries, keyOf(key), value);
    return found;
  }

  #apply(name: string, args: readonly unknown[]): unknown {
    const [a, b] = args;
    const { spend } = this.#budget;
    switch (name) {
      case "!_":
        if (typeof a === "boolean") return !a;
        throw new CelError("no such overload");
      case "-_":
        return negative(a);
      case "_[_]":
        return a instanceof CelOptional ? optionalItem(a, b) : itemIn(a, b);
      case "_[?_]":
        return optionalItem(a, b);
      case "_==_":
        return equalCel(a, b, spend);
      case "_!=_":
        return !equalCel(a, b, spend);
      case "@in":
        return isIn(a, b, spend);
      case "_<_":
      case "_<=_":
      case "_>_":
      case "_>=_":
        return isOrdered(name, a, b, spend);
      case "_+_":
      case "_-_":
      case "_*_":
      case "_/_":
      case "_%_":
        return arithmetic(name, a, b, spend);
    }
    return callFunction(name, args, spend);
  }

  #method({ name, target, args }: Call, scope: Scope | undefined): unknown {
    this.#budget.spend(1);
    const { spend } = this.#budget;
    const full = target?.is === "identifier" ? `${target.name}.${name}` : "";
    if (target === undefined || BASE_OVERLOADS.has(full)) return callFunction(full, this.#values(args, scope), spend);
    const given = this.run(target, scope);
    if (given instanceof CelOptional && (name === "or" || name === "orValue")) {
      if (given.value !== undefined) return name === "or" ? given : given.value;
      return args[0] === undefined ? undefined : this.run(args[0], scope);
    }
    return callMethod(name, given, this.#values(args, scope), spend);
  }

  #fold({ over, variables, result, condition, step, end }: Fold, scope: Scope | undefined): unknown {
    const items = itemsOf(this.run(over, scope), variables.length > 1);
    const found: Scope = { name: result.name, value: undefined, outer: scope };
    found.value = attempt(() => this.run(result.initial, scope));
    const always = condition.is === "literal" && condition.value.value === true;
    const [first = "", second] = variables;
    for (const [key, value] of items) {
      const one: Scope = { name: first, value: key, outer: found };
      const inner = second === undefined ? one : { name: second, value, outer: one };
      if (!always && !this.#bool(condition, inner)) break;
      found.value = attempt(() => this.run(step, inner));
      // Nothing that follows makes it good.
      if (always && found.value instanceof CelError) throw found.value;
    }
    return this.run(end, found);
  }
}

/** @throws CelError */
export function checkedBool(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new CelError("no such overload");
}

/** The error instead of a value, where there is none. */
export function attempt(what: () => unknown): unknown {
  try {
    return what();
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}

/** Longer lists are looked at one by one: most of a very long one is not reached within the budget. */
const PAIRED_MAX = 1_000;

/** Pairs of place and item of a list, or of key and value of a map; for one variable an item or a key. */
export function itemsOf(range: unknown, two: boolean): Iterable<readonly [unknown, unknown]> {
  if (Array.isArray(range)) {
    if (range.length > PAIRED_MAX) return eachOf(range, two);
    return range.map((item: unknown, i) => [two ? BigInt(i) : item, item]);
  }
  const fields = fieldsOf(range);
  if (fields === undefined) throw new CelError("no such overload");
  return fields;
}

function* eachOf(list: readonly unknown[], two: boolean): Generator<readonly [unknown, unknown]> {
  for (const [i, item] of list.entries()) yield [two ? BigInt(i) : item, item];
}

/** Last part of the names of types that have dots in them. */
const TYPES_IN_PACKAGES: ReadonlySet<string> = new Set(["Duration", "Timestamp"]);

/** @throws CelError when it could not be found */
function variable(name: string, scope: Scope | undefined): unknown {
  for (let at = scope; at !== undefined; at = at.outer) {
    if (at.name !== name) continue;
    if (at.value instanceof CelError) throw at.value;
    return at.value;
  }
  const type = TYPES.get(name);
  if (type !== undefined) return type;
  throw new CelError(`no such attribute(s): ${name}`);
}

/** What an optional item of a list or a map adds. */
function presentIn(value: unknown): readonly unknown[] {
  if (!(value instanceof CelOptional)) throw new CelError("no such overload");
  return value.value === undefined ? [] : [value.value];
}

function insert(map: Map<CelMapKey, unknown>, key: CelMapKey, value: unknown): void {
  if (map.has(key)) throw new CelError(`insert failed: key ${String(key)} already exists`);
  map.set(key, value);
}

function hasField(given: unknown, name: string): boolean {
  const target = given instanceof CelOptional ? given.value : given;
  const fields = fieldsOf(target);
  if (fields !== undefined) return fields.has(name);
  if (target === undefined) return false;
  throw new CelError("no such overload");
}

function optionalItem(given: unknown, key: unknown): CelOptional {
  const target = given instanceof CelOptional ? given.value : given;
  if (target === undefined) return new CelOptional(undefined);
  try {
    return new CelOptional(itemIn(target, key));
  } catch (error) {
    if (error instanceof CelError) return new CelOptional(undefined);
    throw error;
  }
}

function isIn(item: unknown, range: unknown, spend: Spend): boolean {
  if (Array.isArray(range)) return range.some((one) => equalCel(one, item, spend));
  const fields = fieldsOf(range);
  if (fields === undefined) throw new CelError("no such overload");
  return fields.has(sameKey(item));
}

function isOrdered(name: "_<_" | "_<=_" | "_>_" | "_>=_", a: unknown, b: unknown, spend: Spend): boolean {
  if (typeof a === "string" && typeof b === "string") spend(Math.min(a.length, b.length) / 10);
  const order = compareCel(a, b);
  if (order === undefined) throw new CelError("no such overload");
  switch (name) {
    case "_<_":
      return order < 0;
    case "_<=_":
      return order <= 0;
    case "_>_":
      return order > 0;
    case "_>=_":
      return order >= 0;
  }
}

function keyOf(given: unknown): CelMapKey {
  const value = given instanceof CelUint ? given.value : given;
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") return value;
  throw new CelError(`unsupported key type: ${typeName(value)}`);
}

/** Numbers of the same value are the same key, whatever their types. */
function sameKey(key: unknown): unknown {
  if (key instanceof CelUint) return key.value;
  return typeof key === "number" && Number.isInteger(key) ? BigInt(key) : key;
}

function fieldIn(target: unknown, name: string): unknown {
  const fields = fieldsOf(target);
  if (fields?.has(name) !== true) throw new CelError(`no such key: ${name}`);
  return fields.get(name);
}

function optionalField(given: unknown, name: string): CelOptional {
  const target = given instanceof CelOptional ? given.value : given;
  return new CelOptional(fieldsOf(target)?.get(name));
}

function itemIn(target: unknown, key: unknown): unknown {
  if (Array.isArray(target)) {
    const number = numberOf(key);
    if (number === undefined) throw new CelError(`unsupported index type '${typeName(key)}' in list`);
    const at = Number(number);
    if (!Number.isInteger(at)) throw new CelError(`unsupported index value ${at} in list`);
    if (!(at >= 0 && at < target.length)) throw new CelError(`index out of bounds: ${number}`);
    return target[at] as unknown;
  }
  const fields = fieldsOf(target);
  if (fields === undefined) throw new CelError("no such overload");
  const known = sameKey(key);
  if (!fields.has(known)) throw new CelError(`no such key: ${String(known)}`);
  return fields.get(known);
}
