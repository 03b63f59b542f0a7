/**
 * The functions of CEL and those that Kubernetes adds. Each spends what it costs before it does its work.
 * Source: the CEL specification, apiserver `pkg/cel/library`.
 */
import { goFloat } from "../machinery/go-text.ts";
import { kubernetesFunction, kubernetesMethod } from "./kubernetes-functions.ts";
import { charsOf, textMethod } from "./text-functions.ts";
import { checkedDuration, durationOf, timeMethod, timestampOf } from "./times.ts";
import {
  CelDuration,
  CelError,
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

export type Spend = (cost: number) => void;

export function noOverload(): CelError {
  return new CelError("no such overload");
}

/** @throws CelError */
export function callFunction(name: string, args: readonly unknown[], spend: Spend): unknown {
  const [a, b] = args;
  switch (name) {
    case "size":
      return sizeOf(a, spend);
    case "dyn":
      return a;
    case "type":
      return new CelType(typeName(a));
    case "matches":
      return callMethod("matches", a, [b], spend);
    case "bool":
    case "bytes":
    case "double":
    case "int":
    case "string":
    case "uint":
      return converted(name, a, spend);
    case "timestamp":
      return a instanceof CelTimestamp ? a : timestampOf(a);
    case "duration":
      return a instanceof CelDuration ? a : durationOf(a);
    case "optional.none":
      return new CelOptional(undefined);
    case "optional.of":
      return new CelOptional(a);
    case "optional.unwrap":
      return unwrapped(a);
    case "optional.ofNonZeroValue":
      return new CelOptional(isZero(a) ? undefined : a);
    case "sets.contains":
    case "sets.intersects":
    case "sets.equivalent":
      return setsOf(name, a, b, spend);
    case "lists.range":
      return range(a, spend);
    case "sign":
      return BigInt(compareCel(kubernetesMethod("asApproximateFloat", a, [], spend), 0) ?? 0);
    case "strings.quote":
      if (typeof a !== "string") throw noOverload();
      return quotedText(a);
    default:
      return kubernetesFunction(name, args, spend);
  }
}

/** @throws CelError */
export function callMethod(name: string, target: unknown, args: readonly unknown[], spend: Spend): unknown {
  if (name === "size" && args.length === 0) return sizeOf(target, spend);
  if (typeof target === "string") return textMethod(name, target, args, spend);
  if (Array.isArray(target)) return listMethod(name, target as readonly unknown[], args, spend);
  if (target instanceof CelTimestamp || target instanceof CelDuration) return timeMethod(name, target, args);
  if (target instanceof CelOptional) return optionalMethod(name, target);
  return kubernetesMethod(name, target, args, spend);
}

function sizeOf(value: unknown, spend: Spend): bigint {
  if (typeof value === "string") {
    spend(value.length / 10);
    return BigInt(charsOf(value).length);
  }
  if (Array.isArray(value) || value instanceof Uint8Array) return BigInt(value.length);
  const fields = fieldsOf(value);
  if (fields === undefined) throw noOverload();
  return BigInt(fields.size);
}

function optionalMethod(name: string, { value }: CelOptional): unknown {
  if (name === "hasValue") return value !== undefined;
  if (name !== "value") throw noOverload();
  if (value === undefined) throw new CelError("optional.none() dereference");
  return value;
}

/** How characters of a text are written in quotes. */
export const ESCAPED: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** All else stays as it is. */
function quotedText(text: string): string {
  return `"${Array.from(text, (char) => ESCAPED[char] ?? char).join("")}"`;
}

/** Of the optionals in a list those that are there. */
function unwrapped(list: unknown): readonly unknown[] {
  if (!Array.isArray(list)) throw noOverload();
  return list.flatMap((item: unknown) => {
    if (!(item instanceof CelOptional)) throw noOverload();
    return item.value === undefined ? [] : [item.value];
  });
}

function isZero(value: unknown): boolean {
  if (value === null || value === "" || value === false) return true;
  const number = numberOf(value);
  if (number !== undefined) return Number(number) === 0;
  if (value instanceof CelDuration) return value.nanos === 0n;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return fieldsOf(value)?.size === 0;
}

const INT_LIMIT = 2n ** 63n;

function converted(
  type: "bool" | "bytes" | "double" | "int" | "string" | "uint",
  value: unknown,
  spend: Spend,
): unknown {
  if (typeof value === "string") spend(value.length / 10);
  switch (type) {
    case "bool":
      if (typeof value === "boolean") return value;
      if (typeof value === "string" && /^(1|t|T|true|TRUE|True)$/.test(value)) return true;
      if (typeof value === "string" && /^(0|f|F|false|FALSE|False)$/.test(value)) return false;
      break;
    case "bytes":
      if (value instanceof Uint8Array) return value;
      if (typeof value === "string") return new TextEncoder().encode(value);
      break;
    case "double":
      return toDouble(value);
    case "int":
      return toInt(value);
    case "uint": {
      if (value instanceof CelUint) return value;
      if (typeof value === "string" && !/^\d+$/.test(value)) break;
      const number = toInteger(value);
      if (number !== undefined && number >= 0n && number < 2n ** 64n) return new CelUint(number);
      if (typeof value === "string") break;
      if (number !== undefined || typeof value === "number") throw new CelError("unsigned integer overflow");
      break;
    }
    case "string":
      return toText(value);
  }
  throw typeof value === "string"
    ? new CelError("type conversion error from 'string' to '" + type + "'")
    : noOverload();
}

function toDouble(value: unknown): number {
  const number = numberOf(value);
  if (number !== undefined) return Number(number);
  if (typeof value !== "string") throw noOverload();
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return Number(value);
  if (/^nan$/i.test(value)) return Number.NaN;
  if (/^[+-]?inf(inity)?$/i.test(value)) return value.startsWith("-") ? -Infinity : Infinity;
  throw new CelError("type conversion error from 'string' to 'double'");
}

function toInteger(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined;
  return typeof value === "string" && /^[+-]?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

function toInt(value: unknown): bigint {
  if (value instanceof CelTimestamp) return value.nanos / 1_000_000_000n;
  if (value instanceof CelDuration) return value.nanos;
  const number = value instanceof CelUint ? value.value : toInteger(value);
  const fits = number !== undefined && number < INT_LIMIT && number >= -INT_LIMIT;
  if (fits) return number;
  if (typeof value === "string") throw new CelError("type conversion error from 'string' to 'int'");
  if (number === undefined && typeof value !== "number") throw noOverload();
  throw new CelError("integer overflow");
}

export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : goFloat(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof Uint8Array) return utf8Text(value);
  if (value instanceof CelTimestamp || value instanceof CelDuration) return timeMethod("string", value, []) as string;
  return kubernetesMethod("string", value, [], () => undefined) as string;
}

/** @throws CelError when it is no UTF-8 */
function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new CelError("invalid UTF-8 in bytes, cannot convert to string");
    throw error;
  }
}

