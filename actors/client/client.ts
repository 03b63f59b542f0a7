/**
 * The Kubernetes API for inkube's own actors: typed verbs over `apiServerProtocol`, with fail-over among the API servers.
 *
 * A request is tried again, on the next server, when its server is down, can't reach a quorum or asks for patience, until
 * the deadline of the whole call. So a write may be carried out twice: an update then meets its own Conflict, a deletion its
 * own NotFound, a creation under a given name its own AlreadyExists. A creation by `generateName` is safe: the client
 * makes the name itself, and reads back what a lost attempt has made.
 */
import type {
  ApiRequest,
  ApiServerMethods,
  ApiTarget,
  DeleteOptions,
  KubernetesList,
  KubernetesObject,
  ListOptions,
  PatchType,
  WriteOptions,
} from "../../protocols/api-server.ts";
import { apiServerProtocol, hasReason, statusOf } from "../../protocols/api-server.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Binding } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Consumer, Context, Ref, Subscription, Why } from "../../runtime/actor.ts";
import { backoffMs } from "./core/backoff.ts";
import { findNotPlain } from "./core/plain-data.ts";
import { isTransient } from "./core/transient.ts";
import { ClientMetrics } from "./client-metrics.ts";
import type { Resource } from "./resources.ts";
import { apiVersionOf, pods } from "./resources.ts";

export interface ClientOptions {
  /** Deadline of a whole request, tries and pauses included. 10 s: kube-apiserver's own patience with a quorum, doubled. */
  readonly timeoutMs: number;
  /** Deadline of one try. Half of the whole, so that a server that hangs leaves time for another. */
  readonly attemptTimeoutMs: number;
  /** First and longest pause after all servers have failed in a row: an etcd election takes a few of these. */
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
  /** After a fail-over, how long before the preferred server is asked again: a restart takes less. */
  readonly preferAgainMs: number;
  /** How many names to draw for one `generateName`: the API server's own count. */
  readonly nameTriesMax: number;
  /** Objects asked for at once by `list` when the caller sets no limit. One message of about 5 MB of pods. */
  readonly listPageSize: number;
  /** Objects deleted by one request of `deleteCollection`: a second's work of a busy server. */
  readonly deletePageSize: number;
  /** Whether bodies are checked to be plain data, and refused with INVALID_ARGUMENT: for programs that are not inkube's own. */
  readonly checksBodies: boolean;
}

export const CLIENT_DEFAULTS: ClientOptions = {
  timeoutMs: 10_000,
  attemptTimeoutMs: 5_000,
  retryBaseMs: 10,
  retryCapMs: 320,
  preferAgainMs: 1_000,
  nameTriesMax: 8,
  listPageSize: 4_000,
  deletePageSize: 500,
  checksBodies: false,
};

export interface WatchOptions {
  readonly namespace?: string;
  readonly name?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: T;
  readonly cause?: string;
}

export class Client {
  private readonly ctx: Context<unknown>;
  private readonly options: ClientOptions;
  private readonly servers: readonly Ref<ApiServerMethods>[];
  /** Which server is in use, and since when it is not the preferred one; one for all that come of one client. */
  private readonly use = { current: 0, failedOverAtMs: 0 };
  private readonly metrics: ClientMetrics;
  private readonly why: Why | undefined;

  /** `apiServers`: actor names, the preferred one first; the caller's spec must link to each. */
  constructor(ctx: Context<unknown>, apiServers: readonly string[], options: Partial<ClientOptions> = {}) {
    if (apiServers.length === 0) throw new Error("a client needs at least one API server");
    this.ctx = ctx;
    this.options = { ...CLIENT_DEFAULTS, ...options };
    this.servers = apiServers.map((name) => ctx.ref(apiServerProtocol, name));
    this.metrics = new ClientMetrics(ctx.metrics);
  }

  /** The same client for what is done because of `why`, however many `await`s later. */
  because(why: Why): Client {
    const client = Object.create(this) as { why: Why };
    client.why = why;
    return client as unknown as Client;
  }

  async get<T extends KubernetesObject>(
    resource: Resource<T>,
    name: string,
    namespace?: string,
    subresource?: string,
  ): Promise<T> {
    return (await this.request({ verb: "get", target: targetOf(resource, namespace, name, subresource) })) as T;
  }

