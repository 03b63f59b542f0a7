/**
 * What each client sees of this server, in front of both of its doors: carries out what `core/views/` decides of the faults
 * of a plan, and tells a witness what passes. While no plan is applied a request looks at one field, and so does an event of
 * a watch.
 */
import type { KubernetesObject, ListOptions } from "../../protocols/api-server.ts";
import { statusOf } from "../../protocols/api-server.ts";
import { isOfApiServers } from "../../protocols/api-faults.ts";
import type { SeenRequest, Witness } from "../../protocols/api-witness.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { fitsPattern } from "../../protocols/fault-fields.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { ChangeType } from "./core/cache/resource-cache.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import { expired, qualifiedResource, tooLargeResourceVersion } from "./core/machinery/status.ts";
import type { Verb } from "./core/rest/target.ts";
import { REPLY_LOST } from "./core/store-errors.ts";
import type { ApiEvent } from "./core/views/trigger.ts";
import type { Effect } from "./core/views/views.ts";
import { ViewRules } from "./core/views/views.ts";
import type { Call, Input } from "./dispatch.ts";
import type { RequestScope } from "./registry.ts";
import { FUTURE_WAIT_MS, parseRevision } from "./revisions.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";
import type { OpenWatch, WatchQuery, WatchReceiver, Watches } from "./watches.ts";

const READS: readonly Verb[] = ["get", "list"];
const HTTP_OK = 200;
const ACTOR_PREFIX = "inkube:";

interface Asked {
  readonly verb: Exclude<Verb, "watch">;
  readonly call: Call;
  /** Of an object that is to be created, or what that is to begin with; empty where it is made here. */
  readonly name: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
}

export class Views {
  /** Whether requests have to come by here. */
  on: boolean;
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private readonly watches: Watches;
  private readonly witnesses = new Set<Witness>();
  private readonly rules = new ViewRules();
  private readonly running = new Set<ViewedWatch>();
  private readonly effects: Effect[] = [];
  private isCarrying = false;
  /** Watches of this incarnation so far. */
  private opened = 0;
  private timer: Timer | undefined;
  private timerAtMs = Infinity;

  constructor(ctx: Context<ApiServerOptions>, store: Store, watches: Watches, witness: Witness | undefined) {
    this.ctx = ctx;
    this.store = store;
    this.watches = watches;
    if (witness !== undefined) this.witnesses.add(witness);
    this.on = witness !== undefined;
  }

  start(): void {
    this.ctx.faults.onChange(() => this.changed());
    if (this.ctx.faults.inForce.length > 0) this.changed();
  }

  /** One more looks on, until what this gives is called. */
  admit(witness: Witness): () => void {
    this.witnesses.add(witness);
    this.on = true;
    return () => {
      this.witnesses.delete(witness);
      this.on = this.isNeeded;
    };
  }

  /**
   * Carries a request out as its client is to see it.
   * @param work does so; its call may be another one than was given
   * @throws what a fault refuses it with; REPLY_LOST
   */
  async request<T>(asked: Asked, work: (call: Call) => Promise<T>, revisionOf: (answer: T) => number): Promise<T> {
    const { call, verb } = asked;
    const on = READS.includes(verb) ? "read" : "write";
    const isOfPast = verb === "list" && listsThePast(call.input.listOptions());
    const event: ApiEvent = { ...placeOf(asked), on, phase: "before", verb, revision: this.store.revision, isOfPast };
    const arrival = this.decide(event);
    if (arrival.is === "refused") {
      this.saw(asked, event, statusOf(arrival.error)?.code ?? 0, 0, "refused");
      throw arrival.error;
    }
    if (arrival.is === "never" || arrival.is === "lost") {
      this.saw(asked, event, 0, 0, "never");
      return neverAnswered(asked.signal);
    }
    let answer: T;
    try {
      answer = await work(on === "read" ? await this.asSeen(event, verb, call) : call);
    } catch (error) {
      this.saw(asked, event, statusOf(error)?.code ?? 0, 0, undefined);
      throw error;
    }
    const revision = revisionOf(answer);
    const departure = this.decide({ ...event, phase: "after", revision });
    const fate = departure.is === "as-ever" ? undefined : departure.is;
    this.saw(asked, event, HTTP_OK, revision, fate);
    if (departure.is === "lost") {
      throw new InkubeError(REPLY_LOST, "the connection broke before the answer: a fault of the plan", {
        retryable: true,
      });
    }
    return departure.is === "never" ? neverAnswered(asked.signal) : answer;
  }

