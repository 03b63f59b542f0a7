/** Regular expressions of a schema: RE2, as Go has them, which take linear time whatever the pattern. */
import { RE2JS } from "re2js";

/** Longer ones are refused: what they compile to would be large. Kubernetes has no such limit. */
export const PATTERN_CHARS_MAX = 10_000;

/** What is wrong with a pattern, in Go's words; undefined when nothing is. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > PATTERN_CHARS_MAX) return `expression is longer than ${PATTERN_CHARS_MAX} characters`;
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return goRegexError(error);
  }
}

/** How large a pattern becomes, about, in instructions; 0 when it is none. */
export function patternSize(pattern: string): number {
  if (pattern.length > PATTERN_CHARS_MAX) return 0;
  // Only what is repeated becomes much larger than it is.
  if (!pattern.includes("{")) return pattern.length;
  try {
    return RE2JS.compile(pattern).programSize();
  } catch {
    return 0;
  }
}

export function goRegexError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.startsWith("error parsing regexp: ") ? text : `error parsing regexp: ${text}`;
}

/** Those of one schema, each compiled when first used. */
export class Patterns {
  readonly #compiled = new Map<string, RE2JS>();

  /** Whether the pattern is found anywhere in the text. */
  matches(pattern: string, text: string): boolean {
    let compiled = this.#compiled.get(pattern);
    if (compiled === undefined) this.#compiled.set(pattern, (compiled = RE2JS.compile(pattern)));
    return compiled.test(text);
  }
}
