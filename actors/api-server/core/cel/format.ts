/**
 * `"…".format([…])`: what stands in the text, and what becomes of the values. The same text is read when a rule is written, to check the
 * types, and when it runs.
 * Source: cel-go `ext/formatting.go`.
 */
import { goFloat } from "../machinery/go-text.ts";
import type { Spend } from "./functions.ts";
import { ESCAPED, toText } from "./functions.ts";
import {
  BASE_TYPES,
  CelDuration,
  CelError,
  CelMap,
  CelStruct,
  CelTimestamp,
  CelType,
  CelUint,
  fieldsOf,
  typeName,
} from "./values.ts";

export interface Clause {
  readonly verb: string;
  readonly precision: number | undefined;
}

/** What is wrong with the text itself, in cel-go's words. */
export class BadFormat extends Error {}

/**
 * @param isThere whether there is a value of this number
 * @param shown what a clause makes of the value of this number
 * @throws BadFormat
 */
export function formatText(
  text: string,
  isThere: (index: number) => boolean,
  shown: (clause: Clause, index: number) => string,
): string {
  let result = "";
  let index = 0;
  for (let at = 0; at < text.length;) {
    const percent = text.indexOf("%", at);
    if (percent < 0) return result + text.slice(at);
    result += text.slice(at, percent);
    at = percent + 1;
    if (text[at] === "%") {
      result += "%";
      at++;
      continue;
    }
    if (at >= text.length) throw new BadFormat("unexpected end of string");
    if (!isThere(index)) throw new BadFormat(`index ${index} out of range`);
    const { clause, end } = clauseAt(text, at);
    result += shown(clause, index++);
    at = end;
  }
  return result;
}

const VERBS = "sdfebxXo";

function clauseAt(text: string, from: number): { readonly clause: Clause; readonly end: number } {
  const bad = (why: string): BadFormat => new BadFormat(`could not parse formatting clause: ${why}`);
  let at = from;
  let precision: number | undefined;
  if (text[at] === ".") {
    const digits = /^\d*/.exec(text.slice(at + 1))?.[0] ?? "";
    at += 1 + digits.length;
    const head = "error while parsing precision";
    if (at >= text.length) throw bad(`${head}: could not find end of precision specifier`);
    if (digits === "" || !Number.isSafeInteger(Number(digits))) {
      const why = digits === "" ? "invalid syntax" : "value out of range";
      throw bad(`${head}: error while converting precision to integer: strconv.Atoi: parsing "${digits}": ${why}`);
    }
    precision = Number(digits);
  }
  const verb = text.charAt(at);
  if (!VERBS.includes(verb)) throw bad(`unrecognized formatting clause "${verb}"`);
  return { clause: { verb, precision }, end: at + 1 };
}

/** By their verbs: the types that a clause takes, as types are named at run time, and what is said of others. */
export const CLAUSES: Readonly<Record<string, { readonly takes: readonly string[]; readonly words: string }>> = {
  b: { takes: ["bool", "int", "uint"], words: "only integers and bools can be formatted as binary" },
  d: { takes: ["int", "uint"], words: "decimal clause can only be used on integers" },
  e: { takes: ["double", "string"], words: "scientific clause can only be used on doubles" },
  f: { takes: ["double", "string"], words: "fixed-point clause can only be used on doubles" },
  o: { takes: ["int", "uint"], words: "octal clause can only be used on integers" },
  s: {
    takes: BASE_TYPES,
    words:
      "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
  },
  X: {
    takes: ["bytes", "int", "string", "uint"],
    words: "only integers, byte buffers, and strings can be formatted as hex",
  },
  x: {
    takes: ["bytes", "int", "string", "uint"],
    words: "only integers, byte buffers, and strings can be formatted as hex",
  },
};

/** Longer fractions than a double has are zeros, and cost. */
const PRECISION_MAX = 1_000;

/** @throws CelError */
export function formatted(text: string, args: unknown, spend: Spend): string {
  if (!Array.isArray(args)) throw new CelError("no such overload");
  try {
    return formatText(
      text,
      (index) => index < args.length,
      (clause, index) => {
        const shown = clauseText(clause, args[index]);
        spend(shown.length / 10);
        return shown;
      },
    );
  } catch (error) {
    throw error instanceof BadFormat ? new CelError(error.message) : error;
  }
}

