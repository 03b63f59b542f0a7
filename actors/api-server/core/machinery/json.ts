/** JSON bodies, and the fields that occur twice in them (which `JSON.parse` does not tell). */
import type { ExpectedKind } from "./decode-object.ts";
import { unrecognized } from "./decode-object.ts";

export interface JsonBody {
  readonly value: unknown;
  /** Fields that occur twice in one object, as `spec.replicas`. The last one counts. */
  readonly duplicates: readonly string[];
}

/** How much of a bad body an error message repeats. */
const QUOTED_CHARS_MAX = 256;

/**
 * JSON text to a value.
 * @throws Status 400 for text that is not JSON
 */
export function parseJson(text: string, expected: ExpectedKind): JsonBody {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const quoted = text.trim() === "" ? "<empty>" : text.slice(0, QUOTED_CHARS_MAX);
    throw unrecognized(
      expected,
      `couldn't get version/kind; json parse error: ${goSyntaxError(text, error)} (${quoted})`,
    );
  }
  const duplicates = countKeysOfText(text) === countKeys(value) ? [] : findDuplicates(text);
  return { value, duplicates };
}

function goSyntaxError(text: string, error: SyntaxError): string {
  if (text.trim() === "" || /Unexpected end|Unterminated/.test(error.message)) return "unexpected end of JSON input";
  return error.message;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) for (const item of value) count += countKeys(item);
  else {
    for (const key in value) count += 1 + countKeys((value as Readonly<Record<string, unknown>>)[key]);
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

/** Keys in JSON text that is known to be well formed: the strings that a colon follows. */
function countKeysOfText(text: string): number {
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
    switch (text[at]) {
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
