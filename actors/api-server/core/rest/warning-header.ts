/**
 * What clients are told, as the header `Warning` (RFC 9111 knows it no more; RFC 7234, section 5.5).
 * Source: apiserver `endpoints/filters/warning.go`.
 */

/** Characters of all that is told at once. What is more is cut: clients and proxies take no headers of any size. */
const CHARS_MAX = 4_096;
/** Characters of each, where all together are more than that. */
const ITEM_CHARS_MAX = 256;

/** Each once, and no more than a header has room for. */
export function keptWarnings(texts: readonly string[]): readonly string[] {
  const all = [...new Set(texts)];
  let chars = 0;
  for (const text of all) chars += lengthOf(text);
  if (chars <= CHARS_MAX) return all;
  const kept: string[] = [];
  chars = 0;
  for (const text of all) {
    if (chars >= CHARS_MAX) break;
    const cut = lengthOf(text) > ITEM_CHARS_MAX ? Array.from(text).slice(0, ITEM_CHARS_MAX).join("") : text;
    kept.push(cut);
    chars += lengthOf(cut);
  }
  return kept;
}

/** One `warning-value`, each character of which is a byte of UTF-8, as headers are written. */
export function warningValue(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(`299 - ${JSON.stringify(text)}`));
}

/** In characters of Unicode. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _char of text) length++;
  return length;
}
