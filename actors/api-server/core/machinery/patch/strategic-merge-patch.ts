/**
 * Strategic merge patch: a merge patch in which the schema says which lists are merged, and by which key. Directives:
 * `$patch: replace|delete|merge`, `$retainKeys`, `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>`.
 * Follows apimachinery `strategicpatch.StrategicMergePatch` as the server calls it, with its error texts.
 */
import type { Field, FieldType, TypeRef } from "../../../../../protocols/kubernetes/schema/schema.ts";
import { goValue } from "../go-text.ts";
import type { JsonObject } from "../json-value.ts";
import { cloneJson, equalJson, getOwn, isJsonObject, keysInOrder, setOwn } from "../json-value.ts";

const PATCH = "$patch";
const RETAIN_KEYS = "$retainKeys";
const SET_ELEMENT_ORDER = "$setElementOrder/";
const DELETE_FROM_PRIMITIVE_LIST = "$deleteFromPrimitiveList/";

/** The patch can't be applied. `malformed`: it is wrong whatever it is applied to. */
export class StrategicMergePatchError extends Error {
  override readonly name = "StrategicMergePatchError";
  readonly malformed: boolean;

  constructor(message: string, malformed: boolean = false) {
    super(message);
    this.malformed = malformed;
  }
}

/** What the schema knows of the value at hand; undefined inside a map of strings. */
type Schema = TypeRef | undefined;

/**
 * `original` with `patch` applied; neither is changed.
 * @throws StrategicMergePatchError
 */
export function applyStrategicMergePatch(original: JsonObject, patch: JsonObject, schema: TypeRef): JsonObject {
  return mergeObject(original, patch, schema);
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const directive = getOwn(patch, PATCH);
  if (directive !== undefined) return replaceOrDelete(directive, patch);
  const result = retainKeys({ ...original }, patch);
  const ordered = orderedLists(result, patch, schema);
  for (const key of Object.keys(patch)) {
    if (key === RETAIN_KEYS || key.startsWith(SET_ELEMENT_ORDER) || ordered.has(key)) continue;
    const value = patch[key];
    if (key.startsWith(DELETE_FROM_PRIMITIVE_LIST)) {
      deletePrimitives(result, key.slice(DELETE_FROM_PRIMITIVE_LIST.length), value);
    } else if (value === null) delete result[key];
    else mergeMember(result, key, value, fieldOf(schema, key));
  }
  return result;
}

function replaceOrDelete(directive: unknown, patch: JsonObject): JsonObject {
  if (directive === "delete") return {};
  if (directive !== "replace") throw unknownDirective(directive, patch);
  const result = cloneJson(patch);
  delete result[PATCH];
  return result;
}

function unknownDirective(directive: unknown, patch: JsonObject): Error {
  return new StrategicMergePatchError(`unknown patch type: ${goValue(directive)} in map: ${goValue(patch)}`);
}

/** Drops the members of `result` that `$retainKeys` does not name. */
function retainKeys(result: JsonObject, patch: JsonObject): JsonObject {
  const names = getOwn(patch, RETAIN_KEYS);
  if (names === undefined) return result;
  const malformed = new StrategicMergePatchError("invalid patch format of retainKeys", true);
  if (!Array.isArray(names)) throw malformed;
  const retained = new Set<unknown>(names);
  for (const key of Object.keys(patch)) {
    const special =
      key === RETAIN_KEYS || key.startsWith(SET_ELEMENT_ORDER) || key.startsWith(DELETE_FROM_PRIMITIVE_LIST);
    if (!special && patch[key] !== null && !retained.has(key)) throw malformed;
  }
  for (const key of Object.keys(result)) if (!retained.has(key)) delete result[key];
  return result;
}

function fieldOf(schema: Schema, key: string): Field | undefined {
  return schema?.fields.get(key);
}

function schemaOf(type: FieldType | undefined): Schema {
  if (type === undefined) return undefined;
  if (type.is === "object") return type.type;
  return type.is === "list" ? schemaOf(type.of) : undefined;
}

