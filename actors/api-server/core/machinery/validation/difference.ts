/**
 * How two values differ, line by line of their indented JSON, as messages show it.
 * Source: apimachinery `diff.Diff`, the format of `diff -u` without file names.
 */
const CONTEXT_LINES = 3;
/** Pairs of lines that are compared. Of more that differ all of the one side stands before all of the other. */
const PAIRS_MAX = 1_000_000;

interface Line {
  readonly mark: " " | "-" | "+";
  readonly text: string;
}

export function unifiedDifference(old: unknown, now: unknown): string {
  const lines = differingLines(linesOf(old), linesOf(now));
  const changed = lines.flatMap(({ mark }, i) => (mark === " " ? [] : [i]));
  const hunks: [number, number][] = [];
  for (const i of changed) {
    const last = hunks.at(-1);
    // What both would show stands once; they are one, too, where nothing would stand between them.
    if (last !== undefined && i - last[1] - 1 <= 2 * CONTEXT_LINES) last[1] = i;
    else hunks.push([i, i]);
  }
  return hunks.map(([first, last]) => hunkText(lines, first, last)).join("");
}

function linesOf(value: unknown): readonly string[] {
  return JSON.stringify(value, null, 1).split("\n");
}

/** The lines of both; what both have stands once. What both begin and end with need not be compared line by line. */
function differingLines(a: readonly string[], b: readonly string[]): readonly Line[] {
  let before = 0;
  while (before < a.length && before < b.length && a[before] === b[before]) before++;
  let behind = 0;
  while (behind < Math.min(a.length, b.length) - before && a.at(-1 - behind) === b.at(-1 - behind)) behind++;
  const [left, right] = [a.slice(before, a.length - behind), b.slice(before, b.length - behind)];
  const same = (text: string): Line => ({ mark: " ", text });
  const middle =
    left.length * right.length <= PAIRS_MAX
      ? editScript(left, right)
      : [...left.map((text): Line => ({ mark: "-", text })), ...right.map((text): Line => ({ mark: "+", text }))];
  return [...a.slice(0, before).map(same), ...middle, ...a.slice(a.length - behind).map(same)];
}

/** The lines of both; what both have stands once. */
function editScript(a: readonly string[], b: readonly string[]): readonly Line[] {
  const common = commonLengths(a, b);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      lines.push({ mark: " ", text: left });
      i++;
      j++;
    } else if (left !== undefined && (right === undefined || (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      lines.push({ mark: "-", text: left });
      i++;
    } else {
      lines.push({ mark: "+", text: right ?? "" });
      j++;
    }
  }
  return lines;
}

/** The length of the longest common part of what is behind each pair of places. O(lines of the one times lines of the other). */
function commonLengths(a: readonly string[], b: readonly string[]): readonly (readonly number[])[] {
  const lengths = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0));
  for (let i = a.length - 1; i >= 0; i--) {
    const [row, below] = [lengths[i] ?? [], lengths[i + 1] ?? []];
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}

function hunkText(lines: readonly Line[], first: number, last: number): string {
  const from = Math.max(0, first - CONTEXT_LINES);
  const shown = lines.slice(from, last + CONTEXT_LINES + 1);
  const before = (mark: "-" | "+"): number => countOf(lines.slice(0, from), mark);
  const range = (mark: "-" | "+"): string => rangeText(before(mark), countOf(shown, mark));
  const text = shown.map((line) => `${line.mark}${line.text}\n`).join("");
  return `@@ -${range("-")} +${range("+")} @@\n${text}`;
}

/** Lines of the one side. */
function countOf(lines: readonly Line[], mark: "-" | "+"): number {
  return lines.filter((line) => line.mark === " " || line.mark === mark).length;
}

function rangeText(before: number, count: number): string {
  if (count === 1) return String(before + 1);
  return `${count === 0 ? before : before + 1},${count}`;
}
