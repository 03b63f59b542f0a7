/** The API server's shell: its two doors, the store behind them, and what runs beside the requests. */
import type {
  DeleteOptions,
  ListOptions,
  WriteOptions,
  ApiRequest,
  ApiServerMethods,
  ApiTarget,
  ApiWatchEvent,
  ApiWatchRequest,
  KubernetesObject,
} from "../../protocols/api-server.ts";
import { apiServerProtocol } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Binding } from "../../protocols/kubernetes/types/core-v1.ts";
import type { ResourceInfo } from "../../protocols/kubernetes/resources.ts";
import { traceCollectorProtocol } from "../../protocols/trace-collector.ts";
import type { ActorDefinition, Context, Incoming, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import type { Backend, OpenDoor } from "./backend.ts";
import { Bootstrap } from "./bootstrap.ts";
import { Compaction } from "./compaction.ts";
import { userOfActor } from "./core/identity.ts";
import { decodeObject } from "./core/machinery/decode-object.ts";
import { badRequest, internalError, methodNotAllowed, noSuchResource } from "./core/machinery/status.ts";
import type { Answer, Eviction } from "./core/registry/answers.ts";
import { answerOf } from "./core/registry/answers.ts";
import type { Given, WriteKind } from "./core/rest/options.ts";
import { checkDeleteOptions, checkListOptions, checkNames, checkWriteOptions } from "./core/rest/options.ts";
import { isFault, toStatusError } from "./core/store-errors.ts";
import type { ObjectList } from "./lists.ts";
import { Lists } from "./lists.ts";
import type { ObjectPlace, RequestScope } from "./registry.ts";
import { Registry } from "./registry.ts";
import { infoOf } from "./resource-lookup.ts";
import { ServedObjects } from "./served-objects.ts";
import type { ApiServerOptions } from "./spec.ts";
import { Store } from "./store.ts";
import { Watches } from "./watches.ts";

/** How long the form in which several actors have read an object is kept for more of them, once to twice. */
const SHARED_FOR_MS = 30_000;
/** Verbs that can cause something. */
const WRITES: readonly string[] = ["create", "update", "patch", "delete", "deletecollection"];

export function apiServerActor(openDoor: OpenDoor): ActorDefinition<ApiServerMethods, ApiServerOptions> {
  return defineActor(apiServerProtocol, (ctx: Context<ApiServerOptions>) => {
    const server = new ApiServer(ctx, openDoor);
    server.start();
    return {
      handlers: {
        request: (request, message) => server.request(request, message),
        watch: (request, sink) => server.watch(request, sink),
        serve: ({ host, port, reusePort }) => server.serve(host, port, reusePort),
        withdraw: () => server.withdraw(),
        ready: (_request, message) => server.ready(message),
        readiness: (_request, sink) => server.readiness(sink),
      },
      stop: () => server.stop(),
    };
  });
}

class ApiServer {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly lists: Lists;
  private readonly watches: Watches;
  private readonly served = new ServedObjects();
  private readonly bootstrap: Bootstrap;
  private readonly door: ReturnType<OpenDoor>;
  private started: Promise<void> | undefined;

  constructor(ctx: Context<ApiServerOptions>, openDoor: OpenDoor) {
    this.ctx = ctx;
    this.store = new Store(ctx);
    this.registry = new Registry(ctx, this.store);
    this.lists = new Lists(ctx, this.store);
    this.watches = new Watches(ctx, this.store);
    this.bootstrap = new Bootstrap(ctx, this.registry);
    this.door = openDoor(this.backend());
  }

  start(): void {
    this.store.start();
    this.watches.start();
    this.ctx.clock.every(SHARED_FOR_MS, () => this.served.age());
    new Compaction(this.ctx, this.store).start();
    this.started = this.untilDone("the first namespaces can't be made yet", () => this.bootstrap.namespaces());
    this.ctx.spawn(() => this.started ?? Promise.resolve());
  }

  async stop(): Promise<void> {
    await this.door.close();
    this.store.stop();
  }

  async ready(message: Incoming): Promise<{ readonly resourceVersion: string }> {
    const scope = this.scope(message);
    await this.started;
    return this.answering(async () => {
      await this.store.consistent(scope.deadlineMs);
      return { resourceVersion: String(this.store.revision) };
    }, "ready");
  }

  readiness(sink: Sink<{ readonly ready: boolean }>): void {
    const stop = this.store.onReady((ready) => sink.push({ ready }));
    if (sink.signal.aborted) stop();
    else sink.signal.addEventListener("abort", stop);
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
        this.bootstrap.service(host, listening),
      );
    });
    return { port: listening };
  }

  request(request: ApiRequest, message: Incoming): Promise<{ readonly object: KubernetesObject }> {
    const scope = this.scope(message);
    const { verb, target } = request;
    const what = `${verb} ${target.resource} ${target.namespace ?? ""}/${target.name ?? ""} for ${message.from}`;
    return this.answering(async () => ({ object: await this.dispatch(scope, request, message.signal) }), what);
  }

  async watch(request: ApiWatchRequest, sink: Sink<ApiWatchEvent>): Promise<void> {
    const scope = this.scope(sink);
    const { target } = request;
    const what = `watch ${target.resource} for ${sink.from}`;
    const info = await this.answering(async () => {
      const found = infoOf(target);
      checkScope(found, { target, verb: "list" });
      return found;
    }, what);
    const { labelSelector, fieldSelector, resourceVersion } = request;
    const query = {
      info,
      namespace: info.namespaced ? target.namespace : undefined,
      name: target.name,
      labelSelector,
      fieldSelector,
      resourceVersion,
      bookmarks: true,
    };
    const opened = await this.answering(
      () =>
        this.watches.open(scope, query, {
          event: (type, stored, cause) => {
            const object = this.served.forReader(info, stored);
            sink.push(cause === undefined || cause === "" ? { type, object } : { type, object, cause });
          },
          bookmark: (object) => sink.push({ type: "BOOKMARK", object }),
          end: (error) => sink.end(toStatusError(this.explained(error, what))),
        }),
      what,
    );
    if (sink.signal.aborted) opened.close();
    else sink.signal.addEventListener("abort", () => opened.close());
  }

  private async dispatch(scope: RequestScope, request: ApiRequest, signal: AbortSignal): Promise<KubernetesObject> {
    const { target } = request;
    const info = infoOf(target);
    checkVerb(info, request);
    checkScope(info, request);
    switch (request.verb) {
      case "get":
        return (await this.get(scope, info, target, request.resourceVersion)).object;
      case "list":
        return this.listObject(
          info,
          await this.lists.list(scope, info, namespaceOf(info, target), listOptionsOf(request.options)),
        );
      case "create":
        return (await this.create(scope, info, request)).object;
      case "update":
        return (await this.update(scope, info, request)).object;
      case "patch": {
        const { patchType, patch } = request;
        const options = writeOptionsOf(request.options, "PatchOptions");
        const place = placeOf(info, target);
        return (await this.registry.patch(scope, place, target.subresource, patchType, patch, options)).object;
      }
      case "delete":
        return (await this.registry.delete(scope, placeOf(info, target), deleteOptionsOf(request.options))).object;
      case "deletecollection": {
        const list = listOptionsOf(request.list);
        const options = deleteOptionsOf(request.options);
        const namespace = namespaceOf(info, target);
        const found = await this.lists.list(scope, info, namespace, list);
        await this.registry.deleteAll(scope, info, found.items, options, () => signal.aborted);
        return this.listObject(info, found);
      }
    }
  }

  private listObject(info: ResourceInfo, list: ObjectList): KubernetesObject {
    const items = list.items.map((stored) => this.served.forReader(info, stored));
    return {
      kind: `${info.kind}List`,
      apiVersion: info.apiVersion,
      metadata: list.metadata,
      items,
    } as KubernetesObject;
  }

  private async get(
    scope: RequestScope,
    info: ResourceInfo,
    target: ApiTarget,
    resourceVersion: string | undefined,
  ): Promise<Answer> {
    const place = placeOf(info, target);
    switch (target.subresource) {
      case undefined:
      case "status":
        return answerOf(info, await this.registry.get(scope, place, resourceVersion), 200);
      case "scale":
        return this.registry.getScale(scope, place);
      default:
        throw noSuchResource();
    }
  }

  private create(
    scope: RequestScope,
    info: ResourceInfo,
    request: Extract<ApiRequest, { readonly verb: "create" }>,
  ): Promise<Answer> {
    const { target } = request;
    const options = writeOptionsOf(request.options, "CreateOptions");
    const validation = options.fieldValidation ?? "Ignore";
    const decode = (apiVersion: string, kind: string): KubernetesObject =>
      decodeObject({ apiVersion, kind }, { value: request.object, duplicates: [] }, validation).object;
    const namespace = namespaceOf(info, target) ?? "";
    if (target.subresource === "binding" || info.resource === "bindings") {
      const binding = decode("v1", "Binding") as Binding;
      return this.registry.bind(scope, namespace, target.name ?? binding.metadata?.name ?? "", binding, options);
    }
    if (target.subresource === "eviction") {
      const eviction = decode("policy/v1", "Eviction") as Eviction;
      return this.registry.evict(scope, namespace, target.name ?? "", eviction, options);
    }
    if (target.subresource !== undefined) throw noSuchResource();
    return this.registry.create(scope, info, namespaceOf(info, target), decode(info.apiVersion, info.kind), options);
  }

  private update(
    scope: RequestScope,
    info: ResourceInfo,
    request: Extract<ApiRequest, { readonly verb: "update" }>,
  ): Promise<Answer> {
    const { target } = request;
    const options = writeOptionsOf(request.options, "UpdateOptions");
    const place = placeOf(info, target);
    const scale = target.subresource === "scale";
    const expected = scale ? { apiVersion: "autoscaling/v1", kind: "Scale" } : info;
    const body = { value: request.object, duplicates: [] };
    const { object } = decodeObject(expected, body, options.fieldValidation ?? "Ignore");
    if (scale) return this.registry.updateScale(scope, place, object, options);
    if (target.subresource === "finalize") return this.registry.finalize(scope, place.name, object, options);
    return this.registry.update(scope, place, target.subresource, object, options);
  }

  private scope(message: Incoming): RequestScope {
    const { clock, options } = this.ctx;
    const timeoutMs = Math.min(message.timeoutMs, options.requestTimeoutMs);
    return { ...userOfActor(message.from), deadlineMs: clock.monotonicMs() + timeoutMs, cause: message.cause };
  }

  private async answering<T>(work: () => Promise<T>, what: string): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStatusError(this.explained(error, what));
    }
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

  private backend(): Backend {
    const { clock, options, trace, log } = this.ctx;
    const { traceCollector } = options;
    return {
      traceLog: traceCollector === undefined ? undefined : this.ctx.ref(traceCollectorProtocol, traceCollector),
      options,
      store: this.store,
      registry: this.registry,
      lists: this.lists,
      watches: this.watches,
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      scope: (user, verb, path) => ({
        ...user,
        deadlineMs: clock.monotonicMs() + options.requestTimeoutMs,
        // Reads cause nothing, and there are thousands of them a second.
        cause: WRITES.includes(verb) ? trace.event(`request.${verb}`, path, { user: user.user }) : "",
      }),
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

/** @throws Status 404 for an unknown subresource, 405 for a verb that the resource does not have */
function checkVerb(info: ResourceInfo, { target, verb }: ApiRequest): void {
  const { subresource } = target;
  const sub = subresource === undefined ? undefined : info.subresources.find(({ name }) => name === subresource);
  if (subresource !== undefined && sub === undefined) throw noSuchResource();
  if (!(sub?.verbs ?? info.verbs).includes(verb)) throw methodNotAllowed();
}

/** @throws Status for a target that the HTTPS door would have no path for */
function checkScope(info: ResourceInfo, { target, verb }: Pick<ApiRequest, "target" | "verb">): void {
  const { namespace = "", name, subresource } = target;
  if (!info.namespaced && namespace !== "") throw noSuchResource();
  if (subresource !== undefined && name === undefined) throw methodNotAllowed();
  if (!info.namespaced || namespace !== "" || verb === "list") return;
  if (verb === "create") throw badRequest("an empty namespace may not be set during creation");
  throw verb === "deletecollection" ? methodNotAllowed() : badRequest(`${info.resource} need a namespace`);
}

function listOptionsOf(options: ListOptions = {}): ListOptions {
  checkNames(options as Given, "ListOptions");
  return checkListOptions(options as Given);
}

function writeOptionsOf(options: WriteOptions = {}, kind: WriteKind): WriteOptions {
  checkNames(options as Given, kind);
  return checkWriteOptions(options as Given, kind);
}

function deleteOptionsOf(options: DeleteOptions = {}): DeleteOptions {
  checkNames(options as Given, "DeleteOptions");
  return checkDeleteOptions(options as Given);
}

function namespaceOf(info: ResourceInfo, target: ApiTarget): string | undefined {
  return info.namespaced ? target.namespace : undefined;
}

/** @throws Status 405 for a target that names no object */
function placeOf(info: ResourceInfo, target: ApiTarget): ObjectPlace {
  if (target.name === undefined) throw methodNotAllowed();
  return { info, namespace: namespaceOf(info, target), name: target.name };
}
