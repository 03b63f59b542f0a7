/**
 * Finds the type of an expression, and what does not fit. Source: cel-go `checker/checker.go`, whose words the problems have.
 */
import type { Call, Expression, Fold, Problem, Selection } from "./expression.ts";
import { qualifiedNameOf } from "./expression.ts";
import type { Overload, Overloads } from "./overloads.ts";
import type { CelType } from "./types.ts";
import {
  BOOL_TYPE,
  Bindings,
  DYN_TYPE,
  ERROR_TYPE,
  INT_TYPE,
  STRING_TYPE,
  isOptional,
  isUnknown,
  listType,
  mapType,
  mostGeneral,
  namedType,
  optionalType,
  sameType,
  shownType,
  structType,
  typeType,
  unwrapped,
  variableType,
} from "./types.ts";

/** What an expression may name. */
export interface CelEnvironment {
  /** By name, dots included. */
  readonly variables: ReadonlyMap<string, CelType>;
  readonly overloads: Overloads;
  /** The fields of a struct: a map of them, or what tells the type of any. undefined: there is no such struct. */
  readonly fieldsOf: (struct: string) => ((field: string) => CelType | undefined) | undefined;
  /** Whether `cel.bind` is known. */
  readonly bind: boolean;
}

export interface Typed {
  readonly type: CelType;
  /** Of each part that is a value; names in front of functions are none. */
  readonly types: ReadonlyMap<Expression, CelType>;
  /** The names that it uses. */
  readonly uses: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

export function checkTypes(expression: Expression, environment: CelEnvironment): Typed {
  const checker = new TypeChecker(environment);
  const type = checker.typeOf(expression, environment.variables);
  const { bindings, uses, problems } = checker;
  const types = new Map([...checker.types].map(([part, found]) => [part, bindings.resolve(found, true)]));
  return { type: bindings.resolve(type, true), types, uses, problems };
}

type Scope = ReadonlyMap<string, CelType>;

const TYPE_NAMES: ReadonlyMap<string, CelType> = new Map([
  ...["bool", "bytes", "double", "int", "string", "uint"].map((name) => [name, typeType([namedType(name)])] as const),
  ["list", typeType([listType(DYN_TYPE)])],
  ["map", typeType([mapType(DYN_TYPE, DYN_TYPE)])],
  ["null_type", typeType([namedType("null")])],
  ["type", typeType([])],
  ["google.protobuf.Timestamp", typeType([namedType("timestamp")])],
  ["google.protobuf.Duration", typeType([namedType("duration")])],
]);

class TypeChecker {
  readonly problems: Problem[] = [];
  readonly types = new Map<Expression, CelType>();
  readonly uses = new Set<string>();
  readonly bindings = new Bindings();
  readonly #environment: CelEnvironment;
  #open = 0;

  constructor(environment: CelEnvironment) {
    this.#environment = environment;
  }

  #problem(at: number, words: string): CelType {
    this.problems.push({ at, words });
    return ERROR_TYPE;
  }

