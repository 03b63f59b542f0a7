/**
 * The types of CEL, and which of them fit together. A type that is not known yet is a variable; a `Bindings` says what it has turned out
 * to be. Source: cel-go `checker/types.go`, `common/types/types.go`.
 */
export type CelTypeKind =
  | "any"
  | "dyn"
  | "error"
  | "list"
  | "map"
  | "null"
  | "opaque"
  | "simple"
  | "struct"
  | "type"
  | "variable";

export interface CelType {
  readonly is: CelTypeKind;
  /** As messages name it. */
  readonly name: string;
  /** Of a list its items, of a map its keys and its values, of others what they are made of. */
  readonly of: readonly CelType[];
}

function plain(is: CelTypeKind, name: string): CelType {
  return { is, name, of: [] };
}

export const DYN_TYPE: CelType = plain("dyn", "dyn");
export const ANY_TYPE: CelType = plain("any", "any");
export const ERROR_TYPE: CelType = plain("error", "!error!");
export const NULL_TYPE: CelType = plain("null", "null");
export const BOOL_TYPE: CelType = plain("simple", "bool");
export const INT_TYPE: CelType = plain("simple", "int");
export const STRING_TYPE: CelType = plain("simple", "string");
/** Of a field that nobody declared. */
export const UNSPECIFIED_TYPE: CelType = plain("simple", "");

const SIMPLE: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "duration",
  "int",
  "string",
  "timestamp",
  "uint",
]);

export function listType(of: CelType): CelType {
  return { is: "list", name: "list", of: [of] };
}

export function mapType(key: CelType, value: CelType): CelType {
  return { is: "map", name: "map", of: [key, value] };
}

export function optionalType(of: CelType): CelType {
  return { is: "opaque", name: "optional_type", of: [of] };
}

export function structType(name: string): CelType {
  return plain("struct", name);
}

export function typeType(of: readonly CelType[]): CelType {
  return { is: "type", name: "type", of };
}

export function variableType(name: string): CelType {
  return plain("variable", name);
}

/** A type of the simple name: one of CEL's own, or that of an object. */
export function namedType(name: string): CelType {
  if (SIMPLE.has(name)) return plain("simple", name);
  if (name === "dyn") return DYN_TYPE;
  if (name === "any") return ANY_TYPE;
  if (name === "null") return NULL_TYPE;
  if (name === "type") return typeType([]);
  return structType(name);
}

/** As what is wrong names it. */
export function shownType({ name, of }: CelType): string {
  return of.length === 0 ? name : `${name}(${of.map(shownType).join(", ")})`;
}

const FULL_NAMES: Readonly<Record<string, string>> = {
  any: "google.protobuf.Any",
  duration: "google.protobuf.Duration",
  null: "null_type",
  timestamp: "google.protobuf.Timestamp",
};

/** As the result of an expression is named. */
export function fullTypeName({ is, name, of }: CelType): string {
  const full = is !== "struct" && Object.hasOwn(FULL_NAMES, name) ? (FULL_NAMES[name] ?? name) : name;
  return of.length === 0 ? full : `${full}(${of.map(fullTypeName).join(", ")})`;
}

export function sameType(a: CelType, b: CelType): boolean {
  return (
    a === b ||
    (a.is === b.is &&
      a.name === b.name &&
      a.of.length === b.of.length &&
      a.of.every((part, i) => sameType(part, b.of[i] ?? part)))
  );
}

export function isUnknown({ is }: CelType): boolean {
  return is === "any" || is === "dyn" || is === "error";
}

export function isOptional({ is, name }: CelType): boolean {
  return is === "opaque" && name === "optional_type";
}

/** What is in an optional; any other type as it is. */
export function unwrapped(type: CelType): CelType {
  return isOptional(type) ? (type.of[0] ?? DYN_TYPE) : type;
}

function isDynamic({ is }: CelType): boolean {
  return is === "any" || is === "dyn";
}

