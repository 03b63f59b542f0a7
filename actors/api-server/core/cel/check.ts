/**
 * What can be said of an expression before it is evaluated: names that nobody declared, fields that a schema does not have, operators
 * that do not fit. Where a type is not known, nothing is said.
 * Source: cel-go `checker`, whose words the problems have.
 */
import { MACROS } from "./evaluate.ts";
import type { BinaryOperator, CelNode } from "./syntax.ts";
import { issue } from "./syntax.ts";

export type CelKind =
  | { readonly is: "dyn" }
  | { readonly is: "simple"; readonly name: string }
  | { readonly is: "list"; readonly of: CelKind }
  | { readonly is: "map"; readonly of: CelKind }
  | { readonly is: "object"; readonly fields: ReadonlyMap<string, CelKind> }
  | { readonly is: "optional"; readonly of: CelKind };

export const DYN: CelKind = { is: "dyn" };

export function simple(name: string): CelKind {
  return { is: "simple", name };
}

const BOOL = simple("bool");
const INT = simple("int");
const STRING = simple("string");

export interface Checked {
  readonly kind: CelKind;
  /** The variables that the expression uses. */
  readonly uses: ReadonlySet<string>;
  /** Of each node that is a value. */
  readonly kinds: ReadonlyMap<CelNode, CelKind>;
  /** In the form of cel-go, one below the other; "" when there is none. */
  readonly problems: string;
}

type Scope = ReadonlyMap<string, CelKind>;

export function checkCel(text: string, node: CelNode, variables: Readonly<Record<string, CelKind>>): Checked {
  const check = new Check(text);
  const kind = check.kindOf(node, new Map(Object.entries(variables)));
  return { kind, uses: check.uses, kinds: check.kinds, problems: check.problems.join("\n") };
}

const TYPE_NAMES: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "int",
  "list",
  "map",
  "null_type",
  "string",
  "type",
  "uint",
]);
const NAMESPACES: ReadonlySet<string> = new Set(["format", "ip", "math", "optional", "sets", "strings"]);

/** What the functions give; what is not here is not a function. */
const FUNCTIONS: Readonly<Record<string, CelKind>> = {
  size: INT,
  dyn: DYN,
  type: simple("type"),
  matches: BOOL,
  bool: BOOL,
  bytes: simple("bytes"),
  double: simple("double"),
  int: INT,
  string: STRING,
  uint: simple("uint"),
  timestamp: simple("timestamp"),
  duration: simple("duration"),
  quantity: simple("quantity"),
  isQuantity: BOOL,
  ip: simple("ip"),
  isIP: BOOL,
  cidr: simple("cidr"),
  isCIDR: BOOL,
  url: simple("url"),
  isURL: BOOL,
  semver: simple("semver"),
  isSemver: BOOL,
};

/** What the methods give, whatever they are called on. */
const METHODS: Readonly<Record<string, CelKind>> = {
  ...Object.fromEntries(
    [
      "startsWith endsWith contains matches isSorted hasValue isInteger isLessThan isGreaterThan isUnspecified isLoopback",
      "isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast containsIP containsCIDR",
    ]
      .join(" ")
      .split(" ")
      .map((name) => [name, BOOL]),
  ),
  ...Object.fromEntries(
    [
      "size indexOf lastIndexOf getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes",
      "getSeconds getMilliseconds asInteger compareTo family prefixLength major minor patch",
    ]
      .join(" ")
      .split(" ")
      .map((name) => [name, INT]),
  ),
  ...Object.fromEntries(
    [
      "charAt lowerAscii upperAscii replace substring trim join format find",
      "getScheme getHost getHostname getPort getEscapedPath",
    ]
      .join(" ")
      .split(" ")
      .map((name) => [name, STRING]),
  ),
  findAll: { is: "list", of: STRING },
  split: { is: "list", of: STRING },
  asApproximateFloat: simple("double"),
  ...Object.fromEntries(
    "sum min max flatten distinct reverse sort first last slice value or orValue add sub ip masked getQuery validate"
      .split(" ")
      .map((name) => [name, DYN]),
  ),
};