  /** As `get`, but undefined where there is no such object. */
  async find<T extends KubernetesObject>(
    resource: Resource<T>,
    name: string,
    namespace?: string,
  ): Promise<T | undefined> {
    try {
      return await this.get(resource, name, namespace);
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** Everything that matches, page after page, unless `limit` is given: then one page with `metadata.continue`. */
  async list<T extends KubernetesObject>(
    resource: Resource<T>,
    options: ListOptions & { readonly namespace?: string } = {},
  ): Promise<KubernetesList<T>> {
    const { namespace, ...rest } = options;
    const target = targetOf(resource, namespace);
    if (rest.limit !== undefined) {
      return (await this.request({ verb: "list", target, options: rest })) as KubernetesList<T>;
    }
    const items: T[] = [];
    let next: string | undefined;
    for (;;) {
      const page = (await this.request({
        verb: "list",
        target,
        options: { ...rest, limit: this.options.listPageSize, ...(next === undefined ? {} : { continue: next }) },
      })) as KubernetesList<T>;
      items.push(...page.items);
      next = page.metadata.continue;
      if (next === undefined || next === "") {
        return { ...page, metadata: { resourceVersion: page.metadata.resourceVersion }, items };
      }
    }
  }

  async create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { subresource, ...write } = options;
    const metadata = object.metadata ?? {};
    const why = this.whyNow();
    const generate = metadata.name === undefined && metadata.generateName !== undefined;
    for (let tries = 1; ; tries++) {
      const name = generate ? `${metadata.generateName}${this.ctx.ids.suffix(5)}` : metadata.name;
      const named = generate ? { ...object, metadata: { ...metadata, name } } : object;
      const target = targetOf(resource, metadata.namespace, subresource === undefined ? undefined : name, subresource);
      const attempts = { lost: false };
      try {
        return (await this.request(
          { verb: "create", target, object: typed(resource, named, subresource), options: write },
          attempts,
          why,
        )) as T;
      } catch (error) {
        if (!generate || name === undefined || !hasReason(error, "AlreadyExists")) throw error;
        if (attempts.lost) return await this.get(resource, name, metadata.namespace);
        if (tries >= this.options.nameTriesMax) throw error;
      }
    }
  }

  /** Replaces the object; with a `resourceVersion` in it only that version (reason Conflict otherwise). */
  async update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { subresource, ...write } = options;
    const { name, namespace } = object.metadata ?? {};
    if (name === undefined) throw new Error(`update of a ${resource.kind} without a name`);
    return (await this.request({
      verb: "update",
      target: targetOf(resource, namespace, name, subresource),
      object: typed(resource, object, undefined),
      options: write,
    })) as T;
  }

