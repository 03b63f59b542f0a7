/**
 * A resource as a local copy that follows the API server: list once, watch from there, resume after the last revision seen
 * when the server dies, list anew when that revision is no longer kept. Listeners learn only of real changes.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { hasReason, statusOf } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { TRACEPARENT, TRACEPARENT_ANNOTATION } from "../../protocols/traceparent.ts";
import type { Context, Subscription, Why } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { Client, WatchEvent } from "./client.ts";
import { backoffMs } from "./core/backoff.ts";
import type { Change, IndexFunction } from "./core/store.ts";
import { ObjectStore, keyOf, objectKey } from "./core/store.ts";
import type { Resource } from "./resources.ts";

export type { Change } from "./core/store.ts";

export interface Selector {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** The pause before a watch is opened again after it broke; grows while it breaks at once. client-go: 0.8 s to 30 s. */
const RECONNECT = { baseMs: 5, capMs: 1_000 };

export class Informer<T extends KubernetesObject> {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly resource: Resource<T>;
  private readonly selector: Selector;
  private readonly trim: (object: T) => T;
  private readonly onFault: ((thrown: unknown, key: string) => void) | undefined;
  private readonly store = new ObjectStore<T>();
  private readonly listeners: ((change: Change<T>) => void)[] = [];
  private readonly waiters: (() => void)[] = [];
  private readonly stopWaiters: (() => void)[] = [];
  /** Where the watch goes on; undefined before the first list and after Expired. */
  private revision: string | undefined;
  private subscription: Subscription | undefined;
  private timer: Timer | undefined;
  private failures = 0;
  private state: "new" | "running" | "stopped" = "new";
  private listed = false;
  /** Why there is a first list, and so why its objects are told of. */
  private startedBy: Why = "";

  /**
   * `trim`: what is kept of each object, where that is little (client-go's transform). `onFault`: told what a listener threw
   * over a change, which the other listeners get all the same; without it that is the end of the actor.
   */
  constructor(
    ctx: Context<unknown>,
    client: Client,
    resource: Resource<T>,
    selector: Selector = {},
    trim: (object: T) => T = (object) => object,
    onFault?: (thrown: unknown, key: string) => void,
  ) {
    this.trim = trim;
    this.onFault = onFault;
    this.ctx = ctx;
    this.client = client;
    this.resource = resource;
    this.selector = selector;
  }

  /** Listeners run in order of registration, for each change, before the next one is read. */
  onChange(listener: (change: Change<T>) => void): void {
    this.listeners.push(listener);
  }

  start(): void {
    if (this.state !== "new") return;
    this.state = "running";
    const { trace } = this.ctx;
    const why = trace.why();
    this.startedBy = why === "" ? trace.started : why;
    this.connect();
  }

  stop(): void {
    this.state = "stopped";
    this.subscription?.cancel();
    this.timer?.cancel();
    for (const resolve of this.stopWaiters.splice(0)) resolve();
  }

  /** Whether the first list is in. */
  get synced(): boolean {
    return this.listed;
  }

  whenSynced(): Promise<void> {
    return this.listed ? Promise.resolve() : new Promise((resolve) => this.waiters.push(resolve));
  }

  /** As `whenSynced`, also when it is stopped before. */
  whenSyncedOrStopped(): Promise<void> {
    if (this.state === "stopped") return Promise.resolve();
    return Promise.race([this.whenSynced(), new Promise<void>((resolve) => this.stopWaiters.push(resolve))]);
  }

  get(name: string, namespace?: string): T | undefined {
    return this.store.get(objectKey(name, namespace));
  }

  /** By `namespace/name`, or `name` for what has no namespace. */
  getByKey(key: string): T | undefined {
    return this.store.get(key);
  }

  /** All objects, in order of arrival. */
  list(): readonly T[] {
    return this.store.values();
  }

  addIndex(name: string, values: IndexFunction<T>): void {
    this.store.addIndex(name, values);
  }

  byIndex(name: string, value: string): readonly T[] {
    return this.store.byIndex(name, value);
  }

  private connect(): void {
    this.ctx.spawn(async () => {
      if (this.state !== "running") return;
      try {
        if (this.revision === undefined) await this.relist();
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        this.reconnect(error);
        return;
      }
      // oxlint-disable-next-line typescript/no-unnecessary-condition -- stop() may have run during the list
      if (this.state === "running") this.watch();
    });
  }

  private async relist(): Promise<void> {
    const list = await this.client.list(this.resource, this.selector);
    if (this.state !== "running") return;
    this.revision = list.metadata.resourceVersion;
    // What made the changes that a later list tells of nobody knows.
    const why = this.listed ? "" : this.startedBy;
    for (const change of this.store.replace(list.items.map(this.trim))) this.tell(change, why);
    this.listed = true;
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  private watch(): void {
    const from = this.revision === undefined ? {} : { resourceVersion: this.revision };
    this.subscription = this.client.watch<T>(
      this.resource,
      { ...this.selector, ...from },
      {
        next: (event) => this.take(event),
        end: (error) => this.reconnect(error),
      },
    );
  }

  private take(event: WatchEvent<T>): void {
    if (this.state !== "running") return;
    this.failures = 0;
    this.revision = event.object.metadata?.resourceVersion ?? this.revision;
    const change = this.changeOf(event);
    if (change !== undefined) this.tell(change, change.cause ?? "");
  }

  private changeOf(event: WatchEvent<T>): Change<T> | undefined {
    switch (event.type) {
      case "BOOKMARK":
        return undefined;
      case "ADDED":
      case "MODIFIED":
        return this.store.put(this.trim(event.object), event.cause);
      case "DELETED":
        return this.store.remove(this.trim(event.object), event.cause);
    }
  }

  /** Listeners do what they do because of what made the change. */
  private tell(change: Change<T>, cause: Why): void {
    const why = this.linked(change.object, cause);
    for (const listener of this.listeners) {
      try {
        this.ctx.trace.because(why, () => listener(change));
      } catch (thrown) {
        if (this.onFault === undefined) throw thrown;
        this.onFault(thrown, keyOf(change.object));
      }
    }
  }

  /**
   * Whoever writes an object may say in an annotation of which trace outside the write was a part. What is done because of it is then
   * linked to that trace, and is a part of it where nothing else is known to have caused it.
   * @see KEP-5915: span links, and not children, for what is done at a later time
   */
  private linked({ metadata }: T, cause: Why): Why {
    const traceparent = metadata?.annotations?.[TRACEPARENT_ANNOTATION];
    if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return cause;
    const { namespace, name = "" } = metadata ?? {};
    const subject = [this.resource.resource, ...(namespace === undefined ? [] : [namespace]), name].join("/");
    const isRoot = cause === "";
    return this.ctx.trace.later("linked", subject, isRoot ? {} : { also: traceparent }, isRoot ? traceparent : cause);
  }

  private reconnect(error: Error | undefined): void {
    if (this.state !== "running") return;
    const expired = hasReason(error, "Expired", "Gone") || statusOf(error)?.code === 410;
    if (expired) this.revision = undefined;
    const pauseMs = backoffMs(this.failures, RECONNECT);
    this.failures++;
    this.ctx.log.debug("watch ended", {
      resource: this.resource.resource,
      reason: error?.message ?? "closed",
      pauseMs,
    });
    this.timer = this.ctx.clock.after(pauseMs, () => this.connect());
  }
}