class Check {
  readonly uses = new Set<string>();
  readonly kinds = new Map<CelNode, CelKind>();
  readonly problems: string[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  #problem(node: CelNode, words: string): CelKind {
    this.problems.push(issue(this.#text, markOf(node, this.#text), words));
    return DYN;
  }

  kindOf(node: CelNode, scope: Scope): CelKind {
    const kind = this.#kindOf(node, scope);
    this.kinds.set(node, kind);
    return kind;
  }

  #kindOf(node: CelNode, scope: Scope): CelKind {
    switch (node.op) {
      case "value":
        return kindOfValue(node.args);
      case "id":
        return this.#variable(node, node.args, scope);
      case ".":
      case ".?":
        return this.#select(node, scope);
      case "[]":
      case "[?]": {
        const target = this.kindOf(node.args[0], scope);
        this.kindOf(node.args[1], scope);
        const inner = target.is === "optional" ? target.of : target;
        const item = inner.is === "list" || inner.is === "map" ? inner.of : DYN;
        return node.op === "[?]" || target.is === "optional" ? { is: "optional", of: item } : item;
      }
      case "call":
        return this.#call(node, node.args[0], node.args[1], scope);
      case "rcall":
        return this.#method(node, node.args[0], node.args[1], node.args[2], scope);
      case "list": {
        const kinds = node.args.map((item) => this.kindOf(item, scope));
        const [first = DYN] = kinds;
        return { is: "list", of: kinds.every((kind) => nameOf(kind) === nameOf(first)) ? first : DYN };
      }
      case "map":
        for (const [key, value] of node.args) {
          this.kindOf(key, scope);
          this.kindOf(value, scope);
        }
        return { is: "map", of: DYN };
      case "?:": {
        this.#mustBeBool(node.args[0], scope);
        const [yes, no] = [this.kindOf(node.args[1], scope), this.kindOf(node.args[2], scope)];
        return nameOf(yes) === nameOf(no) ? yes : DYN;
      }
      case "&&":
      case "||":
        for (const side of node.args) this.#mustBeBool(side, scope);
        return BOOL;
      case "!_": {
        const kind = this.kindOf(node.args, scope);
        if (kind.is !== "dyn" && nameOf(kind) !== "bool") {
          this.#problem(node, `found no matching overload for '!_' applied to '(${nameOf(kind)})'`);
        }
        return BOOL;
      }
      case "-_":
        return this.kindOf(node.args, scope);
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
        return this.#binary(node.op, node, scope);
    }
  }

  #variable(node: CelNode, name: string, scope: Scope): CelKind {
    const known = scope.get(name);
    if (known !== undefined) {
      this.uses.add(name);
      return known;
    }
    if (TYPE_NAMES.has(name)) return simple("type");
    return this.#problem(node, `undeclared reference to '${name}' (in container '')`);
  }

