/**
 * What an expression costs at most, before it is evaluated: from the sizes that its variables can have. Costs are those of cel-go's
 * checker, and must be: they decide which rules are taken.
 * Source: cel-go `checker/cost.go`.
 */
import { callCost } from "./call-cost.ts";
import type { CelProgram } from "./compile.ts";
import type { Call, Expression, Fold, Selection } from "./expression.ts";
import { RESULT } from "./macros.ts";
import { BASE_OVERLOADS } from "./overloads.ts";
import type { Size, Sized } from "./sizes.ts";
import { UNKNOWN_SIZE, costOf, either, fixed, plus, product, sizeAt, sum } from "./sizes.ts";
import type { CelType } from "./types.ts";
import { DYN_TYPE, isOptional, unwrapped } from "./types.ts";

/** Costs of one step. */
const NAME = 1;
const CALL = 1;
const NEW_LIST = 10;
const NEW_MAP = 30;
const NEW_STRUCT = 40;
/** Of each character that is looked at. */
const TEXT = 0.1;

/** What is in a list or map that the expression itself makes. */
interface Entry {
  readonly container: "list" | "map";
  readonly key: Size;
  readonly value: Size;
}

interface Variable {
  readonly path: readonly string[];
  readonly size: Size | undefined;
  readonly entry: Entry | undefined;
}

type Scope = ReadonlyMap<string, Variable>;

/** @param root what the paths of variables begin at */
export function estimateCost({ expression, types }: CelProgram, root: Sized): number {
  return new Estimate(types, root).cost(expression, new Map());
}

/** A value that a function is given. */
export interface Operand {
  readonly type: CelType;
  readonly size: Size;
  /** Of the items, when it is a list. */
  readonly itemSize: Size;
  readonly expression: Expression;
}

class Estimate {
  readonly #types: ReadonlyMap<Expression, CelType>;
  readonly #root: Sized;
  readonly #paths = new Map<Expression, readonly string[]>();
  readonly #sizes = new Map<Expression, Size>();
  readonly #entries = new Map<Expression, Entry>();

  constructor(types: ReadonlyMap<Expression, CelType>, root: Sized) {
    this.#types = types;
    this.#root = root;
  }

