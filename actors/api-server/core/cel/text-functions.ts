/** What can be done with texts. Source: cel-go `ext/strings.go`, apiserver `pkg/cel/library/regex.go`. */
import { RE2JS } from "re2js";
import type { Spend } from "./functions.ts";
import { formatted } from "./format.ts";
import { noOverload } from "./functions.ts";
import { CelError } from "./values.ts";

/** @throws CelError */
export function textMethod(name: string, text: string, args: readonly unknown[], spend: Spend): unknown {
  const [a, b, c] = args;
  spend(text.length / 10);
  switch (name) {
    case "startsWith":
      return text.startsWith(textArg(a));
    case "endsWith":
      return text.endsWith(textArg(a));
    case "contains":
      spend((text.length * textArg(a).length) / 1_000);
      return text.includes(textArg(a));
    case "matches":
      return compiled(textArg(a), text, spend).test(text);
    case "find":
      return found(compiled(textArg(a), text, spend, NO_PATTERN), text, 1)[0] ?? "";
    case "findAll":
      return found(compiled(textArg(a), text, spend, NO_PATTERN), text, b === undefined ? -1 : numberArg(b));
    case "charAt": {
      const chars = charsOf(text);
      const at = numberArg(a);
      if (at < 0 || at > chars.length) throw new CelError(`index out of range: ${at}`);
      return chars[at] ?? "";
    }
    case "indexOf":
    case "lastIndexOf":
      return BigInt(indexOf(name, text, textArg(a), b === undefined ? undefined : numberArg(b)));
    case "lowerAscii":
      return text.replaceAll(/[A-Z]/g, (char) => char.toLowerCase());
    case "upperAscii":
      return text.replaceAll(/[a-z]/g, (char) => char.toUpperCase());
    case "trim":
      return text.trim();
    case "replace":
      return replaced(text, textArg(a), textArg(b), c === undefined ? -1 : numberArg(c), spend);
    case "split":
      return split(text, textArg(a), b === undefined ? -1 : numberArg(b));
    case "substring":
      return substring(text, numberArg(a), b === undefined ? undefined : numberArg(b));
    case "format":
      return formatted(text, a, spend);
    default:
      throw noOverload();
  }
}

/** Characters of Unicode, which CEL counts. */
export function charsOf(text: string): string[] {
  return Array.from(text);
}

function textArg(value: unknown): string {
  if (typeof value !== "string") throw noOverload();
  return value;
}

function numberArg(value: unknown): number {
  if (typeof value !== "bigint") throw noOverload();
  return Number(value);
}

/** What `find` says of a bad pattern. */
const NO_PATTERN = "Illegal regex: ";

/** A pattern costs by its length, and what it is looked for in by its own. */
function compiled(pattern: string, text: string, spend: Spend, what: string = ""): RE2JS {
  spend(Math.max(1, (text.length + 1) / 10) * Math.max(1, pattern.length / 4));
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new CelError(`${what}${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @param max negative: all */
function found(pattern: RE2JS, text: string, max: number): readonly string[] {
  const matches: string[] = [];
  const matcher = pattern.matcher(text);
  while (matches.length !== max && matcher.find()) matches.push(matcher.group() ?? "");
  return matches;
}

function indexOf(name: string, text: string, part: string, from: number | undefined): number {
  const chars = charsOf(text);
  const wanted = charsOf(part);
  const last = chars.length - wanted.length;
  if (from !== undefined && from < 0) throw new CelError(`index out of range: ${from}`);
  if (from !== undefined && from > chars.length) return -1;
  const isAt = (at: number): boolean => wanted.every((char, i) => chars[at + i] === char);
  if (name === "indexOf") {
    for (let at = from ?? 0; at <= last; at++) if (isAt(at)) return at;
  } else for (let at = Math.min(from ?? last, last); at >= 0; at--) if (isAt(at)) return at;
  return -1;
}

function replaced(text: string, part: string, by: string, times: number, spend: Spend): string {
  if (times < 0) {
    spend((text.length * (1 + by.length)) / 10);
    return text.replaceAll(part, () => by);
  }
  let result = text;
  let from = 0;
  for (let i = 0; i < times; i++) {
    const at = result.indexOf(part, from);
    if (at < 0) break;
    spend(result.length / 10);
    result = result.slice(0, at) + by + result.slice(at + part.length);
    from = at + by.length + (part === "" ? 1 : 0);
  }
  return result;
}

function split(text: string, separator: string, limit: number): readonly string[] {
  if (limit === 0) return [];
  const parts = separator === "" ? charsOf(text) : text.split(separator);
  if (limit < 0 || parts.length <= limit) return parts;
  return [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

function substring(text: string, from: number, to: number | undefined): string {
  const chars = charsOf(text);
  const end = to ?? chars.length;
  if (from < 0 || from > chars.length) throw new CelError(`index out of range: ${from}`);
  if (end < 0 || end > chars.length) throw new CelError(`index out of range: ${end}`);
  if (from > end) throw new CelError(`invalid substring range. start: ${from}, end: ${end}`);
  return chars.slice(from, end).join("");
}
