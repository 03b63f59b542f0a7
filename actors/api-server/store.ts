/**
 * The API server's side of etcd: one watch over the whole keyspace feeds the caches of all resources, so that the caches
 * stand at one revision together, and a consistent read is "ask the quorum for its revision, wait until the caches have it".
 */
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { EtcdMethods, KeyValue, TxnRequest, TxnResponse, WatchResponse } from "../../protocols/etcd.ts";
import { keepBytes } from "../../protocols/kept-bytes.ts";
import type { Context, Ref, Subscription } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import { BrokenInvariant } from "./core/broken-invariant.ts";
import { ResourceCache } from "./core/cache/resource-cache.ts";
import { Strays } from "./core/cache/strays.ts";
import type { Catalog, Served } from "./core/catalog/catalog.ts";
import { NODE_PORT_PREFIX, SERVICE_IP_PREFIX } from "./core/kinds/core/service-addresses.ts";
import type { Attempts } from "./etcd-client.ts";
import { EtcdClient, unreachable } from "./etcd-client.ts";
import { noSuchResource } from "./core/machinery/status.ts";
import { readInVersion } from "./core/webhooks/conversion.ts";
import { ETCD_UNREACHABLE } from "./core/store-errors.ts";
import type { ApiServerOptions } from "./spec.ts";

const REGISTRY = "/registry/";
/** "0" is the character after "/". */
const REGISTRY_END = "/registry0";

/** Who waits for the quorum's newest revision. */
interface Reader {
  /** Infinity: the loader, which waits for caches that do not count as loaded yet. */
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Who waits for the caches to reach a revision. */
interface Waiter extends Reader {
  readonly revision: number;
  readonly sinceMs: number;
}

/** Who must know of a resource before anything is answered that rests on it: told in the turn in which the cache changes. */
export interface StoreFollower {
  /** The caches have been filled anew. */
  loaded(): void;
  changed(key: string): void;
}

export class Store {
  readonly etcd: EtcdClient;
  /** By storage prefix. */
  private readonly caches = new Map<string, ResourceCache>();
  private readonly strays = new Strays();
  private readonly builtIn: ReadonlySet<string>;
  private readonly followers: { readonly cache: ResourceCache; readonly follower: StoreFollower }[] = [];
  /** Claim keys of services that are taken, as far as the cache knows. */
  readonly claims: Set<string> = new Set();
  /** Leases of etcd that Events were written with, by the revision that first named them; also of some that have ended. */
  readonly leases: Map<string, number> = new Map();
  private readonly ctx: Context<ApiServerOptions>;
  private reached = 0;
  private loaded = false;
  private waiters: Waiter[] = [];
  private sweep: { readonly atMs: number; readonly timer: Timer } | undefined;
  private awaitsOwn = false;
  private asking = false;
  /** Readers that the question under way serves, and those of the one behind it. */
  private asked: readonly Reader[] = [];
  private behind: Reader[] = [];
  private subscription: Subscription | undefined;
  /** Whom the watch follows: not necessarily who gets the requests. */
  private followed: Ref<EtcdMethods> | undefined;
  private caughtUp: boolean | undefined;
  private readonly readyListeners = new Set<(ready: boolean) => void>();
  private connection = 0;
  private failures = 0;
  private stopped = false;

  constructor(ctx: Context<ApiServerOptions>, catalog: Catalog) {
    this.ctx = ctx;
    this.etcd = new EtcdClient(ctx, (key) => this.place(key)?.cache.info);
    this.measure();
    for (const { info, rules, stored } of catalog.all) {
      if (info.storagePrefix === undefined || stored.info !== info) continue;
      this.caches.set(info.storagePrefix, new ResourceCache(info, rules.indexed, ctx.options));
    }
    this.builtIn = new Set(this.caches.keys());
  }

  private measure(): void {
    const help = "Objects by resource, as this server's caches hold them.";
    const objects = this.ctx.metrics.gauge("apiserver_resource_objects", help, ["group", "resource"]);
    this.ctx.metrics.onRead(() => {
      objects.clear();
      for (const { info, size } of this.caches.values()) objects.of(info.group, info.resource).set(size);
    });
  }

