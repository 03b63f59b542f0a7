/**
 * Sets of paths, in the form in which `fieldsV1` writes them: an object with a member for each step, which holds those below.
 * A step with nothing below it is in the set, and one with `.` below. Members stand in the order of `compareElements`.
 * Nothing is ever changed in place, and what stays the same is shared: a stored object's sets are used as they were parsed.
 * Source: structured-merge-diff `fieldpath/set.go`, `fieldpath/serialize.go`.
 */
import { isJsonObject } from "../machinery/json-value.ts";
import type { PathElement } from "./path-element.ts";
import { canonicalElement, compareElements, SELF, shownElement } from "./path-element.ts";

/** At the top: a set. Below: what is in the set at and under a step, which is never nothing. */
export interface FieldSet {
  readonly [element: PathElement]: FieldSet;
}

export const NO_FIELDS: FieldSet = {};
/** A step that is in the set, with nothing below it. */
export const MEMBER: FieldSet = {};

interface Growing {
  [element: PathElement]: FieldSet;
}

export function isEmpty(set: FieldSet): boolean {
  for (const _element in set) return false;
  return true;
}

/** Whether the step that holds `node` is itself in the set. */
function isMember(node: FieldSet | undefined): boolean {
  return node !== undefined && (node[SELF] !== undefined || isEmpty(node));
}

/** A node of steps; undefined when there is nothing in it. */
function nodeOf(member: boolean, below: FieldSet): FieldSet | undefined {
  if (isEmpty(below)) return member ? MEMBER : undefined;
  return member ? { [SELF]: MEMBER, ...below } : below;
}

/** The members in their order; the same object when they stand in it. */
export function inOrder(node: FieldSet): FieldSet {
  let before: PathElement | undefined;
  for (const element in node) {
    if (before !== undefined && compareElements(before, element) > 0) return sorted(node);
    before = element;
  }
  return node;
}

function sorted(node: FieldSet): FieldSet {
  const result: Growing = {};
  for (const element of Object.keys(node).sort(compareElements)) result[element] = node[element] as FieldSet;
  return result;
}

/** The set of one path. */
export function setOfPath(path: readonly PathElement[]): FieldSet {
  return path.reduceRight<FieldSet>((below, element) => ({ [element]: below }), MEMBER);
}

/** What is in either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  return unionBelow(a, b, false);
}

function unionBelow(a: FieldSet, b: FieldSet, member: boolean): FieldSet {
  let result: Growing | undefined;
  if (member && a[SELF] === undefined) result = { [SELF]: MEMBER, ...a };
  for (const element in b) {
    if (element === SELF) continue;
    const left = a[element];
    const right = b[element] as FieldSet;
    const node = left === undefined || left === right ? right : unionOfNodes(left, right);
    if (node !== left) (result ??= { ...a })[element] = node;
  }
  return result === undefined ? a : inOrder(result);
}

function unionOfNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return isMember(a) ? a : { [SELF]: MEMBER, ...a };
  if (isEmpty(a)) return isMember(b) ? b : { [SELF]: MEMBER, ...b };
  return unionBelow(a, b, isMember(a) || isMember(b));
}

/** What is in any of them: one after the other each would be copied and put in order as often as there are sets. */
export function unionOfAll(sets: readonly FieldSet[]): FieldSet {
  const [first = NO_FIELDS, ...others] = sets.filter((set) => !isEmpty(set));
  return others.length === 0 ? first : (unionBelowAll([first, ...others]) ?? NO_FIELDS);
}

function unionBelowAll(nodes: readonly FieldSet[]): FieldSet {
  const below = new Map<PathElement, FieldSet[]>();
  for (const node of nodes) {
    for (const element in node) {
      const one = node[element] as FieldSet;
      const found = below.get(element);
      if (found === undefined) below.set(element, [one]);
      else if (found.at(-1) !== one) found.push(one);
    }
  }
  const result: Growing = {};
  for (const [element, [first = MEMBER, ...others]] of below) {
    if (others.length === 0 || element === SELF) result[element] = first;
    else {
      const all = [first, ...others];
      const node = unionBelowAll(all);
      // A step with nothing below it is in the set, also when another set has something there.
      result[element] =
        !isEmpty(node) && node[SELF] === undefined && all.some(isEmpty) ? { [SELF]: MEMBER, ...node } : node;
    }
  }
  return inOrder(result);
}

