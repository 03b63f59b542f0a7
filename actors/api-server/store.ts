/**
 * The API server's side of etcd: one watch over the whole keyspace feeds the caches of all resources, so that the caches
 * stand at one revision together, and a consistent read is "ask the quorum for its revision, wait until the caches have it".
 */
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { EtcdMethods, TxnRequest, TxnResponse, WatchResponse } from "../../protocols/etcd.ts";
import { RESOURCES } from "../../protocols/kubernetes/resources.ts";
import type { Context, Ref, Subscription } from "../../runtime/actor.ts";
import { ResourceCache } from "./core/cache/resource-cache.ts";
import { NODE_PORT_PREFIX, SERVICE_IP_PREFIX } from "./core/registry/services.ts";
import type { Attempts } from "./etcd-client.ts";
import { EtcdClient } from "./etcd-client.ts";
import type { ApiServerOptions } from "./spec.ts";

const REGISTRY = "/registry/";
/** "0" is the character after "/". */
const REGISTRY_END = "/registry0";

interface Waiter {
  readonly revision: number;
  readonly sinceMs: number;
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Store {
  readonly etcd: EtcdClient;
  /** By storage prefix. */
  readonly caches: ReadonlyMap<string, ResourceCache>;
  /** Claim keys of services that are taken, as far as the cache knows. */
  readonly claims: Set<string> = new Set();
  private readonly ctx: Context<ApiServerOptions>;
  private reached = 0;
  private loaded = false;
  private waiters: Waiter[] = [];
  private sweeping = false;
  private awaitsOwn = false;
  private readIndexInFlight: Promise<number> | undefined;
  private readIndexQueued: Promise<number> | undefined;
  private subscription: Subscription | undefined;
  private connection = 0;
  private failures = 0;
  private stopped = false;

  constructor(ctx: Context<ApiServerOptions>) {
    this.ctx = ctx;
    this.etcd = new EtcdClient(ctx);
    const caches = new Map<string, ResourceCache>();
    for (const info of RESOURCES) {
      if (info.storagePrefix === undefined || info.storageApiVersion !== undefined) continue;
      caches.set(info.storagePrefix, new ResourceCache(info, ctx.options));
    }
    this.caches = caches;
  }

  /** The revision at which all caches stand. */
  get revision(): number {
    return this.reached;
  }

  /** Loads and follows, until `stop`. Readers wait meanwhile. */
  start(): void {
    this.ctx.spawn(() => this.load());
  }

  stop(): void {
    this.stopped = true;
    this.connection++;
    this.subscription?.cancel();
  }

  cache(prefix: string): ResourceCache {
    const cache = this.caches.get(prefix);
    if (cache === undefined) throw new Error(`no cache for ${prefix}`);
    return cache;
  }

  txn(request: TxnRequest, deadlineMs: number, attempts: Attempts): Promise<TxnResponse> {
    return this.etcd.call("txn", request, deadlineMs, attempts);
  }

  /** Resolves when the caches have everything that was acknowledged before the call. */
  async consistent(deadlineMs: number): Promise<void> {
    const revision = await this.newestRevision(deadlineMs);
    if (this.reached < revision || !this.loaded) await this.waitFor(revision, deadlineMs);
  }

  /** Resolves when the caches have been loaded and have reached `revision`. */
  waitFor(revision: number, deadlineMs: number): Promise<void> {
    if (this.loaded && this.reached >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiters.push({ revision, sinceMs: this.ctx.clock.monotonicMs(), deadlineMs, resolve, reject });
      this.sweepLater();
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
        if (!hasCode(error, "DEADLINE_EXCEEDED")) throw error;
      } finally {
        this.awaitsOwn = false;
      }
    });
  }

  /** One question under way and one behind it serve all readers: a reader joins the one that starts after it came. */
  private newestRevision(deadlineMs: number): Promise<number> {
    if (this.readIndexInFlight === undefined) return (this.readIndexInFlight = this.ask(deadlineMs));
    this.readIndexQueued ??= this.readIndexInFlight.then(
      () => this.askQueued(deadlineMs),
      () => this.askQueued(deadlineMs),
    );
    return this.readIndexQueued;
  }

  private askQueued(deadlineMs: number): Promise<number> {
    this.readIndexQueued = undefined;
    return (this.readIndexInFlight = this.ask(deadlineMs));
  }

  private async ask(deadlineMs: number): Promise<number> {
    try {
      return (await this.etcd.call("readIndex", null, deadlineMs)).revision;
    } finally {
      this.readIndexInFlight = undefined;
    }
  }

  private async load(): Promise<void> {
    const { clock, options, log } = this.ctx;
    while (!this.stopped) {
      try {
        const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
        const { revision: newest } = await this.etcd.call("readIndex", null, deadlineMs);
        const revision = await this.loadAt(Math.max(1, newest - options.replayRevisions), newest);
        this.reached = revision;
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
        this.sweepLater();
      });
    }
    this.loaded = true;
    this.wake();
  }

  /** Fills the caches with the state of `revision`, or of `newest` when that is compacted. Returns which it was. */
  private async loadAt(revision: number, newest: number): Promise<number> {
    const { clock, options } = this.ctx;
    for (const cache of this.caches.values()) cache.reset(revision);
    this.claims.clear();
    let key = REGISTRY;
    for (;;) {
      const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
      const request = { key, rangeEnd: REGISTRY_END, limit: options.loadPage, revision, serializable: false };
      try {
        const page = await this.etcd.call("range", request, deadlineMs);
        for (const kv of page.kvs) this.loadKey(kv.key, kv.modRevision, kv.value);
        const last = page.kvs.at(-1);
        if (!page.more || last === undefined) return revision;
        key = `${last.key}\0`;
      } catch (error) {
        if (!hasCode(error, "ETCD_COMPACTED") || revision === newest) throw error;
        return this.loadAt(newest, newest);
      }
    }
  }

  private loadKey(key: string, revision: number, value: Uint8Array): void {
    const place = this.place(key);
    if (place !== undefined) place.cache.load(place.key, revision, value);
    else if (isClaim(key)) this.claims.add(key);
  }

  /** Follows etcd from where the caches stand. */
  private connect(): void {
    if (this.stopped) return;
    const connection = ++this.connection;
    this.subscription?.cancel();
    const member = this.etcd.member();
    this.subscription = member.stream(
      "watch",
      { key: "\0", rangeEnd: "\0", startRevision: this.reached + 1, progressNotify: true },
      {
        next: (response) => {
          if (connection === this.connection) this.apply(response);
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
      if (modRevision > this.reached) this.reached = modRevision;
      const place = this.place(key);
      if (place !== undefined) {
        if (event.type === "put") place.cache.put(place.key, modRevision, value, event.cause, nowMs);
        else place.cache.remove(place.key, modRevision, event.cause, nowMs);
      } else if (isClaim(key)) {
        if (event.type === "put") this.claims.add(key);
        else this.claims.delete(key);
      }
    }
    if (response.events.length === 0 && response.header.revision > this.reached)
      this.reached = response.header.revision;
    if (this.waiters.length > 0) this.wake();
  }

  private wake(): void {
    const waiting = this.waiters;
    this.waiters = [];
    for (const waiter of waiting) {
      // The loader itself waits with an endless deadline, before the caches count as loaded.
      if (this.reached >= waiter.revision && (this.loaded || waiter.deadlineMs === Infinity)) waiter.resolve();
      else this.waiters.push(waiter);
    }
  }

  /** While anyone waits: gives up on those whose time is over, and on a member that does not bring what a quorum has. */
  private sweepLater(): void {
    if (this.sweeping) return;
    this.sweeping = true;
    const { clock, options } = this.ctx;
    clock.after(options.watchStallMs / 2, () => {
      this.sweeping = false;
      const nowMs = clock.monotonicMs();
      const waiting = this.waiters;
      this.waiters = [];
      let stalled = false;
      for (const waiter of waiting) {
        if (nowMs >= waiter.deadlineMs) {
          const message = `the cache is at revision ${this.reached} and has not reached ${waiter.revision}`;
          waiter.reject(new InkubeError("DEADLINE_EXCEEDED", message, { retryable: true }));
          continue;
        }
        if (nowMs - waiter.sinceMs >= options.watchStallMs && waiter.revision > this.reached) stalled = true;
        this.waiters.push(waiter);
      }
      if (stalled && this.subscription !== undefined) {
        this.etcd.failOver(this.etcd.member());
        this.connect();
      }
      if (this.waiters.length > 0) this.sweepLater();
    });
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

function isClaim(key: string): boolean {
  return key.startsWith(SERVICE_IP_PREFIX) || key.startsWith(NODE_PORT_PREFIX);
}