  #select(node: CelNode & { readonly op: "." | ".?" }, scope: Scope): CelKind {
    const [target, name] = node.args;
    const given = this.kindOf(target, scope);
    const inner = given.is === "optional" ? given.of : given;
    let found: CelKind = DYN;
    if (inner.is === "map") found = inner.of;
    else if (inner.is === "object") {
      const field = inner.fields.get(name);
      if (field === undefined) return this.#problem(node, `undefined field '${name}'`);
      found = field;
    } else if (inner.is !== "dyn") {
      return this.#problem(node, `type '${nameOf(inner)}' does not support field selection`);
    }
    return node.op === ".?" || given.is === "optional" ? { is: "optional", of: found } : found;
  }

  #mustBeBool(node: CelNode, scope: Scope): void {
    const kind = this.kindOf(node, scope);
    if (kind.is === "dyn" || nameOf(kind) === "bool") return;
    this.#problem(node, `expected type 'bool' but found '${nameOf(kind)}'`);
  }

  #binary(op: BinaryOperator, node: CelNode & { readonly args: readonly [CelNode, CelNode] }, scope: Scope): CelKind {
    const [a, b] = [this.kindOf(node.args[0], scope), this.kindOf(node.args[1], scope)];
    const refuse = (): CelKind => {
      const operator = op === "in" ? "@in" : `_${op}_`;
      return this.#problem(
        node,
        `found no matching overload for '${operator}' applied to '(${nameOf(a)}, ${nameOf(b)})'`,
      );
    };
    const known = a.is !== "dyn" && b.is !== "dyn";
    switch (op) {
      case "==":
      case "!=":
        if (known && !comparable(a, b)) refuse();
        return BOOL;
      case "<":
      case "<=":
      case ">":
      case ">=":
        if (known && !ordered(a, b)) refuse();
        return BOOL;
      case "in":
        if (b.is !== "dyn" && b.is !== "list" && b.is !== "map") refuse();
        else if (b.is === "list" && a.is !== "dyn" && b.of.is !== "dyn" && !comparable(a, b.of)) refuse();
        return BOOL;
      case "+":
      case "-":
      case "*":
      case "/":
      case "%":
        return known ? (arithmeticKind(op, a, b) ?? refuse()) : DYN;
    }
  }

  #call(node: CelNode, name: string, args: readonly CelNode[], scope: Scope): CelKind {
    if (name === "has") {
      const [field] = args;
      if (field?.op !== "." && field?.op !== ".?") return this.#problem(node, "invalid argument to has() macro");
      this.kindOf(field, scope);
      return BOOL;
    }
    for (const arg of args) this.kindOf(arg, scope);
    if (Object.hasOwn(FUNCTIONS, name)) return FUNCTIONS[name] ?? DYN;
    return this.#problem(node, `undeclared reference to '${name}' (in container '')`);
  }

  #method(node: CelNode, name: string, target: CelNode, args: readonly CelNode[], scope: Scope): CelKind {
    if (target.op === "id" && !scope.has(target.args) && NAMESPACES.has(target.args)) {
      return this.#namespaced(`${target.args}.${name}`, args, scope);
    }
    const given = this.kindOf(target, scope);
    if (MACROS.has(name) && args[0]?.op === "id" && args.length > 1) return this.#macro(name, given, args, scope);
    const kinds = args.map((arg) => this.kindOf(arg, scope));
    if (!Object.hasOwn(METHODS, name)) {
      return this.#problem(node, `undeclared reference to '${name}' (in container '')`);
    }
    if (given.is === "simple" && NO_METHODS.has(given.name)) {
      const shown = [given, ...kinds].map(nameOf);
      return this.#problem(
        node,
        `found no matching overload for '${name}' applied to '${shown[0]}.(${shown.slice(1).join(", ")})'`,
      );
    }
    if (given.is === "list" && ["min", "max", "sum"].includes(name)) return given.of;
    if (given.is === "list" && ["distinct", "reverse", "sort", "slice"].includes(name)) return given;
    if (given.is === "optional" && (name === "value" || name === "orValue")) return given.of;
    return METHODS[name] ?? DYN;
  }

  #namespaced(name: string, args: readonly CelNode[], scope: Scope): CelKind {
    for (const arg of args) this.kindOf(arg, scope);
    return name.startsWith("sets.") || name === "ip.isCanonical" ? BOOL : DYN;
  }

  #macro(name: string, given: CelKind, args: readonly CelNode[], scope: Scope): CelKind {
    const [first, second] = args;
    const quantifier = QUANTIFIERS.has(name);
    const two = name.startsWith("transform") || (quantifier && args.length === 3);
    const inner = new Map(scope);
    const item = given.is === "list" || given.is === "optional" ? given.of : DYN;
    const key = given.is === "list" ? INT : given.is === "map" ? STRING : DYN;
    const only = given.is === "map" ? STRING : item;
    if (first?.op === "id") inner.set(first.args, two ? key : only);
    if (two && second?.op === "id") inner.set(second.args, given.is === "map" ? given.of : item);
    const bodies = args.slice(two ? 2 : 1);
    const kinds = bodies.map((body) => this.kindOf(body, inner));
    const last = kinds.at(-1) ?? DYN;
    if (quantifier) {
      if (last.is !== "dyn" && nameOf(last) !== "bool") {
        const [body] = bodies;
        if (body !== undefined) this.#problem(body, `expected type 'bool' but found '${nameOf(last)}'`);
      }
      return BOOL;
    }
    if (name === "filter") return { is: "list", of: only };
    if (name === "map" || name === "transformList") return { is: "list", of: last };
    if (name === "optMap") return { is: "optional", of: last };
    return DYN;
  }
}