function setsOf(name: string, a: unknown, b: unknown, spend: Spend): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) throw noOverload();
  spend(a.length * b.length);
  const within = (part: readonly unknown[], whole: readonly unknown[]): boolean =>
    part.every((item) => whole.some((other) => equalCel(item, other, spend)));
  if (name === "sets.contains") return within(b, a);
  if (name === "sets.equivalent") return within(a, b) && within(b, a);
  return a.some((item) => b.some((other) => equalCel(item, other, spend)));
}

/** The greatest (1) or least (-1). */
function extreme(values: readonly unknown[], sign: 1 | -1, spend: Spend): unknown {
  spend(values.length);
  const [first, ...others] = values;
  if (first === undefined) throw new CelError(sign > 0 ? "max called on empty list" : "min called on empty list");
  return others.reduce((best, value) => {
    const order = compareCel(value, best);
    if (order === undefined) throw noOverload();
    return order * sign > 0 ? value : best;
  }, first);
}

function listMethod(name: string, list: readonly unknown[], args: readonly unknown[], spend: Spend): unknown {
  spend(list.length);
  const [a, b] = args;
  switch (name) {
    case "isSorted":
      return list.every((item, i) => {
        const order = i === 0 ? 0 : compareCel(list[i - 1], item);
        if (order === undefined) throw noOverload();
        return order <= 0;
      });
    case "sum":
      return sumOf(list);
    case "min":
    case "max":
      return extreme(list, name === "max" ? 1 : -1, spend);
    case "indexOf":
      return BigInt(list.findIndex((item) => equalCel(item, a, spend)));
    case "lastIndexOf":
      return BigInt(list.findLastIndex((item) => equalCel(item, a, spend)));
    case "join":
      return joined(list, a, spend);
    case "flatten":
      if (typeof a === "bigint" && a < 0n) throw new CelError("level must be non-negative");
      return list.flat(a === undefined ? 1 : Math.min(Number(toInt(a)), 100));
    case "unwrapOpt":
      return unwrapped(list);
    case "distinct":
      return list.filter((item, i) => list.findIndex((other) => equalCel(item, other, spend)) === i);
    case "reverse":
      return [...list].reverse();
    case "sort":
      return sortedBy(list, list, spend);
    case "first":
    case "last":
      return new CelOptional(list.at(name === "first" ? 0 : -1));
    case "slice":
      return slice(list, a, b);
    case "@sortByAssociatedKeys":
      return sortedBy(list, a, spend);
    default:
      throw noOverload();
  }
}