  /** Whether objects of a built-in kind are below the prefix, whose place no other takes. */
  isBuiltIn(prefix: string): boolean {
    return this.builtIn.has(prefix);
  }

  follow(prefix: string, follower: StoreFollower): void {
    this.followers.push({ cache: this.cache(prefix), follower });
  }

  /**
   * Keeps a resource from now on. The one watch has brought its objects already, so that nothing is asked for and nothing is
   * missed; watches reach back to this revision. `asToday`: some may have been stored under another schema.
   */
  attach({ info, rules, conversion }: Served, asToday: boolean): void {
    const { options } = this.ctx;
    const mixed = conversion !== undefined;
    const read = mixed ? readInVersion(conversion) : rules.read;
    const cache = new ResourceCache(info, rules.indexed, options, asToday ? read : undefined, mixed);
    const prefix = info.storagePrefix ?? "";
    cache.reset(this.reached);
    for (const { key, modRevision, kept } of this.strays.take(prefix)) {
      cache.load(key.slice(prefix.length + 1), modRevision, kept);
    }
    this.caches.set(prefix, cache);
  }

  /** The watches of the resource end. */
  detach(prefix: string): void {
    const cache = this.caches.get(prefix);
    if (cache === undefined) return;
    this.caches.delete(prefix);
    cache.endWatches();
    for (const { key, revision, kept } of cache.values()) {
      this.strays.put({ key: `${prefix}/${key}`, modRevision: revision, kept });
    }
  }

  /** The revision at which all caches stand. */
  get revision(): number {
    return this.reached;
  }

  /** Whether what a client asks for now can be answered: the caches are loaded and follow a quorum that answers. */
  get ready(): boolean {
    return this.caughtUp === true;
  }

  /** `listener` is told how it stands, once that is known, and of each change. Returns how to stop it. */
  onReady(listener: (ready: boolean) => void): () => void {
    this.readyListeners.add(listener);
    if (this.caughtUp !== undefined) listener(this.caughtUp);
    return () => this.readyListeners.delete(listener);
  }

  /** Loads and follows, until `stop`. Readers wait meanwhile. */
  start(): void {
    this.etcd.onContact((contact) => {
      if (contact === "lost") this.contactLost();
      else if (contact === "reached") this.catchUp();
    });
    this.etcd.start();
    this.ctx.spawn(() => this.load());
  }

  stop(): void {
    this.stopped = true;
    this.connection++;
    this.subscription?.cancel();
  }

  /** Forgets changes that nobody who reads on will ask for: of what has become quiet, too. */
  age(): void {
    const nowMs = this.ctx.clock.nowMs();
    for (const cache of this.caches.values()) cache.age(nowMs);
  }

  cache(prefix: string): ResourceCache {
    const cache = this.caches.get(prefix);
    if (cache === undefined) throw new BrokenInvariant(`no cache for ${prefix}`);
    return cache;
  }

  /**
   * Of the objects that are served so.
   * @throws Status 404 when they are no longer served
   */
  cacheOf({ info }: Served): ResourceCache {
    const cache = this.caches.get(info.storagePrefix ?? "");
    if (cache === undefined) throw noSuchResource();
    return cache;
  }

  txn(request: TxnRequest, deadlineMs: number, attempts: Attempts): Promise<TxnResponse> {
    return this.etcd.call("txn", request, deadlineMs, attempts);
  }

  /** Resolves when the caches have everything that was acknowledged before the call. */
  consistent(deadlineMs: number): Promise<void> {
    if (!this.etcd.reachable) return Promise.reject(unreachable());
    return new Promise((resolve, reject) => {
      this.behind.push({ deadlineMs, resolve, reject });
      if (!this.asking) this.ask();
      this.sweepBy(deadlineMs);
    });
  }

  /** Resolves when the caches have been loaded and have reached `revision`. */
  waitFor(revision: number, deadlineMs: number): Promise<void> {
    if (this.loaded && this.reached >= revision) return Promise.resolve();
    if (!this.etcd.reachable) return Promise.reject(unreachable());
    return new Promise((resolve, reject) => {
      this.waiters.push({ revision, sinceMs: this.ctx.clock.monotonicMs(), deadlineMs, resolve, reject });
      this.sweepBy(deadlineMs);
    });
  }

