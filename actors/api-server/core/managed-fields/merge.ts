/**
 * A configuration merged into an object, and parts taken out of one. What is not touched is shared with what came in.
 * Source: structured-merge-diff `typed/merge.go`, `typed/remove.go`.
 */
import type { JsonObject } from "../machinery/json-value.ts";
import { getOwn, isJsonObject, setOwn } from "../machinery/json-value.ts";
import type { Structure } from "../structure/structure.ts";
import { UNKNOWN } from "../structure/structure.ts";
import { byElement, fieldOf, partsOf } from "./comparison.ts";
import type { FieldSet } from "./field-set.ts";
import { has, isEmpty, under } from "./field-set.ts";
import type { PathElement } from "./path-element.ts";
import { elementOf, fieldElement } from "./path-element.ts";

/** What `applied` says, and what `live` says of the rest. */
export function mergeObjects(structure: Structure, live: unknown, applied: unknown): unknown {
  if (live === undefined || live === applied) return applied;
  if (applied === undefined) return live;
  switch (partsOf(structure, applied)) {
    case "whole":
      // Null says nothing of a part that has parts of its own.
      return applied === null && partsOf(structure, live) !== "whole" && !isBare(live) ? live : applied;
    case "fields":
      return isJsonObject(live) && !(isBare(live) && isBare(applied))
        ? mergeFields(structure, live, applied as JsonObject)
        : applied;
    case "elements":
      return Array.isArray(live) && !(isBare(live) && isBare(applied))
        ? mergeElements(structure, live, applied as readonly unknown[])
        : applied;
  }
}

function isBare(value: unknown): boolean {
  return value === null || (Array.isArray(value) ? value.length === 0 : Object.keys(value as object).length === 0);
}

function mergeFields(structure: Structure, live: JsonObject, applied: JsonObject): JsonObject {
  const merged: JsonObject = {};
  for (const name of Object.keys(live)) {
    setOwn(merged, name, mergeObjects(fieldOf(structure, name), live[name], getOwn(applied, name)));
  }
  for (const name of Object.keys(applied)) if (!Object.hasOwn(live, name)) setOwn(merged, name, applied[name]);
  return merged;
}

/**
 * Elements of both stand in the order of `applied`; those of `live` alone stay where they stand among them. Several that nothing
 * tells apart are taken from `applied`, should it have one such.
 */
function mergeElements(structure: Structure, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const element = structure.element ?? UNKNOWN;
  const old = live.map((item) => keyOf(structure, item));
  const next = applied.map((item) => keyOf(structure, item));
  const alike = byElement(structure, live);
  const wanted = new Set(next);
  const shared = next.filter((key) => key !== undefined && alike.has(key));
  const taken = new Set<PathElement | undefined>();
  const merged: unknown[] = [];
  let [turn] = shared;
  let turns = 0;
  const take = (at: number): void => {
    const key = next[at];
    const own = key === undefined ? [] : (alike.get(key) ?? []);
    taken.add(key);
    merged.push(mergeObjects(element, own.length === 1 ? own[0] : undefined, applied[at]));
    if (turn === key) turn = shared[++turns];
  };
  for (let l = 0, a = 0; l < live.length || a < applied.length;) {
    const key = old[l];
    if (l < live.length && a < applied.length) {
      if (key === next[a]) {
        take(a++);
        l++;
        continue;
      }
      // One of both, and not the one whose turn it is: it comes where `applied` has it.
      if (wanted.has(key) && turn !== undefined && turn !== key) {
        l++;
        continue;
      }
    }
    if (l < live.length && !wanted.has(key)) {
      merged.push(live[l++]);
      continue;
    }
    if (l < live.length && taken.has(key)) l++;
    if (a < applied.length) take(a++);
  }
  return merged;
}

function keyOf(structure: Structure, item: unknown): PathElement | undefined {
  const element = elementOf(structure, item);
  return typeof element === "string" ? element : undefined;
}

/**
 * `value` without the parts in `gone`.
 * @param emptied what a field becomes of which nothing is left: undefined, and it goes, too; or null, and it is still named
 */
export function removeFields(structure: Structure, value: unknown, gone: FieldSet, emptied: null | undefined): unknown {
  if (isEmpty(gone)) return value;
  switch (partsOf(structure, value)) {
    case "whole":
      // Parts of what is one piece are nobody's: the piece goes.
      return structure.is === "leaf" || (structure.is === "unknown" && !Array.isArray(value)) ? value : undefined;
    case "fields":
      return withoutFields(structure, value as JsonObject, gone, emptied);
    case "elements":
      return withoutElements(structure, value as readonly unknown[], gone, emptied);
  }
}

function withoutFields(
  structure: Structure,
  value: JsonObject,
  gone: FieldSet,
  emptied: null | undefined,
): JsonObject | undefined {
  const left: JsonObject = {};
  for (const name of Object.keys(value)) {
    const element = fieldElement(name);
    if (has(gone, element)) continue;
    const rest = removeFields(fieldOf(structure, name), value[name], under(gone, element), emptied);
    const item = rest === undefined ? emptied : rest;
    if (item !== undefined) setOwn(left, name, item);
  }
  return Object.keys(left).length === 0 ? undefined : left;
}

function withoutElements(
  structure: Structure,
  value: readonly unknown[],
  gone: FieldSet,
  emptied: null | undefined,
): unknown[] | undefined {
  const element = structure.element ?? UNKNOWN;
  const left: unknown[] = [];
  for (const item of value) {
    const key = keyOf(structure, item);
    if (key !== undefined && has(gone, key)) continue;
    const rest = key === undefined ? item : removeFields(element, item, under(gone, key), emptied);
    if (rest !== undefined) left.push(rest);
  }
  return left.length === 0 ? undefined : left;
}
