/**
 * APIServices: which groups other servers answer for, whether these can be reached, and what they serve. Each API server finds out
 * for itself and writes what it has found, if that is new. Source: kube-aggregator `pkg/controllers/status`.
 */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { APIService } from "../../protocols/kubernetes/types/apiregistration-v1.ts";
import type { EndpointSlice } from "../../protocols/kubernetes/types/discovery-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Finding } from "./core/aggregation/availability.ts";
import { failedDiscovery, findingOf, isAvailable, PASSED, withFinding } from "./core/aggregation/availability.ts";
import type { Remotes, RemoteVersion } from "./core/aggregation/remote-discovery.ts";
import { externalEndpoint } from "./core/aggregation/service-endpoints.ts";
import { asTold, openApiOf, resourcesOf, resourcesOfList } from "./core/aggregation/remote-discovery.ts";
import type { RemoteOpenApi } from "./core/aggregation/remote-openapi.ts";
import { remoteOpenApi } from "./core/aggregation/remote-openapi.ts";
import { hash } from "./core/machinery/openapi.ts";
import type { RemoteRequest } from "./core/rest/remote-request.ts";
import type { Read } from "./core/webhooks/reply.ts";
import type { HttpsClient, HttpsPeer, HttpsReply } from "./outward.ts";
import type { Registry, RequestScope } from "./registry.ts";
import { SERVICE_NAME_LABEL, ServiceResolver, SERVICES_PREFIX, SLICES_PREFIX } from "./service-resolver.ts";
import type { ApiServerOptions } from "./spec.ts";

export const API_SERVICES_PREFIX = "/registry/apiregistration.k8s.io/apiservices";

/** As kube-aggregator's. */
const CHECK_TIMEOUT_MS = 5_000;
/** How often one that can't be reached is looked at: its return is noticed as soon as that. */
const AWAY_MS = 1_000;
/** How often one that is there is looked at. As kube-aggregator's resync. */
const THERE_MS = 30_000;

/** Of groups whose kinds are made by CustomResourceDefinitions. Source: kube-apiserver's autoregistration. */
const CUSTOM_PRIORITY = 1_000;

/** Discovery of a server with a thousand kinds. */
const ANSWER_BYTES_MAX = 16_777_216;

/** As kube-aggregator says who it is. */
const OWN_HEADERS = { "x-remote-user": "system:kube-aggregator", "x-remote-group": "system:masters" };

const LATE = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

const DISCOVERY_TYPES = ["v2", "v2beta1"]
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .concat("application/json")
  .join(",");

/** How long what a server has told of its OpenAPI is not asked for again. As kube-aggregator's. */
const OPENAPI_FRESH_MS = 60_000;

/** As who kube-aggregator asks for it. */
const OPENAPI_HEADERS = { accept: "application/json", "x-remote-user": "system:aggregator" };

/** What a server has told of a version. */
export interface ToldOpenApi {
  /** Another one when it is another document. */
  readonly etag: string;
  readonly document: RemoteOpenApi;
}

interface Remote {
  openApiV2: { readonly told: ToldOpenApi | undefined; readonly askedMs: number } | undefined;
  openApiV2Asking: Promise<void> | undefined;
  service: APIService;
  resources: readonly unknown[] | undefined;
  openApi: string | undefined;
  checkedMs: number;
}

export class Aggregation {
  readonly resolver: ServiceResolver;
  private readonly ctx: Context<ApiServerOptions>;
  private readonly registry: Registry;
  private readonly client: HttpsClient;
  private readonly remotes = new Map<string, Remote>();
  /** Those that are being looked at; true: and are to be again. */
  private readonly looking = new Map<string, boolean>();
  private made: Remotes | undefined;