  /** What this server wrote must come back by the watch: if it does not, the watch follows a member that is cut off. */
  noteWritten(revision: number): void {
    if (this.reached >= revision || this.awaitsOwn) return;
    this.awaitsOwn = true;
    const deadlineMs = this.ctx.clock.monotonicMs() + 2 * this.ctx.options.watchStallMs;
    this.ctx.spawn(async () => {
      try {
        await this.waitFor(revision, deadlineMs);
      } catch (error) {
        // The sweep has already done what there is to do about it.
        if (!hasCode(error, "DEADLINE_EXCEEDED", ETCD_UNREACHABLE)) throw error;
      } finally {
        this.awaitsOwn = false;
      }
    });
  }

  /**
   * One question under way and one behind it serve all readers: a reader joins the one that starts after it came. The
   * question has a life of its own; each reader has its own deadline.
   */
  private ask(): void {
    this.asked = this.behind;
    this.behind = [];
    this.asking = true;
    this.ctx.spawn(async () => {
      const deadlineMs = this.ctx.clock.monotonicMs() + this.ctx.options.requestTimeoutMs;
      try {
        const { revision } = await this.etcd.call("readIndex", null, deadlineMs, { lost: false, shared: true });
        this.answer(revision);
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        for (const reader of this.asked) reader.reject(error);
        this.asked = [];
      }
      this.asking = false;
      if (this.behind.length > 0) this.ask();
    });
  }

  private answer(revision: number): void {
    const sinceMs = this.ctx.clock.monotonicMs();
    for (const reader of this.asked) {
      if (this.loaded && this.reached >= revision) reader.resolve();
      else this.waiters.push({ ...reader, revision, sinceMs });
    }
    this.asked = [];
  }

  /** Rejects of all who wait those of whom `errorOf` knows why. */
  private refuse(errorOf: (reader: Reader, revision?: number) => InkubeError | undefined): void {
    const stays = (reader: Reader | Waiter): boolean => {
      const error = errorOf(reader, "revision" in reader ? reader.revision : undefined);
      if (error !== undefined) reader.reject(error);
      return error === undefined;
    };
    this.asked = this.asked.filter(stays);
    this.behind = this.behind.filter(stays);
    this.waiters = this.waiters.filter(stays);
  }

  /** Who waits for a quorum that is not there had better ask another server. The loader goes on waiting. */
  private contactLost(): void {
    const error = unreachable();
    this.refuse((reader) => (reader.deadlineMs === Infinity ? undefined : error));
    this.setReady(false);
  }

  /** The watch may have followed a member that was cut off with this server's requests: it is opened anew. */
  private catchUp(): void {
    if (!this.loaded) return;
    this.connect();
    const deadlineMs = this.ctx.clock.monotonicMs() + this.ctx.options.requestTimeoutMs;
    this.ctx.spawn(async () => {
      try {
        await this.consistent(deadlineMs);
        this.setReady(this.loaded && this.etcd.reachable);
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        this.ctx.log.warn("the caches do not catch up yet", { code: error.code, message: error.message });
        if (this.etcd.reachable) this.catchUp();
      }
    });
  }

  private setReady(ready: boolean): void {
    if (this.stopped || this.caughtUp === ready) return;
    this.caughtUp = ready;
    for (const listener of this.readyListeners) listener(ready);
  }

  private async load(): Promise<void> {
    const { clock, options, log } = this.ctx;
    while (!this.stopped) {
      try {
        const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
        const { revision: newest } = await this.etcd.call("readIndex", null, deadlineMs, persistent());
        const revision = await this.loadAt(Math.max(1, newest - options.replayRevisions), newest);
        this.reached = revision;
        for (const { follower } of this.followers) follower.loaded();
        this.connect();
        await this.reach(newest);
        return;
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        log.warn("the caches can't be loaded yet", { code: error.code, message: error.message });
        await clock.sleep(options.retryCapMs);
      }
    }
  }

