/** Real kube-proxies on real sockets in one thread, with an API server that is a few maps. */
import { kubeProxyActor } from "../../../../actors/kube-proxy/kube-proxy.ts";
import type { KubeProxyOptions } from "../../../../actors/kube-proxy/spec.ts";
import { KUBE_PROXY_DEFAULTS } from "../../../../actors/kube-proxy/spec.ts";
import type { ApiRequest, ApiWatchEvent, KubernetesObject } from "../../../../protocols/api-server.ts";
import { statusError } from "../../../../protocols/api-server.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { KubeProxyMethods } from "../../../../protocols/kube-proxy.ts";
import type { Node, Service } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Endpoint, EndpointSlice } from "../../../../protocols/kubernetes/types/discovery-v1.ts";
import { Metrics } from "../../../../runtime/metrics/metrics.ts";
import type { Actor, Consumer, Context, Incoming } from "../../../../runtime/actor.ts";
import type { OwnFaults } from "../../../../runtime/faults/boundary.ts";
import { NO_OWN_FAULTS } from "../../../../runtime/faults/boundary.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import type { Address, Connection, Net } from "../../../../runtime/net.ts";
import { threadClock } from "../../../../runtime/threads/thread-clock.ts";
import { ThreadNet } from "../../../../runtime/threads/net.ts";
import { NO_TRACE } from "../../../fixtures/no-trace.ts";

type Watcher = { readonly resource: string; readonly consumer: Consumer<ApiWatchEvent> };

/** Lists, watches and merge-patches of annotations: what a kube-proxy asks for. */
export class FakeApi {
  private readonly objects = new Map<string, KubernetesObject>();
  private readonly watchers = new Set<Watcher>();
  private revision = 0;

  put(resource: string, object: KubernetesObject): void {
    const key = `${resource}/${object.metadata?.namespace ?? ""}/${object.metadata?.name ?? ""}`;
    const type = this.objects.has(key) ? "MODIFIED" : "ADDED";
    this.tell(resource, type, this.store(key, object));
  }

  remove(resource: string, object: KubernetesObject): void {
    const key = `${resource}/${object.metadata?.namespace ?? ""}/${object.metadata?.name ?? ""}`;
    this.objects.delete(key);
    this.tell(resource, "DELETED", {
      ...object,
      metadata: { ...object.metadata, resourceVersion: `${++this.revision}` },
    });
  }

  annotation(namespace: string, name: string, annotation: string): string | undefined {
    return this.objects.get(`services/${namespace}/${name}`)?.metadata?.annotations?.[annotation];
  }

  request(request: ApiRequest): KubernetesObject {
    const { resource, namespace = "", name = "" } = request.target;
    if (request.verb === "list") {
      const items = [...this.objects].filter(([key]) => key.startsWith(`${resource}/`)).map(([, object]) => object);
      return { metadata: { resourceVersion: `${this.revision}` }, items } as KubernetesObject;
    }
    const key = `${resource}/${namespace}/${name}`;
    const before = this.objects.get(key);
    if (request.verb !== "patch" || before === undefined) throw statusError({ code: 404, reason: "NotFound" });
    const patch = request.patch as { metadata: { annotations: Record<string, string | null> } };
    const merged = { ...before.metadata?.annotations, ...patch.metadata.annotations };
    const annotations = Object.fromEntries(
      Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null),
    );
    const after = this.store(key, { ...before, metadata: { ...before.metadata, annotations } });
    this.tell(resource, "MODIFIED", after);
    return after;
  }

  watch(resource: string, consumer: Consumer<ApiWatchEvent>): () => void {
    const watcher = { resource, consumer };
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  private store(key: string, object: KubernetesObject): KubernetesObject {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: `${++this.revision}` } };
    this.objects.set(key, stored);
    return stored;
  }

  private tell(resource: string, type: ApiWatchEvent["type"], object: KubernetesObject): void {
    for (const watcher of this.watchers)
      if (watcher.resource === resource) void watcher.consumer.next({ type, object });
  }
}

export interface Proxy {
  readonly call: <K extends keyof KubeProxyMethods>(
    method: K,
    request: KubeProxyMethods[K]["request"],
  ) => Promise<KubeProxyMethods[K]["reply"]>;
  /** The last `hosts.json`. */
  readonly hosts: () => unknown;
  /** As when its thread dies: every socket goes at once, nothing else is done. */
  readonly kill: () => void;
  readonly stop: () => Promise<void>;
}

/** Where a proxy runs. */
export interface Host {
  readonly net: Net;
  readonly clock: Clock;
  readonly kill: () => void;
}

function threadHost(): Host {
  const net = new ThreadNet();
  return { net, clock: threadClock({ unref: true }), kill: () => net.close() };
}

/** What a net refuses, by address: the code, or undefined to let it through. */
export type Refusal = (address: Address) => string | undefined;

