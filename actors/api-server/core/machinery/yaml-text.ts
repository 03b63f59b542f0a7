/**
 * JSON values as YAML in block style. Written by hand: a library that builds a document first takes a second for each megabyte, in which
 * nobody else is served. Whatever could be read otherwise, by YAML 1.1 or 1.2, is quoted.
 * @see https://yaml.org/spec/1.2.2/
 */

/** Begins with a letter, has no `: ` or ` #`, and does not end with a blank or a colon. */
const PLAIN = /^[A-Za-z_/](?:[\w ./@+=,()-]|:(?=[\w/]))*$/;
const WORDS = /^(?:true|false|yes|no|on|off|y|n|null)$/i;
const PLAIN_CHARS_MAX = 1_000;
/** What JSON leaves as it is and YAML does not print, or takes for a line break. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
/** A longer key is marked as one. */
const KEY_CHARS_MAX = 1_000;

export function toYaml(value: unknown): string {
  const pieces: string[] = [];
  if (isFilled(value)) write(value, "", pieces);
  else pieces.push(scalar(value), "\n");
  return pieces.join("");
}

/** An item of a list that stands at the beginning of its lines. */
export function yamlItem(value: object): string {
  const pieces = ["- "];
  if (isFilled(value)) write(value, "  ", pieces);
  else pieces.push(scalar(value), "\n");
  return pieces.join("");
}

/** The first line is begun already; the others begin with `indent`. */
function write(value: object, indent: string, pieces: string[]): void {
  let lead = "";
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      pieces.push(lead, "- ");
      lead = indent;
      if (isFilled(item)) write(item, `${indent}  `, pieces);
      else pieces.push(scalar(item), "\n");
    }
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const name = text(key);
    pieces.push(lead, name.length > KEY_CHARS_MAX ? `? ${name}\n${indent}` : name, ":");
    lead = indent;
    if (!isFilled(item)) pieces.push(" ", scalar(item), "\n");
    else {
      // Lists stand below their key, as Go writes them.
      const below = Array.isArray(item) ? indent : `${indent}  `;
      pieces.push("\n", below);
      write(item, below, pieces);
    }
  }
}

function isFilled(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value) ? value.length > 0 : Object.values(value).some((item) => item !== undefined);
}

function scalar(value: unknown): string {
  if (typeof value === "string") return text(value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "[]" : "{}";
  return JSON.stringify(value ?? null);
}

function text(value: string): string {
  const isPlain = value.length <= PLAIN_CHARS_MAX && PLAIN.test(value) && !value.endsWith(" ") && !WORDS.test(value);
  if (isPlain) return value;
  return JSON.stringify(value).replaceAll(
    UNPRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