/** Where cel-go puts its mark: at the dot, the bracket, the parenthesis or the operator. */
function markOf(node: CelNode, text: string): number {
  const found = (what: string, from: number): number => {
    const at = text.indexOf(what, from);
    return at < 0 ? node.start : at;
  };
  switch (node.op) {
    case "value":
    case "id":
    case "list":
    case "map":
    case "!_":
    case "-_":
      return node.start;
    case ".":
    case ".?":
      return found(".", node.args[0].end);
    case "[]":
    case "[?]":
      return found("[", node.args[0].end);
    case "call":
      return found("(", node.start);
    case "rcall":
      return found("(", node.args[1].end + node.args[0].length);
    case "?:":
      return found("?", node.args[0].end);
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
    case "&&":
    case "||":
      return found(node.op, node.args[0].end);
  }
}

const QUANTIFIERS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "existsOne"]);
const ORDERED: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "duration",
  "int",
  "string",
  "timestamp",
  "uint",
]);
const NUMBERS: ReadonlySet<string> = new Set(["double", "int", "uint"]);
const NO_METHODS: ReadonlySet<string> = new Set(["bool", "double", "int", "null", "uint"]);

export function nameOf(kind: CelKind): string {
  switch (kind.is) {
    case "dyn":
      return "dyn";
    case "simple":
      return kind.name;
    case "list":
      return `list(${nameOf(kind.of)})`;
    case "map":
      return `map(string, ${nameOf(kind.of)})`;
    case "object":
      return "object";
    case "optional":
      return `optional_type(${nameOf(kind.of)})`;
  }
}

function kindOfValue(value: unknown): CelKind {
  if (value === null) return simple("null");
  if (typeof value === "bigint") return INT;
  if (typeof value === "number") return simple("double");
  if (typeof value === "string") return STRING;
  if (typeof value === "boolean") return BOOL;
  return value instanceof Uint8Array ? simple("bytes") : simple("uint");
}

/** Null fits objects, lists and all that may have none; numbers of different types have an order, but no equality. */
function comparable(a: CelKind, b: CelKind): boolean {
  if (a.is === "dyn" || b.is === "dyn") return true;
  if (nameOf(a) === "null" || nameOf(b) === "null") return true;
  if (a.is !== b.is) return false;
  if (a.is === "simple" && b.is === "simple") return a.name === b.name;
  if ("of" in a && "of" in b) return comparable(a.of, b.of);
  return true;
}

function ordered(a: CelKind, b: CelKind): boolean {
  if (NUMBERS.has(nameOf(a)) && NUMBERS.has(nameOf(b))) return true;
  return comparable(a, b) && ORDERED.has(nameOf(a));
}

/** undefined: there is no such operator for the two. */
function arithmeticKind(op: string, a: CelKind, b: CelKind): CelKind | undefined {
  const [left, right] = [nameOf(a), nameOf(b)];
  if (left === right && NUMBERS.has(left)) return op === "%" && left === "double" ? undefined : a;
  if (op === "+" && left === right && (left === "string" || left === "bytes" || left === "duration")) return a;
  if (op === "+" && a.is === "list" && b.is === "list") return comparable(a, b) ? a : undefined;
  if (op === "+" && a.is === "map" && b.is === "map") return a;
  const times = new Set([left, right]);
  if (op === "+" && times.has("timestamp") && times.has("duration")) return simple("timestamp");
  if (op === "-" && left === "timestamp")
    return right === "timestamp" ? simple("duration") : right === "duration" ? a : undefined;
  return op === "-" && left === "duration" && right === "duration" ? a : undefined;
}