  constructor(ctx: Context<ApiServerOptions>, registry: Registry, client: HttpsClient) {
    this.ctx = ctx;
    this.registry = registry;
    this.client = client;
    const { store } = registry;
    this.resolver = new ServiceResolver(store);
    store.follow(API_SERVICES_PREFIX, { loaded: () => this.loaded(), changed: (name) => this.changed(name) });
    const all = (): void => this.lookAtThose(() => true);
    store.follow(SERVICES_PREFIX, { loaded: all, changed: (key) => this.lookAtThose((service) => service === key) });
    store.follow(SLICES_PREFIX, { loaded: all, changed: (key) => this.sliceChanged(key) });
  }

  start(): void {
    this.ctx.clock.every(AWAY_MS, () => this.lookAgain());
  }

  /** Who answers for a group's version in place of this server; undefined: this server itself. */
  find(group: string, version: string): APIService | undefined {
    return this.remotes.get(`${version}.${group}`)?.service;
  }

  /** Undefined while this server answers for everything itself. */
  get all(): Remotes | undefined {
    return this.remotes.size === 0 ? undefined : (this.made ??= this.make());
  }

  /** What a request is about, in its server's own words. */
  told(service: APIService, request: RemoteRequest): RemoteRequest {
    return asTold(request, this.remotes.get(service.metadata?.name ?? "")?.resources);
  }

  /** OpenAPI v2 of all servers, those of the highest priority first, as they tell it now or told it last. */
  async openApiV2(): Promise<readonly ToldOpenApi[]> {
    await Promise.all([...this.remotes.values()].map((remote) => this.askOpenApiV2(remote)));
    const priorityOf = ({ service }: Remote): number => service.spec?.groupPriorityMinimum ?? 0;
    return [...this.remotes]
      .sort(([a, one], [b, other]) => priorityOf(other) - priorityOf(one) || (a < b ? -1 : 1))
      .flatMap(([, { openApiV2 }]) => openApiV2?.told ?? []);
  }

  private askOpenApiV2(remote: Remote): Promise<void> {
    const { openApiV2, service } = remote;
    const isFresh = openApiV2 !== undefined && this.ctx.clock.monotonicMs() - openApiV2.askedMs < OPENAPI_FRESH_MS;
    const peer = isAvailable(service) ? this.peerOf(service) : undefined;
    if (isFresh || peer === undefined) return Promise.resolve();
    return (remote.openApiV2Asking ??= this.readOpenApiV2(remote, peer).finally(() => {
      remote.openApiV2Asking = undefined;
    }));
  }

  private async readOpenApiV2(remote: Remote, peer: HttpsPeer): Promise<void> {
    const { group = "", version = "" } = remote.service.spec ?? {};
    const known = remote.openApiV2?.told;
    const headers = { ...OPENAPI_HEADERS, ...(known === undefined ? {} : { "if-none-match": known.etag }) };
    const answered = await this.ask(peer, "/openapi/v2", headers);
    const askedMs = this.ctx.clock.monotonicMs();
    const document = remoteOpenApi(jsonOf(answered), group, version);
    // What it told last counts while it tells nothing else.
    if (document === undefined) {
      remote.openApiV2 = { told: known, askedMs };
      return;
    }
    const { etag = "", body = "" } = answered.value ?? {};
    remote.openApiV2 = { told: { etag: etag === "" ? `"${hash(body)}"` : etag, document }, askedMs };
  }

  /** Undefined when it can't be reached. */
  peerOf({ spec }: APIService): HttpsPeer | undefined {
    const { name = "", namespace = "", port = 443 } = spec?.service ?? {};
    const found = this.resolver.service(namespace, name);
    const elsewhere = found === undefined ? undefined : externalEndpoint(found, port ?? 443);
    const endpoint = elsewhere ?? this.resolver.endpoint(namespace, name, port ?? 443);
    if (endpoint === undefined) return undefined;
    return {
      ...endpoint,
      serverName: `${name}.${namespace}.svc`,
      ca: spec?.caBundle ? atob(spec.caBundle) : undefined,
      insecure: spec?.insecureSkipTLSVerify === true,
      client: this.ctx.options.proxyClient,
    };
  }

