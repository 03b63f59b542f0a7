/** For messages about a name that is not known. */

/** Names that differ in more than this share of their letters are not meant. */
const DIFFERENT_SHARE_MAX = 0.4;

/** The one of `names` that is most like `name`, the first of equals; undefined when none is much like it. */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of names) {
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase());
    if (edits >= least || edits > Math.max(name.length, candidate.length) * DIFFERENT_SHARE_MAX) continue;
    nearest = candidate;
    least = edits;
  }
  return nearest;
}

/** What goes behind "there is no X": `; did you mean Y?`, or a full stop. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const nearest = nearestName(name, names);
  return nearest === undefined ? "." : `; did you mean ${nearest}?`;
}

/** How many letters have to be put in, taken out or exchanged (Levenshtein's distance). O(length of both, multiplied). */
function editsBetween(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let at = 1; at <= left.length; at++) {
    const next = [at];
    for (let to = 1; to <= right.length; to++) {
      const exchanged = row[to - 1]! + (left[at - 1] === right[to - 1] ? 0 : 1);
      next.push(Math.min(exchanged, row[to]! + 1, next[to - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}
