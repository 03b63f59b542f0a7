/** What the defaults of all kinds are written with: into the object at hand. */
import { formatQuantity, parseQuantity, quantityMilli } from "../../../../protocols/kubernetes/quantity.ts";
import type { JsonObject } from "./json-value.ts";
import { isJsonObject } from "./json-value.ts";

/** Sets `key` unless it has a value. Go's zero values count as none when `zero` says so. */
export function setDefault(target: JsonObject, key: string, value: unknown, zero?: "" | 0): void {
  if (target[key] === undefined || target[key] === null || (zero !== undefined && target[key] === zero)) {
    target[key] = value;
  }
}

/** The objects of a list; nothing when it is no list. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function objectIn(target: JsonObject, key: string): JsonObject | undefined {
  const value = target[key];
  return isJsonObject(value) ? value : undefined;
}

/** An object that is always there: Go's structs are. */
export function member(object: JsonObject, key: string): JsonObject {
  const present = objectIn(object, key);
  if (present !== undefined) return present;
  const added: JsonObject = {};
  object[key] = added;
  return added;
}

/** Keeps a field that once was one value and the list that took its place in step: the single value wins. */
export function syncFirst(
  object: JsonObject,
  single: string,
  list: string,
  wrap: (value: unknown) => unknown,
  unwrap: (item: unknown) => unknown,
): void {
  const value = object[single];
  const first: unknown = Array.isArray(object[list]) ? unwrap(object[list][0]) : undefined;
  if (value && first !== value) object[list] = [wrap(value)];
  else if (!value && first) object[single] = first;
}

/** Amounts finer than a thousandth, which are rounded up to one. */
const FINE = /[un]$|[eE]-/;

export function roundAmounts(amounts: JsonObject | undefined): void {
  for (const name of Object.keys(amounts ?? {})) {
    const text = amounts?.[name];
    if (amounts === undefined || typeof text !== "string" || !FINE.test(text)) continue;
    const { format } = parseQuantity(text);
    amounts[name] = formatQuantity({ nano: BigInt(quantityMilli(text)) * 1_000_000n, format });
  }
}

/** What holds for pods and for templates of pods. */
