/**
 * Checks values against a schema, with the words and causes of kube-apiserver. What an update leaves as it was is not refused again
 * (ratcheting, KEP-4008).
 * Source: kube-openapi `validation/validate` and `validation/errors`, apiextensions-apiserver `apiserver/validation`.
 */
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Pace, Steps } from "../steps.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import { getOwn, isJsonObject, SameValues } from "../machinery/json-value.ts";
import { hasFormat } from "./formats.ts";
import { goFloat, goJson, quoted } from "../machinery/go-text.ts";
import type { Patterns } from "./patterns.ts";
import { PATTERN_UNITS } from "./patterns.ts";
import type { Schema } from "./schema.ts";

/** An old value that can't be told apart from none: the value is new. */
export const UNCORRELATED: unique symbol = Symbol("uncorrelated");

export interface Problem {
  /** Where the value is; undefined: the sentence names the place itself. */
  readonly path: string | undefined;
  readonly reason: string;
  /** What the cause says. */
  readonly message: string;
  /** What tells it from others of the same value. */
  readonly text: string;
}

/** What 3 MB can have wrong is more than anybody reads: what goes beyond this is left out. */
const CHARS_MAX = 4_194_304;

/** How much more may be told, of all values together. */
interface Room {
  leftChars: number;
}

/** What is wrong, and how much was right: of several schemas, the one that fits best tells what is wrong. */
class Result {
  readonly problems: Problem[] = [];
  matches = 0;
  private readonly room: Room;
  private texts: Set<string> | undefined;

  constructor(room: Room) {
    this.room = room;
  }

  get valid(): boolean {
    return this.problems.length === 0;
  }

  add(problem: Problem): void {
    this.room.leftChars -= problem.message.length;
    this.keep(problem);
  }

  merge(other: Result): void {
    for (const problem of other.problems) this.keep(problem);
    this.matches += other.matches;
  }