  /** Whoever has tried to reach it and could not says so: the next look is now. */
  look(name: string): void {
    if (this.looking.has(name)) {
      this.looking.set(name, true);
      return;
    }
    this.looking.set(name, false);
    this.ctx.spawn(async () => {
      await this.attempt(name);
      const again = this.looking.get(name) === true && !this.ctx.stopping.aborted;
      this.looking.delete(name);
      if (again) this.look(name);
    });
  }

  private loaded(): void {
    const cache = this.registry.store.cache(API_SERVICES_PREFIX);
    for (const name of [...this.remotes.keys()]) if (cache.get(name) === undefined) this.changed(name);
    for (const { key } of [...cache.values()]) this.changed(key);
  }

  private changed(name: string): void {
    const service = this.stored(name);
    this.made = undefined;
    const known = this.remotes.get(name);
    if (!service?.spec?.service) this.remotes.delete(name);
    else if (known === undefined || known.service.metadata?.uid !== service.metadata?.uid) {
      const [untold, unasked] = [
        { resources: undefined, openApi: undefined },
        { openApiV2: undefined, openApiV2Asking: undefined },
      ];
      this.remotes.set(name, { service, ...untold, ...unasked, checkedMs: 0 });
    } else known.service = service;
    if (service !== undefined && !isSettledLocal(service)) this.look(name);
  }

  private sliceChanged(key: string): void {
    if (this.remotes.size === 0) return;
    const slice = this.registry.store.cache(SLICES_PREFIX).newest(key)?.object as EndpointSlice | undefined;
    const namespace = key.slice(0, key.indexOf("/") + 1);
    const name = slice?.metadata?.labels?.[SERVICE_NAME_LABEL];
    // Whose one was that is gone is not known any more.
    this.lookAtThose((service) =>
      name === undefined ? service.startsWith(namespace) : service === `${namespace}${name}`,
    );
  }

  private lookAtThose(isMeant: (service: string) => boolean): void {
    for (const [name, { service }] of this.remotes) {
      const { namespace, name: of } = service.spec?.service ?? {};
      if (isMeant(`${namespace}/${of}`)) this.look(name);
    }
  }

  private lookAgain(): void {
    const nowMs = this.ctx.clock.monotonicMs();
    for (const [name, { service, checkedMs }] of this.remotes) {
      if (nowMs - checkedMs >= (isAvailable(service) ? THERE_MS : AWAY_MS)) this.look(name);
    }
  }

  private stored(name: string): APIService | undefined {
    return this.registry.store.cache(API_SERVICES_PREFIX).newest(name)?.object as APIService | undefined;
  }

  private async attempt(name: string): Promise<void> {
    const service = this.stored(name);
    if (service === undefined) return;
    const finding = await this.check(name, service);
    const remote = this.remotes.get(name);
    if (remote !== undefined) remote.checkedMs = this.ctx.clock.monotonicMs();
    const current = this.stored(name);
    if (current === undefined || current.metadata?.uid !== service.metadata?.uid) return;
    const conditions = withFinding(current.status?.conditions, finding, this.ctx.clock.nowMs());
    if (conditions === undefined || conditions === current.status?.conditions) return;
    try {
      await this.write(name, { ...current, status: { ...current.status, conditions } });
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      // What has changed meanwhile comes again by the watch; all else by the next look.
      if (hasReason(error, "Conflict", "NotFound")) return;
      this.ctx.log.warn("what an APIService is like can't be written yet", { name, message: error.message });
    }
  }

