/**
 * JSON Patch (RFC 6902), with the leniences of the library that kube-apiserver uses (evanphx/json-patch 4): `replace` of an
 * absent member adds it, `copy` of an absent member copies null, negative indices count from the end.
 */
import { goValue } from "../go-text.ts";
import type { JsonObject } from "../json-value.ts";
import { cloneJson, equalJson, getOwn, isJsonObject, jsonChars, setOwn } from "../json-value.ts";
import { isTooDeep } from "../json.ts";

/** The patch is well formed but can't be applied to this document. */
export class JsonPatchError extends Error {
  override readonly name = "JsonPatchError";
}

/** What `copy` may add to a document, as JSON text. As kube-apiserver's `JSONPatchMaxCopyBytes`. */
const COPIED_CHARS_MAX = 3 * 1024 * 1024;
/**
 * Items that may be moved up and down in lists, and members looked through by `test`: ten thousand operations on the largest object
 * would else hold everybody up for minutes.
 */
const TOUCHED_MAX = 500_000;
/** Moving an item costs so much less than looking at a member. */
const MOVED_PER_TOUCHED = 128;

/** What the operations of one patch may still do. */
interface Budget {
  copiedChars: number;
  touched: number;
}

/** @throws JsonPatchError */
export function applyJsonPatch(document: JsonObject, operations: readonly unknown[]): unknown {
  const root = { "": cloneJson(document) as unknown };
  const budget: Budget = { copiedChars: COPIED_CHARS_MAX, touched: TOUCHED_MAX };
  for (const operation of operations) {
    if (!isJsonObject(operation)) throw new JsonPatchError("an operation is not an object");
    applyOperation(root, operation, budget);
  }
  // Operations can put a deep value into a deep value.
  if (isTooDeep(root[""])) throw new JsonPatchError("the result nests too deep");
  return root[""];
}

function applyOperation(root: JsonObject, operation: JsonObject, budget: Budget): void {
  const { op, path: to, from, value } = operation;
  const path = pointerOf(to);
  switch (op) {
    case "add":
      return add(root, path, cloneJson(value ?? null), budget);
    case "remove":
      remove(root, path, budget);
      return;
    case "replace":
      return replace(root, path, cloneJson(value ?? null));
    case "move":
      return add(root, path, remove(root, pointerOf(from), budget), budget);
    case "copy":
      return add(root, path, copyOf(read(root, pointerOf(from)) ?? null, budget), budget);
    case "test":
      if (!isSame(value ?? null, read(root, path) ?? null, budget)) {
        throw new JsonPatchError(`testing value ${path.join("/")} failed`);
      }
      return;
    default:
      throw new JsonPatchError(`unexpected kind: ${goValue(op)}`);
  }
}

function copyOf(value: unknown, budget: Budget): unknown {
  budget.copiedChars -= jsonChars(value, budget.copiedChars);
  if (budget.copiedChars < 0) throw new JsonPatchError("copies are too large");
  return cloneJson(value);
}

function touch(budget: Budget, count: number): void {
  budget.touched -= count;
  if (budget.touched < 0) throw new JsonPatchError("the operations move and compare too much");
}

/** As `equalJson`, for no more than is left. */
function isSame(wanted: unknown, found: unknown, budget: Budget): boolean {
  if (!isJsonObject(wanted) || !isJsonObject(found)) {
    if (!Array.isArray(wanted) || !Array.isArray(found)) return equalJson(wanted, found);
    return wanted.length === found.length && wanted.every((item, i) => isSame(item, found[i], budget));
  }
  const present = Object.keys(found);
  touch(budget, present.length);
  const names = Object.keys(wanted);
  if (names.length !== present.filter((name) => found[name] !== undefined).length) return false;
  return names.every((name) => Object.hasOwn(found, name) && isSame(wanted[name], found[name], budget));
}

/** The steps of a JSON pointer (RFC 6901); the first is always "", which names the document. */
function pointerOf(text: unknown): readonly string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/"))) {
    throw new JsonPatchError(`not a JSON pointer: ${goValue(text)}`);
  }
  return text.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

interface Place {
  readonly container: JsonObject | unknown[];
  readonly key: string;
}

/** The object or list that holds what `path` names. */
function find(root: JsonObject, path: readonly string[]): Place {
  let container: unknown = root;
  for (const step of path.slice(0, -1)) container = child(container, step);
  if (!Array.isArray(container) && !isJsonObject(container)) {
    throw new JsonPatchError(`missing path: ${path.join("/")}`);
  }
  return { container, key: path.at(-1) ?? "" };
}

function child(container: unknown, step: string): unknown {
  if (Array.isArray(container)) return container[indexIn(container, step, container.length - 1)];
  return isJsonObject(container) ? getOwn(container, step) : undefined;
}

const INDEX = /^(-?)(0|[1-9]\d*)$/;

function indexIn(list: readonly unknown[], step: string, max: number): number {
  const match = INDEX.exec(step);
  if (match === null) throw new JsonPatchError(`not an index: ${step}`);
  const index = match[1] === "-" ? max + 1 - Number(match[2]) : Number(match[2]);
  if (index < 0 || index > max) throw new JsonPatchError(`index out of range: ${step} of ${list.length}`);
  return index;
}

function read(root: JsonObject, path: readonly string[]): unknown {
  const { container, key } = find(root, path);
  return child(container, key);
}

function add(root: JsonObject, path: readonly string[], value: unknown, budget: Budget): void {
  const { container, key } = find(root, path);
  if (!Array.isArray(container)) setOwn(container, key, value);
  else if (key === "-") container.push(value);
  else {
    const index = indexIn(container, key, container.length);
    touch(budget, (container.length - index) / MOVED_PER_TOUCHED);
    container.splice(index, 0, value);
  }
}

function replace(root: JsonObject, path: readonly string[], value: unknown): void {
  const { container, key } = find(root, path);
  if (Array.isArray(container)) container[indexIn(container, key, container.length - 1)] = value;
  else setOwn(container, key, value);
}

function remove(root: JsonObject, path: readonly string[], budget: Budget): unknown {
  const { container, key } = find(root, path);
  if (Array.isArray(container)) {
    const index = indexIn(container, key, container.length - 1);
    touch(budget, (container.length - index) / MOVED_PER_TOUCHED);
    return container.splice(index, 1)[0];
  }
  if (!Object.hasOwn(container, key)) throw new JsonPatchError(`unable to remove nonexistent key: ${key}`);
  const value = container[key];
  delete container[key];
  return value;
}
