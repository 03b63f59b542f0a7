/** The indexes of an indexed Job, written `0,3-5`. Source: Kubernetes `validateIndexesFormat`. */

type Interval = readonly [first: number, last: number];

/** One interval, or what is wrong with it. */
function intervalOf(text: string, completions: number): Interval | string {
  const [first = "", last, ...more] = text.split("-");
  if (more.length > 0) {
    const rule = "an index interval can have at most two parts separated by '-'";
    return `the fragment ${JSON.stringify(text)} violates the requirement that ${rule}`;
  }
  const parsed: number[] = [];
  for (const index of last === undefined ? [first] : [first, last]) {
    if (!/^[+-]?\d+$/.test(index)) return `cannot convert string to integer for index: ${JSON.stringify(index)}`;
    if (Number(index) >= completions) return `too large index: ${JSON.stringify(index)}`;
    parsed.push(Number(index));
  }
  const [x = 0, y = x] = parsed;
  if (last !== undefined && x >= y) return `non-increasing order, previous: ${x}, current: ${y}`;
  return [x, y];
}

/** How many indexes the text names, or what is wrong with it. */
export function indexesIn(text: string, completions: number): number | string {
  if (text === "") return 0;
  let total = 0;
  let before: number | undefined;
  for (const part of text.split(",")) {
    const interval = intervalOf(part, completions);
    if (typeof interval === "string") return interval;
    const [first, last] = interval;
    if (before !== undefined && before >= first) {
      return `non-increasing order, previous: ${before}, current: ${first}`;
    }
    total += last - first + 1;
    before = last;
  }
  return total;
}

/** The first index that both texts name; intervals that can't be read are left out. */
export function commonIndex(a: string, b: string, completions: number): number | undefined {
  const intervals = (text: string): readonly Interval[] =>
    (text === "" ? [] : text.split(","))
      .map((part) => intervalOf(part, completions))
      .filter((one): one is Interval => typeof one !== "string");
  for (const [first, last] of intervals(a)) {
    for (const [from, to] of intervals(b)) {
      if (first <= to && from <= last) return Math.max(first, from);
    }
  }
  return undefined;
}