  #type(expression: Expression): CelType {
    return this.#types.get(expression) ?? DYN_TYPE;
  }

  #path(expression: Expression, scope: Scope): readonly string[] {
    const variable = expression.is === "identifier" ? scope.get(expression.name) : undefined;
    return variable?.path ?? this.#paths.get(expression) ?? [];
  }

  #size(expression: Expression, scope: Scope): Size | undefined {
    const known = this.#sizes.get(expression) ?? literalSize(expression);
    if (known !== undefined) return known;
    const path = this.#path(expression, scope);
    const declared = path.length === 0 ? undefined : sizeAt(this.#root, path);
    if (declared !== undefined) return declared;
    if (isScalar(this.#type(expression))) return fixed(1);
    return expression.is === "identifier" ? scope.get(expression.name)?.size : undefined;
  }

  #sizeOrUnknown(expression: Expression, scope: Scope): Size {
    return this.#size(expression, scope) ?? UNKNOWN_SIZE;
  }

  #setSize(expression: Expression, size: Size | undefined): void {
    if (size !== undefined) this.#sizes.set(expression, size);
  }

  #entry(expression: Expression, scope: Scope): Entry | undefined {
    const known = this.#entries.get(expression);
    return known ?? (expression.is === "identifier" ? scope.get(expression.name)?.entry : undefined);
  }

  #setEntry(expression: Expression, entry: Entry | undefined): void {
    if (entry !== undefined) this.#entries.set(expression, entry);
  }

  cost(expression: Expression, scope: Scope): number {
    switch (expression.is) {
      case "literal":
        return 0;
      case "identifier":
        this.#paths.set(expression, scope.get(expression.name)?.path ?? [expression.name]);
        return NAME;
      case "select":
        return this.#select(expression, scope);
      case "call":
        return this.#call(expression, scope);
      case "list": {
        const values = expression.items.map(({ value }) => value);
        const cost = sum(NEW_LIST, ...this.#costs(values, scope));
        this.#entries.set(expression, { container: "list", key: fixed(1), value: this.#sizeOfAll(values, scope) });
        return cost;
      }
      case "map":
        return this.#map(expression, scope);
      case "struct":
        return sum(
          NEW_STRUCT,
          ...this.#costs(
            expression.fields.map(({ value }) => value),
            scope,
          ),
        );
      case "fold":
        return this.#fold(expression, scope);
    }
  }

  #costs(expressions: readonly Expression[], scope: Scope): readonly number[] {
    return expressions.map((one) => this.cost(one, scope));
  }

  /** The size of what a function gives is known of a scalar only. */
  #called(expression: Expression, scope: Scope, cost: number): number {
    this.#setSize(expression, this.#size(expression, scope));
    return cost;
  }

  #select(selection: Selection, scope: Scope): number {
    const { from, field, test, optional } = selection;
    const cost = this.cost(from, scope);
    if (test) return cost;
    if (optional) return this.#called(selection, scope, sum(CALL, cost));
    this.#paths.set(selection, [...this.#path(from, scope), field]);
    const { is } = this.#type(from);
    return is === "map" || is === "struct" ? sum(cost, NAME) : cost;
  }

  #map(map: Expression & { readonly is: "map" }, scope: Scope): number {
    const keys = map.entries.map(({ key }) => key);
    const values = map.entries.map(({ value }) => value);
    const cost = sum(NEW_MAP, ...this.#costs(keys, scope), ...this.#costs(values, scope));
    const [key, value] = [keys, values].map((all) => this.#sizeOfAll(all, scope));
    this.#entries.set(map, { container: "map", key: key ?? fixed(0), value: value ?? fixed(0) });
    return cost;
  }

  #sizeOfAll(expressions: readonly Expression[], scope: Scope): Size {
    const [first, ...others] = expressions.map((one) => this.#sizeOrUnknown(one, scope));
    return first === undefined ? fixed(0) : others.reduce(either, first);
  }

  #call(call: Call, scope: Scope): number {
    const { name, target, args } = call;
    const [first, second, third] = args;
    if (name === "_?_:_" && first !== undefined && second !== undefined && third !== undefined) {
      return this.#conditional(call, [first, second, third], scope);
    }
    if (name === "dyn" && first !== undefined) {
      const cost = sum(CALL, this.cost(first, scope));
      this.#setSize(call, this.#size(first, scope));
      this.#setEntry(call, this.#entry(first, scope));
      return cost;
    }
    if (target !== undefined) return this.#method(call, target, scope);
    const given = sum(...this.#costs(args, scope));
    if (name === "_&&_" || name === "_||_") return this.#called(call, scope, given);
    if (first !== undefined && second !== undefined && OPERATORS.has(name)) {
      return this.#binary(call, [first, second], given, scope);
    }
    return this.#function(call, name, undefined, given, scope);
  }

  #conditional(call: Call, [holds, yes, no]: readonly [Expression, Expression, Expression], scope: Scope): number {
    const cost = sum(this.cost(holds, scope), Math.max(this.cost(yes, scope), this.cost(no, scope)));
    this.#setEntry(call, joined(this.#entry(yes, scope), this.#entry(no, scope)));
    this.#setSize(call, either(this.#sizeOrUnknown(yes, scope), this.#sizeOrUnknown(no, scope)));
    return cost;
  }

  /** @param given what the operands cost */
  #binary(call: Call, operands: readonly [Expression, Expression], given: number, scope: Scope): number {
    const [left, right] = operands.map((one) => this.#sizeOrUnknown(one, scope));
    const types = operands.map((one) => this.#type(one));
    const done = (cost: number): number => this.#called(call, scope, sum(cost, given));
    const compared = costOf(fixed(Math.min(left?.max ?? 0, right?.max ?? 0)), TEXT);
    switch (call.name) {
      case "_==_":
        return done(types.every(isPlainOpaque) ? CALL : compared);
      case "_!=_":
        return done(compared);
      case "_<_":
      case "_<=_":
      case "_>_":
      case "_>=_":
        return done(types.some(isText) ? compared : types.every(isDyn) ? Math.max(CALL, compared) : CALL);
      case "@in":
        return done(types[1]?.is === "map" ? CALL : costOf(right ?? UNKNOWN_SIZE, 1));
      case "_+_":
        return this.#plus(call, operands, given, scope);
    }
    return this.#index(call, operands[0], given, scope);
  }

  #plus(call: Call, [a, b]: readonly [Expression, Expression], given: number, scope: Scope): number {
    const types = [this.#type(a), this.#type(b)];
    const untold = types.every(isDyn);
    const whole = plus(this.#sizeOrUnknown(a, scope), this.#sizeOrUnknown(b, scope));
    const text = untold || types.some(isText);
    if (!text && !types.some(({ is }) => is === "list")) return this.#called(call, scope, sum(CALL, given));
    this.#setEntry(call, joined(this.#entry(a, scope), this.#entry(b, scope)));
    this.#setSize(call, whole);
    return sum(text ? Math.max(untold ? CALL : 0, costOf(whole, TEXT)) : CALL, given);
  }

  #index(call: Call, target: Expression, given: number, scope: Scope): number {
    const type = this.#type(target);
    if (isOptional(type)) return this.#called(call, scope, sum(CALL, given));
    this.#paths.set(call, [...this.#path(target, scope), type.is === "list" ? "@items" : "@values"]);
    this.#setSize(call, this.#entry(target, scope)?.value ?? this.#size(call, scope));
    return sum(CALL, given);
  }

  #method(call: Call, target: Expression, scope: Scope): number {
    const full = target.is === "identifier" ? `${target.name}.${call.name}` : "";
    const costs = sum(...this.#costs(call.args, scope));
    if (BASE_OVERLOADS.has(full)) return this.#function(call, full, undefined, costs, scope);
    return this.#function(call, call.name, target, sum(costs, this.cost(target, scope)), scope);
  }

  #function(call: Call, name: string, target: Expression | undefined, given: number, scope: Scope): number {
    const operand = (one: Expression): Operand => this.#operand(one, scope);
    const { cost, size } = callCost(name, target && operand(target), call.args.map(operand));
    this.#setSize(call, size ?? this.#size(call, scope));
    return sum(cost, given);
  }

  #operand(expression: Expression, scope: Scope): Operand {
    const path = this.#path(expression, scope);
    const itemSize = path.length === 0 ? undefined : sizeAt(this.#root, [...path, "@items"]);
    return {
      expression,
      type: this.#type(expression),
      size: this.#sizeOrUnknown(expression, scope),
      itemSize: itemSize ?? UNKNOWN_SIZE,
    };
  }

  /** So many times what one round costs, and what is around it. */
  #fold(fold: Fold, scope: Scope): number {
    const { over, variables, result, condition, step, end } = fold;
    const before = sum(this.cost(over, scope), this.cost(result.initial, scope));
    const { initial } = result;
    const withResult = new Map(scope).set(result.name, {
      path: this.#path(initial, scope),
      size: this.#size(initial, scope),
      entry: this.#entry(initial, scope),
    });
    if (isBinding(fold)) {
      const cost = sum(before, this.cost(end, withResult));
      this.#setSize(fold, this.#size(end, withResult));
      this.#setEntry(fold, this.#entry(end, withResult));
      return cost;
    }
    const inner = new Map([...withResult, ...this.#iterated(over, variables, scope)]);
    const round = sum(this.cost(condition, inner), this.cost(step, inner));
    const after = this.cost(end, withResult);
    const rounds = this.#sizeOrUnknown(over, scope);
    if (initial.is === "list" || initial.is === "map") {
      this.#setSize(fold, rounds);
      this.#setEntry(fold, this.#entry(step, inner));
    } else this.#setSize(fold, this.#size(initial, scope));
    return sum(before, after, product(rounds.max, round));
  }

  #iterated(over: Expression, [first = "", second]: readonly string[], scope: Scope): Scope {
    const path = this.#path(over, scope);
    const entry = this.#entry(over, scope);
    const list = (entry?.container ?? this.#type(over).is) === "list";
    const key: Variable = { path: [...path, list ? "@indices" : "@keys"], size: entry?.key, entry: undefined };
    const value: Variable = { path: [...path, list ? "@items" : "@values"], size: entry?.value, entry: undefined };
    if (second === undefined) return new Map([[first, list ? value : key]]);
    return new Map([
      [first, key],
      [second, value],
    ]);
  }
}

