/**
 * The local copy of one resource that an informer keeps: objects by key, and indexes over them.
 * What it is given may arrive twice or out of date (a relist after a watch): it answers with the changes that count.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";

export interface Change<T> {
  readonly type: "added" | "modified" | "deleted";
  readonly object: T;
  readonly previous?: T;
  /** The trace event that made the change, where a watch told it. */
  readonly cause?: string;
}

export type IndexFunction<T> = (object: T) => readonly string[];

/** `namespace/name`, or `name` for what has no namespace. */
export function objectKey(name: string, namespace?: string): string {
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

export function keyOf(object: KubernetesObject): string {
  return objectKey(object.metadata?.name ?? "", object.metadata?.namespace);
}

/** The two parts of an `objectKey`. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: "", name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

interface Index<T> {
  readonly values: IndexFunction<T>;
  readonly keysByValue: Map<string, Map<string, T>>;
}

export class ObjectStore<T extends KubernetesObject> {
  private readonly objects = new Map<string, T>();
  private readonly indexes = new Map<string, Index<T>>();

  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  get size(): number {
    return this.objects.size;
  }

  /** In order of arrival. */
  values(): readonly T[] {
    return [...this.objects.values()];
  }

  addIndex(name: string, values: IndexFunction<T>): void {
    const index: Index<T> = { values, keysByValue: new Map() };
    this.indexes.set(name, index);
    for (const [key, object] of this.objects) insertInto(index, key, object);
  }

  /** Throws when there is no index of that name: a broken invariant of the caller. */
  byIndex(name: string, value: string): readonly T[] {
    const index = this.indexes.get(name);
    if (index === undefined) throw new Error(`no index ${name}`);
    const found = index.keysByValue.get(value);
    return found === undefined ? [] : [...found.values()];
  }

  /** Takes an object from a watch or a reply; undefined when the very same version is here already. */
  put(object: T, cause?: string): Change<T> | undefined {
    const key = keyOf(object);
    const previous = this.objects.get(key);
    if (previous !== undefined && sameVersion(previous, object)) return undefined;
    for (const index of this.indexes.values()) {
      if (previous !== undefined) removeFrom(index, key, previous);
      insertInto(index, key, object);
    }
    this.objects.set(key, object);
    const causeField = cause === undefined ? {} : { cause };
    return previous === undefined
      ? { type: "added", object, ...causeField }
      : { type: "modified", object, previous, ...causeField };
  }

  /** Takes a deletion; undefined when there was no such object. */
  remove(object: T, cause?: string): Change<T> | undefined {
    const key = keyOf(object);
    const previous = this.objects.get(key);
    if (previous === undefined) return undefined;
    for (const index of this.indexes.values()) removeFrom(index, key, previous);
    this.objects.delete(key);
    return { type: "deleted", object, previous, ...(cause === undefined ? {} : { cause }) };
  }

  /** Takes a whole new list: what is not in it is gone. An object made anew under an old name is one change. */
  replace(objects: readonly T[]): readonly Change<T>[] {
    const changes: Change<T>[] = [];
    const present = new Set(objects.map(keyOf));
    for (const [key, object] of [...this.objects]) {
      if (present.has(key)) continue;
      const change = this.remove(object);
      if (change !== undefined) changes.push(change);
    }
    for (const object of objects) {
      const change = this.put(object);
      if (change !== undefined) changes.push(change);
    }
    return changes;
  }
}

function sameVersion(left: KubernetesObject, right: KubernetesObject): boolean {
  const version = left.metadata?.resourceVersion;
  return (
    version !== undefined && version === right.metadata?.resourceVersion && left.metadata?.uid === right.metadata?.uid
  );
}

function insertInto<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const keys = index.keysByValue.get(value);
    if (keys === undefined) index.keysByValue.set(value, new Map([[key, object]]));
    else keys.set(key, object);
  }
}

function removeFrom<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const keys = index.keysByValue.get(value);
    if (keys === undefined) continue;
    keys.delete(key);
    if (keys.size === 0) index.keysByValue.delete(value);
  }
}
