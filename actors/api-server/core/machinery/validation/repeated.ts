/** Which of a list stand in it already, further to the front. */

const NONE: ReadonlySet<number> = new Set();

/** @returns the indices of all that equal an earlier one, as `===` has it; objects are told apart by a text or number of theirs */
export function repeatedAt(keys: readonly unknown[]): ReadonlySet<number> {
  if (keys.length < 2) return NONE;
  const seen = new Set<unknown>();
  const repeated = new Set<number>();
  for (const [i, key] of keys.entries()) {
    if (seen.has(key)) repeated.add(i);
    seen.add(key);
  }
  return repeated;
}
