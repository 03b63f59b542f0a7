/**
 * What an expression costs at most, before it is evaluated: from the sizes that its variables can have. Costs are those of cel-go's
 * checker, and must be: they decide which rules are taken. Macros cost what cel-go makes of them.
 * Source: cel-go `checker/cost.go`, `parser/macro.go`, `cel/library.go` (optMap), `ext/comprehensions.go`.
 */
import type { CelKind } from "./check.ts";
import { DYN, nameOf } from "./check.ts";
import { callCost } from "./call-cost.ts";
import { MACROS } from "./evaluate.ts";
import type { Size, Sized } from "./sizes.ts";
import { UNKNOWN_SIZE, costOf, either, fixed, plus, product, sizeAt, sum } from "./sizes.ts";
import type { BinaryOperator, CelNode } from "./syntax.ts";

/** Costs of one step. */
const NAME = 1;
const CALL = 1;
const NEW_LIST = 10;
const NEW_MAP = 30;
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
}

type Scope = ReadonlyMap<string, Variable>;

/** @param kinds of the nodes, as they were checked; @param root what the paths of variables begin at */
export function estimateCost(node: CelNode, kinds: ReadonlyMap<CelNode, CelKind>, root: Sized): number {
  return new Estimate(kinds, root).cost(node, new Map());
}

/** A value that a function is given. */
export interface Operand {
  readonly kind: CelKind;
  readonly size: Size;
  /** Of the items, when it is a list. */
  readonly itemSize: Size;
  readonly node: CelNode;
}

class Estimate {
  readonly #kinds: ReadonlyMap<CelNode, CelKind>;
  readonly #root: Sized;
  readonly #paths = new Map<CelNode, readonly string[]>();
  readonly #sizes = new Map<CelNode, Size>();
  readonly #entries = new Map<CelNode, Entry>();

  constructor(kinds: ReadonlyMap<CelNode, CelKind>, root: Sized) {
    this.#kinds = kinds;
    this.#root = root;
  }

