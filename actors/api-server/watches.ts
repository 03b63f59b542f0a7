/**
 * Watches: from the cache's history and on, with the present objects first where that is asked for.
 * @see KEP-956 (bookmarks), KEP-3157 (`sendInitialEvents`)
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Conversions } from "./conversions.ts";
import { ConvertedEvents } from "./converted-events.ts";
import { listPage } from "./core/cache/list.ts";
import type { CacheWatcher, ChangeType, ResourceCache } from "./core/cache/resource-cache.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { Selection } from "./core/machinery/selectors.ts";
import { expired } from "./core/machinery/status.ts";
import { selectionOf, storedSelection } from "./core/registry/present.ts";
import { toStatusError } from "./core/store-errors.ts";
import { unreachable } from "./etcd-client.ts";
import type { RequestScope } from "./registry.ts";
import { parseRevision, reach } from "./revisions.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

export interface WatchQuery {
  readonly served: Served;
  readonly namespace: string | undefined;
  readonly name?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Absent: the present objects first. "0": likewise, without asking the quorum. Else: what comes after. */
  readonly resourceVersion?: string | undefined;
  /** The present objects first, whatever the resourceVersion (which then means: not older than). */
  readonly sendInitialEvents?: boolean;
  /** Bookmarks now and then, and one behind the present objects. */
  readonly bookmarks: boolean;
}

export interface WatchReceiver {
  /** @param previous what was there before, if anything */
  event(type: ChangeType, stored: StoredObject, cause: string | undefined, previous: StoredObject | undefined): void;
  bookmark(object: KubernetesObject): void;
  /** The watch is over. Reason Expired: list again; else go on elsewhere. Undefined: as if its time had come. */
  end(error: unknown): void;
}

export interface OpenWatch {
  close(): void;
  /** Tells the receiver how far the watch has come. */
  bookmark(): void;
}

export class Watches {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private readonly conversions: Conversions;
  private readonly running = new Set<RunningWatch>();

  constructor(ctx: Context<ApiServerOptions>, store: Store, conversions: Conversions) {
    this.ctx = ctx;
    this.conversions = conversions;
    this.store = store;
  }

  /** Bookmarks for all who want them, once a period. A server that is cut off sends its watchers elsewhere. */
  start(): void {
    this.ctx.clock.every(this.ctx.options.bookmarkMs, () => {
      for (const watch of this.running) if (watch.wantsBookmarks) watch.bookmark();
    });
    this.store.etcd.onContact((contact) => {
      if (contact !== "cut-off") return;
      const error = toStatusError(unreachable());
      for (const watch of this.running) watch.end(error);
    });
  }

  /**
   * Events may reach the receiver before the promise resolves.
   * @throws Status 410 when the history does not reach back to the revision; 400 for bad selectors; ETCD_UNREACHABLE
   */
  async open(scope: RequestScope, query: WatchQuery, given: WatchReceiver): Promise<OpenWatch> {
    // Who watches the past of a server that hears of nothing new would never know.
    this.store.etcd.checkReachable();
    const { served, namespace, resourceVersion, sendInitialEvents } = query;
    const wanted = withName(selectionOf(served, query.labelSelector, query.fieldSelector), query.name);
    const converted = served.conversion === undefined ? undefined : this.convertedEvents(served, wanted, given);
    const receiver = converted ?? given;
    const selection = converted === undefined ? wanted : storedSelection(wanted);
    // Of no version in particular: from now on, where nothing of what is there already is asked for.
    const isAny = !resourceVersion || resourceVersion === "0";
    const initial = sendInitialEvents ?? isAny;
    if (initial) await reach(this.store, this.ctx.clock, scope.deadlineMs, resourceVersion);
    else if (isAny) await this.store.consistent(scope.deadlineMs);
    else await this.store.waitFor(0, scope.deadlineMs);
    const cache = this.store.cacheOf(served);
    const from = initial || isAny ? this.store.revision : parseRevision(resourceVersion);
    if (from < cache.oldestRevision) {
      throw expired(`too old resource version: ${from} (${cache.oldestRevision})`);
    }
    const watch = new RunningWatch(this.store, cache, query, selection, from, receiver, (gone) =>
      this.running.delete(gone),
    );
    if (initial) {
      for (const stored of listPage(cache, from, { namespace, selection }, 0, undefined).items) {
        receiver.event("ADDED", stored, undefined, undefined);
      }
      if (query.bookmarks) receiver.bookmark(bookmarkOf(served, from, true));
    } else cache.replay(watch, from);
    converted?.onOver(() => watch.close());
    if (!watch.closed) cache.watchers.add(watch);
    if (!watch.closed) this.running.add(watch);
    return converted === undefined ? watch : this.told(watch, converted);
  }