  updateStatus<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.update(resource, object, { subresource: "status" });
  }

  /** A merge patch (RFC 7386) unless `patchType` says otherwise. */
  async patch<T extends KubernetesObject>(
    resource: Resource<T>,
    name: string,
    namespace: string | undefined,
    patch: unknown,
    options: WriteOptions & { readonly patchType?: PatchType; readonly subresource?: string } = {},
  ): Promise<T> {
    const { patchType, subresource, ...write } = options;
    return (await this.request({
      verb: "patch",
      target: targetOf(resource, namespace, name, subresource),
      patchType: patchType ?? "application/merge-patch+json",
      patch,
      options: write,
    })) as T;
  }

  async delete<T extends KubernetesObject>(
    resource: Resource<T>,
    name: string,
    namespace?: string,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.request({ verb: "delete", target: targetOf(resource, namespace, name), options });
  }

  /** Deletes page after page, unless `limit` is given: a request of any size would not be done within its deadline. */
  async deleteCollection<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    list: ListOptions = {},
    options: DeleteOptions = {},
  ): Promise<void> {
    const target = targetOf(resource, namespace);
    const limit = list.limit ?? this.options.deletePageSize;
    let more: { readonly continue?: string } = {};
    const why = this.whyNow();
    for (;;) {
      const page = { ...list, limit, ...more };
      const deleted = await this.request({ verb: "deletecollection", target, options, list: page }, undefined, why);
      const next = (deleted as Partial<KubernetesList>).metadata?.continue;
      if (list.limit !== undefined || next === undefined || next === "") return;
      more = { continue: next };
    }
  }

  /** Creates the `binding` of a pod; with a `uid` only for that very pod (reason Conflict otherwise). */
  async bind(namespace: string, pod: string, node: string, uid?: string): Promise<void> {
    const binding: Binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name: pod, namespace, ...(uid === undefined ? {} : { uid }) },
      target: { apiVersion: "v1", kind: "Node", name: node },
    };
    await this.request({ verb: "create", target: targetOf(pods, namespace, pod, "binding"), object: binding });
  }

  /**
   * One watch on the server in use. It ends with its server, or with the reason Expired; an `Informer` resumes.
   * Without `resourceVersion`: the present objects as ADDED, one BOOKMARK, then the changes.
   */
  watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WatchOptions,
    consumer: Consumer<WatchEvent<T>>,
  ): Subscription {
    const { namespace, name, ...request } = options;
    const index = this.pick();
    return this.server(index).stream(
      "watch",
      { target: targetOf(resource, namespace, name), ...request },
      {
        next: (event) => consumer.next(event as WatchEvent<T>),
        end: (error) => {
          if (error !== undefined && isTransient(error)) this.failOver(index);
          consumer.end(error);
        },
      },
    );
  }

  /** A request as it is. `attempts.lost` tells afterwards whether a try may have been carried out without an answer. */
  async request(
    request: ApiRequest,
    attempts: { lost: boolean } = { lost: false },
    why: Why = this.whyNow(),
  ): Promise<KubernetesObject> {
    if (this.options.checksBodies) checkBody(request);
    const { clock } = this.ctx;
    const deadlineMs = clock.monotonicMs() + this.options.timeoutMs;
    for (let failures = 0; ; failures++) {
      const index = this.pick();
      const leftMs = deadlineMs - clock.monotonicMs();
      const timeoutMs = Math.min(leftMs, this.options.attemptTimeoutMs);
      const server = this.server(index);
      const beganMs = clock.monotonicMs();
      try {
        const { object } = await server.call("request", request, { timeoutMs, cause: why });
        this.metrics.answered(server.name, request.verb, clock.monotonicMs() - beganMs);
        return object;
      } catch (error) {
        this.metrics.failed(server.name, request.verb, clock.monotonicMs() - beganMs, error);
        if (!isTransient(error)) throw error;
        attempts.lost ||= !hasCode(error, "MAILBOX_FULL") && statusOf(error)?.code !== 429;
        this.failOver(index);
        const rounds = Math.floor((failures + 1) / this.servers.length);
        const atEndOfRound = (failures + 1) % this.servers.length === 0;
        const pauseMs = atEndOfRound
          ? backoffMs(rounds - 1, { baseMs: this.options.retryBaseMs, capMs: this.options.retryCapMs })
          : 0;
        if (clock.monotonicMs() + pauseMs >= deadlineMs) {
          if (error instanceof InkubeError) throw error;
          throw new InkubeError("DEADLINE_EXCEEDED", "no API server answered in time", {
            retryable: true,
            cause: error,
          });
        }
        if (pauseMs > 0) await clock.sleep(pauseMs);
      }
    }
  }

  private whyNow(): Why {
    return this.why ?? this.ctx.trace.why();
  }

  private pick(): number {
    const { use } = this;
    if (use.current !== 0) {
      const sinceMs = this.ctx.clock.monotonicMs() - use.failedOverAtMs;
      if (sinceMs >= this.options.preferAgainMs) use.current = 0;
    }
    return use.current;
  }

  private failOver(from: number): void {
    const { use } = this;
    if (use.current !== from) return;
    use.current = (from + 1) % this.servers.length;
    use.failedOverAtMs = this.ctx.clock.monotonicMs();
  }

  private server(index: number): Ref<ApiServerMethods> {
    const server = this.servers[index];
    if (server === undefined) throw new Error(`no API server ${index}`);
    return server;
  }
}

function checkBody(request: ApiRequest): void {
  const body = "object" in request ? request.object : "patch" in request ? request.patch : undefined;
  if (body === undefined) return;
  const found = findNotPlain(body);
  if (found === undefined) return;
  const place = found.path === "" ? "it" : found.path;
  throw new InkubeError(
    "INVALID_ARGUMENT",
    `the body to ${request.verb} ${request.target.resource} with is no plain data: ${place} ${found.what}`,
    { details: { path: found.path } },
  );
}

function targetOf(resource: Resource, namespace?: string, name?: string, subresource?: string): ApiTarget {
  return {
    group: resource.group,
    version: resource.version,
    resource: resource.resource,
    ...(resource.namespaced && namespace !== undefined ? { namespace } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Objects read from a list may come without their type; on the way in it must be there. */
function typed(resource: Resource, object: KubernetesObject, subresource: string | undefined): KubernetesObject {
  if (subresource !== undefined || (object.apiVersion !== undefined && object.kind !== undefined)) return object;
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}
