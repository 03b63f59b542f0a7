/** How large regular expressions become, before anything is made of them. Source: the syntax of RE2. */

/** What becomes larger is refused: it is compiled in one piece, in a tenth of a second. Kubernetes takes a million. */
const INSTRUCTIONS_MAX = 100_000;

export function isTooLarge(pattern: string): boolean {
  return patternSize(pattern) > INSTRUCTIONS_MAX;
}

const REPEATED = /\{(\d{1,4})(?:,(\d{0,4}))?\}/y;
/** `[^]a]`, `[[:alpha:]-z]`: to the bracket that ends it. */
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\\\]])*\]/y;
const ESCAPED = /\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|[\s\S])/y;

/** How many instructions a pattern becomes, about: what is repeated stands there as often. It may be none. */
export function patternSize(pattern: string): number {
  const around: number[] = [];
  let [size, last] = [0, 0];
  const skip = (what: RegExp, at: number): number => {
    what.lastIndex = at;
    return what.exec(pattern)?.[0].length ?? 1;
  };
  for (let at = 0; at < pattern.length;) {
    const char = pattern[at];
    REPEATED.lastIndex = at;
    const times = char === "{" ? REPEATED.exec(pattern) : null;
    if (times !== null) {
      const count = Math.max(Number(times[1]), Number(times[2] ?? 0), 1);
      size += last * (count - 1);
      last *= count;
      at += times[0].length;
      continue;
    }
    if (char === "(") {
      around.push(size);
      size = 0;
    } else if (char === ")") {
      last = size + 2;
      size = last + (around.pop() ?? 0);
    } else {
      size++;
      last = 1;
    }
    at += char === "[" ? skip(CLASS, at) : char === "\\" ? skip(ESCAPED, at) : 1;
  }
  return around.reduce((sum, outer) => sum + outer, size);
}