export class ProxyWorld {
  readonly api: FakeApi = new FakeApi();
  readonly failures: unknown[] = [];
  /** Of the proxies that are started from then on. */
  faults: OwnFaults = NO_OWN_FAULTS;
  readonly net: ThreadNet = new ThreadNet();
  private readonly makeHost: (nodeName: string) => Host;
  private readonly hosts: Host[] = [];

  constructor(makeHost: (nodeName: string) => Host = threadHost) {
    this.makeHost = makeHost;
  }

  async start(nodeName: string, options: Partial<KubeProxyOptions> = {}, refuse?: Refusal): Promise<Proxy> {
    const host = this.makeHost(nodeName);
    this.hosts.push(host);
    const files = new Map<string, string>();
    const life = { dead: false };
    const full: KubeProxyOptions = {
      ...KUBE_PROXY_DEFAULTS,
      nodeName,
      apiServers: ["api-server-0"],
      clusterId: "test",
      preferenceWaitMs: 20,
      ...options,
    };
    const net = refuse === undefined ? host.net : refusing(host.net, refuse);
    const context = this.context(full, { ...host, net }, files, life);
    const actor: Actor<KubeProxyMethods> = await kubeProxyActor.start(context);
    return {
      call: async (method, request) => {
        const handler = actor.handlers[method] as (request: unknown, message: Incoming) => unknown;
        const message = { from: "cluster", signal: new AbortController().signal, timeoutMs: 1_000, cause: "", stash };
        return (await handler(request, message)) as KubeProxyMethods[typeof method]["reply"];
      },
      hosts: () => JSON.parse(files.get("hosts.json") ?? "null") as unknown,
      kill: () => {
        life.dead = true;
        host.kill();
      },
      stop: async () => {
        await actor.stop?.();
        life.dead = true;
        host.kill();
      },
    };
  }

  close(): void {
    for (const host of this.hosts) host.kill();
    this.net.close();
  }

  private context(
    options: KubeProxyOptions,
    { net, clock }: Host,
    files: Map<string, string>,
    life: { readonly dead: boolean },
  ): Context<KubeProxyOptions> {
    const crash = (error: unknown): void => {
      if (!life.dead) this.failures.push(error);
    };
    const log = (): void => undefined;
    const context = {
      name: `${options.nodeName}/kube-proxy`,
      incarnation: "1",
      options,
      clock: {
        nowMs: () => clock.nowMs(),
        monotonicMs: () => clock.monotonicMs(),
        after: (delayMs: number, action: () => void) => clock.after(delayMs, () => (life.dead ? undefined : action())),
        sleep: (delayMs: number) => clock.sleep(delayMs),
      },
      net,
      disk: {
        replace: (path: string, content: Uint8Array): Promise<void> => {
          files.set(path, new TextDecoder().decode(content));
          return Promise.resolve();
        },
      },
      log: { debug: log, info: log, warn: log, error: log },
      metrics: new Metrics(),
      trace: NO_TRACE,
      faults: this.faults,
      stopping: new AbortController().signal,
      ref: () => ({
        name: "api-server-0",
        call: async (_: string, request: ApiRequest) => ({ object: await Promise.resolve(this.api.request(request)) }),
        stream: (_: string, request: { target: { resource: string } }, consumer: Consumer<ApiWatchEvent>) => {
          const cancel = this.api.watch(request.target.resource, {
            next: (event) => (life.dead ? undefined : consumer.next(event)),
            end: () => undefined,
          });
          return { cancel };
        },
      }),
      monitor: () => undefined,
      spawn: (work: () => Promise<void>) => void work().catch(crash),
    };
    return context as unknown as Context<KubeProxyOptions>;
  }
}

function refusing(net: Net, refuse: Refusal): Net {
  return {
    connect: (address, options) => net.connect(address, options),
    listen: (address, onConnection: (connection: Connection) => void) => {
      const code = refuse(address);
      if (code === undefined) return net.listen(address, onConnection);
      return Promise.reject(new InkubeError(code, `refused: ${address.host}:${address.port}`));
    },
  };
}

/** A port that was free a moment ago, on an address that no other test uses. */
export async function freePort(net: Net, host: string): Promise<number> {
  const listener = await net.listen({ host, port: 0 }, () => undefined);
  await listener.close();
  return listener.address.port;
}

export function service(name: string, clusterIP: string, port: number, spec: Service["spec"] = {}): Service {
  return { metadata: { name, namespace: "shop" }, spec: { clusterIP, ports: [{ port }], ...spec } };
}

export function slice(name: string, port: number, endpoints: readonly Endpoint[], suffix = 1): EndpointSlice {
  return {
    metadata: { name: `${name}-${suffix}`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "", port }],
    endpoints,
  };
}

export function node(name: string, podCIDR: string): Node {
  return { metadata: { name }, spec: { podCIDR } };
}

/** Waits, by turns of the event loop, until `holds` does; the test's own deadline ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

function stash(): never {
  throw new Error("a kube-proxy puts nothing aside");
}
