/**
 * All that a proxy knows of the cluster, and what follows: the balancer of each Service port, the addresses to listen on,
 * and where a connection goes that arrives on one of them.
 */
import { InkubeError } from "../../../protocols/errors.ts";
import type { Address, ServicePortRequest } from "../../../protocols/kube-proxy.ts";
import type { Node, Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../../protocols/kubernetes/types/discovery-v1.ts";
import { Balancer } from "./balancer.ts";
import type { BalancerOptions, PickFrom } from "./balancer.ts";
import type { Hosts, IsFailing, PlacesOf } from "./hosts.ts";
import { hostsOf } from "./hosts.ts";
import type { WantedListener } from "./listener-table.ts";
import type { ServicePort } from "./service-ports.ts";
import { publishedAddresses } from "../../../protocols/published-addresses.ts";
import { endpointsOf, SERVICE_NAME_LABEL, servicePorts } from "./service-ports.ts";
import { shardOf } from "./shard-lock.ts";
import { Topology } from "./topology.ts";

export interface RulesOptions {
  readonly nodeName: string;
  readonly nodeIP: string | undefined;
  readonly shards: number;
  readonly balancer: BalancerOptions;
}

interface ServiceRow {
  readonly service: Service;
  readonly ports: readonly ServicePort[];
}

export class Rules {
  private readonly options: RulesOptions;
  private readonly services = new Map<string, ServiceRow>();
  /** Service -> its slices by name. */
  private readonly slices = new Map<string, Map<string, EndpointSlice>>();
  private readonly balancers = new Map<string, Balancer>();
  private readonly topology = new Topology();

  constructor(options: RulesOptions) {
    this.options = options;
  }

  setService(service: Service): void {
    const key = objectKey(service.metadata);
    this.removeBalancers(key, servicePorts(service));
    const row = { service, ports: servicePorts(service) };
    this.services.set(key, row);
    for (const port of row.ports) {
      const balancer = this.balancers.get(port.key);
      if (balancer === undefined) this.balancers.set(port.key, new Balancer(port, this.options.balancer));
      else balancer.configure(port);
    }
    this.refresh(key);
  }

  removeService(key: string): void {
    this.removeBalancers(key, []);
    this.services.delete(key);
  }

  setSlice(slice: EndpointSlice): void {
    const service = serviceOf(slice);
    if (service === undefined) return;
    const slices = this.slices.get(service) ?? new Map<string, EndpointSlice>();
    slices.set(slice.metadata?.name ?? "", slice);
    this.slices.set(service, slices);
    this.refresh(service);
  }

  removeSlice(slice: EndpointSlice): void {
    const service = serviceOf(slice);
    if (service === undefined) return;
    const slices = this.slices.get(service);
    slices?.delete(slice.metadata?.name ?? "");
    if (slices?.size === 0) this.slices.delete(service);
    this.refresh(service);
  }

  setNodes(nodes: () => readonly Node[]): void {
    this.topology.setNodes(nodes);
  }

  service(key: string): Service | undefined {
    return this.services.get(key)?.service;
  }

  shardOf(service: string): number {
    return shardOf(service, this.options.shards);
  }

  balancer(servicePort: string): Balancer | undefined {
    return this.balancers.get(servicePort);
  }

  /**
   * What to listen on while this proxy owns `shards`. A Service port without a usable endpoint has no listener, so that
   * the kernel refuses its connections at once, as it does for Kubernetes.
   */
  wanted(shards: ReadonlySet<number>): readonly WantedListener[] {
    const wanted: WantedListener[] = [];
    for (const [key, { service, ports }] of this.services) {
      const isOwner = shards.has(this.shardOf(key));
      const published = publishedAddresses(service);
      for (const port of ports) {
        if (isOwner) wanted.push(...this.clusterListener(port, published));
        wanted.push(...this.nodeListeners(port, isOwner));
      }
    }
    return wanted;
  }

  /** How a connection from `client` that arrived on `listener` looks to the balancer. */
  originOf(listener: WantedListener, client: string): PickFrom {
    const place = this.topology.placeOf(client);
    return {
      node: place?.node,
      zone: place?.zone,
      clientIP: client,
      external: listener.kind !== "cluster",
      entryNode: listener.kind === "node" ? this.options.nodeName : undefined,
    };
  }

  /** The same for somebody who names the requester's node. */
  originOfNode(node: string | undefined, clientIP: string | undefined): PickFrom {
    return { node, zone: node === undefined ? undefined : this.topology.place(node)?.zone, clientIP };
  }

  /** The balancer of a Service port by number or name. Errors: SERVICE_NOT_FOUND. */
  resolve(request: ServicePortRequest): Balancer {
    const key = `${request.namespace}/${request.service}`;
    const ports = this.services.get(key)?.ports ?? [];
    const port =
      request.port === undefined
        ? ports.length === 1
          ? ports[0]
          : undefined
        : ports.find((each) => each.port === request.port || each.portName === request.port);
    const balancer = port === undefined ? undefined : this.balancers.get(port.key);
    if (balancer !== undefined) return balancer;
    const what = request.port === undefined ? "" : ` with the port ${request.port}`;
    throw new InkubeError("SERVICE_NOT_FOUND", `there is no Service ${key}${what}`);
  }

  hosts(isFailing?: IsFailing, placesOf?: PlacesOf): Hosts {
    const all = [...this.services.values()].map((row) => row.service);
    return hostsOf(all, (service) => [...(this.slices.get(service)?.values() ?? [])], isFailing, placesOf);
  }

  private clusterListener(port: ServicePort, published: ReadonlyMap<string, string>): readonly WantedListener[] {
    if (port.clusterIP === undefined || this.balancers.get(port.key)?.hasUsable({}) !== true) return [];
    const before = parseAddress(published.get(String(port.port)));
    const own = { host: port.clusterIP, port: port.port, kind: "cluster" as const, servicePort: port.key };
    return [before === undefined ? own : { ...own, published: before }];
  }

  private nodeListeners(port: ServicePort, isOwner: boolean): readonly WantedListener[] {
    const { nodePort, key } = port;
    const { nodeIP, nodeName } = this.options;
    const balancer = this.balancers.get(key);
    if (nodePort === undefined || balancer === undefined) return [];
    const wanted: WantedListener[] = [];
    if (nodeIP !== undefined && balancer.hasUsable({ external: true, entryNode: nodeName })) {
      wanted.push({ host: nodeIP, port: nodePort, kind: "node", servicePort: key });
    }
    if (isOwner && balancer.hasUsable({ external: true })) {
      wanted.push({ host: "127.0.0.1", port: nodePort, kind: "local", servicePort: key });
    }
    return wanted;
  }

  private refresh(service: string): void {
    const slices = [...(this.slices.get(service)?.values() ?? [])];
    for (const port of this.services.get(service)?.ports ?? []) {
      this.balancers.get(port.key)?.setEndpoints(endpointsOf(slices, port.portName));
    }
  }

  private removeBalancers(service: string, except: readonly ServicePort[]): void {
    const kept = new Set(except.map((port) => port.key));
    for (const port of this.services.get(service)?.ports ?? []) {
      if (!kept.has(port.key)) this.balancers.delete(port.key);
    }
  }
}

export function objectKey(meta: { readonly namespace?: string; readonly name?: string } | undefined): string {
  return `${meta?.namespace ?? ""}/${meta?.name ?? ""}`;
}

export function serviceOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata?.labels?.[SERVICE_NAME_LABEL];
  return name === undefined ? undefined : `${slice.metadata?.namespace ?? ""}/${name}`;
}

function parseAddress(text: string | undefined): Address | undefined {
  if (text === undefined) return undefined;
  const [host, port] = [text.slice(0, text.lastIndexOf(":")), Number(text.slice(text.lastIndexOf(":") + 1))];
  return host !== "" && Number.isInteger(port) && port > 0 && port < 65_536 ? { host, port } : undefined;
}
