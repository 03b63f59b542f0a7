/** Checks of what options are given. */
import { refuse } from "./failure.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `90s`, `2m`. Errors: INVALID_ARGUMENT. */
export function milliseconds(option: string, text: string): number {
  const found = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  if (found === null) throw refuse(`${option} takes a time as 90s or 2m, not ${JSON.stringify(text)}`);
  return Number(found[1]) * UNITS_MS[found[2]!]!;
}

/** Errors: INVALID_ARGUMENT. */
export function integer(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw refuse(`${option} takes a whole number from ${least} to ${most}, not "${text}"`);
}
