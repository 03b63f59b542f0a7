/**
 * What one API server knows of one stored resource: the objects at a revision, the changes that led there, and who watches.
 * Everything comes from etcd's watch in revision order; nothing here writes.
 * @see KEP-365 (paginated lists), KEP-956 (bookmarks), KEP-2340 (consistent reads from cache), KEP-3157 (watch lists)
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { equalBytes } from "../../../../protocols/kept-bytes.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { LabelRequirement } from "../../../../protocols/kubernetes/selectors.ts";
import { BrokenInvariant } from "../broken-invariant.ts";
import { EventHistory } from "./event-history.ts";
import { LabelIndex } from "./label-index.ts";
import { SortedKeys } from "./sorted-keys.ts";
import type { Head, Written } from "./stored-object.ts";
import { headOf, StoredObject } from "./stored-object.ts";
import type { WatchScope } from "./watcher-index.ts";
import type { IndexedField } from "../kinds/rules.ts";
import { WatcherIndex } from "./watcher-index.ts";

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

export interface Change {
  readonly type: ChangeType;
  readonly key: string;
  readonly revision: number;
  /** The state after the change; of a deletion the last state, with the revision that deleted. */
  readonly current: StoredObject;
  readonly previous: StoredObject | undefined;
  readonly cause: string | undefined;
  /** When it was learnt of, for the history's age limit. */
  readonly atMs: number;
  /** Of the state after the change; the one before it is another change's. */
  readonly sizeBytes: number;
}

export interface CacheWatcher extends WatchScope {
  /**
   * A change as this watcher sees it: one that leaves its selection is DELETED with the last state that matched.
   * @param previous what was there before, if anything
   */
  deliver(type: ChangeType, stored: StoredObject, cause: string | undefined, previous: StoredObject | undefined): void;
  /** The cache has lost its place; the watcher must list again. */
  expire(): void;
  /** A change could not be told to it, or, without an error, there is nothing to be told any more: its watch is over. */
  fail(error: unknown): void;
}

/**
 * What the changes that are kept anyway may take. Of what people store they take a twentieth; 128 of the largest objects would be 200 MB,
 * for each kind of which there is one.
 */
const HISTORY_MIN_BYTES = 33_554_432;

export interface HistoryLimits {
  /** Changes kept at most. The largest size that kube-apiserver's cache grows to is 102,400; ours is meant for one machine. */
  readonly historyMax: number;
  /** Changes kept at least, however old: quiet resources stay resumable. kube-apiserver starts at 100. */
  readonly historyMin: number;
  /** Between the two, how long a change is kept. kube-apiserver sizes its cache for 75 s. */
  readonly historyAgeMs: number;
  /** What the kept changes of one resource may take beyond `historyMin`; two thousand states of pods. */
  readonly historyBytes: number;
}

export class ResourceCache {
  readonly info: ResourceInfo;
  readonly head: Head;
  readonly watchers: WatcherIndex<CacheWatcher>;
  private readonly objects = new Map<string, StoredObject>();
  private readonly keys = new SortedKeys();
  private readonly labels = new LabelIndex();
  private readonly history: EventHistory<Change>;
  private readonly expected = new Map<string, StoredObject>();
  private readonly announced = new Map<string, Written>();

  /** @param read and @param mixed see `Head` */
  constructor(
    info: ResourceInfo,
    indexed: IndexedField | undefined,
    limits: HistoryLimits,
    read?: Head["read"],
    mixed: boolean = false,
  ) {
    if (info.storagePrefix === undefined) throw new Error(`${info.resource} is not stored`);
    this.info = info;
    this.head = headOf(info, read, mixed);
    this.watchers = new WatcherIndex(indexed);
    this.history = new EventHistory({
      min: limits.historyMin,
      minBytes: HISTORY_MIN_BYTES,
      max: limits.historyMax,
      ageMs: limits.historyAgeMs,
      bytes: limits.historyBytes,
    });
  }

  get size(): number {
    return this.objects.size;
  }

  /** Revision of the newest change of this resource; 0 when none is known. */
  get lastChangeRevision(): number {
    return this.history.newestRevision;
  }

  /** Watches from this revision on can be served. */
  get oldestRevision(): number {
    return this.history.floorRevision;
  }

  get(key: string): StoredObject | undefined {
    return this.objects.get(key);
  }

  /** Those that the watch has brought. */
  values(): Iterable<StoredObject> {
    return this.objects.values();
  }

  /** As `get`, with what this server has written itself and the watch has not brought yet. */
  newest(key: string): StoredObject | undefined {
    return this.expected.get(key) ?? this.objects.get(key);
  }

  /** Keys of one namespace or of all, ascending, as `[keys, from, to)`. */
  range(namespace: string | undefined): {
    readonly keys: readonly string[];
    readonly from: number;
    readonly to: number;
  } {
    const keys = this.keys.all();
    if (namespace === undefined || !this.info.namespaced) return { keys, from: 0, to: keys.length };
    // "0" is the character after "/".
    const from = SortedKeys.lowerBound(keys, `${namespace}/`);
    return { keys, from, to: SortedKeys.lowerBound(keys, `${namespace}0`) };
  }