/** Whether it only gives a value a name. */
function isBinding({ over, result, condition }: Fold): boolean {
  const empty = over.is === "list" && over.items.length === 0;
  return empty && condition.is === "literal" && condition.value.value === false && result.name !== RESULT;
}

/** Those of two operands whose costs are not those of any call. */
const OPERATORS: ReadonlySet<string> = new Set(["_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_+_", "_[_]"]);
const SCALARS: ReadonlySet<string> = new Set(["bool", "double", "duration", "int", "timestamp", "uint"]);
/** Two of them are compared at once, however large. */
const PLAIN_OPAQUE: ReadonlySet<string> = new Set([
  "kubernetes.Quantity",
  "kubernetes.Semver",
  "kubernetes.URL",
  "net.CIDR",
  "net.IP",
]);

function isScalar(type: CelType): boolean {
  return isOptional(type) ? isScalar(unwrapped(type)) : type.is === "simple" && SCALARS.has(type.name);
}

function isPlainOpaque({ name }: CelType): boolean {
  return PLAIN_OPAQUE.has(name);
}

function isDyn({ is }: CelType): boolean {
  return is === "dyn";
}

export function isText({ is, name }: CelType): boolean {
  return is === "simple" && (name === "string" || name === "bytes");
}

function literalSize(expression: Expression): Size | undefined {
  if (expression.is === "list") return fixed(expression.items.length);
  if (expression.is === "map") return fixed(expression.entries.length);
  if (expression.is !== "literal") return undefined;
  const { value } = expression.value;
  if (typeof value === "string") return fixed(Array.from(value).length);
  return fixed(value instanceof Uint8Array ? value.length : 1);
}

function joined(left: Entry | undefined, right: Entry | undefined): Entry | undefined {
  if (left === undefined || right === undefined) return undefined;
  return { container: left.container, key: either(left.key, right.key), value: either(left.value, right.value) };
}
