/** JSON bodies, and the fields that occur twice in them (which `JSON.parse` does not tell). */
import type { ExpectedKind } from "./decode-object.ts";
import { unrecognized } from "./decode-object.ts";
import { jsonProblem } from "./json-syntax.ts";
import { badRequest } from "./status.ts";

export interface JsonBody {
  readonly value: unknown;
  /** Fields that occur twice in one object, as `spec.replicas`. The last one counts. */
  readonly duplicates: readonly string[];
}

/** How much of a bad body an error message repeats. */
const SHOWN_MAX = 30;

/**
 * JSON text to a value.
 * @throws Status 400 for text that is not JSON
 */
export function parseJson(text: string, expected: ExpectedKind): JsonBody {
  const read = readJson(text);
  if (!("problem" in read)) return read;
  throw unrecognized(expected, `couldn't get version/kind; json parse error: ${read.problem} (${summaryOf(text)})`);
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
    return { problem: jsonProblem(text) };
  }
  const duplicates = countKeysOfText(text) === countKeys(value, 0) ? [] : findDuplicates(text);
  return { value, duplicates };
}

/** As Kubernetes shows a body that it can't make sense of: in hexadecimal, unless it looks like an object. */
export function summaryOf(text: string): string {
  if (text === "") return "<empty>";
  const bytes = new TextEncoder().encode(text);
  const more = bytes.length > SHOWN_MAX ? " ..." : "";
  const shown = bytes.subarray(0, SHOWN_MAX);
  if (text.startsWith("{")) return `${new TextDecoder().decode(shown)}${more}`;
  return `${Array.from(shown, (byte) => byte.toString(16).padStart(2, "0")).join("")}${more}`;
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

/** Paths of the keys that repeat one of the same object, each once. The text is well formed. */
function findDuplicates(text: string): readonly string[] {
  const duplicates = new Set<string>();
  const levels: Level[] = [];
  let at = 0;
  while (at < text.length) {
    const level = levels.at(-1);
    switch (text.charAt(at)) {
      case "{":
      case "[":
        levels.push({ keys: text[at] === "{" ? new Set() : undefined, path: pathOf(level), key: "", index: 0 });
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
          if (level.keys.has(level.key)) duplicates.add(pathOf(level));
          level.keys.add(level.key);
        }
        at = end;
        continue;
      }
      default:
    }
    at++;
  }
  return [...duplicates];
}

function pathOf(level: Level | undefined): string {
  if (level === undefined) return "";
  if (level.keys === undefined) return `${level.path}[${level.index}]`;
  return level.path === "" ? level.key : `${level.path}.${level.key}`;
}
