/** Completion indexes of a Job as intervals, so that a million of them cost no more than their gaps. Written `0,3-5,7,8`. */
type Interval = readonly [first: number, last: number];

export class IndexSet {
  static readonly EMPTY: IndexSet = new IndexSet([]);
  /** Ascending, with a gap between each and the next. */
  private readonly intervals: readonly Interval[];

  private constructor(intervals: readonly Interval[]) {
    this.intervals = intervals;
  }

  /** What a status says; indexes from `completions` on are left out. */
  static parse(text: string, completions: number): IndexSet {
    const intervals: Interval[] = [];
    for (const part of text === "" ? [] : text.split(",")) {
      const [first = NaN, last = first] = part.split("-").map(Number);
      if (!(first < completions)) break;
      intervals.push([first, Math.min(last, completions - 1)]);
    }
    return IndexSet.merged(intervals);
  }

  private static merged(intervals: Interval[]): IndexSet {
    intervals.sort(([left], [right]) => left - right);
    const joined: [first: number, last: number][] = [];
    for (const [first, last] of intervals) {
      const before = joined.at(-1);
      if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
      else joined.push([first, last]);
    }
    return new IndexSet(joined);
  }

  with(indexes: Iterable<number>): IndexSet {
    const added = [...indexes].map((index): Interval => [index, index]);
    return added.length === 0 ? this : IndexSet.merged([...this.intervals, ...added]);
  }

  has(index: number): boolean {
    let low = 0;
    let high = this.intervals.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const [first, last] = this.intervals[middle]!;
      if (index < first) high = middle - 1;
      else if (index > last) low = middle + 1;
      else return true;
    }
    return false;
  }

  get size(): number {
    return this.intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  /** How many of those that `text` names are in it. */
  sizeWithin(text: string, completions: number): number {
    let size = 0;
    for (const [first, last] of IndexSet.parse(text, completions).intervals) {
      for (const [from, to] of this.intervals) size += Math.max(0, Math.min(last, to) - Math.max(first, from) + 1);
    }
    return size;
  }

  /** The first `count` indexes below `completions` that neither this set nor `taken` has. */
  firstMissing(count: number, completions: number, taken: ReadonlySet<number>): readonly number[] {
    const missing: number[] = [];
    let next = 0;
    for (const [first, last] of [...this.intervals, [completions, completions] as const]) {
      for (; next < Math.min(first, completions); next++) {
        if (missing.length === count) return missing;
        if (!taken.has(next)) missing.push(next);
      }
      next = last + 1;
    }
    return missing;
  }

  /** Two in a row are written `1,2`, more of them `1-3`. */
  get text(): string {
    return this.intervals
      .map(([first, last]) => (last === first ? `${first}` : `${first}${last === first + 1 ? "," : "-"}${last}`))
      .join(",");
  }
}
