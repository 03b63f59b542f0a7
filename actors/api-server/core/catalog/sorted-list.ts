/**
 * Lists in the order of their names, none of which is there twice. A list never changes: one that differs in an entry is a copy, which costs
 * far less than comparing names would, even with thousands of entries.
 */
interface Place {
  readonly at: number;
  readonly found: boolean;
}

/** Where the name is, or belongs. O(log n) comparisons. */
export function placeOf<T>(list: readonly T[], name: string, nameOf: (entry: T) => string): Place {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (nameOf(list[middle] as T) < name) low = middle + 1;
    else high = middle;
  }
  const there = list[low];
  return { at: low, found: there !== undefined && nameOf(there) === name };
}

/** With the entry, in place of the one of its name. */
export function withEntry<T>(list: readonly T[], entry: T, nameOf: (entry: T) => string): readonly T[] {
  const { at, found } = placeOf(list, nameOf(entry), nameOf);
  return found ? list.with(at, entry) : list.toSpliced(at, 0, entry);
}

export function withoutEntry<T>(list: readonly T[], name: string, nameOf: (entry: T) => string): readonly T[] {
  const { at, found } = placeOf(list, name, nameOf);
  return found ? list.toSpliced(at, 1) : list;
}
