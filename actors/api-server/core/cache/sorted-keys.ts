/**
 * The keys of a cache in etcd's order. Insertions are gathered and merged when somebody next lists, so a burst of creations
 * costs nothing each, and a list after it one sort of what is new. Names of Kubernetes are ASCII: `<` orders them as bytes.
 */
export class SortedKeys {
  private sorted: string[] = [];
  private readonly added = new Set<string>();
  private readonly removed = new Set<string>();

  add(key: string): void {
    if (!this.removed.delete(key)) this.added.add(key);
  }

  remove(key: string): void {
    if (!this.added.delete(key)) this.removed.add(key);
  }

  clear(): void {
    this.sorted = [];
    this.added.clear();
    this.removed.clear();
  }

  /** All keys, ascending. Valid until the next change. */
  all(): readonly string[] {
    if (this.removed.size > 0) {
      this.sorted = this.sorted.filter((key) => !this.removed.has(key));
      this.removed.clear();
    }
    if (this.added.size > 0) {
      const fresh = [...this.added].sort(ascending);
      this.sorted = this.sorted.length === 0 ? fresh : merge(this.sorted, fresh);
      this.added.clear();
    }
    return this.sorted;
  }

  /** Index of the first key that is not less than `key`. */
  static lowerBound(keys: readonly string[], key: string): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function ascending(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function merge(left: readonly string[], right: readonly string[]): string[] {
  const merged: string[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const a = left[i] as string;
    const b = right[j] as string;
    if (a < b) {
      merged.push(a);
      i++;
    } else {
      merged.push(b);
      j++;
    }
  }
  while (i < left.length) merged.push(left[i++] as string);
  while (j < right.length) merged.push(right[j++] as string);
  return merged;
}