  /** As `Watches.open`, as the client is to see it. */
  async open(scope: RequestScope, query: WatchQuery, receiver: WatchReceiver): Promise<OpenWatch> {
    const resource = qualifiedResource(query.served.info);
    const id = `${this.ctx.name}#${++this.opened} at ${this.nowMs}`;
    const watch = new ViewedWatch(this, id, clientOf(scope), resource, receiver, this.ctx.options.historyMax);
    this.running.add(watch);
    this.sawWatch(watch, query);
    try {
      const opened = await this.watches.open(scope, query, watch);
      const close = (): void => {
        watch.isOver = true;
        this.running.delete(watch);
        opened.close();
      };
      watch.close = close;
      if (watch.isOver) close();
      return { close, bookmark: () => opened.bookmark() };
    } catch (error) {
      this.running.delete(watch);
      throw error;
    }
  }

  /** Of a watch: an event arrives. Whether it is to be told now. */
  arrives(watch: ViewedWatch, type: ChangeType, stored: StoredObject): boolean {
    const revision = this.store.revision;
    this.carry(this.rules.delivers(deliveryOf(watch, "before", type, stored), this.nowMs, revision));
    return !this.rules.isHeld(watch.by, watch.resource, stored.revision);
  }

  /** Of a watch: an event was told. */
  told(watch: ViewedWatch, type: ChangeType, stored: StoredObject): void {
    const { namespace, name } = placeIn(stored);
    const { by, resource } = watch;
    const { id } = watch;
    const seen = { atMs: this.nowMs, watch: id, by, type, resource, namespace, name, revision: stored.revision };
    for (const witness of this.witnesses) witness.delivery(seen);
    this.carry(this.rules.delivers(deliveryOf(watch, "after", type, stored), this.nowMs, this.store.revision));
  }

  /** Of a watch: a bookmark was told. */
  marked({ id, by }: ViewedWatch, revision: number): void {
    for (const witness of this.witnesses) witness.bookmark({ atMs: this.nowMs, watch: id, by, revision });
  }

  isHeld(watch: ViewedWatch, revision: number): boolean {
    return this.rules.isHeld(watch.by, watch.resource, revision);
  }

  private get nowMs(): number {
    return this.ctx.clock.monotonicMs();
  }

  private get isNeeded(): boolean {
    return this.witnesses.size > 0 || this.ctx.faults.inForce.some(isOfApiServers);
  }

  private changed(): void {
    const faults = this.ctx.faults.inForce.filter(isOfApiServers);
    this.on = this.isNeeded;
    this.carry(this.rules.set(faults, this.nowMs));
  }

  private decide(event: ApiEvent): ReturnType<ViewRules["request"]>["fate"] {
    const { fate, effects } = this.rules.request(event, this.nowMs, this.store.revision, (fault, chance) =>
      this.ctx.faults.happens(fault, chance),
    );
    this.carry(effects);
    return fate;
  }

  /** One after the other: what an effect leads to in turn comes after those that are already to be carried out. */
  private carry(effects: readonly Effect[]): void {
    this.effects.push(...effects);
    if (this.isCarrying) return;
    this.isCarrying = true;
    for (let effect = this.effects.shift(); effect !== undefined; effect = this.effects.shift()) {
      switch (effect.do) {
        case "strike":
          this.ctx.faults.strike(effect.fault, effect.what);
          break;
        case "end":
          this.ctx.faults.end(effect.fault);
          break;
        case "end-watches":
          this.endWatches(effect.by, effect.of, effect.expired);
          break;
        case "release":
          for (const watch of this.running) watch.release();
      }
    }
    this.isCarrying = false;
    this.arm();
  }