  #kind(node: CelNode): CelKind {
    return this.#kinds.get(node) ?? DYN;
  }

  #path(node: CelNode, scope: Scope): readonly string[] {
    const variable = node.op === "id" ? scope.get(node.args) : undefined;
    return variable?.path ?? this.#paths.get(node) ?? [];
  }

  #size(node: CelNode, scope: Scope): Size | undefined {
    const known = this.#sizes.get(node) ?? literalSize(node);
    if (known !== undefined) return known;
    const path = this.#path(node, scope);
    const declared = path.length === 0 ? undefined : sizeAt(this.#root, path);
    if (declared !== undefined) return declared;
    if (isScalar(this.#kind(node))) return fixed(1);
    return node.op === "id" ? scope.get(node.args)?.size : undefined;
  }

  #sizeOrUnknown(node: CelNode, scope: Scope): Size {
    return this.#size(node, scope) ?? UNKNOWN_SIZE;
  }

  #setSize(node: CelNode, size: Size | undefined): void {
    if (size !== undefined) this.#sizes.set(node, size);
  }

  #setEntry(node: CelNode, entry: Entry | undefined): void {
    if (entry !== undefined) this.#entries.set(node, entry);
  }

  cost(node: CelNode, scope: Scope): number {
    switch (node.op) {
      case "value":
        return 0;
      case "id":
        this.#paths.set(node, scope.get(node.args)?.path ?? [node.args]);
        return NAME;
      case ".":
        return this.#select(node, scope);
      case ".?":
        return this.#called(node, scope, sum(CALL, this.cost(node.args[0], scope)));
      case "[]":
        return this.#index(node, scope);
      case "[?]":
        return this.#called(node, scope, sum(CALL, ...this.#costs(node.args, scope)));
      case "list":
        return this.#list(node, scope);
      case "map":
        return this.#map(node, scope);
      case "?:":
        return this.#conditional(node, scope);
      case "&&":
      case "||":
        return this.#called(node, scope, sum(...this.#costs(node.args, scope)));
      case "!_":
        return this.#called(node, scope, sum(CALL, this.cost(node.args, scope)));
      case "-_":
        return isNumber(node.args) ? 0 : this.#called(node, scope, sum(CALL, this.cost(node.args, scope)));
      case "call":
        return this.#call(node, scope);
      case "rcall":
        return this.#method(node, scope);
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
        return this.#binary(node, scope);
    }
  }

  #costs(nodes: readonly CelNode[], scope: Scope): readonly number[] {
    return nodes.map((node) => this.cost(node, scope));
  }

  /** The size of what a function gives is known of a scalar only. */
  #called(node: CelNode, scope: Scope, cost: number): number {
    this.#setSize(node, this.#size(node, scope));
    return cost;
  }

  #select(node: CelNode & { readonly op: "." | ".?" }, scope: Scope): number {
    const [target, name] = node.args;
    const cost = this.cost(target, scope);
    this.#paths.set(node, [...this.#path(target, scope), name]);
    const { is } = this.#kind(target);
    return is === "map" || is === "object" ? sum(cost, NAME) : cost;
  }

  #index(node: CelNode & { readonly op: "[]" | "[?]" }, scope: Scope): number {
    const [target] = node.args;
    const cost = sum(CALL, ...this.#costs(node.args, scope));
    const { is } = this.#kind(target);
    if (is === "optional") return this.#called(node, scope, cost);
    this.#paths.set(node, [...this.#path(target, scope), is === "list" ? "@items" : "@values"]);
    this.#setSize(node, this.#entry(target)?.value ?? this.#size(node, scope));
    return cost;
  }

  #entry(node: CelNode): Entry | undefined {
    return this.#entries.get(node);
  }

  #list(node: CelNode & { readonly op: "list" }, scope: Scope): number {
    const cost = sum(NEW_LIST, ...this.#costs(node.args, scope));
    this.#entries.set(node, { container: "list", key: fixed(1), value: this.#sizeOfAll(node.args, scope) });
    return cost;
  }

  #map(node: CelNode & { readonly op: "map" }, scope: Scope): number {
    const cost = sum(NEW_MAP, ...this.#costs(node.args.flat(), scope));
    const [key, value] = [0, 1].map((side) =>
      this.#sizeOfAll(
        node.args.map((pair) => pair[side as 0 | 1]),
        scope,
      ),
    );
    this.#entries.set(node, { container: "map", key: key ?? fixed(0), value: value ?? fixed(0) });
    return cost;
  }

  #sizeOfAll(nodes: readonly CelNode[], scope: Scope): Size {
    const [first, ...others] = nodes.map((node) => this.#sizeOrUnknown(node, scope));
    return first === undefined ? fixed(0) : others.reduce(either, first);
  }

  #conditional(node: CelNode & { readonly op: "?:" }, scope: Scope): number {
    const [holds, yes, no] = node.args;
    const cost = sum(this.cost(holds, scope), Math.max(this.cost(yes, scope), this.cost(no, scope)));
    this.#setEntry(node, joined(this.#entry(yes), this.#entry(no)));
    this.#setSize(node, either(this.#sizeOrUnknown(yes, scope), this.#sizeOrUnknown(no, scope)));
    return cost;
  }

  #binary(node: CelNode & { readonly op: BinaryOperator }, scope: Scope): number {
    const [a, b] = node.args;
    const operands = sum(this.cost(a, scope), this.cost(b, scope));
    const [left, right] = [this.#sizeOrUnknown(a, scope), this.#sizeOrUnknown(b, scope)];
    const kinds = [this.#kind(a), this.#kind(b)] as const;
    const done = (cost: number): number => this.#called(node, scope, sum(cost, operands));
    const compared = costOf(fixed(Math.min(left.max, right.max)), TEXT);
    switch (node.op) {
      case "==":
        return done(kinds.every(isPlainOpaque) ? CALL : compared);
      case "!=":
        return done(compared);
      case "<":
      case "<=":
      case ">":
      case ">=":
        return done(
          kinds.some(isText) ? compared : kinds.every(({ is }) => is === "dyn") ? Math.max(CALL, compared) : CALL,
        );
      case "in":
        return done(kinds[1].is === "map" ? CALL : costOf(right, 1));
      case "+":
        return this.#plus(node, scope, operands);
      case "-":
      case "*":
      case "/":
      case "%":
        return done(CALL);
    }
  }

  #plus(node: CelNode & { readonly op: BinaryOperator }, scope: Scope, operands: number): number {
    const [a, b] = node.args;
    const kinds = [this.#kind(a), this.#kind(b)] as const;
    const untold = kinds.every(({ is }) => is === "dyn");
    const whole = plus(this.#sizeOrUnknown(a, scope), this.#sizeOrUnknown(b, scope));
    const text = untold || kinds.some(isText);
    if (!text && !kinds.some(({ is }) => is === "list")) return this.#called(node, scope, sum(CALL, operands));
    this.#setEntry(node, joined(this.#entry(a), this.#entry(b)));
    this.#setSize(node, whole);
    return sum(text ? Math.max(untold ? CALL : 0, costOf(whole, TEXT)) : CALL, operands);
  }

  #call(node: CelNode & { readonly op: "call" }, scope: Scope): number {
    const [name, args] = node.args;
    const [first] = args;
    if (name === "has") {
      const held = first?.op === "." || first?.op === ".?" ? first.args[0] : undefined;
      return this.#called(node, scope, held === undefined ? 0 : this.cost(held, scope));
    }
    if (name === "dyn" && first !== undefined) {
      const cost = sum(CALL, this.cost(first, scope));
      this.#setSize(node, this.#size(first, scope));
      this.#setEntry(node, this.#entry(first));
      return cost;
    }
    return this.#function(node, name, undefined, args, scope);
  }

  #method(node: CelNode & { readonly op: "rcall" }, scope: Scope): number {
    const [name, target, args] = node.args;
    if (target.op === "id" && !this.#kinds.has(target)) {
      return this.#function(node, `${target.args}.${name}`, undefined, args, scope);
    }
    if (MACROS.has(name) && args[0]?.op === "id" && args.length > 1)
      return this.#macro(node, name, target, args, scope);
    return this.#function(node, name, target, args, scope);
  }

  #function(node: CelNode, name: string, target: CelNode | undefined, args: readonly CelNode[], scope: Scope): number {
    const given = sum(...this.#costs(args, scope), target === undefined ? 0 : this.cost(target, scope));
    const operand = (one: CelNode): Operand => this.#operand(one, scope);
    const { cost, size } = callCost(name, target && operand(target), args.map(operand));
    this.#setSize(node, size ?? this.#size(node, scope));
    return sum(cost, given);
  }

  #operand(node: CelNode, scope: Scope): Operand {
    const path = this.#path(node, scope);
    const itemSize = path.length === 0 ? undefined : sizeAt(this.#root, [...path, "@items"]);
    return {
      node,
      kind: this.#kind(node),
      size: this.#sizeOrUnknown(node, scope),
      itemSize: itemSize ?? UNKNOWN_SIZE,
    };
  }

  /** What runs over a list or a map: so many times what one round costs, and what is around it. */
  #macro(node: CelNode, name: string, range: CelNode, args: readonly CelNode[], scope: Scope): number {
    if (name === "optMap" || name === "optFlatMap") return this.#optional(node, name, range, args, scope);
    const given = this.cost(range, scope);
    const two = name.startsWith("transform") || (QUANTIFIERS.has(name) && args.length === 3);
    const inner = this.#inner(range, args, two, scope);
    const bodies = args.slice(two ? 2 : 1);
    const rounds = this.#sizeOrUnknown(range, scope);
    const costs = this.#costs(bodies, inner);
    const [first = 0, second = 0] = costs;
    const all = (around: number, round: number): number => sum(given, around, product(rounds.max, round));
    switch (name) {
      case "all":
        return this.#called(node, scope, all(1, sum(3, first)));
      case "exists":
        return this.#called(node, scope, all(1, sum(4, first)));
      case "exists_one":
      case "existsOne":
        return this.#called(node, scope, all(2, sum(2, first)));
      case "filter":
      case "map":
      case "transformList": {
        const [item] = args;
        const made = name === "filter" ? item : bodies.at(-1);
        const step = name === "filter" ? sum(13, first) : bodies.length > 1 ? sum(12, first, second) : sum(12, first);
        const size = made === undefined ? UNKNOWN_SIZE : this.#sizeOrUnknown(made, inner);
        this.#setSize(node, rounds);
        this.#setEntry(node, { container: "list", key: fixed(1), value: either(fixed(0), size) });
        return all(NEW_LIST + 1, step);
      }
    }
    // transformMap, transformMapEntry: the key is a name besides.
    this.#setSize(node, rounds);
    return all(NEW_MAP + 1, sum(name === "transformMap" ? 3 : 2, first, second));
  }

  #inner(range: CelNode, args: readonly CelNode[], two: boolean, scope: Scope): Scope {
    const inner = new Map(scope);
    const path = this.#path(range, scope);
    const entry = this.#entry(range);
    const list = (entry?.container ?? this.#kind(range).is) === "list";
    const key: Variable = { path: [...path, list ? "@indices" : "@keys"], size: entry?.key };
    const value: Variable = { path: [...path, list ? "@items" : "@values"], size: entry?.value };
    const [first, second] = args;
    if (first?.op === "id") inner.set(first.args, two || !list ? key : value);
    if (two && second?.op === "id") inner.set(second.args, value);
    return inner;
  }

  /** Asks twice for what there may be, and binds it. */
  #optional(node: CelNode, name: string, target: CelNode, args: readonly CelNode[], scope: Scope): number {
    const [variable, body] = args;
    const asked = this.cost(target, scope);
    const kind = this.#kind(target);
    const inner = new Map(scope);
    const size = kind.is === "optional" && isScalar(kind.of) ? fixed(1) : undefined;
    if (variable?.op === "id") inner.set(variable.args, { path: [], size });
    const bound = sum(NEW_LIST + CALL, asked, body === undefined ? 0 : this.cost(body, inner));
    return this.#called(node, scope, sum(CALL, asked, name === "optMap" ? CALL : 0, bound));
  }
}

