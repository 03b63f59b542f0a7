/** JSON bodies, and the fields that occur twice in them (which `JSON.parse` does not tell). */
import type { ExpectedKind } from "./decode-object.ts";
import { unrecognized } from "./decode-object.ts";
import { jsonProblem } from "./go-json-syntax.ts";
import { badRequest } from "./status.ts";

export interface JsonBody {
  readonly value: unknown;
  /** Fields that occur twice in one object, as `spec.replicas`. The last one counts. */
  readonly duplicates: readonly string[];
  /** With `duplicates`: where each field stands among all of them; of one that occurs twice the second time. */
  readonly places?: ReadonlyMap<string, number>;
  /** Of YAML, in place of `duplicates`: what is wrong with it, and taken all the same, as the YAML parser of Kubernetes tells it. */
  readonly yamlProblems?: readonly string[];
  /** As it came, for who has to tell that it is of no use. */
  readonly source?: string;
}

/**
 * JSON text to a value.
 * @throws Status 400 for text that is not JSON
 */
export function parseJson(text: string, expected: ExpectedKind): JsonBody {
  const read = readJson(text);
  if (!("problem" in read)) return read;
  throw unrecognized(expected, `couldn't get version/kind; json parse error: ${read.problem}`, text);
}

/**
 * JSON text to a value, or what is wrong with it in Go's words.
 * @throws Status 400 for a value that nests too deep
 */
export function readJson(text: string): JsonBody | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { problem: jsonProblem(text) ?? error.message };
  }
  // What nests too deep is refused before its text is read once more.
  const keys = countKeys(value, 0);
  checkIntegers(text);
  const found = countKeysOfText(text) === keys ? { duplicates: [] } : duplicatesIn(text);
  return { value, source: text, ...found };
}

/** 2^53 has 16 digits. */
const LONG_INTEGER = /\d{16}/;
/** With its sign. */
const INT64_LENGTH_MAX = 20;
const INTEGER = /-?\d+(?![\d.eE])/y;

/**
 * Numbers are kept as JavaScript has them. One that would become another is refused, and not changed without a word; what is no
 * int64 is a float64 for Kubernetes, too.
 * @throws Status 400
 */
export function checkIntegers(text: string): void {
  if (!LONG_INTEGER.test(text)) return;
  scan(text, {
    number: (at, path) => {
      INTEGER.lastIndex = at;
      const literal = INTEGER.exec(text)?.[0];
      if (literal !== undefined && isInexact(literal)) throw badRequest(inexact(path, literal));
    },
  });
}

/** Whether it is an int64 that JavaScript writes in another way than it was read. */
export function isInexact(literal: string): boolean {
  if (literal.length > INT64_LENGTH_MAX) return false;
  const [value, exact] = [Number(literal), BigInt(literal)];
  return !Number.isSafeInteger(value) && String(value) !== String(exact) && BigInt.asIntN(64, exact) === exact;
}

/** The sentence about such a number. */
export function inexact(path: string, literal: string): string {
  return `${path}: Invalid value: ${literal}: inkube can't keep a whole number of this size exactly`;
}

/** Deeper values than this are refused: walking them would take more stack than there is. Go's decoder takes 10,000. */
const DEPTH_MAX = 1000;

/**
 * @throws Status 400 for a value that nests too deep
 */
export function checkDepth(value: unknown): void {
  countKeys(value, 0);
}

export function isTooDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth > DEPTH_MAX || Object.values(value).some((one) => isTooDeep(one, depth + 1));
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth > DEPTH_MAX) throw badRequest("json: exceeded max depth");
  let count = 0;
  if (Array.isArray(value)) for (const item of value) count += countKeys(item, depth + 1);
  else {
    for (const key in value) count += 1 + countKeys((value as Readonly<Record<string, unknown>>)[key], depth + 1);
  }
  return count;
}

const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Index just after the string that starts at `start` (its opening quote). */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

const SPACED_COLON = /"[ \t\r\n]+:/;

/**
 * Keys in JSON text that is known to be well formed: the strings that a colon follows. Looks for `":`, and reads string by
 * string only where that might be part of a string, or a space stands before a colon.
 */
function countKeysOfText(text: string): number {
  let count = 0;
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) {
    const before = text.charCodeAt(at - 1);
    // An escaped quote, or the first of a string that begins with a colon.
    if (before === BACKSLASH || !mayEndString(before)) return countKeysByString(text);
    count++;
  }
  return SPACED_COLON.test(text) ? countKeysByString(text) : count;
}

/** Not what stands before the quote that begins a string: `{`, `[`, `,`, `:` or a space. */
function mayEndString(code: number): boolean {
  return code !== 0x7b && code !== 0x5b && code !== 0x2c && code !== COLON && code > 0x20;
}

function countKeysByString(text: string): number {
  let count = 0;
  let at = text.indexOf('"');
  while (at >= 0) {
    let after = endOfString(text, at);
    while (text.charCodeAt(after) <= 0x20) after++;
    if (text.charCodeAt(after) === COLON) count++;
    at = text.indexOf('"', after);
  }
  return count;
}

/** Where a scan is inside an object or a list. */
interface Level {
  readonly keys: Set<string> | undefined;
  readonly path: string;
  key: string;
  index: number;
}

/** What is found in a text, with its path, and where it stands. */
interface Found {
  readonly key?: (at: number, path: string, repeats: boolean) => void;
  readonly number?: (at: number, path: string) => void;
}

/** Reads JSON that is known to be well formed. */
function scan(text: string, found: Found): void {
  const levels: Level[] = [];
  let at = 0;
  while (at < text.length) {
    const level = levels.at(-1);
    const char = text.charAt(at);
    switch (char) {
      case "{":
      case "[":
        levels.push({ keys: char === "{" ? new Set() : undefined, path: pathOf(level), key: "", index: 0 });
        break;
      case "}":
      case "]":
        levels.pop();
        break;
      case ",":
        if (level !== undefined) level.index++;
        break;
      case '"': {
        const end = endOfString(text, at);
        let after = end;
        while (text.charCodeAt(after) <= 0x20) after++;
        if (level?.keys !== undefined && text.charCodeAt(after) === COLON) {
          level.key = JSON.parse(text.slice(at, end)) as string;
          found.key?.(at, pathOf(level), level.keys.has(level.key));
          level.keys.add(level.key);
        }
        at = end;
        continue;
      }
      default:
        if (char === "-" || isDigit(char)) {
          found.number?.(at, pathOf(level));
          while (/[-+.\deE]/.test(text.charAt(at))) at++;
          continue;
        }
    }
    at++;
  }
}

function isDigit(char: string): boolean {
  return char >= "0" && char <= "9";
}

/** Paths of the keys that repeat one of the same object, each once, and where all keys stand. */
function duplicatesIn(text: string): Required<Pick<JsonBody, "duplicates" | "places">> {
  const duplicates = new Set<string>();
  const places = new Map<string, number>();
  scan(text, {
    key: (at, path, repeats) => {
      if (!places.has(path) || (repeats && !duplicates.has(path))) places.set(path, at);
      if (repeats) duplicates.add(path);
    },
  });
  return { duplicates: [...duplicates], places };
}

function pathOf(level: Level | undefined): string {
  if (level === undefined) return "";
  if (level.keys === undefined) return `${level.path}[${level.index}]`;
  return level.path === "" ? level.key : `${level.path}.${level.key}`;
}
