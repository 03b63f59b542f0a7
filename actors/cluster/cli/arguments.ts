/** Checks of what options are given. */
import { refuse } from "./failure.ts";

/** Errors: INVALID_ARGUMENT. */
export function integer(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw refuse(`${option} takes a whole number from ${least} to ${most}, not "${text}"`);
}
