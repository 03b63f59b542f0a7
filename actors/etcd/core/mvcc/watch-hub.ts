/**
 * Who watches what. A watcher gets each event of its range exactly once, in the order of revisions, all events of a
 * revision together. It is `synced` when it has all there is; then new revisions reach it as they are applied. One that
 * lags, or begins in the past, is fed from the history until it has caught up.
 * Source: etcd `server/storage/mvcc/watchable_store.go`, and its bugs 15220, 15271, 17507, 20221.
 */
import type { WatchEvent } from "../../../../protocols/etcd.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";
import type { KeyRange } from "./key-order.ts";
import { inRange, orderKey } from "./key-order.ts";
import type { Revision, Store } from "./store.ts";
import type { Change } from "./version.ts";
import { toEvent } from "./version.ts";

export interface Watcher {
  readonly id: number;
  readonly range: KeyRange;
  readonly prevKv: boolean;
  readonly progressNotify: boolean;
  /** Name of the actor that watches. */
  readonly owner: string;
  /** First revision that it has not had. Never goes down. */
  next: number;
  synced: boolean;
  /** Newest revision that it was told about. */
  told: number;
}

/**
 * Gives events, or only news of progress, to a watcher; false when it can't take more now. With them it has all up to
 * `through`, or up to the store's newest revision.
 */
export type Deliver = (watcher: Watcher, events: readonly WatchEvent[], through?: number) => boolean;
/** Ends a watcher whose next event is compacted. */
export type Cancel = (watcher: Watcher, error: Error) => void;

/** Revisions read from the history for one lagging watcher before others get their turn. */
const CATCH_UP_REVISIONS = 1_000;

interface Group {
  readonly range: KeyRange;
  readonly watchers: Set<Watcher>;
}

export class WatchHub {
  private readonly groups: Map<string, Group> = new Map();
  private readonly lagging: Set<Watcher> = new Set();
  private nextId = 1;

  get size(): number {
    let size = 0;
    for (const group of this.groups.values()) size += group.watchers.size;
    return size;
  }

  get laggingCount(): number {
    return this.lagging.size;
  }

  get hasLagging(): boolean {
    return this.lagging.size > 0;
  }

  /** A watcher from `startRevision` on, or from now on without one; `catchUp` sends what it wants of the past. */
  add(
    store: Store,
    request: {
      readonly range: KeyRange;
      readonly startRevision: number | undefined;
      readonly prevKv: boolean;
      readonly progressNotify: boolean;
      readonly owner: string;
    },
  ): Watcher {
    const { startRevision, ...rest } = request;
    const next = startRevision === undefined || startRevision <= 0 ? store.revision + 1 : startRevision;
    const synced = next > store.revision;
    const watcher: Watcher = { ...rest, id: this.nextId++, next, synced, told: 0 };
    const name = groupName(request.range);
    let group = this.groups.get(name);
    if (group === undefined) {
      group = { range: request.range, watchers: new Set() };
      this.groups.set(name, group);
    }
    group.watchers.add(watcher);
    if (!synced) this.lagging.add(watcher);
    return watcher;
  }

  clear(): void {
    this.lagging.clear();
    this.groups.clear();
  }

  remove(watcher: Watcher): void {
    this.lagging.delete(watcher);
    const name = groupName(watcher.range);
    const group = this.groups.get(name);
    if (group === undefined) return;
    group.watchers.delete(watcher);
    if (group.watchers.size === 0) this.groups.delete(name);
  }

  /** New revisions, just applied: at most one delivery a watcher. */
  notify(revisions: readonly Revision[], deliver: Deliver): void {
    const first = revisions[0];
    if (first === undefined) return;
    for (const group of this.groups.values()) {
      const changes = select(revisions, group.range);
      if (changes.length === 0) continue;
      let whole: readonly WatchEvent[] | undefined;
      let bare: readonly WatchEvent[] | undefined;
      for (const watcher of group.watchers) {
        if (!watcher.synced) continue;
        let all = watcher.prevKv ? (whole ??= toEvents(changes, true)) : (bare ??= toEvents(changes, false));
        if (watcher.next > first.revision) all = all.filter(({ kv }) => kv.modRevision >= watcher.next);
        if (all.length > 0 && !deliver(watcher, all)) this.lag(watcher, first.revision);
      }
    }
  }

  /** Feeds lagging watchers from the history, each as far as it takes it. */
  catchUp(store: Store, deliver: Deliver, cancel: Cancel): void {
    for (const watcher of [...this.lagging]) {
      while (this.lagging.has(watcher)) {
        if (watcher.next < store.compactRevision) {
          this.remove(watcher);
          cancel(watcher, etcdError("ETCD_COMPACTED", { compactRevision: store.compactRevision }));
          break;
        }
        const revisions = store.revisions(Math.max(watcher.next, store.historyFrom), CATCH_UP_REVISIONS);
        const wanted = toEvents(select(revisions, watcher.range), watcher.prevKv);
        const through = revisions[revisions.length - 1]?.revision ?? store.revision;
        if (wanted.length > 0 && !deliver(watcher, wanted, through)) break;
        watcher.next = Math.max(watcher.next, through + 1);
        if (watcher.next > store.revision) {
          watcher.synced = true;
          this.lagging.delete(watcher);
        }
      }
    }
  }

  /** The store was replaced by a newer one: watchers go on from where they were, out of its history. */
  restored(revisionBefore: number): void {
    for (const group of this.groups.values()) {
      for (const watcher of group.watchers) if (watcher.synced) this.lag(watcher, revisionBefore + 1);
    }
  }

  /**
   * Tells synced watchers with `progressNotify` (of one owner, or all) the newest revision, if they don't know it:
   * nothing up to it is still to come (etcd bugs 15220, 17507).
   */
  progress(store: Store, owner: string | undefined, deliver: Deliver): void {
    for (const group of this.groups.values()) {
      for (const watcher of group.watchers) {
        if (!watcher.progressNotify || !watcher.synced) continue;
        if (owner !== undefined && watcher.owner !== owner) continue;
        if (watcher.told < store.revision && watcher.next <= store.revision + 1) deliver(watcher, []);
      }
    }
  }

  private lag(watcher: Watcher, next: number): void {
    watcher.next = Math.max(watcher.next, next);
    watcher.synced = false;
    this.lagging.add(watcher);
  }
}

function groupName({ start, end }: KeyRange): string {
  return end === null ? `=${start}` : end === undefined ? `>${start}` : `<${start.length}.${start}${end}`;
}

function select(revisions: readonly Revision[], range: KeyRange): readonly Change[] {
  const selected: Change[] = [];
  for (const { events } of revisions) {
    for (const event of events) if (inRange(range, orderKey(event.kv.key))) selected.push(event);
  }
  return selected;
}

function toEvents(changes: readonly Change[], prevKv: boolean): readonly WatchEvent[] {
  return changes.map((change) => toEvent(change, prevKv));
}