  private keep(problem: Problem): void {
    if (this.problems.length > 0 && this.room.leftChars < 0) return;
    this.texts ??= new Set();
    if (this.texts.has(problem.text)) return;
    this.texts.add(problem.text);
    this.problems.push(problem);
  }
}

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

  /** What stands under a junctor speaks of the same value: no value of its own is kept as it was. */
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
    if (schema.not !== undefined && (yield* this.check({ ...at, schema: schema.not }, false)).valid) {
      result.add(told(`"${path}" must not validate the schema (not)`));
    }
    whole.merge(result);
  }

  *#all(at: At, schemas: readonly Schema[]): Steps<readonly Result[]> {
    const results: Result[] = [];
    for (const schema of schemas) results.push(yield* this.check({ ...at, schema }, false));
    return results;
  }

  *#anyOf(at: At, result: Result): Steps<void> {
    let best: Result | undefined;
    for (const schema of at.schema.anyOf) {
      const one = yield* this.check({ ...at, schema }, false);
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

function checkCount(count: number, { limits }: Schema, path: string, result: Result): void {
  const { minItems, maxItems } = limits;
  if (minItems !== undefined && count < minItems) {
    result.add(outOfBounds(path, count, `should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && count > maxItems) result.add(tooMany(path, count, maxItems));
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

function checkPropertyCount(keys: readonly string[], { limits }: Schema, path: string, result: Result): void {
  const { minProperties, maxProperties } = limits;
  if (minProperties !== undefined && keys.length < minProperties) {
    result.add(outOfBounds(path, keys.length, `should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && keys.length > maxProperties) {
    result.add(tooMany(path, keys.length, maxProperties, "properties"));
  }
}

function checkRequired(object: object, schema: Schema, path: string, result: Result): void {
  for (const key of schema.required) if (!Object.hasOwn(object, key)) result.add(required(`${path}.${key}`));
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

/** Go reads a number without a fraction as an integer as long as it fits. */
export function isInteger(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 63;
}

function isNumberFormat(format: string): boolean {
  return format === "int32" || format === "int64" || format === "float" || format === "double";
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return isInteger(value) ? "integer" : "number";
  return typeof value;
}

/** What Go calls the type of a number: its format. */
function formatOf(value: unknown): string {
  if (typeof value !== "number") return "";
  return isInteger(value) ? "int64" : "float64";
}

function checkType(value: unknown, { types, format }: Schema, path: string, result: Result): void {
  const type = typeOf(value);
  const fits = types.includes(type) || (type === "integer" && types.includes("number"));
  const textual = typeof value === "string" || Array.isArray(value);
  const numeric = types.includes("number") || types.includes("integer");
  if (!textual && format !== "" && !fits && formatOf(value) !== format) {
    result.add(typeInvalid(path, format, formatOf(value)));
  } else if (!(textual && format !== "" && !numeric) && !fits) {
    result.add(typeInvalid(path, types.join(","), type));
  } else result.matches++;
}

function checkNull({ types, nullable }: Schema, path: string, result: Result): void {
  if (types.length > 0 && !nullable) result.add(typeInvalid(path, types.join(","), "null"));
  else result.matches++;
}

function checkEnum(value: unknown, schema: Schema, path: string, result: Result): void {
  if (schema.allows(value)) return;
  const { supported } = schema;
  const message = `Unsupported value: ${shown(value)}: supported values: ${supported}`;
  result.add({ path, reason: "FieldValueNotSupported", message, text: `${path} enum ${supported.slice(0, 1_000)}` });
}

function checkString(text: string, schema: Schema, path: string, patterns: Patterns, result: Result): void {
  checkText(text, schema, path, patterns, result);
  result.matches++;
  const { format } = schema;
  if (format === "" || isNumberFormat(format)) return;
  if (!hasFormat(format, text)) result.add(typeInvalid(path, format, text));
  result.matches++;
}

function checkText(text: string, { limits }: Schema, path: string, patterns: Patterns, result: Result): void {
  const { minLength, maxLength, pattern } = limits;
  const length = minLength === undefined && maxLength === undefined ? 0 : lengthOf(text);
  if (maxLength !== undefined && length > maxLength) {
    const message = `Too long: may not be more than ${maxLength} bytes`;
    result.add({ path, reason: "FieldValueTooLong", message, text: `${path} ${message}` });
  } else if (minLength !== undefined && length < minLength) {
    result.add(outOfBounds(path, text, `should be at least ${minLength} chars long`));
  } else if (pattern !== "" && !patterns.matches(pattern, text)) {
    result.add(outOfBounds(path, text, `should match '${pattern}'`));
  }
}

/** In characters of Unicode. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _char of text) length++;
  return length;
}

function checkNumber(value: number, schema: Schema, path: string, result: Result): void {
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema.limits;
  checkRange(value, schema, "Checked", path, result);
  if (multipleOf !== undefined) {
    const exact = checkRange(multipleOf, schema, "MultipleOf", path, result) && isInteger(value);
    checkMultiple(value, exact ? Math.trunc(multipleOf) : multipleOf, path, result);
  }
  if (maximum !== undefined) {
    const exact = checkRange(maximum, schema, "Maximum boundary", path, result) && isInteger(value);
    const limit = exact ? Math.trunc(maximum) : maximum;
    if (exclusiveMaximum ? value >= limit : value > limit) {
      const words = exclusiveMaximum ? "less than" : "less than or equal to";
      result.add(outOfBounds(path, value, `should be ${words} ${exact ? limit : goFloat(limit)}`));
    }
  }
  if (minimum !== undefined) {
    const exact = checkRange(minimum, schema, "Minimum boundary", path, result) && isInteger(value);
    const limit = exact ? Math.trunc(minimum) : minimum;
    if (exclusiveMinimum ? value <= limit : value < limit) {
      const words = exclusiveMinimum ? "greater than" : "greater than or equal to";
      result.add(outOfBounds(path, value, `should be ${words} ${exact ? limit : goFloat(limit)}`));
    }
  }
}

function checkMultiple(value: number, factor: number, path: string, result: Result): void {
  if (factor <= 0) {
    const detail = `factor MultipleOf declared for ${path} must be positive: ${goFloat(factor)}`;
    result.add(wrong(path, "FieldValueInvalid", value, detail));
    return;
  }
  const times = factor < 1 ? (1 / factor) * value : value / factor;
  if (!isWhole(times)) result.add(outOfBounds(path, value, `should be a multiple of ${goFloat(factor)}`));
}

/** With the tolerance of go-openapi `swag.IsFloat64AJSONInteger`. */
function isWhole(value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const difference = Math.abs(value - Math.trunc(value));
  if (difference === 0) return true;
  return difference / Math.min(Math.abs(value) + Math.abs(Math.trunc(value)), Number.MAX_VALUE) < 1e-9;
}

/** Whether a number is one of the type and format of the schema. */
function checkRange(value: number, { types, format }: Schema, what: string, path: string, result: Result): boolean {
  const type = types.length === 1 ? types[0] : undefined;
  const fits =
    type === "integer"
      ? isInteger(value) && (format !== "int32" || (value >= -(2 ** 31) && value < 2 ** 31))
      : type !== "number" || format !== "float" || Math.abs(value) <= MAX_FLOAT32;
  if (!fits) {
    const form = format === "" ? "(default format)" : `with format ${format}`;
    result.add(told(`${what} value must be of type ${type} ${form} in ${path}`));
  }
  return fits;
}

const MAX_FLOAT32 = 3.402_823_466_385_288_6e38;

function wrong(path: string, reason: string, value: unknown, detail: string): Problem {
  return { path, reason, message: `Invalid value: ${shown(value)}: ${detail}`, text: detail };
}

function outOfBounds(path: string, value: unknown, what: string): Problem {
  return wrong(path, "FieldValueInvalid", value, `${path} in body ${what}`);
}

function typeInvalid(path: string, type: string, value: string): Problem {
  return wrong(path, "FieldValueTypeInvalid", value, `${path} in body must be of type ${type}: ${quoted(value)}`);
}

function tooMany(path: string, count: number, max: number, what: string = "items"): Problem {
  const message = `Too many: ${count}: must have at most ${max} items`;
  return { path, reason: "FieldValueTooMany", message, text: `${path} ${max} ${what}` };
}

function notAllowed(path: string, key: string): Problem {
  return wrong(path, "FieldValueInvalid", key, `${path}.${key} in body is a forbidden property`);
}

function required(path: string): Problem {
  return { path, reason: "FieldValueRequired", message: "Required value", text: `${path} is required` };
}

/** Problems of a value as a whole, of which the sentence says where. */
function told(sentence: string): Problem {
  return { path: undefined, reason: "FieldValueInvalid", message: `Invalid value: "": ${sentence}`, text: sentence };
}

function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  return typeof value === "number" && !isInteger(value) ? goFloat(value) : goJson(value);
}