  /** The caches count as loaded once they have caught up with what was the newest revision. */
  private async reach(newest: number): Promise<void> {
    while (this.reached < newest && !this.stopped) {
      await new Promise<void>((resolve, reject) => {
        const nowMs = this.ctx.clock.monotonicMs();
        this.waiters.push({ revision: newest, sinceMs: nowMs, deadlineMs: Infinity, resolve, reject });
        this.sweepBy(Infinity);
      });
    }
    this.loaded = true;
    this.wake();
    this.setReady(this.etcd.reachable);
  }

  /** Fills the caches with the state of `revision`, or of `newest` when that is compacted. Returns which it was. */
  private async loadAt(revision: number, newest: number): Promise<number> {
    const { clock, options } = this.ctx;
    for (const cache of this.caches.values()) cache.reset(revision);
    this.claims.clear();
    this.leases.clear();
    this.strays.clear();
    let key = REGISTRY;
    for (;;) {
      const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
      const request = { key, rangeEnd: REGISTRY_END, limit: options.loadPage, revision, serializable: false };
      try {
        const page = await this.etcd.call("range", request, deadlineMs, persistent());
        for (const kv of page.kvs) this.loadKey(kv);
        const last = page.kvs.at(-1);
        if (!page.more || last === undefined) return revision;
        key = `${last.key}\0`;
      } catch (error) {
        if (!hasCode(error, "ETCD_COMPACTED") || revision === newest) throw error;
        return this.loadAt(newest, newest);
      }
    }
  }

  private loadKey(kv: KeyValue): void {
    const { key, modRevision } = kv;
    const place = this.place(key);
    this.noteLease(kv);
    if (place !== undefined) place.cache.load(place.key, modRevision, kv.value);
    else if (isClaim(key)) this.claims.add(key);
    else this.strays.put({ key, modRevision, kept: keepBytes(kv.value) });
  }

  private noteLease({ lease, modRevision }: KeyValue): void {
    if (lease === "0") return;
    const known = this.leases.get(lease);
    if (known === undefined || modRevision < known) this.leases.set(lease, modRevision);
  }

  /** Follows etcd from where the caches stand. */
  private connect(): void {
    if (this.stopped) return;
    const connection = ++this.connection;
    this.subscription?.cancel();
    const member = this.etcd.member();
    this.followed = member;
    this.subscription = member.stream(
      "watch",
      { key: "\0", rangeEnd: "\0", startRevision: this.reached + 1, progressNotify: true },
      {
        next: (response) => {
          if (connection !== this.connection) return;
          this.apply(response);
          // Last: where there was none for a while, contact makes the caches go on by another connection.
          if (response.events.length > 0) this.etcd.followed(member);
        },
        end: (error) => {
          if (connection === this.connection) this.disconnected(member, error);
        },
      },
    );
  }

  private disconnected(member: Ref<EtcdMethods>, error: Error | undefined): void {
    if (this.stopped) return;
    this.subscription = undefined;
    this.connection++;
    if (hasCode(error, "ETCD_COMPACTED")) {
      this.ctx.log.warn("the revision that the caches stand at is compacted: loading anew", { revision: this.reached });
      this.loaded = false;
      this.setReady(false);
      this.ctx.spawn(() => this.load());
      return;
    }
    this.etcd.failOver(member);
    const { clock, options } = this.ctx;
    const round = Math.floor(this.failures++ / options.members.length);
    const pauseMs = round === 0 ? 0 : Math.min(options.retryCapMs, options.retryBaseMs * 2 ** (round - 1));
    const { connection } = this;
    clock.after(pauseMs, () => {
      if (connection === this.connection) this.connect();
    });
  }