  private endWatches(by: string, of: string, isExpired: boolean): void {
    const error = isExpired ? expired("too old resource version: a fault of the plan") : undefined;
    for (const watch of [...this.running]) {
      if (fitsPattern(by, watch.by) && fitsPattern(of, watch.resource)) watch.end(error);
    }
  }

  /** One timer for whatever time alone begins or ends. */
  private arm(): void {
    const { dueMs } = this.rules;
    if (dueMs === this.timerAtMs) return;
    this.timer?.cancel();
    this.timerAtMs = dueMs;
    if (dueMs === Infinity) return;
    this.timer = this.ctx.clock.after(Math.max(0, dueMs - this.nowMs), () => {
      this.timerAtMs = Infinity;
      this.carry(this.rules.pass(this.nowMs, this.store.revision));
    });
  }

  /** The read that answers what the client is to see: of the revision at which its cache has stopped, where it takes that. */
  private async asSeen({ by, resource }: ApiEvent, verb: Verb, call: Call): Promise<Call> {
    const options = verb === "list" ? call.input.listOptions() : {};
    const asked = verb === "list" ? options.resourceVersion : call.input.resourceVersion();
    // The newest, a revision of its own choice, or the next page of what was read before.
    if (!asked || options.resourceVersionMatch === "Exact" || options.continue) return call;
    const least = parseRevision(asked);
    const stoppedAt = this.rules.stoppedAt(by, resource);
    if (stoppedAt === undefined) return call;
    if (least <= stoppedAt) return pastCall(call, options, stoppedAt);
    await this.ctx.clock.sleep(FUTURE_WAIT_MS);
    const still = this.rules.stoppedAt(by, resource);
    if (still !== undefined && least > still) throw tooLargeResourceVersion(least, still);
    return call;
  }

  private sawWatch({ id, by, resource }: ViewedWatch, query: WatchQuery): void {
    if (this.witnesses.size === 0) return;
    const { namespace, name, labelSelector, fieldSelector, resourceVersion, sendInitialEvents } = query;
    const from = resourceVersion === undefined || sendInitialEvents === true ? 0 : parseRevision(resourceVersion);
    const place = { by, resource, namespace, name, labelSelector, fieldSelector };
    const seen = { atMs: this.nowMs, watch: id, ...place, from };
    for (const witness of this.witnesses) witness.watch(seen);
  }

  private saw(asked: Asked, event: ApiEvent, code: number, revision: number, fate: SeenRequest["fate"]): void {
    if (this.witnesses.size === 0) return;
    const { by, resource, namespace, name } = event;
    const { verb, call } = asked;
    const { subresource } = call.target;
    const seen: SeenRequest = {
      atMs: this.nowMs,
      by,
      verb,
      resource,
      ...(subresource === undefined ? {} : { subresource: subresource.name }),
      namespace,
      name,
      code,
      revision,
      cause: call.scope.cause,
      ...(fate === undefined ? {} : { fate }),
    };
    for (const witness of this.witnesses) witness.request(seen);
  }
}

type Kept =
  | {
      readonly type: ChangeType;
      readonly stored: StoredObject;
      readonly cause: string | undefined;
      readonly previous: StoredObject | undefined;
    }
  | { readonly bookmark: KubernetesObject };

/** A watch as its client sees it: what is held waits here, in order. */
class ViewedWatch implements WatchReceiver {
  readonly id: string;
  readonly by: string;
  readonly resource: string;
  isOver = false;
  /** Ends the watch behind it, once it is open. */
  close: () => void = () => undefined;
  private readonly views: Views;
  private readonly receiver: WatchReceiver;
  private readonly keptMax: number;
  private kept: Kept[] = [];

  constructor(views: Views, id: string, by: string, resource: string, receiver: WatchReceiver, keptMax: number) {
    this.views = views;
    this.id = id;
    this.by = by;
    this.resource = resource;
    this.receiver = receiver;
    this.keptMax = keptMax;
  }

