/**
 * Makes a list as small as it can be while something stays so of it.
 * Source: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input (`ddmin`).
 */
export async function shrink<T>(
  items: readonly T[],
  isSo: (fewer: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = items;
  let parts = 2;
  while (kept.length >= 2) {
    const size = Math.ceil(kept.length / parts);
    let smaller: readonly T[] | undefined;
    for (let from = 0; from < kept.length && smaller === undefined; from += size) {
      const without = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (without.length > 0 && (await isSo(without))) smaller = without;
    }
    if (smaller !== undefined) {
      kept = smaller;
      parts = Math.max(parts - 1, 2);
    } else if (size === 1) return kept;
    else parts = Math.min(kept.length, 2 * parts);
  }
  return kept;
}