  #fresh(): CelType {
    return variableType(`_var${this.#open++}`);
  }

  typeOf(expression: Expression, scope: Scope): CelType {
    const type = this.#typeOf(expression, scope);
    this.types.set(expression, type);
    return type;
  }

  #named(name: string, scope: Scope): CelType | undefined {
    const known = scope.get(name);
    if (known !== undefined) this.uses.add(name);
    return known ?? TYPE_NAMES.get(name);
  }

  #typeOf(expression: Expression, scope: Scope): CelType {
    switch (expression.is) {
      case "literal":
        return namedType(expression.value.type);
      case "identifier": {
        const known = this.#named(expression.name, scope);
        return known ?? this.#undeclared(expression.name, expression.at);
      }
      case "select":
        return this.#select(expression, scope);
      case "call":
        return this.#call(expression, scope);
      case "list": {
        let items: CelType | undefined;
        for (const { value, optional } of expression.items) {
          items = this.#joined(items, this.#present(value, optional, scope));
        }
        return listType(items ?? this.#fresh());
      }
      case "map": {
        let [keys, values]: (CelType | undefined)[] = [];
        for (const { key, value, optional } of expression.entries) {
          keys = this.#joined(keys, this.typeOf(key, scope));
          values = this.#joined(values, this.#present(value, optional, scope));
        }
        return mapType(keys ?? this.#fresh(), values ?? this.#fresh());
      }
      case "struct":
        return this.#struct(expression, scope);
      case "fold":
        return this.#fold(expression, scope);
    }
  }

  #undeclared(name: string, at: number): CelType {
    return this.#problem(at, `undeclared reference to '${name}' (in container '')`);
  }

  #mismatch(expected: CelType, found: CelType, at: number): CelType {
    const [wanted, given] = [expected, found].map((type) => shownType(type));
    return this.#problem(at, `expected type '${wanted}' but found '${given}'`);
  }

  /** Of an item that may be left out: what is in the optional. */
  #present(value: Expression, optional: boolean, scope: Scope): CelType {
    const type = this.typeOf(value, scope);
    if (!optional) return type;
    if (!isOptional(type) && !isUnknown(type)) this.#mismatch(optionalType(type), type, value.at);
    return unwrapped(type);
  }

  #joined(before: CelType | undefined, now: CelType): CelType {
    if (before === undefined) return now;
    return this.bindings.bind([before], [now]) ? mostGeneral(before, now) : DYN_TYPE;
  }

  #select(selection: Selection, scope: Scope): CelType {
    const name = qualifiedNameOf(selection);
    const named = name === undefined ? undefined : this.#named(name, scope);
    if (named !== undefined) return named;
    const { from, field, test, optional, at } = selection;
    const given = this.bindings.resolve(this.typeOf(from, scope));
    const found = this.#fieldOf(unwrapped(given), field, at);
    if (test) return BOOL_TYPE;
    return this.bindings.resolve(optional || isOptional(given) ? optionalType(found) : found);
  }

  #fieldOf(type: CelType, field: string, at: number): CelType {
    switch (type.is) {
      case "map":
        return type.of[1] ?? DYN_TYPE;
      case "struct":
        return this.#structField(type.name, field, at) ?? ERROR_TYPE;
      case "variable":
        this.bindings.bind([DYN_TYPE], [type]);
        return DYN_TYPE;
      case "any":
      case "dyn":
      case "error":
        return DYN_TYPE;
      case "list":
      case "null":
      case "opaque":
      case "simple":
      case "type":
        this.#problem(at, `type '${shownType(type)}' does not support field selection`);
        return DYN_TYPE;
    }
  }

  #structField(struct: string, field: string, at: number): CelType | undefined {
    const fields = this.#environment.fieldsOf(struct);
    if (fields === undefined) {
      this.#problem(at, `unexpected failed resolution of '${struct}'`);
      return undefined;
    }
    const found = fields(field);
    if (found === undefined) this.#problem(at, `undefined field '${field}'`);
    return found;
  }

  #call(call: Call, scope: Scope): CelType {
    const { name, target, args, at } = call;
    const types = args.map((arg) => this.typeOf(arg, scope));
    if (name === "_&&_" || name === "_||_") {
      const before = this.problems.length;
      for (const [i, type] of types.entries()) {
        if (!this.bindings.bind([type], [BOOL_TYPE])) this.#mismatch(BOOL_TYPE, type, args[i]?.at ?? at);
      }
      return this.problems.length > before ? ERROR_TYPE : BOOL_TYPE;
    }
    const { overloads } = this.#environment;
    if (target === undefined) {
      const found = overloads.get(name);
      return found === undefined ? this.#undeclared(name, at) : this.#resolve(call, found, types, false);
    }
    const prefix = qualifiedNameOf(target);
    const named = prefix === undefined ? undefined : overloads.get(`${prefix}.${name}`);
    if (named !== undefined) return this.#resolve({ ...call, name: `${prefix}.${name}` }, named, types, false);
    const targetType = this.typeOf(target, scope);
    const found = overloads.get(name);
    return found === undefined ? this.#undeclared(name, at) : this.#resolve(call, found, [targetType, ...types], true);
  }

  /** What comes out of the first overload that fits; of several that differ, anything. */
  #resolve({ name, at }: Call, overloads: readonly Overload[], types: readonly CelType[], method: boolean): CelType {
    let result: CelType | undefined;
    for (const overload of overloads) {
      if (overload.method !== method) continue;
      const names = new Map(overload.open.map((open) => [open, this.#fresh()]));
      const args = overload.args.map((arg) => renamed(arg, names));
      if (!this.bindings.bind(types, args)) continue;
      const given = this.bindings.resolve(renamed(overload.result, names));
      if (result === undefined) result = given;
      else if (result.is !== "dyn" && result.is !== "any" && !sameType(result, given)) result = DYN_TYPE;
    }
    if (result !== undefined) return result;
    const shown = types.map((type) => shownType(this.bindings.resolve(type, true)));
    const [first = "", ...others] = shown;
    const signature = method ? `${first}.(${others.join(", ")})` : `(${shown.join(", ")})`;
    return this.#problem(at, `found no matching overload for '${name}' applied to '${signature}'`);
  }

  #struct({ name, fields, at }: Expression & { readonly is: "struct" }, scope: Scope): CelType {
    const struct = name.replace(/^\./, "");
    if (this.#environment.fieldsOf(struct) === undefined) return this.#undeclared(name, at);
    for (const field of fields) {
      const value = this.#present(field.value, field.optional, scope);
      const wanted = this.#structField(struct, field.name, field.at) ?? ERROR_TYPE;
      if (this.bindings.bind([wanted], [value])) continue;
      const [expected, given] = [wanted, value].map((type) => shownType(type));
      const words = `expected type of field '${field.name}' is '${expected}' but provided type is '${given}'`;
      this.#problem(field.at, words);
    }
    return structType(struct);
  }

  #fold({ over, variables, result, condition, step, end }: Fold, scope: Scope): CelType {
    const range = this.bindings.resolve(this.typeOf(over, scope));
    const initial = this.typeOf(result.initial, scope);
    const withResult = new Map([...scope, [result.name, initial]]);
    const inner = new Map(withResult);
    const types = this.#iterated(range, variables.length, over.at);
    for (const [i, name] of variables.entries()) inner.set(name, types[i] ?? DYN_TYPE);
    this.#assert(condition, BOOL_TYPE, inner);
    this.#assert(step, initial, inner);
    return this.bindings.resolve(this.typeOf(end, withResult));
  }

  #assert(expression: Expression, wanted: CelType, scope: Scope): void {
    const type = this.typeOf(expression, scope);
    if (!this.bindings.bind([wanted], [type])) this.#mismatch(wanted, type, expression.at);
  }

  /** Of the variables of a fold. */
  #iterated(range: CelType, count: number, at: number): readonly CelType[] {
    const [first = DYN_TYPE, second = DYN_TYPE] = range.of;
    switch (range.is) {
      case "list":
        return count === 2 ? [INT_TYPE, first] : [first];
      case "map":
        return [first, second];
      case "variable":
        this.bindings.bind([DYN_TYPE], [range]);
        return [DYN_TYPE, DYN_TYPE];
      case "dyn":
      case "error":
        return [DYN_TYPE, DYN_TYPE];
      case "any":
      case "null":
      case "opaque":
      case "simple":
      case "struct":
      case "type": {
        const words = `expression of type '${shownType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`;
        this.#problem(at, words);
        return [ERROR_TYPE, ERROR_TYPE];
      }
    }
  }
}

function renamed(type: CelType, names: ReadonlyMap<string, CelType>): CelType {
  if (type.is === "variable") return names.get(type.name) ?? type;
  return type.of.length === 0 ? type : { ...type, of: type.of.map((part) => renamed(part, names)) };
}

/** Fields that are known by name. */
export function structFields(fields: Readonly<Record<string, CelType>>): (field: string) => CelType | undefined {
  return (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined);
}

export const STRING_MAP: CelType = mapType(STRING_TYPE, STRING_TYPE);
