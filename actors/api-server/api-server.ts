/** The API server's shell: its two doors, the store behind them, and what runs beside the requests. */
import type { ApiServerMethods } from "../../protocols/api-server.ts";
import { apiServerProtocol } from "../../protocols/api-server.ts";
import type { Seen, Witness, WitnessRequest } from "../../protocols/api-witness.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { METRICS_RESOURCES } from "../../protocols/kubernetes/resources.ts";
import { traceCollectorProtocol } from "../../protocols/trace-collector.ts";
import type { ActorDefinition, Context, Incoming, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { ActorDoor } from "./actor-door.ts";
import { Aggregation } from "./aggregation.ts";
import { Applies } from "./applies.ts";
import type { Backend, OpenDoor } from "./backend.ts";
import type { OpenAuditLog } from "./audit.ts";
import { Auditor, noAuditLog } from "./audit.ts";
import { Bootstrap } from "./bootstrap.ts";
import { ComponentStatuses } from "./component-statuses.ts";
import { Compaction } from "./compaction.ts";
import { CatalogFollower } from "./catalog.ts";
import { Conversions } from "./conversions.ts";
import { Catalog } from "./core/catalog/catalog.ts";
import { internalError } from "./core/machinery/status.ts";
import { isFault } from "./core/store-errors.ts";
import { Definitions } from "./definitions.ts";
import { FlowObjects } from "./flow-objects.ts";
import { Dispatch } from "./dispatch.ts";
import { Lists } from "./lists.ts";
import { MasterLeases } from "./master-leases.ts";
import type { ReadStats } from "./metrics.ts";
import { Metrics, noStats } from "./metrics.ts";
import type { HttpsClient, OpenHttps } from "./outward.ts";
import { noHttps } from "./outward.ts";
import { ObjectFlips } from "./object-flips.ts";
import { Pieces } from "./pieces.ts";
import { Pipeline } from "./pipeline.ts";
import { plainTokenKeys } from "./plain-token-keys.ts";
import { Registrations } from "./registrations.ts";
import type { RequestScope } from "./registry.ts";
import { Registry } from "./registry.ts";
import { RequestMetrics } from "./request-metrics.ts";
import type { ApiServerOptions } from "./spec.ts";
import { Store } from "./store.ts";
import { Subresources } from "./subresources.ts";
import type { OpenTokenKeys } from "./token-keys.ts";
import { Tokens } from "./tokens.ts";
import { Views } from "./views.ts";
import { Watches } from "./watches.ts";
import { Webhooks } from "./webhooks.ts";

/** How often what is no longer in use is let go of. */
const AGING_MS = 30_000;

/** The servers that this one asks something of its own accord. */
export interface Outward {
  /** What a kubelet measures. */
  readonly readStats: ReadStats;
  /** Webhooks, and servers behind APIServices. */
  readonly openHttps: OpenHttps;
  /** The file of the audit log. */
  readonly openAuditLog: OpenAuditLog;
  /** Who looks on from the start; only in the simulation. */
  readonly witness?: Witness;
}

const NOWHERE: Outward = { readStats: noStats, openHttps: noHttps, openAuditLog: noAuditLog };

/**
 * @param openKeys the cryptography of tokens; without it theirs is the simulation's
 * @param outward how others are reached; without it nobody can be
 */
export function apiServerActor(
  openDoor: OpenDoor,
  openKeys: OpenTokenKeys = plainTokenKeys,
  outward: Partial<Outward> = {},
): ActorDefinition<ApiServerMethods, ApiServerOptions> {
  return defineActor(apiServerProtocol, (ctx: Context<ApiServerOptions>) => {
    const server = new ApiServer(ctx, openDoor, openKeys, { ...NOWHERE, ...outward });
    server.start();
    return {
      handlers: {
        request: (request, message) => server.actors.request(request, message),
        watch: (request, sink) => server.actors.watch(request, sink),
        serve: ({ host, port, reusePort }) => server.serve(host, port, reusePort),
        withdraw: () => server.withdraw(),
        ready: (_request, message) => server.ready(message),
        readiness: (_request, sink) => server.readiness(sink),
        witness: (request, sink) => server.witness(request, sink),
      },
      stop: () => server.stop(),
    };
  });
}

class ApiServer {
  readonly actors: ActorDoor;
  private readonly ctx: Context<ApiServerOptions>;
  private readonly catalog: CatalogFollower;
  private readonly store: Store;
  private readonly pieces: Pieces;
  private readonly registry: Registry;
  private readonly watches: Watches;
  private readonly tokens: Tokens;
  private readonly bootstrap: Bootstrap;
  private readonly masters: MasterLeases;
  private readonly definitions: Definitions;
  private readonly aggregation: Aggregation;
  private readonly views: Views;
  private readonly door: ReturnType<OpenDoor>;
  private readonly https: HttpsClient;
  private readonly auditor: Auditor | undefined;
  private readonly conversions: Conversions;
  private started: Promise<void> | undefined;

  constructor(ctx: Context<ApiServerOptions>, openDoor: OpenDoor, openKeys: OpenTokenKeys, outward: Outward) {
    this.ctx = ctx;
    const builtIn = Catalog.builtIn(ctx.options.metrics ? METRICS_RESOURCES : []);
    const keys = openKeys(ctx.options.serviceAccounts);
    this.store = new Store(ctx, builtIn);
    this.catalog = new CatalogFollower(ctx.log, this.store, builtIn);
    this.https = outward.openHttps();
    this.conversions = new Conversions(ctx, new Webhooks(ctx.options, this.store, this.https));
    this.pieces = new Pieces(ctx.clock);
    this.registry = new Registry(ctx, this.store, this.catalog, this.conversions, keys.isSigned, this.pieces);
    this.watches = new Watches(ctx, this.store, this.conversions);
    this.views = new Views(ctx, this.store, this.watches, outward.witness);
    this.tokens = new Tokens(ctx, this.registry, keys);
    this.bootstrap = new Bootstrap(ctx, this.registry);
    this.masters = new MasterLeases(ctx, this.store, async (places) => {
      if (!this.bootstrap.isServedBy(places)) await this.bootstrap.service(places);
    });
    this.definitions = new Definitions(ctx, this.registry, this.catalog);
    new Registrations(ctx, this.registry).follow();
    this.aggregation = new Aggregation(ctx, this.registry, this.https);
    const { audit } = ctx.options;
    this.auditor = audit === undefined ? undefined : new Auditor(ctx, audit, outward.openAuditLog);
    const backend = this.backend(outward);
    this.actors = new ActorDoor(backend);
    this.door = openDoor(backend);
  }

  start(): void {
    this.store.start();
    this.watches.start();
    this.views.start();
    new ObjectFlips(this.ctx, this.store, this.catalog).start();
    this.aggregation.start();
    this.actors.start();
    this.ctx.clock.every(AGING_MS, () => this.store.age());
    new Compaction(this.ctx, this.store).start();
    this.started = this.untilDone("the first namespaces can't be made yet", () => this.bootstrap.namespaces());
    this.ctx.spawn(async () => {
      await this.started;
      await this.untilDone("what pods may ask for can't be made yet", () => this.bootstrap.firstObjects());
      const afterMs = this.ctx.options.initialObjectsAfterMs;
      await this.ctx.clock.sleep(afterMs + this.ctx.random.below(afterMs));
      await this.untilDone("the first roles can't be made yet", () => this.bootstrap.objects());
      new FlowObjects(this.ctx, this.registry).start();
    });
  }

  async stop(): Promise<void> {
    await this.door.close();
    await this.masters.leave();
    await this.auditor?.close();
    this.https.close();
    this.store.stop();
  }

  async ready(message: Incoming): Promise<{ readonly resourceVersion: string }> {
    const { deadlineMs } = this.actors.scope(message);
    await this.started;
    return this.actors.answering(message, "ready", async () => {
      await this.store.consistent(deadlineMs);
      return { resourceVersion: String(this.store.revision) };
    });
  }

  readiness(sink: Sink<{ readonly ready: boolean }>): void {
    const stop = this.store.onReady((ready) => sink.push({ ready }));
    if (sink.signal.aborted) stop();
    else sink.signal.addEventListener("abort", stop);
  }

  witness({ by }: WitnessRequest, sink: Sink<Seen>): void {
    const wanted = new Set(by);
    const leave = this.views.admit({
      request: (request) => {
        const isRead = request.verb === "get" || request.verb === "list";
        if (!isRead || wanted.has(request.by)) sink.push({ request });
      },
      watch: (watch) => (wanted.has(watch.by) ? sink.push({ watch }) : undefined),
      delivery: (delivery) => (wanted.has(delivery.by) ? sink.push({ delivery }) : undefined),
      bookmark: (bookmark) => (wanted.has(bookmark.by) ? sink.push({ bookmark }) : undefined),
    });
    if (sink.signal.aborted) leave();
    else sink.signal.addEventListener("abort", leave);
  }

  withdraw(): null {
    this.door.withdraw();
    return null;
  }

  async serve(host: string, port: number, reusePort: boolean): Promise<{ readonly port: number }> {
    const listening = await this.door.serve(host, port, reusePort);
    this.ctx.spawn(async () => {
      await this.started;
      await this.untilDone("the kubernetes Service can't be written yet", () =>
        this.ctx.options.sharesService
          ? this.masters.serve({ host, port: listening })
          : this.bootstrap.service([{ host, port: listening }]),
      );
    });
    return { port: listening };
  }

  /** A fault of ours over somebody's data costs its request, and is told to who runs the cluster. All else as it is. */
  private explained(error: unknown, what: string): unknown {
    if (!isFault(error)) return error;
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    this.ctx.log.error("a request failed by a fault of this server", { what, message, stack: stack ?? "" });
    this.ctx.trace.event("request.fault", what, { message });
    return internalError(message);
  }

  /** Tries until it succeeds: without a quorum nothing can be written, and there is nobody to tell. */
  private async untilDone(trouble: string, work: () => Promise<void>): Promise<void> {
    const { clock, options, log, stopping } = this.ctx;
    while (!stopping.aborted) {
      try {
        await this.store.consistent(clock.monotonicMs() + options.requestTimeoutMs);
        return await work();
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        log.warn(trouble, { code: error.code, message: error.message });
        await clock.sleep(options.retryCapMs);
      }
    }
  }

  private backend({ readStats }: Outward): Backend {
    const { clock, options, log, metrics } = this.ctx;
    const { traceCollector } = options;
    const lists = new Lists(this.ctx, this.store, this.conversions);
    const subresources = new Subresources(this.ctx, this.registry);
    const { catalog } = this;
    return {
      traceLog: traceCollector === undefined ? undefined : this.ctx.ref(traceCollectorProtocol, traceCollector),
      options,
      get catalog() {
        return catalog.current;
      },
      onServed: (listener) => catalog.onServed(listener),
      pipeline: new Pipeline(this.ctx),
      dispatch: new Dispatch(this.registry, new Applies(this.ctx, this.registry), subresources, lists, this.tokens, {
        usage: new Metrics(this.ctx, this.registry, lists, readStats),
        health: new ComponentStatuses(this.ctx, this.store),
      }),
      store: this.store,
      registry: this.registry,
      views: this.views,
      tokens: this.tokens,
      aggregation: this.aggregation,
      metrics,
      requestMetrics: new RequestMetrics(metrics),
      auditor: this.auditor,
      newId: () => this.ctx.ids.uuid(),
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      every: (periodMs, action) => void clock.every(periodMs, action),
      inPieces: (work, scope) => this.pieces.run(work, workUntil(scope), scope?.caller),
      later: (work, scope) => this.pieces.later(work, workUntil(scope), scope.caller),
      after: (delayMs, action) => clock.after(delayMs, action),
      log: (message) => log.warn(message),
      explained: (error, what) => this.explained(error, what),
      crash: (error) => {
        this.ctx.spawn(async () => {
          throw error;
        });
      },
    };
  }
}

function workUntil(scope: RequestScope | undefined): number {
  return scope?.workDeadlineMs ?? scope?.deadlineMs ?? Infinity;
}