function clauseText({ verb, precision = 6 }: Clause, value: unknown): string {
  const wrong = (): CelError =>
    new CelError(`error during formatting: ${CLAUSES[verb]?.words ?? ""}, was given ${typeName(value)}`);
  const integer = value instanceof CelUint ? value.value : typeof value === "bigint" ? value : undefined;
  switch (verb) {
    case "s":
      return plainText(value, wrong);
    case "d":
      if (integer === undefined) throw wrong();
      return String(integer);
    case "b":
      if (typeof value === "boolean") return value ? "1" : "0";
      if (integer === undefined) throw wrong();
      return integer.toString(2);
    case "o":
      if (integer === undefined) throw wrong();
      return integer.toString(8);
    case "x":
      return hexText(value, integer, wrong);
    case "X":
      return hexText(value, integer, wrong).toUpperCase();
    case "f":
      return special(doubleOf(value, wrong)) ?? fixed(doubleOf(value, wrong), Math.min(precision, PRECISION_MAX));
    case "e":
      return special(doubleOf(value, wrong)) ?? scientific(doubleOf(value, wrong));
  }
  throw wrong();
}

function doubleOf(value: unknown, wrong: () => CelError): number {
  if (typeof value === "number") return value;
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity") return Infinity;
  if (value === "-Infinity") return -Infinity;
  throw wrong();
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return undefined;
  return value < 0 ? "-∞" : "∞";
}

/** With commas between thousands, and half rounded to what is even. */
function fixed(value: number, precision: number): string {
  const [whole = "", fraction] = fixedText(value, precision).split(".");
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

function fixedText(value: number, precision: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const mantissa = exponent === 0 ? bits : (bits & (2n ** 52n - 1n)) | (2n ** 52n);
  const scaled = mantissa * 10n ** BigInt(precision);
  const power = Math.max(exponent, 1) - 1_075;
  let digits: bigint;
  if (power >= 0) digits = scaled << BigInt(power);
  else {
    const unit = 1n << BigInt(-power);
    const rest = (scaled % unit) * 2n;
    digits = scaled / unit;
    if (rest > unit || (rest === unit && digits % 2n === 1n)) digits++;
  }
  const text = String(digits).padStart(precision + 1, "0");
  const sign = value < 0 ? "-" : "";
  const point = text.length - precision;
  return `${sign}${text.slice(0, point)}${precision === 0 ? "" : `.${text.slice(point)}`}`;
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Always six digits: cel-go takes the precision for a width. */
function scientific(value: number): string {
  const [mantissa = "", exponent = ""] = value.toExponential(6).split("e");
  const raised = Array.from(exponent.slice(1).padStart(2, "0"), (digit) => RAISED[Number(digit)] ?? "").join("");
  return `${mantissa}×10${exponent.startsWith("-") ? "⁻" : ""}${raised}`;
}

function hexText(value: unknown, integer: bigint | undefined, wrong: () => CelError): string {
  if (integer !== undefined) return integer.toString(16);
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (!(bytes instanceof Uint8Array)) throw wrong();
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function plainText(value: unknown, wrong: () => CelError): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `[${value.map((item: unknown) => innerText(item)).join(", ")}]`;
  const fields = value instanceof CelMap ? value.entries : undefined;
  if (fields !== undefined) return mapText(fields);
  if (value instanceof CelType) return value.name;
  if (value instanceof CelStruct || !(CLAUSES["s"]?.takes.includes(typeName(value)) ?? false)) throw wrong();
  return toText(value);
}

function mapText(fields: ReadonlyMap<unknown, unknown>): string {
  const entries = Array.from(fields, ([key, value]) => `${innerText(key)}:${innerText(value)}`);
  return `{${entries.sort().join(", ")}}`;
}

/** A value in a list or a map is shown as it would be written. */
function innerText(value: unknown): string {
  if (typeof value === "string") return goQuoted(value);
  if (value instanceof Uint8Array) return `b${goQuoted(toText(value))}`;
  if (value instanceof CelDuration) return `duration("${toText(value)}")`;
  if (value instanceof CelTimestamp) return `timestamp("${toText(value)}")`;
  if (typeof value === "number") return Number.isFinite(value) ? fixedText(value, 6) : `"${goFloat(value)}"`;
  if (fieldsOf(value) !== undefined && !(value instanceof CelMap)) throw noFormat(value);
  return plainText(value, () => noFormat(value));
}

function noFormat(value: unknown): CelError {
  return new CelError(`error during formatting: no formatting function for ${typeName(value)}`);
}

/** `%q`. */
function goQuoted(text: string): string {
  const quoted = Array.from(text, (char) => {
    const known = ESCAPED[char];
    if (known !== undefined) return known;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
    if (char === " " || /[^\p{C}\p{Z}]/u.test(char)) return char;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${quoted.join("")}"`;
}
