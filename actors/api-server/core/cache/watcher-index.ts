/**
 * Finds the watchers that an event can concern without asking all of them: a watcher that names one object, or the objects
 * of one node, or of one namespace, is asked only about those.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { IndexedField } from "../kinds/rules.ts";
import type { Selection } from "../machinery/selectors.ts";

export interface WatchScope {
  readonly namespace: string | undefined;
  readonly selection: Selection;
}

export class WatcherIndex<W extends WatchScope> {
  readonly field: IndexedField | undefined;
  private readonly buckets = new Map<string, Set<W>>();
  private fieldWatchers = 0;
  private count = 0;

  constructor(field: IndexedField | undefined) {
    this.field = field;
  }

  get size(): number {
    return this.count;
  }

  add(watcher: W): void {
    const key = this.bucketOf(watcher);
    const bucket = this.buckets.get(key);
    if (bucket === undefined) this.buckets.set(key, new Set([watcher]));
    else bucket.add(watcher);
    this.count++;
    if (key.startsWith("field:")) this.fieldWatchers++;
  }

  remove(watcher: W): void {
    const key = this.bucketOf(watcher);
    const bucket = this.buckets.get(key);
    if (bucket === undefined || !bucket.delete(watcher)) return;
    if (bucket.size === 0) this.buckets.delete(key);
    this.count--;
    if (key.startsWith("field:")) this.fieldWatchers--;
  }

  /** Everyone; the order is that of the buckets and of arrival. */
  all(): readonly W[] {
    return [...this.buckets.values()].flatMap((bucket) => [...bucket]);
  }

  /** Those who may be concerned by an event of the object `key`. Each comes once. */
  concerned(
    key: string,
    current: () => KubernetesObject | undefined,
    previous: () => KubernetesObject | undefined,
  ): readonly W[] {
    if (this.count === 0) return [];
    const slash = key.indexOf("/");
    const name = slash < 0 ? key : key.slice(slash + 1);
    const found: W[] = [];
    this.collect("", found);
    if (slash >= 0) this.collect(`namespace:${key.slice(0, slash)}`, found);
    this.collect(`name:${name}`, found);
    if (this.field !== undefined && this.fieldWatchers > 0) {
      const now = current();
      const before = previous();
      const valueNow = now === undefined ? undefined : this.field.valueOf(now);
      const valueBefore = before === undefined ? undefined : this.field.valueOf(before);
      if (valueNow !== undefined) this.collect(`field:${valueNow}`, found);
      if (valueBefore !== undefined && valueBefore !== valueNow) this.collect(`field:${valueBefore}`, found);
    }
    return found;
  }

  private collect(bucket: string, into: W[]): void {
    const watchers = this.buckets.get(bucket);
    if (watchers !== undefined) for (const watcher of watchers) into.push(watcher);
  }

  private bucketOf(watcher: W): string {
    const name = watcher.selection.exact.get("metadata.name");
    if (name !== undefined) return `name:${name}`;
    const value = this.field === undefined ? undefined : watcher.selection.exact.get(this.field.name);
    if (value !== undefined) return `field:${value}`;
    const namespace = watcher.namespace ?? watcher.selection.exact.get("metadata.namespace");
    return namespace === undefined ? "" : `namespace:${namespace}`;
  }
}