function mergeMember(result: JsonObject, key: string, value: unknown, field: Field | undefined): void {
  const current = getOwn(result, key);
  const schema = schemaOf(field?.type);
  if (isJsonObject(current) && isJsonObject(value)) {
    const replaces = field?.patchStrategies.includes("replace") === true;
    setOwn(result, key, replaces ? cloneJson(value) : mergeObject(current, value, schema));
  } else if (Array.isArray(current) && Array.isArray(value)) {
    const merges = field?.patchStrategies.includes("merge") === true;
    setOwn(result, key, merges ? mergeList(current, value, field.mergeKey, schema) : cloneJson(value));
  } else {
    const plain = withoutDirectives(value);
    if (plain === undefined) delete result[key];
    else setOwn(result, key, plain);
  }
}

function deletePrimitives(result: JsonObject, key: string, values: unknown): void {
  const current = getOwn(result, key);
  if (!Array.isArray(current) || !Array.isArray(values)) return;
  const deleted = new Set<unknown>(values);
  result[key] = current.filter((item) => !deleted.has(item));
}

/** Handles the lists that have a `$setElementOrder`; returns their names. */
function orderedLists(result: JsonObject, patch: JsonObject, schema: Schema): ReadonlySet<string> {
  const done = new Set<string>();
  for (const directive of Object.keys(patch)) {
    if (!directive.startsWith(SET_ELEMENT_ORDER)) continue;
    const key = directive.slice(SET_ELEMENT_ORDER.length);
    const order = listOrThrow(patch[directive]);
    const field = fieldOf(schema, key);
    const original = optionalList(getOwn(result, key));
    const patched = optionalList(getOwn(patch, key));
    checkOrder(patched ?? [], order, field?.mergeKey);
    done.add(key);
    if (original === undefined && patched === undefined) continue;
    const merged = mergedForOrder(original, patched, field);
    if (merged === undefined) continue;
    setOwn(result, key, inOrder(merged, order, original ?? [], field?.mergeKey));
  }
  return done;
}

function mergedForOrder(
  original: readonly unknown[] | undefined,
  patched: readonly unknown[] | undefined,
  field: Field | undefined,
): readonly unknown[] | undefined {
  if (patched === undefined) return original;
  if (original === undefined) return withoutDirectives(patched) as readonly unknown[] | undefined;
  if (field?.patchStrategies.includes("merge") !== true) return cloneJson(patched);
  return mergeList(original, patched, field.mergeKey, schemaOf(field.type));
}

function listOrThrow(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new StrategicMergePatchError(`expected a []interface {}, but received a ${goKind(value)}`);
}

function optionalList(value: unknown): readonly unknown[] | undefined {
  return value === undefined || value === null ? undefined : listOrThrow(value);
}

/** The elements of the patch must stand in the order that the directive gives them. */
function checkOrder(patched: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): void {
  const items = patched.filter((item) => !isJsonObject(item) || getOwn(item, PATCH) === undefined);
  let at = 0;
  for (const item of items) {
    while (at < order.length && !sameElement(order[at], item, mergeKey)) at++;
    if (at >= order.length) {
      throw new StrategicMergePatchError(
        `The order in patch list:\n${goValue(patched)}\n doesn't match $setElementOrder list:\n${goValue(order)}\n`,
      );
    }
    at++;
  }
}

function sameElement(a: unknown, b: unknown, mergeKey: string | undefined): boolean {
  if (mergeKey === undefined) return a === b;
  return isJsonObject(a) && isJsonObject(b) && equalJson(getOwn(a, mergeKey), getOwn(b, mergeKey));
}

function mergeList(
  original: readonly unknown[],
  patched: readonly unknown[],
  mergeKey: string | undefined,
  schema: Schema,
): readonly unknown[] {
  const all = [...original, ...patched];
  if (all.length === 0) return [];
  const objects = all.filter(isJsonObject).length;
  if (objects !== 0 && objects !== all.length) {
    throw new StrategicMergePatchError(`list element types are not identical: ${goValue([original, patched])}`);
  }
  if (objects === 0) return inOrder([...new Set(all)], patched, original, undefined);
  if (mergeKey === undefined) throw new StrategicMergePatchError("cannot merge lists without merge key");
  const { kept, plain } = applyListDirectives(original as JsonObject[], patched as JsonObject[], mergeKey);
  const merged = [...kept];
  const places = placesIn(merged, mergeKey);
  for (const item of plain) {
    const key = textOfKey(mergeKeyOf(item, mergeKey));
    const index = places.get(key) ?? merged.length;
    const other = merged[index];
    places.set(key, index);
    merged[index] = other === undefined ? cloneJson(item) : mergeObject(other, item, schema);
  }
  return inOrder(merged, plain, kept, mergeKey);
}

