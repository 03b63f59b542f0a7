/**
 * Checks values against a schema, with the words and causes of kube-apiserver. What an update leaves as it was is not refused again
 * (ratcheting, KEP-4008).
 * Source: kube-openapi `validation/validate` and `validation/errors`, apiextensions-apiserver `apiserver/validation`.
 */
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Pace, Steps } from "../steps.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import { getOwn, isJsonObject, SameValues } from "../machinery/json-value.ts";
import type { Patterns } from "./patterns.ts";
import { PATTERN_UNITS } from "./patterns.ts";
import type { Schema } from "./schema.ts";
import type { Problem, Room } from "./value-checks.ts";
import {
  CHARS_MAX,
  checkCount,
  checkEnum,
  checkNull,
  checkNumber,
  checkPropertyCount,
  checkRequired,
  checkString,
  checkType,
  notAllowed,
  Result,
  told,
} from "./value-checks.ts";

/** An old value that can't be told apart from none: the value is new. */
export const UNCORRELATED: unique symbol = Symbol("uncorrelated");

/**
 * @param old the value before an update, or UNCORRELATED
 * @param patterns compiled once for all values
 */
export function* validateValue(
  value: unknown,
  old: unknown,
  schema: Schema,
  patterns: Patterns,
  pace: Pace,
): Steps<readonly Problem[]> {
  return (yield* new Validation(patterns, pace).check({ value, old, schema, path: "" }, true)).problems;
}

/** `prefix` is the path to the value that was checked; "" for a whole object. */
export function causesOf(problems: readonly Problem[], prefix: string): readonly StatusCause[] {
  return problems.map(({ path, reason, message }) => ({ reason, message, field: fieldOf(path, prefix) }));
}

function fieldOf(path: string | undefined, prefix: string): string {
  const below = path?.replace(/^\./, "") ?? "";
  if (below === "") return prefix === "" ? "<nil>" : prefix;
  if (prefix === "") return below;
  return `${prefix}.${below}`;
}

/** A value with its schema. */
interface At {
  readonly value: unknown;
  readonly old: unknown;
  readonly schema: Schema;
  readonly path: string;
}

/** What nothing is in, and no schema but its own speaks of. */
function isScalar({ value, schema }: At): boolean {
  return (typeof value !== "object" || value === null) && !(schema.isCombined && value !== null);
}

/** Of a text that is matched, and of the fields that must be there, in the units of `Pace`. */
const CHARS_OF_A_UNIT = 16;
const REQUIRED_OF_A_UNIT = 32;

class Validation {
  readonly #patterns: Patterns;
  readonly #pace: Pace;
  readonly #same = new SameValues();
  readonly #room: Room = { leftChars: CHARS_MAX };

  constructor(patterns: Patterns, pace: Pace) {
    this.#patterns = patterns;
    this.#pace = pace;
  }

  #result(): Result {
    return new Result(this.#room);
  }

  /** @param ratchets whether what is as it was may be wrong */
  *check(at: At, ratchets: boolean): Steps<Result> {
    if (isScalar(at)) {
      if (this.#pace.isDue(this.#units(at))) yield;
      return this.#checkScalar(at, ratchets);
    }
    const { value, schema, path } = at;
    const result = this.#result();
    if (this.#pace.isDue()) yield;
    this.#checkForm(at, result);
    if (schema.isCombined) yield* this.#combined(at, result);
    if (Array.isArray(value)) {
      yield* this.#checkAll(itemsOf(value, at), result);
      checkCount(value.length, schema, path, result);
      result.matches += 2;
    }
    checkEnum(value, schema, path, result);
    result.matches++;
    if (isJsonObject(value)) {
      checkPropertyCount(Object.keys(value), schema, path, result);
      yield* this.#checkAll(fieldsOf(value, at, result), result);
      checkRequired(value, schema, path, result);
      if (this.#pace.isDue(schema.required.length / REQUIRED_OF_A_UNIT)) yield;
      result.matches++;
    }
    result.matches++;
    return this.#judged(result, at, ratchets);
  }

  /** What is in a value. */
  *#checkAll(parts: Iterable<At>, result: Result): Steps<void> {
    for (const part of parts) {
      if (!isScalar(part)) result.merge(yield* this.check(part, true));
      else {
        if (this.#pace.isDue(this.#units(part))) yield;
        result.merge(this.#checkScalar(part, true));
      }
    }
  }

  #checkScalar(at: At, ratchets: boolean): Result {
    const { value, schema, path } = at;
    const result = this.#result();
    if (value === null) {
      checkNull(schema, path, result);
      checkEnum(value, schema, path, result);
      return this.#judged(result, at, ratchets);
    }
    this.#checkForm(at, result);
    checkEnum(value, schema, path, result);
    result.matches += 2;
    return this.#judged(result, at, ratchets);
  }

  /** What a value is by itself. */
  #checkForm({ value, schema, path }: At, result: Result): void {
    if (schema.types.length > 0 || schema.format !== "") {
      checkType(value, schema, path, result);
      result.matches++;
    }
    result.matches += 2;
    if (typeof value === "string") checkString(value, schema, path, this.#patterns, result);
    if (typeof value === "number") {
      checkNumber(value, schema, path, result);
      result.matches += 2;
    }
  }

  #judged(result: Result, { value, old }: At, ratchets: boolean): Result {
    const kept = ratchets && !result.valid && old !== UNCORRELATED && this.#same.are(value, old);
    return kept ? this.#result() : result;
  }

  /** What it takes to look at a value, in those of `Pace`. */
  #units({ value, schema }: At): number {
    if (typeof value !== "string") return 1;
    const { pattern } = schema.limits;
    if (pattern === "") return 1;
    return 1 + (this.#patterns.has(pattern) ? 0 : PATTERN_UNITS) + value.length / CHARS_OF_A_UNIT;
  }

  *#combined(at: At, whole: Result): Steps<void> {
    const result = this.#result();
    const { schema, path } = at;
    if (schema.anyOf.length > 0) yield* this.#anyOf(at, result);
    if (schema.oneOf.length > 0) this.#oneOf(yield* this.#all(at, schema.oneOf), path, result);
    if (schema.allOf.length > 0) {
      const results = yield* this.#all(at, schema.allOf);
      for (const one of results) result.merge(one);
      const fit = results.filter(({ valid }) => valid).length;
      if (fit < results.length) {
        result.add(told(`"${path}" must validate all the schemas (allOf)${fit === 0 ? ". None validated" : ""}`));
      }
    }
    if (schema.not !== undefined && (yield* this.check(underJunctor(at, schema.not), false)).valid) {
      result.add(told(`"${path}" must not validate the schema (not)`));
    }
    whole.merge(result);
  }

  *#all(at: At, schemas: readonly Schema[]): Steps<readonly Result[]> {
    const results: Result[] = [];
    for (const schema of schemas) results.push(yield* this.check(underJunctor(at, schema), false));
    return results;
  }