/** What is in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const result: Growing = {};
  // The order of both is the same.
  for (const element in a) {
    const right = element === SELF ? undefined : b[element];
    if (right === undefined) continue;
    const left = a[element] as FieldSet;
    const node =
      left === right ? left : nodeOf(isMember(left) && isMember(right), withoutSelf(intersection(left, right)));
    if (node !== undefined) result[element] = node;
  }
  return result;
}

/** What is in `a` and not in `b`. What is below a step of `b` stays: it is another path. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return without(a, b, (left, right) => {
    const member = isMember(left) && !isMember(right);
    const rest = difference(left, right);
    if (rest === left && member === isMember(left)) return left;
    return nodeOf(member, withoutSelf(rest));
  });
}

/** What is in `a` and neither in `b` nor below a step of it. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return without(a, b, (left, right) => {
    if (isMember(right)) return undefined;
    const rest = recursiveDifference(left, right);
    return rest === left ? left : nodeOf(isMember(left), withoutSelf(rest));
  });
}

/**
 * `a`, with what `of` makes of each step that both have; `a` itself when that is nothing else. What a write has changed is
 * little beside what is managed, so the steps of `b` are gone through, and `a` is copied only when it must be.
 */
function without(a: FieldSet, b: FieldSet, of: (left: FieldSet, right: FieldSet) => FieldSet | undefined): FieldSet {
  let changed: Map<PathElement, FieldSet | undefined> | undefined;
  for (const element in b) {
    const left = element === SELF ? undefined : a[element];
    if (left === undefined) continue;
    const node = of(left, b[element] as FieldSet);
    if (node !== left) (changed ??= new Map()).set(element, node);
  }
  if (changed === undefined) return a;
  const result: Growing = {};
  for (const element in a) {
    const node = changed.has(element) ? changed.get(element) : (a[element] as FieldSet);
    if (node !== undefined) result[element] = node;
  }
  return result;
}

function withoutSelf(node: FieldSet): FieldSet {
  if (node[SELF] === undefined) return node;
  const { [SELF]: _self, ...rest } = node;
  return rest;
}

/** What is in the set below a step. */
export function under(set: FieldSet, element: PathElement): FieldSet {
  const node = set[element];
  return node === undefined ? NO_FIELDS : withoutSelf(node);
}

/** Whether a step at the top is in the set. */
export function has(set: FieldSet, element: PathElement): boolean {
  return isMember(set[element]);
}

export function hasPath(set: FieldSet, path: readonly PathElement[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node?.[element];
  return path.length > 0 && isMember(node);
}

/** Each path, as people read it: those of one level before what is below. */
export function shownPaths(set: FieldSet): readonly string[] {
  const paths: string[] = [];
  const walk = (node: FieldSet, prefix: string): void => {
    const elements = Object.keys(node).filter((element) => element !== SELF);
    for (const element of elements) if (isMember(node[element])) paths.push(prefix + shownElement(element));
    for (const element of elements) walk(node[element] as FieldSet, prefix + shownElement(element));
  };
  walk(set, "");
  return paths;
}

/**
 * What a client wrote as `fieldsV1`, with its steps in the form and order that Kubernetes writes.
 * @returns `why` it is none
 */
export function parseFieldSet(value: unknown): FieldSet | { readonly why: string } {
  const failed: string[] = [];
  const parse = (given: unknown): FieldSet => {
    if (!isJsonObject(given)) {
      failed.push("expected an object of path elements");
      return NO_FIELDS;
    }
    const node: Growing = {};
    for (const text of Object.keys(given)) {
      if (text === SELF) {
        node[SELF] = MEMBER;
        continue;
      }
      const element = canonicalElement(text);
      if (element === undefined) continue;
      if (typeof element !== "string") {
        failed.push(element.why);
        continue;
      }
      const child = withoutLoneSelf(parse(given[text]));
      node[element] = node[element] === undefined ? child : unionOfNodes(node[element], child);
    }
    return inOrder(node);
  };
  const set = withoutSelf(parse(value));
  const [why] = failed;
  return why === undefined ? set : { why };
}

function withoutLoneSelf(node: FieldSet): FieldSet {
  return Object.keys(node).length === 1 && node[SELF] !== undefined ? MEMBER : node;
}
