/**
 * Which parts of an object a write has added, changed and removed, and which a configuration names.
 * Source: structured-merge-diff `typed/compare.go`, `typed/tofieldset.go`.
 */
import { equalJson, getOwn, isJsonObject } from "../machinery/json-value.ts";
import type { Structure } from "../structure/structure.ts";
import { UNKNOWN } from "../structure/structure.ts";
import type { FieldSet } from "./field-set.ts";
import { inOrder, isEmpty, MEMBER, NO_FIELDS } from "./field-set.ts";
import type { PathElement } from "./path-element.ts";
import { elementOf, fieldElement, SELF } from "./path-element.ts";

/** No path is in two of them. */
export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

type Difference = keyof Comparison;

/** Of one value: the nodes of its step. A difference that there is not has none. */
type Nodes = { [D in Difference]?: FieldSet };

const DIFFERENCES: readonly Difference[] = ["removed", "modified", "added"];
const MODIFIED: Nodes = { modified: MEMBER };

/** How a value is taken apart. */
export type Parts = "whole" | "fields" | "elements";

/** A value whose form is not the one that its structure asks for is one piece; the decoder has refused it before. */
export function partsOf(structure: Structure, value: unknown): Parts {
  switch (structure.is) {
    case "leaf":
    case "atomic":
    case "list":
      return "whole";
    case "struct":
    case "map":
    case "unknown":
      return isJsonObject(value) ? "fields" : "whole";
    case "set":
    case "listMap":
      return Array.isArray(value) ? "elements" : "whole";
  }
}

/** `unknown` for a field that the structure does not have: the decoder has let it stay. */
export function fieldOf(structure: Structure, name: string): Structure {
  return structure.field(name) ?? UNKNOWN;
}

/** A field and its step. */
interface Step {
  readonly element: PathElement;
  readonly structure: Structure;
}

/**
 * The steps of the fields that a structure declares: there are so many of them in an object that making their texts anew is most
 * of the work. A structure never changes.
 */
const STEPS = new WeakMap<Structure, Map<string, Step>>();

/** @returns how to find the steps of a structure's fields */
function stepsOf(structure: Structure): (name: string) => Step {
  const make = (name: string): Step => ({ element: fieldElement(name), structure: fieldOf(structure, name) });
  if (structure.is !== "struct") return make;
  const known = STEPS.get(structure) ?? new Map<string, Step>();
  if (known.size === 0) STEPS.set(structure, known);
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const step = make(name);
    if (structure.declares(name)) known.set(name, step);
    return step;
  };
}

function isBare(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== "object") return false;
  for (const _key in value) return false;
  return true;
}

/**
 * What `after` has added to, changed in and removed from `before`.
 * @throws Untold
 */
export function compareObjects(structure: Structure, before: unknown, after: unknown): Comparison {
  const { removed = NO_FIELDS, modified = NO_FIELDS, added = NO_FIELDS } = compare(structure, before, after) ?? {};
  return { removed, modified, added };
}

function compare(structure: Structure, before: unknown, after: unknown): Nodes | undefined {
  if (before === after) return undefined;
  const left = partsOf(structure, before);
  const right = partsOf(structure, after);
  // Emptiness is a value: null, and an object of no fields, are not the same.
  if ((left === "whole" && right === "whole") || (isBare(before) && isBare(after))) {
    return equalJson(before, after) ? undefined : MODIFIED;
  }
  const nodes: Nodes = {};
  // Only what is of another form altogether is changed as such: null is of any.
  if (left !== right && before !== null && after !== null) nodes.modified = MEMBER;
  if (left === "fields" || right === "fields") {
    compareFields(structure, isJsonObject(before) ? before : {}, isJsonObject(after) ? after : {}, nodes);
  }
  if (left === "elements" || right === "elements") {
    compareElementsOf(structure, Array.isArray(before) ? before : [], Array.isArray(after) ? after : [], nodes);
  }
  return ordered(nodes);
}

function compareFields(
  structure: Structure,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  nodes: Nodes,
): void {
  for (const name in before) {
    const old = before[name];
    const next = getOwn(after, name);
    if (old === next || old === undefined) continue;
    const below = fieldOf(structure, name);
    put(
      nodes,
      fieldElement(name),
      next === undefined ? { removed: everything(below, old) } : compare(below, old, next),
    );
  }
  for (const name in after) {
    if (after[name] === undefined || getOwn(before, name) !== undefined) continue;
    put(nodes, fieldElement(name), { added: everything(fieldOf(structure, name), after[name]) });
  }
}

/** An element of a list in which nothing tells it apart: Kubernetes then tracks nothing of what is written. */
export class Untold extends Error {}

function byToldElement(structure: Structure, items: readonly unknown[]): Map<PathElement, unknown[]> {
  const found = byElement(structure, items);
  let count = 0;
  for (const alike of found.values()) count += alike.length;
  if (count !== items.length) throw new Untold();
  return found;
}