  private apply(response: WatchResponse): void {
    this.failures = 0;
    const nowMs = this.ctx.clock.nowMs();
    for (const event of response.events) {
      const { key, modRevision, value } = event.kv;
      this.noteLease(event.kv);
      if (modRevision > this.reached) this.reached = modRevision;
      const place = this.place(key);
      if (place !== undefined) {
        if (event.type === "put") place.cache.put(place.key, modRevision, value, event.cause, nowMs);
        else place.cache.remove(place.key, modRevision, event.cause, nowMs);
        for (const { cache, follower } of this.followers) if (cache === place.cache) follower.changed(place.key);
      } else if (isClaim(key)) {
        if (event.type === "put") this.claims.add(key);
        else this.claims.delete(key);
      } else if (event.type === "put") this.strays.put({ key, modRevision, kept: keepBytes(value) });
      else this.strays.remove(key);
    }
    if (response.events.length === 0 && response.header.revision > this.reached)
      this.reached = response.header.revision;
    if (this.waiters.length > 0) this.wake();
  }

  private wake(): void {
    const waiting = this.waiters;
    this.waiters = [];
    for (const waiter of waiting) {
      // The loader itself waits before the caches count as loaded.
      if (this.reached >= waiter.revision && (this.loaded || waiter.deadlineMs === Infinity)) waiter.resolve();
      else this.waiters.push(waiter);
    }
  }

  /** While anyone waits there is a sweep ahead: at the next deadline, or when a member may turn out to be stalled. */
  private sweepBy(deadlineMs: number): void {
    // None is further away than half of what a member may stall.
    if (this.sweep !== undefined && this.sweep.atMs <= deadlineMs) return;
    const { clock, options } = this.ctx;
    const nowMs = clock.monotonicMs();
    const atMs = Math.max(nowMs, Math.min(deadlineMs, nowMs + options.watchStallMs / 2));
    if (this.sweep !== undefined && this.sweep.atMs <= atMs) return;
    this.sweep?.timer.cancel();
    this.sweep = { atMs, timer: clock.after(Math.ceil(atMs - nowMs), () => this.sweepNow()) };
  }

  /** Gives up on those whose time is over, and on a member that does not bring what a quorum has. */
  private sweepNow(): void {
    this.sweep = undefined;
    const { clock, options } = this.ctx;
    const nowMs = clock.monotonicMs();
    // Looked at before anybody is refused: a sweep that comes late on a busy thread finds their time over as well.
    const stalled = this.waiters.some(
      ({ revision, sinceMs }) => revision > this.reached && nowMs - sinceMs >= options.watchStallMs,
    );
    this.refuse((reader, revision) => (nowMs < reader.deadlineMs ? undefined : this.late(revision)));
    if (stalled && this.subscription !== undefined && this.followed !== undefined) {
      this.etcd.failOver(this.followed);
      // Its successor has as long to bring it.
      this.waiters = this.waiters.map((waiter) => ({ ...waiter, sinceMs: nowMs }));
      this.connect();
    }
    let nextMs = Infinity;
    const waiting = [...this.asked, ...this.behind, ...this.waiters];
    for (const { deadlineMs } of waiting) nextMs = Math.min(nextMs, deadlineMs);
    if (waiting.length > 0) this.sweepBy(nextMs);
  }

  private late(revision: number | undefined): InkubeError {
    const what =
      revision === undefined
        ? "etcd did not tell its newest revision in time"
        : `the cache is at revision ${this.reached} and has not reached ${revision}`;
    return new InkubeError("DEADLINE_EXCEEDED", what, { retryable: true });
  }

  /** Which cache a key belongs to. Prefixes have one segment behind `/registry/`, or two. */
  private place(key: string): { readonly cache: ResourceCache; readonly key: string } | undefined {
    if (!key.startsWith(REGISTRY)) return undefined;
    const first = key.indexOf("/", REGISTRY.length);
    if (first < 0) return undefined;
    let end = first;
    let cache = this.caches.get(key.slice(0, end));
    if (cache === undefined) {
      end = key.indexOf("/", first + 1);
      if (end < 0) return undefined;
      cache = this.caches.get(key.slice(0, end));
      if (cache === undefined) return undefined;
    }
    return { cache, key: key.slice(end + 1) };
  }
}

/** For the loading of the caches, which is what this server waits for itself. */
function persistent(): Attempts {
  return { lost: false, persistent: true, shared: true };
}

function isClaim(key: string): boolean {
  return key.startsWith(SERVICE_IP_PREFIX) || key.startsWith(NODE_PORT_PREFIX);
}
