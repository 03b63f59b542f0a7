/** Regular expressions of a schema: RE2, as Go has them, which take linear time whatever the pattern. */
import { RE2JS } from "re2js";
import { isTooLarge } from "../machinery/pattern-size.ts";

/** Of those that are kept compiled, which is about 20 MB. */
const KEPT_INSTRUCTIONS_MAX = 200_000;

/** Of one that is compiled, in the units of `Pace`. */
export const PATTERN_UNITS = 100;

/** What is wrong with a pattern, in Go's words; undefined when nothing is. */
export function patternProblem(pattern: string): string | undefined {
  if (isTooLarge(pattern)) return "error parsing regexp: expression too large";
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return goRegexError(error);
  }
}

export function goRegexError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.startsWith("error parsing regexp: ") ? text : `error parsing regexp: ${text}`;
}

/** Each is compiled when it is first used, and again when there were too many to be kept. */
export class Patterns {
  readonly #compiled = new Map<string, RE2JS>();
  #instructions = 0;

  /** Whether it need not be compiled any more. */
  has(pattern: string): boolean {
    return this.#compiled.has(pattern);
  }

  /** Whether the pattern is found anywhere in the text. */
  matches(pattern: string, text: string): boolean {
    return (this.#compiled.get(pattern) ?? this.#compile(pattern)).test(text);
  }

  #compile(pattern: string): RE2JS {
    const compiled = RE2JS.compile(pattern);
    const size = compiled.programSize();
    if (this.#instructions + size > KEPT_INSTRUCTIONS_MAX) {
      this.#compiled.clear();
      this.#instructions = 0;
    }
    this.#instructions += size;
    this.#compiled.set(pattern, compiled);
    return compiled;
  }
}