  private async check(name: string, service: APIService): Promise<Finding> {
    const { name: of = "", namespace = "", port = 443 } = service.spec?.service ?? {};
    const { resolver } = this;
    const found = findingOf(service, resolver.service(namespace, of), resolver.slices(namespace, of));
    if (found !== undefined) return found;
    const { group = "", version = "" } = service.spec ?? {};
    const peer = this.peerOf(service);
    const path = `/apis/${group}/${version}`;
    const url = `https://${peer?.host ?? of}:${peer?.port ?? port}${path}`;
    if (peer === undefined) return failedDiscovery(url, "no endpoints available");
    const answered = await this.ask(peer, path, { accept: "application/json", ...OWN_HEADERS });
    if (answered.error !== undefined) return failedDiscovery(url, `Get ${JSON.stringify(url)}: ${answered.error}`);
    const { code } = answered.value;
    if (code < 200 || code > 299) return failedDiscovery(url, `bad status from ${url}: ${code}`);
    await this.discover(name, peer, answered);
    return PASSED;
  }

  /** What it serves; what it does not tell stays as it told last. */
  private async discover(name: string, peer: HttpsPeer, legacy: Read<HttpsReply>): Promise<void> {
    const remote = this.remotes.get(name);
    const { group = "", version = "" } = remote?.service.spec ?? {};
    const [groups, index] = await Promise.all([
      this.ask(peer, "/apis", { accept: DISCOVERY_TYPES, ...OWN_HEADERS }),
      this.ask(peer, "/openapi/v3", { accept: "application/json", ...OWN_HEADERS }),
    ]);
    if (remote === undefined || this.remotes.get(name) !== remote) return;
    const resources = resourcesOf(jsonOf(groups), group, version) ?? resourcesOfList(jsonOf(legacy), group, version);
    remote.resources = resources ?? remote.resources;
    remote.openApi = openApiOf(jsonOf(index), group, version) ?? remote.openApi;
    this.made = undefined;
  }

  private ask(peer: HttpsPeer, path: string, headers: Readonly<Record<string, string>>): Promise<Read<HttpsReply>> {
    const timeoutMs = CHECK_TIMEOUT_MS;
    return this.client.ask({ peer, path, headers, timeoutMs, late: LATE, answerBytesMax: ANSWER_BYTES_MAX });
  }

  private async write(name: string, service: APIService): Promise<void> {
    const served = this.registry.catalog.required("apiregistration.k8s.io", "v1", "apiservices");
    const place = { served, namespace: undefined, name };
    await this.registry.update(this.scope(), place, "status", service, { fieldManager: "kube-apiserver" });
  }

  private make(): Remotes {
    const priorities = new Map<string, number>();
    for (const { object } of this.registry.store.cache(API_SERVICES_PREFIX).values()) {
      const { service, group = "", groupPriorityMinimum } = (object as APIService).spec ?? { groupPriorityMinimum: 0 };
      if (!service) priorities.set(group, Math.max(priorities.get(group) ?? 0, groupPriorityMinimum));
    }
    // It is told of first, whatever stands in its APIService.
    priorities.set("apiregistration.k8s.io", Infinity);
    return {
      versions: [...this.remotes.values()].map(versionOf),
      priorityOf: (group) => priorities.get(group) ?? CUSTOM_PRIORITY,
    };
  }

  private scope(): RequestScope {
    const { clock, options } = this.ctx;
    const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
    return { user: "system:apiserver", groups: ["system:masters"], deadlineMs, cause: this.ctx.trace.cause() };
  }
}

function versionOf({ service, resources, openApi }: Remote): RemoteVersion {
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0 } = service.spec ?? {};
  return {
    group,
    version,
    groupPriority: groupPriorityMinimum,
    versionPriority,
    available: isAvailable(service),
    resources,
    openApi,
  };
}

function isSettledLocal({ spec, status }: APIService): boolean {
  return !spec?.service && status?.conditions?.some(({ reason }) => reason === "Local") === true;
}

/** Undefined for what is no JSON: a server that lacks a document says so in other words. */
function jsonOf({ value }: Read<HttpsReply>): unknown {
  if (value?.code !== 200) return undefined;
  try {
    return JSON.parse(value.body) as unknown;
  } catch {
    return undefined;
  }
}
