/** What every cluster has from the beginning: its namespaces, and the Service by which pods find the API. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import type { Endpoints } from "../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../protocols/kubernetes/types/discovery-v1.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { Context } from "../../runtime/actor.ts";
import { SYSTEM_NAMESPACES } from "./core/kinds/core/namespace.ts";
import { formatIp, ipRange } from "./core/kinds/core/service-addresses.ts";
import { firstObjects, initialObjects } from "./core/bootstrap/initial-objects.ts";
import { InitialObjects } from "./initial-objects.ts";
import type { Place } from "./master-leases.ts";
import type { Registry, RequestScope } from "./registry.ts";
import type { ApiServerOptions } from "./spec.ts";

const SERVICE = "kubernetes";
const HTTPS_PORT = 443;
const WRITTEN_BY = { fieldManager: "kube-apiserver" };

export class Bootstrap {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly registry: Registry;

  constructor(ctx: Context<ApiServerOptions>, registry: Registry) {
    this.ctx = ctx;
    this.registry = registry;
  }

  /** Namespaces. Each API server does it; the first wins. */
  async namespaces(): Promise<void> {
    const served = this.registry.catalog.required("", "v1", "namespaces");
    const cache = this.registry.store.cacheOf(served);
    const missing = SYSTEM_NAMESPACES.filter((name) => cache.get(name) === undefined);
    await Promise.all(missing.map((name) => this.create(served, undefined, { metadata: { name } })));
  }

  /** Of what a fresh control plane has, what pods may ask for as soon as they are there. */
  firstObjects(): Promise<void> {
    return this.initial().write(firstObjects(this.authority()), () => this.scope());
  }

  /** All that it has: roles, priority levels. Nobody waits for it. */
  objects(): Promise<void> {
    const { serviceCidr, metrics, volumes } = this.ctx.options;
    return this.initial().write(initialObjects(serviceCidr, { metrics, volumes }, this.authority()), () =>
      this.scope(),
    );
  }

  private authority(): string | undefined {
    const { proxyClient, tls } = this.ctx.options;
    return proxyClient === undefined ? undefined : tls?.ca;
  }

  private initial(): InitialObjects {
    return new InitialObjects(this.ctx, this.registry, this.registry.catalog);
  }

  /**
   * The `kubernetes` Service and its endpoints: the addresses that HTTPS doors listen on. All have one port: of several the lowest counts.
   */
  async service(places: readonly Place[]): Promise<void> {
    const { hosts, port } = servedBy(places);
    const labels = { component: "apiserver", provider: "kubernetes" };
    const clusterIP = formatIp(ipRange(this.ctx.options.serviceCidr).firstIp);
    const metadata = { name: SERVICE, namespace: "default" };
    const ports = [{ name: "https", protocol: "TCP", port: HTTPS_PORT, targetPort: port }];
    await this.put(this.registry.catalog.required("", "v1", "services"), {
      metadata: { ...metadata, labels },
      spec: { type: "ClusterIP", clusterIP, clusterIPs: [clusterIP], ports, sessionAffinity: "None" },
    } as KubernetesObject);
    await this.put(this.registry.catalog.required("", "v1", "endpoints"), {
      metadata: { ...metadata, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
      subsets: [{ addresses: hosts.map((ip) => ({ ip })), ports: [{ name: "https", port, protocol: "TCP" }] }],
    } as KubernetesObject);
    await this.put(this.registry.catalog.required("discovery.k8s.io", "v1", "endpointslices"), {
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": SERVICE } },
      addressType: "IPv4",
      endpoints: hosts.map((host) => ({ addresses: [host], conditions: { ready: true } })),
      ports: [{ name: "https", port, protocol: "TCP" }],
    } as KubernetesObject);
  }

  /** Whether its endpoints are these already. */
  isServedBy(places: readonly Place[]): boolean {
    const { hosts, port } = servedBy(places);
    const { registry } = this;
    const found = (group: string, resource: string): unknown =>
      registry.store.cacheOf(registry.catalog.required(group, "v1", resource)).get(`default/${SERVICE}`)?.object;
    const slice = found("discovery.k8s.io", "endpointslices") as EndpointSlice | undefined;
    const [subset] = (found("", "endpoints") as Endpoints | undefined)?.subsets ?? [];
    const inSlice = slice?.endpoints?.flatMap(({ addresses }) => addresses) ?? [];
    const inSubset = subset?.addresses?.map(({ ip }) => ip) ?? [];
    const ports = [slice?.ports?.[0]?.port, subset?.ports?.[0]?.port];
    const isSame = (addresses: readonly string[]): boolean => addresses.join() === hosts.join();
    return ports.every((each) => each === port) && isSame(inSlice) && isSame(inSubset);
  }

  private async create(served: Served, namespace: string | undefined, object: KubernetesObject): Promise<boolean> {
    try {
      await this.registry.create(this.scope(), served, namespace, typed(served, object), WRITTEN_BY);
      return true;
    } catch (error) {
      if (hasReason(error, "AlreadyExists")) return false;
      throw error;
    }
  }

  private async put(served: Served, object: KubernetesObject): Promise<void> {
    const { name = "", namespace } = object.metadata ?? {};
    if (this.registry.store.cacheOf(served).get(`${namespace}/${name}`) === undefined) {
      if (await this.create(served, namespace, object)) return;
    }
    await this.registry.update(this.scope(), { served, namespace, name }, undefined, typed(served, object), WRITTEN_BY);
  }

  private scope(): RequestScope {
    const { clock, options } = this.ctx;
    const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
    return { user: "system:apiserver", groups: ["system:masters"], deadlineMs, cause: this.ctx.trace.started };
  }
}

function servedBy(places: readonly Place[]): { readonly hosts: readonly string[]; readonly port: number } {
  const port = Math.min(...places.map((place) => place.port));
  const hosts = places.filter((place) => place.port === port).map(({ host }) => host);
  return { hosts: hosts.sort((one, other) => (one < other ? -1 : 1)), port };
}

function typed({ info }: Served, object: KubernetesObject): KubernetesObject {
  return { kind: info.kind, apiVersion: info.apiVersion, ...object };
}
