/** Pages of a list, cut from a cache's present state. */
import type { Selection } from "../machinery/selectors.ts";
import type { ResourceCache } from "./resource-cache.ts";
import { SortedKeys } from "./sorted-keys.ts";
import type { StoredObject } from "./stored-object.ts";

export interface ListScope {
  readonly namespace: string | undefined;
  readonly selection: Selection;
}

export interface ListPage {
  readonly items: readonly StoredObject[];
  readonly revision: number;
  /** First key of the next page; absent on the last. */
  readonly next?: string;
  /** Objects behind this page; only known where no selector narrows the list. */
  readonly remaining?: number;
}

/** @param limit 0: everything. */
export function listPage(
  cache: ResourceCache,
  revision: number,
  scope: ListScope,
  limit: number,
  start: string | undefined,
): ListPage {
  const { selection } = scope;
  const single = singleKey(cache, scope);
  if (single !== undefined) {
    const stored = cache.get(single);
    const found = stored !== undefined && (start === undefined || start <= single) && selection.matches(stored.object);
    return { items: found ? [stored] : [], revision };
  }
  const { keys, from, to } = keysOf(cache, scope);
  const first = start === undefined ? from : Math.max(from, SortedKeys.lowerBound(keys, start));
  const items: StoredObject[] = [];
  for (let i = first; i < to; i++) {
    const stored = cache.get(keys[i] as string) as StoredObject;
    if (!selection.everything && !selection.matches(stored.object)) continue;
    items.push(stored);
    if (limit === 0 || items.length < limit) continue;
    const next = i + 1 < to ? keys[i + 1] : keyAfter(cache, scope, stored.key);
    if (next === undefined) break;
    return selection.everything ? { items, revision, next, remaining: to - i - 1 } : { items, revision, next };
  }
  return { items, revision };
}

/**
 * Whether or not it can be selected: as in Kubernetes, a page that is full goes on where there is anything behind it, however few
 * keys were looked at.
 */
function keyAfter(cache: ResourceCache, { namespace }: ListScope, key: string): string | undefined {
  const { keys, to } = cache.range(namespace);
  const at = SortedKeys.lowerBound(keys, `${key}\0`);
  return at < to ? keys[at] : undefined;
}

/** All keys of the namespace that can be selected, as `[keys, from, to)`. */
function keysOf(cache: ResourceCache, { namespace, selection }: ListScope): ReturnType<ResourceCache["range"]> {
  const keys = selection.labels === undefined ? undefined : cache.keysByLabels(selection.labels);
  if (keys === undefined) return cache.range(namespace);
  if (namespace === undefined || !cache.info.namespaced) return { keys, from: 0, to: keys.length };
  const from = SortedKeys.lowerBound(keys, `${namespace}/`);
  return { keys, from, to: SortedKeys.lowerBound(keys, `${namespace}0`) };
}

/** The one key that the selection can match: kubectl and informers often watch and list a single object by its name. */
function singleKey(cache: ResourceCache, scope: ListScope): string | undefined {
  const name = scope.selection.exact.get("metadata.name");
  if (name === undefined) return undefined;
  if (!cache.info.namespaced) return name;
  return scope.namespace === undefined ? undefined : `${scope.namespace}/${name}`;
}
