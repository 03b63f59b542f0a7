/**
 * Takes out of an object what its schema does not know, and sets what it has by default.
 * Source: apiextensions-apiserver `apiserver/schema/pruning` and `apiserver/schema/defaulting`.
 */
import { statusError } from "../../../../protocols/api-server.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import { cloneJson, isJsonObject, jsonChars, setOwn } from "../machinery/json-value.ts";
import { failure } from "../machinery/status.ts";
import type { Schema } from "./schema.ts";
import { schemaAt } from "./schema.ts";

/** What every object of Kubernetes has without saying so. */
const META_FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

export interface Pruned<T> {
  /** A new value; the input is not changed. */
  readonly value: T;
  /** What was left out, as `spec.list[0].field`, in order. */
  readonly unknown: readonly string[];
}

/** @param root whether the value is an object of Kubernetes, whatever its schema says */
export function prune<T>(value: T, schema: Schema, root: boolean): Pruned<T> {
  const walk = new Pruning();
  const pruned = walk.value(value, schema, "", root || schema.embedded);
  return { value: pruned as T, unknown: walk.unknown.sort() };
}

/** The path to a field of an object or an item of a list. */
export function childPath(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}

class Pruning {
  readonly unknown: string[] = [];

  /** @param embedded whether it is an object of Kubernetes */
  value(value: unknown, schema: Schema | undefined, path: string, embedded: boolean): unknown {
    if (schema?.preserveUnknown === true) return this.kept(value, schema, path, embedded);
    if (Array.isArray(value)) return value.map((item, i) => this.below(item, schema?.items, childPath(path, i)));
    if (!isJsonObject(value)) return value;
    const result: JsonObject = {};
    for (const key of Object.keys(value)) {
      const item = value[key];
      if (embedded && META_FIELDS.has(key)) setOwn(result, key, item);
      else if (schema !== undefined && (schema.properties.has(key) || isMap(schema))) {
        setOwn(result, key, this.below(item, schemaAt(schema, key), childPath(path, key)));
      } else if (!META_FIELDS.has(key) || path !== "") this.unknown.push(childPath(path, key));
    }
    return result;
  }

  private below(value: unknown, schema: Schema | undefined, path: string): unknown {
    return this.value(value, schema, path, schema?.embedded === true);
  }

  /** Of what keeps unknown fields, those that are known may well be pruned. */
  private kept(value: unknown, schema: Schema | undefined, path: string, embedded: boolean): unknown {
    if (schema === undefined) return value;
    if (Array.isArray(value)) {
      const { items } = schema;
      return value.map((item, i) => this.kept(item, items, childPath(path, i), items?.embedded === true));
    }
    if (!isJsonObject(value)) return value;
    const result: JsonObject = {};
    for (const key of Object.keys(value)) {
      const own = embedded && META_FIELDS.has(key);
      const known = !own && (schema.properties.has(key) || isMap(schema));
      setOwn(result, key, known ? this.below(value[key], schemaAt(schema, key), childPath(path, key)) : value[key]);
    }
    return result;
  }
}

function isMap({ additional }: Schema): boolean {
  return additional !== undefined;
}

/**
 * Takes out nulls that the schema neither allows nor replaces by a default. Changes the value at hand.
 * @returns whether there was one
 */
export function dropNulls(value: unknown, schema: Schema | undefined): boolean {
  if (schema === undefined) return false;
  let dropped = false;
  if (Array.isArray(value)) for (const item of value) dropped = dropNulls(item, schema.items) || dropped;
  if (!isJsonObject(value)) return dropped;
  for (const key of Object.keys(value)) {
    const below = schemaAt(schema, key);
    if (value[key] === null && below !== undefined && !below.nullable && below.default === undefined) {
      delete value[key];
      dropped = true;
    } else dropped = dropNulls(value[key], below) || dropped;
  }
  return dropped;
}

/** Of all defaults of one object, as JSON: as large as a request may be. */
const ADDED_CHARS_MAX = 3_145_728;

/** Defaults of items in defaults of lists multiply: a few bytes would become gigabytes. */
class Growth {
  private readonly isRefused: boolean;
  private leftChars = ADDED_CHARS_MAX;

  constructor(isRefused: boolean) {
    this.isRefused = isRefused;
  }

  /**
   * Undefined when it is too much, and so is everything from then on.
   * @throws Status 413 in place of it, where the object is refused
   */
  copy(value: unknown): unknown {
    this.leftChars -= this.leftChars < 0 ? 0 : jsonChars(value, this.leftChars);
    if (this.leftChars >= 0) return cloneJson(value);
    if (!this.isRefused) return undefined;
    const why = `defaults of its schema add more than ${ADDED_CHARS_MAX} characters`;
    throw statusError(failure(413, "RequestEntityTooLarge", `Request entity too large: ${why}`));
  }
}

/**
 * Sets what is left out, or null where there is no null, and has a default. Changes the value at hand.
 * @throws Status 413 when it would become too large
 */
export function setDefaults(value: unknown, schema: Schema): void {
  if (schema.has.defaults) setWithin(value, schema, new Growth(true));
}

function setWithin(value: unknown, schema: Schema, growth: Growth): void {
  if (!schema.has.defaults) return;
  if (Array.isArray(value)) setItemDefaults(value, schema.items, growth);
  if (!isJsonObject(value)) return;
  for (const key of schema.properties.defaulted) {
    const property = schema.properties.get(key);
    if (property === undefined || !isMissing(value, key, property)) continue;
    const made = growth.copy(property.default);
    if (made !== undefined) value[key] = made;
  }
  for (const key of Object.keys(value)) {
    const below = schemaAt(schema, key);
    if (below === undefined) continue;
    if (isReplaceable(value[key], below)) {
      const made = growth.copy(below.default);
      if (made !== undefined) setOwn(value, key, made);
    }
    setWithin(value[key], below, growth);
  }
}

function setItemDefaults(items: unknown[], schema: Schema | undefined, growth: Growth): void {
  if (schema === undefined) return;
  for (const [i, item] of items.entries()) {
    if (isReplaceable(item, schema)) items[i] = growth.copy(schema.default) ?? item;
    setWithin(items[i], schema, growth);
  }
}

function isMissing(value: JsonObject, key: string, { nullable }: Schema): boolean {
  return !Object.hasOwn(value, key) || (value[key] === null && !nullable);
}

/** Whether `setDefaults` would change anything. */
function lacksDefaults(value: unknown, schema: Schema | undefined): boolean {
  if (schema?.has.defaults !== true) return false;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return false;
    return value.some((item) => isReplaceable(item, items) || lacksDefaults(item, items));
  }
  if (!isJsonObject(value)) return false;
  for (const key of schema.properties.defaulted) {
    const property = schema.properties.get(key);
    if (property !== undefined && isMissing(value, key, property)) return true;
  }
  return Object.keys(value).some((key) => {
    const below = schemaAt(schema, key);
    return below !== undefined && (isReplaceable(value[key], below) || lacksDefaults(value[key], below));
  });
}

function isReplaceable(value: unknown, schema: Schema): boolean {
  return value === null && !schema.nullable && schema.default !== undefined;
}

/**
 * What a stored object looks like under the schema of today; the object at hand when it looks the same. It is there, so it is not refused:
 * defaults that would make it too large are left out.
 */
export function readStored<T extends object>(object: T, schema: Schema): T {
  const { value, unknown } = prune(object, schema, true);
  const dropped = dropNulls(value, schema);
  const lacks = lacksDefaults(value, schema);
  if (lacks) setWithin(value, schema, new Growth(false));
  return unknown.length === 0 && !dropped && !lacks ? object : value;
}