  /** Keys among which are all that meet `requirements`, ascending; undefined where all may as well be looked at. */
  keysByLabels(requirements: readonly LabelRequirement[]): readonly string[] | undefined {
    const keys = this.labels.candidates(requirements, this.objects);
    return keys && [...new Set(keys)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** Starts over with what a list at `revision` found. Watchers are told to start over, too. */
  reset(revision: number): void {
    for (const watcher of this.watchers.all()) {
      this.watchers.remove(watcher);
      watcher.expire();
    }
    this.objects.clear();
    this.keys.clear();
    this.labels.clear();
    this.expected.clear();
    this.history.reset(revision);
  }

  /** What is watched is served otherwise from now on, or no longer. */
  endWatches(): void {
    for (const watcher of this.watchers.all()) {
      this.watchers.remove(watcher);
      watcher.fail(undefined);
    }
  }

  /** An object of the list that `reset` announced. */
  load(key: string, revision: number, value: Uint8Array | KeptBytes): void {
    if (!this.objects.has(key)) this.keys.add(key);
    const stored = new StoredObject(this.head, key, revision, value);
    this.labels.change(key, this.objects.get(key), stored);
    this.objects.set(key, stored);
    this.history.noteRevision(revision);
  }

  /** What this server has just written, so that its event need not be parsed. */
  expect(stored: StoredObject): void {
    const known = this.objects.get(stored.key);
    if (known === undefined || known.revision < stored.revision) this.expected.set(stored.key, stored);
  }

  /** What this server is about to write: its event may come before the answer, and need not be parsed either. */
  announce(key: string, written: Written): void {
    this.announced.set(key, written);
  }

  /** The write is done with, one way or the other. */
  withdraw(key: string): void {
    this.announced.delete(key);
  }

  put(key: string, revision: number, value: Uint8Array, cause: string | undefined, nowMs: number): Change {
    const previous = this.objects.get(key);
    const current = this.takeExpected(key, revision) ?? this.arrived(key, revision, value);
    if (previous === undefined) this.keys.add(key);
    this.objects.set(key, current);
    this.labels.change(key, previous, current);
    const type = previous === undefined ? "ADDED" : "MODIFIED";
    return this.publish({ type, key, revision, current, previous, cause, atMs: nowMs, sizeBytes: value.length });
  }

  /** Undefined when there was no such object. */
  remove(key: string, revision: number, cause: string | undefined, nowMs: number): Change | undefined {
    this.takeExpected(key, revision);
    const previous = this.objects.get(key);
    if (previous === undefined) return undefined;
    this.objects.delete(key);
    this.keys.remove(key);
    this.labels.change(key, previous, undefined);
    const current = previous.at(revision);
    const { sizeBytes } = current;
    return this.publish({ type: "DELETED", key, revision, current, previous, cause, atMs: nowMs, sizeBytes });
  }

  /** Called once a period: forgets changes that have become too old, and forms of objects that nobody reads. */
  age(nowMs: number): void {
    this.history.age(nowMs);
    for (const stored of this.objects.values()) stored.age();
  }

  /** Tells `watcher` what has changed after `revision`, oldest first, without subscribing it. */
  replay(watcher: CacheWatcher, revision: number): void {
    for (const change of this.history.after(revision)) offer(watcher, change);
  }

  private publish(change: Change): Change {
    this.history.push(change);
    const { current, previous } = change;
    const concerned = this.watchers.concerned(
      change.key,
      () => (change.type === "DELETED" ? undefined : current.object),
      () => previous?.object,
    );
    // So that the first of many knows already that others follow.
    if (concerned.length > 1) current.readers += concerned.length - 1;
    for (const watcher of concerned) {
      try {
        offer(watcher, change);
      } catch (error) {
        if (error instanceof BrokenInvariant) throw error;
        watcher.fail(error);
      }
    }
    // Readers of the past are few: a resumed watch reads its bytes, or parses them again.
    previous?.forgetObject();
    if (change.type === "DELETED") current.forgetObject();
    // What nobody watches is seldom asked for parsed, and what lives on is copied, and gone through, by each collection.
    if (change.type === "ADDED") current.forgetUnread();
    return change;
  }

  private arrived(key: string, revision: number, value: Uint8Array): StoredObject {
    const announced = this.announced.get(key);
    if (announced === undefined || !equalBytes(announced.bytes, value)) {
      return new StoredObject(this.head, key, revision, value);
    }
    return new StoredObject(this.head, key, revision, announced.kept, announced.object);
  }

  private takeExpected(key: string, revision: number): StoredObject | undefined {
    const expected = this.expected.get(key);
    if (expected === undefined || expected.revision > revision) return undefined;
    this.expected.delete(key);
    return expected.revision === revision ? expected : undefined;
  }
}

/** The rules of selection: entering is ADDED, leaving is DELETED with the last matching state. */
export function offer(watcher: CacheWatcher, change: Change): void {
  const { namespace, selection } = watcher;
  if (namespace !== undefined && !inNamespace(change.key, namespace)) return;
  const { type, current, previous, cause } = change;
  if (selection.everything) {
    watcher.deliver(type, current, cause, previous);
    return;
  }
  const before = previous !== undefined && matches(selection.matches, previous);
  if (type === "DELETED") {
    if (before) watcher.deliver("DELETED", current, cause, previous);
    return;
  }
  const now = matches(selection.matches, current);
  if (now) watcher.deliver(before ? "MODIFIED" : "ADDED", current, cause, previous);
  else if (before && previous !== undefined) watcher.deliver("DELETED", previous.at(change.revision), cause, previous);
}

function matches(test: (object: KubernetesObject) => boolean, stored: StoredObject): boolean {
  return test(stored.object);
}

function inNamespace(key: string, namespace: string): boolean {
  return key.length > namespace.length && key.charCodeAt(namespace.length) === 47 && key.startsWith(namespace);
}