  *#anyOf(at: At, result: Result): Steps<void> {
    let best: Result | undefined;
    for (const schema of at.schema.anyOf) {
      const one = yield* this.check(underJunctor(at, schema), false);
      if (one.valid) {
        result.merge(one);
        return;
      }
      if (best === undefined || one.matches > best.matches) best = one;
    }
    result.add(told(`"${at.path}" must validate at least one schema (anyOf)`));
    if (best !== undefined) result.merge(best);
  }

  #oneOf(results: readonly Result[], path: string, result: Result): void {
    const fit = results.filter(({ valid }) => valid);
    const [first] = fit;
    if (fit.length === 1 && first !== undefined) {
      result.merge(first);
      return;
    }
    const found = fit.length === 0 ? "Found none valid" : `Found ${fit.length} valid alternatives`;
    result.add(told(`"${path}" must validate one and only one schema (oneOf). ${found}`));
    if (fit.length > 0) {
      // The best of those that failed after the last that was valid: as it happens, none.
      return;
    }
    const best = results.reduce((a, b) => (b.matches > a.matches ? b : a));
    result.merge(best);
  }
}

function* itemsOf(items: readonly unknown[], { old, schema, path }: At): Generator<At> {
  const own = schema.items;
  if (own === undefined) return;
  const before = correlatedItems(schema, old);
  for (let i = 0; i < items.length; i++) {
    const value = items[i];
    yield { value, old: before(value), schema: own, path: `${path}[${i}]` };
  }
}

/** Those that the schema does not name, then those that it does. What it forbids is found on the way. */
function fieldsOf(object: JsonObject, { old, schema, path }: At, result: Result): readonly At[] {
  const { properties, additional } = schema;
  const fields: At[] = [];
  const keys = Object.keys(object);
  for (const key of keys) {
    if (properties.has(key)) continue;
    if (additional === false) result.add(notAllowed(path, key));
    else if (typeof additional === "object") {
      fields.push({ value: object[key], old: correlatedField(old, key), schema: additional, path: `${path}.${key}` });
    }
  }
  for (const key of properties.amongst(keys)) {
    const property = Object.hasOwn(object, key) ? properties.get(key) : undefined;
    if (property === undefined) continue;
    const isOwn = path === "" && (key === "kind" || key === "apiVersion");
    const before = isOwn ? UNCORRELATED : correlatedField(old, key);
    fields.push({ value: object[key], old: before, schema: property, path: path === "" ? key : `${path}.${key}` });
  }
  return fields;
}

function correlatedField(old: unknown, key: string): unknown {
  if (!isJsonObject(old) || !Object.hasOwn(old, key)) return UNCORRELATED;
  return getOwn(old, key);
}

/** The old item for a new one: only items of lists that are maps can be found again. */
function correlatedItems(schema: Schema, old: unknown): (item: unknown) => unknown {
  if (schema.listType !== "map" || !Array.isArray(old)) return () => UNCORRELATED;
  const before = new Map<string, unknown>();
  for (const item of old) {
    const key = listMapKey(schema, item);
    if (key !== undefined && !before.has(key)) before.set(key, item);
  }
  return (item) => {
    const key = listMapKey(schema, item);
    return key === undefined || !before.has(key) ? UNCORRELATED : before.get(key);
  };
}

/** What tells the items of a list of the type `map` apart; undefined of what is no object. */
export function listMapKey({ listMapKeys }: Schema, item: unknown): string | undefined {
  if (!isJsonObject(item)) return undefined;
  return JSON.stringify(listMapKeys.map((key) => getOwn(item, key) ?? null));
}

/** What stands under a junctor speaks of the same value: nothing of it, however deep, is kept as it was. */
function underJunctor(at: At, schema: Schema): At {
  return { ...at, schema, old: UNCORRELATED };
}