function range(length: unknown, spend: Spend): readonly bigint[] {
  if (typeof length !== "bigint") throw noOverload();
  if (length < 0n) throw new CelError(`lists.range: size must be non-negative, got ${length}`);
  spend(Number(length));
  return Array.from({ length: Number(length) }, (_, i) => BigInt(i));
}

/** @param keys by their places those of the items */
function sortedBy(list: readonly unknown[], keys: unknown, spend: Spend): readonly unknown[] {
  if (!Array.isArray(keys) || keys.length !== list.length) throw noOverload();
  spend(list.length * Math.ceil(Math.log2(list.length + 1)));
  const pairs = list.map((item, i) => ({ item, key: keys[i] as unknown }));
  pairs.sort((x, y) => {
    const order = compareCel(x.key, y.key);
    if (order === undefined) throw noOverload();
    return order;
  });
  return pairs.map(({ item }) => item);
}

function slice(list: readonly unknown[], from: unknown, to: unknown): readonly unknown[] {
  const [start, end] = [Number(toInt(from)), Number(toInt(to))];
  const asked = `cannot slice(${start}, ${end})`;
  if (start < 0 || end < 0) throw new CelError(`${asked}, negative indexes not supported`);
  if (start > end) throw new CelError(`${asked}, start index must be less than or equal to end index`);
  if (end > list.length) throw new CelError(`${asked}, list is length ${list.length}`);
  return list.slice(start, end);
}

function joined(list: readonly unknown[], separator: unknown, spend: Spend): string {
  if (separator !== undefined && typeof separator !== "string") throw noOverload();
  for (const item of list) {
    if (typeof item !== "string") throw noOverload();
    spend((item.length + (separator?.length ?? 0)) / 10);
  }
  return list.join(separator ?? "");
}

function sumOf(list: readonly unknown[]): unknown {
  const [first] = list;
  if (first === undefined) return 0n;
  if (typeof first === "bigint") return list.reduce<bigint>((sum, item) => toInt(sum + toInt(item)), 0n);
  if (first instanceof CelUint) {
    const whole = list.reduce<bigint>((sum, item) => sum + (item instanceof CelUint ? item.value : 0n), 0n);
    if (whole >= 2n ** 64n) throw new CelError("unsigned integer overflow");
    return new CelUint(whole);
  }
  if (typeof first === "number") return list.reduce<number>((sum, item) => sum + toDouble(item), 0);
  if (first instanceof CelDuration) {
    return checkedDuration(list.reduce<bigint>((sum, item) => sum + (item as CelDuration).nanos, 0n));
  }
  throw noOverload();
}
