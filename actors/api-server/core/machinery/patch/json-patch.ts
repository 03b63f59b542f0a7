/**
 * JSON Patch (RFC 6902), with the leniences of the library that kube-apiserver uses (evanphx/json-patch 4): `replace` of an
 * absent member adds it, `copy` of an absent member copies null, negative indices count from the end.
 */
import type { JsonObject } from "../json-value.ts";
import { cloneJson, equalJson, getOwn, isJsonObject, setOwn } from "../json-value.ts";

/** The patch is well formed but can't be applied to this document. */
export class JsonPatchError extends Error {
  override readonly name = "JsonPatchError";
}

/** @throws JsonPatchError */
export function applyJsonPatch(document: JsonObject, operations: readonly unknown[]): unknown {
  const root = { "": cloneJson(document) as unknown };
  for (const operation of operations) {
    if (!isJsonObject(operation)) throw new JsonPatchError("an operation is not an object");
    applyOperation(root, operation);
  }
  return root[""];
}

function applyOperation(root: JsonObject, operation: JsonObject): void {
  const { op, path: to, from, value } = operation;
  const path = pointerOf(to);
  switch (op) {
    case "add":
      return add(root, path, cloneJson(value ?? null));
    case "remove":
      remove(root, path);
      return;
    case "replace":
      return replace(root, path, cloneJson(value ?? null));
    case "move":
      return add(root, path, remove(root, pointerOf(from)));
    case "copy":
      return add(root, path, cloneJson(read(root, pointerOf(from)) ?? null));
    case "test":
      if (!equalJson(read(root, path) ?? null, value ?? null)) {
        throw new JsonPatchError(`testing value ${path.join("/")} failed`);
      }
      return;
    default:
      throw new JsonPatchError(`unexpected kind: ${String(op)}`);
  }
}

/** The steps of a JSON pointer (RFC 6901); the first is always "", which names the document. */
function pointerOf(text: unknown): readonly string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/"))) {
    throw new JsonPatchError(`not a JSON pointer: ${String(text)}`);
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

function add(root: JsonObject, path: readonly string[], value: unknown): void {
  const { container, key } = find(root, path);
  if (!Array.isArray(container)) setOwn(container, key, value);
  else if (key === "-") container.push(value);
  else container.splice(indexIn(container, key, container.length), 0, value);
}

function replace(root: JsonObject, path: readonly string[], value: unknown): void {
  const { container, key } = find(root, path);
  if (Array.isArray(container)) container[indexIn(container, key, container.length - 1)] = value;
  else setOwn(container, key, value);
}

function remove(root: JsonObject, path: readonly string[]): unknown {
  const { container, key } = find(root, path);
  if (Array.isArray(container)) return container.splice(indexIn(container, key, container.length - 1), 1)[0];
  if (!Object.hasOwn(container, key)) throw new JsonPatchError(`unable to remove nonexistent key: ${key}`);
  const value = container[key];
  delete container[key];
  return value;
}