function mergeKeyOf(item: JsonObject, mergeKey: string): unknown {
  const value = getOwn(item, mergeKey);
  if (value !== undefined) return value;
  throw new StrategicMergePatchError(`map: ${goValue(item)} does not contain declared merge key: ${mergeKey}`);
}

/** Carries out `$patch: delete` and `$patch: replace` elements. */
function applyListDirectives(
  original: readonly JsonObject[],
  patched: readonly JsonObject[],
  mergeKey: string,
): { readonly kept: readonly JsonObject[]; readonly plain: readonly JsonObject[] } {
  const deleted = new Set<unknown>();
  const plain: JsonObject[] = [];
  let replace = false;
  for (const item of patched) {
    const directive = getOwn(item, PATCH);
    if (directive === undefined) plain.push(item);
    else if (directive === "replace") replace = true;
    else if (directive === "delete") deleted.add(textOfKey(mergeKeyOf(item, mergeKey)));
    else if (directive === "merge") {
      throw new StrategicMergePatchError("merging lists cannot yet be specified in the patch");
    } else throw unknownDirective(directive, item);
  }
  if (replace) return { kept: [], plain };
  return { kept: original.filter((other) => !deleted.has(textOfKey(getOwn(other, mergeKey)))), plain };
}

/** What tells elements apart: equal keys have equal texts. */
function textOfKey(value: unknown): string {
  return JSON.stringify(keysInOrder(value)) ?? "";
}

/** By `textOfKey`, or by the values themselves where there is no merge key; of several that are alike the first. */
function placesIn(list: readonly unknown[], mergeKey: string | undefined): Map<unknown, number> {
  const places = new Map<unknown, number>();
  for (const [i, item] of list.entries()) {
    const key = elementKey(item, mergeKey);
    if (key !== undefined && !places.has(key)) places.set(key, i);
  }
  return places;
}

/** Undefined for what is like no other. */
function elementKey(item: unknown, mergeKey: string | undefined): unknown {
  if (mergeKey === undefined) return item;
  return isJsonObject(item) ? textOfKey(getOwn(item, mergeKey)) : undefined;
}

/**
 * `merged` with the elements that `order` names in that order. The others stay, in the order of `original`, each before
 * the first named element that followed it there.
 */
function inOrder(
  merged: readonly unknown[],
  order: readonly unknown[],
  original: readonly unknown[],
  mergeKey: string | undefined,
): readonly unknown[] {
  const [ofOrder, ofOriginal] = [placesIn(order, mergeKey), placesIn(original, mergeKey)];
  const placed = merged.map((item): Placed => {
    const key = elementKey(item, mergeKey);
    return { item, named: ofOrder.get(key) ?? -1, before: ofOriginal.get(key) ?? -1 };
  });
  const named = placed.filter((one) => one.named >= 0).sort((a, b) => a.named - b.named);
  const others = placed.filter((one) => one.named < 0).sort((a, b) => a.before - b.before);
  const result: unknown[] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const [left, right] = [others[i], named[j]];
    if (left === undefined && right === undefined) return result;
    const isOther =
      right === undefined ||
      (left !== undefined && left.before >= 0 && right.before >= 0 && left.before < right.before);
    result.push((isOther ? left : right)?.item);
    if (isOther) i++;
    else j++;
  }
}

/** An element, with its index in the order that is asked for and in the list as it was; -1: it is not there. */
interface Placed {
  readonly item: unknown;
  readonly named: number;
  readonly before: number;
}

/** A value of the patch that has nothing to merge with: nulls, and objects with a directive, are left out. Undefined: all of it. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutDirectives).filter((item) => item !== undefined);
  }
  if (!isJsonObject(value)) return value;
  if (getOwn(value, PATCH) !== undefined) return undefined;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    if (key.startsWith("$") || value[key] === null) continue;
    const plain = withoutDirectives(value[key]);
    if (plain !== undefined) setOwn(result, key, plain);
  }
  return result;
}

function goKind(value: unknown): string {
  if (isJsonObject(value)) return "map[string]interface {}";
  return typeof value === "number" ? "int64" : typeof value === "boolean" ? "bool" : typeof value;
}
