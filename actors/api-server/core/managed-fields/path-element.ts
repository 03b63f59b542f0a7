/**
 * One step of a path in `fieldsV1`, as it is written there: `f:<field>`, `k:<keys of an element>`, `v:<value of a set>`,
 * `i:<index>`. Equal steps have equal texts, so that a text can be a key.
 * Source: structured-merge-diff `fieldpath/serialize-pe.go`, `fieldpath/element.go`.
 */
import type { JsonObject } from "../machinery/json-value.ts";
import { getOwn, isJsonObject } from "../machinery/json-value.ts";
import type { Structure } from "../structure/structure.ts";

export type PathElement = string;

/** The node itself, where it has children besides. */
export const SELF = ".";

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/**
 * What tells an element of a `set` or `listMap` from the others.
 * @returns `why` not, in Kubernetes' words
 */
export function elementOf(list: Structure, item: unknown): PathElement | { readonly why: string } {
  return list.is === "listMap" ? keyedElement(list, item) : valueElement(item);
}

function valueElement(item: unknown): PathElement | { readonly why: string } {
  if (item === null) return { why: "associative list without keys has an element that's an explicit null" };
  if (Array.isArray(item)) return { why: "not supported: associative list with lists as elements" };
  if (typeof item === "object") return { why: "associative list without keys has an element that's a map type" };
  return `v:${scalarText(item)}`;
}

function keyedElement(list: Structure, item: unknown): PathElement | { readonly why: string } {
  if (item === null) return { why: "associative list with keys may not have a null element" };
  if (!isJsonObject(item)) return { why: "associative list with keys may not have non-map elements" };
  const { keys } = list;
  let text = "";
  for (const key of keys.length < 2 ? keys : [...keys].sort()) {
    const value = getOwn(item, key) ?? list.keyDefault(key);
    if (value === undefined) continue;
    text += `${text === "" ? "" : ","}${scalarText(key)}:${scalarText(value)}`;
  }
  if (text !== "") return `k:{${text}}`;
  const names = keys.map((key) => JSON.stringify(key)).join(" ");
  const none = `associative list with keys has an element that omits all key fields [${names}]`;
  return { why: `${none} (and doesn't have default values for any key fields)` };
}

/** JSON as Go writes it, which spells some characters out that may stand in HTML. */
function scalarText(value: unknown): string {
  if (typeof value === "string" && PLAIN.test(value)) return `"${value}"`;
  const text = JSON.stringify(value);
  if (!UNUSUAL.test(text)) return text;
  return text.replaceAll(/[<>&\u2028\u2029]|\\[bf]/g, (found) => {
    if (found === "\\b") return "\\u0008";
    if (found === "\\f") return "\\u000c";
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const PLAIN = /^[\w.\-/: ]*$/;
const UNUSUAL = /[<>&\u2028\u2029]|\\[bf]/;

/**
 * The text that Kubernetes would write for what a client wrote; undefined for a kind of step that is not known, which
 * Kubernetes drops.
 * @returns `why` it can't be understood
 */
export function canonicalElement(text: string): PathElement | undefined | { readonly why: string } {
  if (text.length < 2) return { why: "key must be 2 characters long:" };
  if (text[1] !== ":") return { why: `missing colon: ${text}` };
  const content = text.slice(2);
  switch (text.charAt(0)) {
    case "f":
      return text;
    case "i":
      return /^[+-]?\d+$/.test(content)
        ? `i:${Number(content)}`
        : { why: `strconv.Atoi: parsing ${JSON.stringify(content)}: invalid syntax` };
    case "v": {
      const value = parsed(content);
      return value === undefined ? { why: `invalid value: ${content}` } : `v:${deepText(value)}`;
    }
    case "k": {
      const value = parsed(content);
      return isJsonObject(value) ? `k:${deepText(value)}` : { why: `invalid key: ${content}` };
    }
    default:
      return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function deepText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(deepText).join(",")}]`;
  if (!isJsonObject(value)) return scalarText(value);
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${scalarText(key)}:${deepText(value[key])}`).join(",")}}`;
}

/** Fields first, then keys, values and indices, each in their own order: numbers by their value. */
export function compareElements(a: PathElement, b: PathElement): number {
  if (a === b) return 0;
  if (a === SELF) return -1;
  if (b === SELF) return 1;
  const kind = a.charCodeAt(0);
  if (kind !== b.charCodeAt(0)) return KINDS.indexOf(a.charAt(0)) - KINDS.indexOf(b.charAt(0));
  if (kind === FIELD) return a < b ? -1 : 1;
  if (kind === KEY) return compareKeys(a, b);
  return compareValues(JSON.parse(a.slice(2)), JSON.parse(b.slice(2)));
}

const KINDS = "fkvi";
const FIELD = 0x66;
const KEY = 0x6b;

/** One key, a string in which nothing is escaped, as most are: the texts are in the order of the values. */
const PLAIN_KEY = /^k:\{"(\w+)":"([\w.\-/]*)"\}$/;

function compareKeys(a: PathElement, b: PathElement): number {
  const [, key, text = ""] = PLAIN_KEY.exec(a) ?? [];
  const [, otherKey, otherText = ""] = key === undefined ? [] : (PLAIN_KEY.exec(b) ?? []);
  if (key !== undefined && key === otherKey) return text < otherText ? -1 : text === otherText ? 0 : 1;
  const left = Object.entries(JSON.parse(a.slice(2)) as JsonObject);
  const right = Object.entries(JSON.parse(b.slice(2)) as JsonObject);
  for (const [i, [name, value]] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    if (name !== other[0]) return name < other[0] ? -1 : 1;
    const order = compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

const TYPES = ["number", "string", "boolean", "array", "object", "null"];

function compareValues(a: unknown, b: unknown): number {
  const left = typeOf(a);
  const right = typeOf(b);
  if (left !== right) return TYPES.indexOf(left) - TYPES.indexOf(right);
  if (left === "array" || left === "object") {
    const [one, other] = [deepText(a), deepText(b)];
    return one === other ? 0 : one < other ? -1 : 1;
  }
  return a === b ? 0 : (a as number) < (b as number) ? -1 : 1;
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

/** As a path shows it to people: `.spec`, `[name="c"]`, `[="x"]`, `[3]`. */
export function shownElement(element: PathElement): string {
  const content = element.slice(2);
  switch (element.charAt(0)) {
    case "f":
      return `.${content}`;
    case "k": {
      const keys = Object.entries(JSON.parse(content) as JsonObject);
      return `[${keys.map(([name, value]) => `${name}=${shownValue(value)}`).join(",")}]`;
    }
    case "v":
      return `[=${shownValue(JSON.parse(content))}]`;
    default:
      return `[${content}]`;
  }
}

function shownValue(value: unknown): string {
  return JSON.stringify(value);
}