  private convertedEvents(served: Served, selection: Selection, receiver: WatchReceiver): ConvertedEvents {
    const { historyMax, conversionBatch } = this.ctx.options;
    const limits = { waitingMax: Math.max(historyMax, this.store.cacheOf(served).size), batch: conversionBatch };
    const spawn = (work: () => Promise<void>): void => this.ctx.spawn(work);
    return new ConvertedEvents(this.conversions, spawn, served, selection, limits, receiver);
  }

  /** What is there already is told before the watch counts as open. */
  private async told(watch: RunningWatch, converted: ConvertedEvents): Promise<OpenWatch> {
    const close = (): void => {
      converted.close();
      watch.close();
    };
    try {
      await converted.told();
    } catch (error) {
      close();
      throw error;
    }
    return { close, bookmark: () => watch.bookmark() };
  }
}

class RunningWatch implements CacheWatcher, OpenWatch {
  readonly namespace: string | undefined;
  readonly selection: Selection;
  readonly wantsBookmarks: boolean;
  closed = false;
  private readonly store: Store;
  private readonly cache: ResourceCache;
  private readonly served: Served;
  private readonly from: number;
  private readonly receiver: WatchReceiver;
  private readonly onClose: (watch: RunningWatch) => void;

  constructor(
    store: Store,
    cache: ResourceCache,
    query: WatchQuery,
    selection: Selection,
    from: number,
    receiver: WatchReceiver,
    onClose: (watch: RunningWatch) => void,
  ) {
    this.store = store;
    this.cache = cache;
    this.served = query.served;
    this.wantsBookmarks = query.bookmarks;
    this.namespace = query.namespace;
    this.selection = selection;
    this.from = from;
    this.receiver = receiver;
    this.onClose = onClose;
  }

  deliver(...[type, stored, cause, previous]: Parameters<CacheWatcher["deliver"]>): void {
    // A client may name a revision that this server has not seen yet: it has had everything up to it.
    if (!this.closed && stored.revision > this.from) this.receiver.event(type, stored, cause, previous);
  }

  expire(): void {
    this.end(expired("too old resource version: the watch cache was rebuilt"));
  }

  fail(error: unknown): void {
    this.end(error);
  }

  end(error: unknown): void {
    if (this.closed) return;
    this.close();
    this.receiver.end(error);
  }

  bookmark(): void {
    const revision = Math.max(this.from, this.store.revision);
    if (!this.closed) this.receiver.bookmark(bookmarkOf(this.served, revision, false));
  }

  close(): void {
    this.closed = true;
    this.cache.watchers.remove(this);
    this.onClose(this);
  }
}

const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

function bookmarkOf({ info }: Served, revision: number, initialEventsEnd: boolean): KubernetesObject {
  const annotations = initialEventsEnd ? { annotations: { [INITIAL_EVENTS_END]: "true" } } : {};
  const metadata = { resourceVersion: String(revision), ...annotations };
  return { kind: info.kind, apiVersion: info.apiVersion, metadata };
}

function withName(selection: Selection, name: string | undefined): Selection {
  if (name === undefined) return selection;
  return {
    everything: false,
    exact: new Map(selection.exact).set("metadata.name", name),
    matches: (object) => object.metadata?.name === name && selection.matches(object),
  };
}