/** Elements by what tells them apart; several of one kind are one piece. */
function compareElementsOf(
  structure: Structure,
  before: readonly unknown[],
  after: readonly unknown[],
  nodes: Nodes,
): void {
  const element = structure.element ?? UNKNOWN;
  const old = byToldElement(structure, before);
  const next = byToldElement(structure, after);
  for (const [key, left] of old) put(nodes, key, compareAlike(element, left, next.get(key) ?? []));
  for (const [key, right] of next) if (!old.has(key)) put(nodes, key, compareAlike(element, [], right));
}

function compareAlike(element: Structure, left: readonly unknown[], right: readonly unknown[]): Nodes | undefined {
  const [one] = left;
  const [other] = right;
  if (left.length > 1 && right.length > 1) return equalJson(left, right) ? undefined : MODIFIED;
  if (left.length > 1) return { removed: MEMBER, ...(right.length === 0 ? {} : { added: everything(element, other) }) };
  if (right.length > 1) return { ...(left.length === 0 ? {} : { removed: everything(element, one) }), added: MEMBER };
  if (right.length === 0) return { removed: everything(element, one) };
  if (left.length === 0) return { added: everything(element, other) };
  return compare(element, one, other);
}

export function byElement(structure: Structure, items: readonly unknown[]): Map<PathElement, unknown[]> {
  const found = new Map<PathElement, unknown[]>();
  for (const item of items) {
    const element = elementOf(structure, item);
    // Nothing tells it apart, so nobody can own it.
    if (typeof element !== "string") continue;
    const alike = found.get(element);
    if (alike === undefined) found.set(element, [item]);
    else alike.push(item);
  }
  return found;
}

/** Every step of a value that is only on one side. */
function everything(structure: Structure, value: unknown): FieldSet {
  const parts = partsOf(structure, value);
  if (parts === "whole" || isBare(value)) return MEMBER;
  const node: Record<PathElement, FieldSet> = { [SELF]: MEMBER };
  if (parts === "fields") {
    const fields = value as Readonly<Record<string, unknown>>;
    const stepOf = stepsOf(structure);
    // Steps of fields are in the order of their names.
    for (const name of Object.keys(fields).sort()) {
      if (fields[name] === undefined) continue;
      const { element, structure: below } = stepOf(name);
      node[element] = everything(below, fields[name]);
    }
    return node;
  }
  const element = structure.element ?? UNKNOWN;
  for (const [key, alike] of byToldElement(structure, value as readonly unknown[])) {
    node[key] = alike.length > 1 ? MEMBER : everything(element, alike[0]);
  }
  return inOrder(node);
}

function put(nodes: Nodes, element: PathElement, below: Nodes | undefined): void {
  if (below === undefined) return;
  for (const difference of DIFFERENCES) {
    const child = below[difference];
    if (child !== undefined) add(nodes, difference, element, child);
  }
}

function add(nodes: Nodes, difference: Difference, element: PathElement, child: FieldSet): void {
  const known = nodes[difference];
  if (known === undefined) nodes[difference] = { [element]: child };
  else if (known === MEMBER) nodes[difference] = { [SELF]: MEMBER, [element]: child };
  else (known as Record<PathElement, FieldSet>)[element] = child;
}

function ordered(nodes: Nodes): Nodes | undefined {
  let some = false;
  for (const difference of DIFFERENCES) {
    const node = nodes[difference];
    if (node === undefined) continue;
    some = true;
    nodes[difference] = inOrder(node);
  }
  return some ? nodes : undefined;
}

/** What a configuration names: its leaves, the keys of its maps, the elements of its lists, and what it leaves empty. */
export function namedFields(structure: Structure, object: unknown): FieldSet {
  return named(structure, object, false) ?? NO_FIELDS;
}

/** @param member whether the step itself is named, whatever is below it */
function named(structure: Structure, value: unknown, member: boolean): FieldSet | undefined {
  const parts = partsOf(structure, value);
  if (parts === "whole") {
    // A list that may have elements, and has not been given any, names nothing.
    const unnamed = value === null && structure.is !== "leaf" && structure.is !== "atomic";
    return unnamed && !member ? undefined : MEMBER;
  }
  const node: Record<PathElement, FieldSet> = {};
  if (parts === "fields") {
    const fields = value as Readonly<Record<string, unknown>>;
    for (const name in fields) {
      const field = fields[name];
      if (field === undefined) continue;
      const self = field === null || !structure.declares(name) || (isJsonObject(field) && isBare(field));
      const child = named(fieldOf(structure, name), field, self);
      if (child !== undefined) node[fieldElement(name)] = child;
    }
  } else {
    const element = structure.element ?? UNKNOWN;
    for (const [key, alike] of byElement(structure, value as readonly unknown[])) {
      node[key] = alike.length > 1 ? MEMBER : (named(element, alike[0], true) ?? MEMBER);
    }
  }
  if (isEmpty(node)) return member ? MEMBER : undefined;
  return inOrder(member ? { [SELF]: MEMBER, ...node } : node);
}
