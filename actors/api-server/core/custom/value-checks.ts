/** What is checked of one value, apart from what is in it, and how that is told. Source: kube-openapi `validation/validate`, `validation/errors`. */
import { goFloat, goJson, quoted } from "../machinery/go-text.ts";
import { hasFormat } from "./formats.ts";
import type { Patterns } from "./patterns.ts";
import type { Schema } from "./schema.ts";

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
export const CHARS_MAX = 4_194_304;

/** How much more may be told, of all values together. */
export interface Room {
  leftChars: number;
}

/** What is wrong, and how much was right: of several schemas, the one that fits best tells what is wrong. */
export class Result {
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

export function checkCount(count: number, { limits }: Schema, path: string, result: Result): void {
  const { minItems, maxItems } = limits;
  if (minItems !== undefined && count < minItems) {
    result.add(outOfBounds(path, count, `should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && count > maxItems) result.add(tooMany(path, count, maxItems));
}

export function checkPropertyCount(keys: readonly string[], { limits }: Schema, path: string, result: Result): void {
  const { minProperties, maxProperties } = limits;
  if (minProperties !== undefined && keys.length < minProperties) {
    result.add(outOfBounds(path, keys.length, `should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && keys.length > maxProperties) {
    result.add(tooMany(path, keys.length, maxProperties, "properties"));
  }
}

export function checkRequired(object: object, schema: Schema, path: string, result: Result): void {
  for (const key of schema.required) if (!Object.hasOwn(object, key)) result.add(required(`${path}.${key}`));
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

export function checkType(value: unknown, { types, format }: Schema, path: string, result: Result): void {
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

export function checkNull({ types, nullable }: Schema, path: string, result: Result): void {
  if (types.length > 0 && !nullable) result.add(typeInvalid(path, types.join(","), "null"));
  else result.matches++;
}

export function checkEnum(value: unknown, schema: Schema, path: string, result: Result): void {
  if (schema.allows(value)) return;
  const { supported } = schema;
  const message = `Unsupported value: ${shown(value)}: supported values: ${supported}`;
  result.add({ path, reason: "FieldValueNotSupported", message, text: `${path} enum ${supported.slice(0, 1_000)}` });
}

export function checkString(text: string, schema: Schema, path: string, patterns: Patterns, result: Result): void {
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
function lengthOf(text: string): number {
  let length = 0;
  for (const _char of text) length++;
  return length;
}

export function checkNumber(value: number, schema: Schema, path: string, result: Result): void {
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

export function notAllowed(path: string, key: string): Problem {
  return wrong(path, "FieldValueInvalid", key, `${path}.${key} in body is a forbidden property`);
}

function required(path: string): Problem {
  return { path, reason: "FieldValueRequired", message: "Required value", text: `${path} is required` };
}

/** Problems of a value as a whole, of which the sentence says where. */
export function told(sentence: string): Problem {
  return { path: undefined, reason: "FieldValueInvalid", message: `Invalid value: "": ${sentence}`, text: sentence };
}

function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  return typeof value === "number" && !isInteger(value) ? goFloat(value) : goJson(value);
}