function isEqualOrLessSpecific(a: CelType, b: CelType): boolean {
  if (isDynamic(a) || a.is === "variable") return true;
  if (isDynamic(b) || b.is === "variable" || a.is !== b.is) return false;
  if (a.is === "type") return true;
  if (a.is !== "opaque" && a.is !== "list" && a.is !== "map") return sameType(a, b);
  const parts = a.of.length === b.of.length && a.of.every((part, i) => isEqualOrLessSpecific(part, b.of[i] ?? part));
  return a.name === b.name && parts;
}

export function mostGeneral(a: CelType, b: CelType): CelType {
  return isEqualOrLessSpecific(a, b) ? a : b;
}

/** What the variables of types stand for. */
export class Bindings {
  readonly #types = new Map<string, CelType>();

  /**
   * Whether each of `from` can be what stands in its place in `to`; if so, their variables are bound. It costs what the types at
   * hand do, however many others are bound.
   */
  bind(from: readonly CelType[], to: readonly CelType[]): boolean {
    const trial = new Trial(this.#types);
    if (from.length !== to.length || !trial.fitsAll(from, to)) return false;
    for (const [name, type] of trial.bound) this.#types.set(name, type);
    return true;
  }

  /** @param unboundAsDyn whether a variable that nothing has bound is of any type */
  resolve(type: CelType, unboundAsDyn: boolean = false): CelType {
    const bound = type.is === "variable" ? this.#types.get(type.name) : undefined;
    if (bound !== undefined) return this.resolve(bound, unboundAsDyn);
    if (type.is === "variable") return unboundAsDyn ? DYN_TYPE : type;
    if (type.of.length === 0) return type;
    return { ...type, of: type.of.map((part) => this.resolve(part, unboundAsDyn)) };
  }
}

class Trial {
  /** What it has bound, or bound anew. */
  readonly bound = new Map<string, CelType>();
  readonly #before: ReadonlyMap<string, CelType>;

  constructor(before: ReadonlyMap<string, CelType>) {
    this.#before = before;
  }

  #of(name: string): CelType | undefined {
    return this.bound.get(name) ?? this.#before.get(name);
  }

  fitsAll(from: readonly CelType[], to: readonly CelType[]): boolean {
    return from.length === to.length && from.every((type, i) => this.#fits(type, to[i] ?? type));
  }

  #fits(from: CelType, to: CelType): boolean {
    if (to.is === "variable") {
      const known = this.#of(to.name) !== undefined;
      if (this.#stands(from, to)) return true;
      if (known) return false;
    }
    if (from.is === "variable") return this.#stands(to, from);
    if (isUnknown(from) || isUnknown(to)) return true;
    if (from.is === "null") return isNullable(to);
    if (to.is === "null") return isNullable(from);
    if (from.is !== to.is) return false;
    if (from.is === "type") return true;
    return from.name === to.name && this.fitsAll(from.of, to.of);
  }

  /** Whether the variable can stand for the type. */
  #stands(type: CelType, variable: CelType): boolean {
    if (sameType(type, variable)) return true;
    const bound = this.#of(variable.name);
    if (bound === undefined) {
      if (this.#occurs(variable, type)) return false;
      this.bound.set(variable.name, type);
      return true;
    }
    if (sameType(type, bound)) return true;
    if (!this.#fits(type, bound)) return false;
    const general = mostGeneral(type, bound);
    if (!this.#occurs(variable, general)) this.bound.set(variable.name, general);
    return true;
  }

  #occurs(variable: CelType, within: CelType): boolean {
    if (sameType(variable, within)) return true;
    if (within.is !== "variable") return within.of.some((part) => this.#occurs(variable, part));
    const bound = this.#of(within.name);
    return bound !== undefined && this.#occurs(variable, bound);
  }
}

function isNullable({ is, name }: CelType): boolean {
  if (is === "simple") return name === "duration" || name === "timestamp";
  return is === "opaque" || is === "struct" || is === "any" || is === "null";
}