const QUANTIFIERS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "existsOne"]);
const SCALARS: ReadonlySet<string> = new Set(["bool", "double", "duration", "int", "timestamp", "uint"]);
/** Two of them are compared at once, however large. */
const PLAIN_OPAQUE: ReadonlySet<string> = new Set(["cidr", "ip", "quantity", "semver", "url"]);

function isScalar(kind: CelKind): boolean {
  return kind.is === "optional" ? isScalar(kind.of) : kind.is === "simple" && SCALARS.has(kind.name);
}

function isPlainOpaque(kind: CelKind): boolean {
  return PLAIN_OPAQUE.has(nameOf(kind));
}

function isText(kind: CelKind): boolean {
  const name = nameOf(kind);
  return name === "string" || name === "bytes";
}

function isNumber(node: CelNode): boolean {
  return node.op === "value" && (typeof node.args === "bigint" || typeof node.args === "number");
}

function literalSize(node: CelNode): Size | undefined {
  if (node.op === "list" || node.op === "map") return fixed(node.args.length);
  if (node.op === "-_" && isNumber(node.args)) return fixed(1);
  if (node.op !== "value") return undefined;
  if (typeof node.args === "string") return fixed(Array.from(node.args).length);
  return fixed(node.args instanceof Uint8Array ? node.args.length : 1);
}

function joined(left: Entry | undefined, right: Entry | undefined): Entry | undefined {
  if (left === undefined || right === undefined) return undefined;
  return { container: left.container, key: either(left.key, right.key), value: either(left.value, right.value) };
}