  event(...[type, stored, cause, previous]: Parameters<WatchReceiver["event"]>): void {
    const { views } = this;
    if (!views.on && this.kept.length === 0) return this.receiver.event(type, stored, cause, previous);
    const isFree = views.arrives(this, type, stored);
    if (this.isOver) return;
    const kept = { type, stored, cause, previous };
    if (isFree && this.kept.length === 0) this.pass(kept);
    else this.keep(kept);
  }

  bookmark(object: KubernetesObject): void {
    if (this.kept.length === 0 && !this.views.isHeld(this, Number(object.metadata?.resourceVersion ?? 0))) {
      return this.mark(object);
    }
    this.keep({ bookmark: object });
  }

  /** What was held is not told any more: its client has not seen it, and asks for it again. */
  end(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.kept = [];
    this.close();
    this.receiver.end(error);
  }

  /** Tells what is not held any more. */
  release(): void {
    for (let first = this.kept[0]; first !== undefined && !this.isOver; first = this.kept[0]) {
      const revision =
        "bookmark" in first ? Number(first.bookmark.metadata?.resourceVersion ?? 0) : first.stored.revision;
      if (this.views.isHeld(this, revision)) return;
      this.kept.shift();
      if ("bookmark" in first) this.mark(first.bookmark);
      else this.pass(first);
    }
  }

  private pass({ type, stored, cause, previous }: Exclude<Kept, { readonly bookmark: KubernetesObject }>): void {
    this.receiver.event(type, stored, cause, previous);
    this.views.told(this, type, stored);
  }

  private mark(object: KubernetesObject): void {
    this.receiver.bookmark(object);
    this.views.marked(this, Number(object.metadata?.resourceVersion ?? 0));
  }

  private keep(kept: Kept): void {
    this.kept.push(kept);
    // As a client that is too slow for the cache's history.
    if (this.kept.length > this.keptMax) this.end(expired("too old resource version: too much was held"));
  }
}

/** What may be forgotten by the time that it is asked for. */
function listsThePast({ continue: page, resourceVersionMatch }: ListOptions): boolean {
  return (page !== undefined && page !== "") || resourceVersionMatch === "Exact";
}

/** The name by which a plan names a client. */
function clientOf({ user }: RequestScope): string {
  return user.startsWith(ACTOR_PREFIX) ? user.slice(ACTOR_PREFIX.length) : user;
}

function placeOf({ call, name }: Asked): Pick<ApiEvent, "by" | "resource" | "namespace" | "name"> {
  const { scope, target } = call;
  const resource = qualifiedResource(target.served.info);
  return { by: clientOf(scope), resource, namespace: target.namespace ?? "", name: target.name ?? name };
}

function deliveryOf(watch: ViewedWatch, phase: ApiEvent["phase"], type: ChangeType, stored: StoredObject): ApiEvent {
  const { by, resource } = watch;
  return { on: "delivery", phase, by, resource, ...placeIn(stored), verb: type, revision: stored.revision };
}

/** The key of a cache is `namespace/name`, or the name. */
function placeIn({ key }: StoredObject): Pick<ApiEvent, "namespace" | "name"> {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: "", name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The same question about the state of an older revision. */
function pastCall(call: Call, options: ListOptions, revision: number): Call {
  const { limit: _limit, resourceVersion, ...rest } = options;
  // Whatever the cache has comes whole.
  const kept = resourceVersion === "0" ? rest : options;
  const past: ListOptions = { ...kept, resourceVersion: String(revision), resourceVersionMatch: "Exact" };
  const input: Input = Object.assign(Object.create(call.input) as Input, {
    listOptions: () => past,
    atRevision: () => revision,
  });
  return { ...call, input };
}

/** Its client is dead, or will be told so by its own deadline. */
function neverAnswered(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new InkubeError("CANCELLED", "nobody waits for the answer any more"));
    if (signal === undefined || signal.aborted) return end();
    signal.addEventListener("abort", end, { once: true });
  });
}
