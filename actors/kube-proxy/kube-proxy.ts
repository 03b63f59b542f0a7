/**
 * Routes the traffic of Services on the embedded loopback network (no root, no kernel tables).
 *
 * Each Service has an own loopback address, each node an own one for its NodePorts; connections to them are accepted here
 * and spliced to an endpoint. Every proxy knows every Service, but an address can be listened on once only: `core/shard-lock.ts`
 * says who serves which, and hands over when a proxy dies. Connections established through a dead proxy break; a
 * client has to reconnect, and finds the next owner.
 *
 * Where an address or a port can't be had (macOS has no own loopback addresses; ports below 1024 need a privilege on
 * Linux) the Service is served on another one, `core/listener-table.ts` says which; the annotation `inkube.dev/address`
 * on the Service says where, by port number: `{"80":"127.96.0.7:41233"}`. Containers need not know: their network goes by
 * `hosts.json` in this actor's directory, which also holds the cluster's names.
 */
import type { KubeProxyMethods, KubeProxyStatus } from "../../protocols/kube-proxy.ts";
import { kubeProxyProtocol } from "../../protocols/kube-proxy.ts";
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { fitsPattern } from "../../protocols/fault-fields.ts";
import type { Node, Service } from "../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../protocols/kubernetes/types/discovery-v1.ts";
import type { Actor, ActorDefinition, Context } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { OwnFault } from "../../runtime/faults/plan.ts";
import { Client } from "../client/client.ts";
import { tellListenerFault } from "../client/faults.ts";
import { Informer } from "../client/informer.ts";
import { endpointSlices, nodes, services } from "../client/resources.ts";
import { WorkQueue } from "../client/work-queue.ts";
import { BALANCER_DEFAULTS } from "./core/balancer.ts";
import { HOSTS_FILE } from "./core/hosts.ts";
import { annotationChange, placesOf } from "./core/publishing.ts";
import { objectKey, Rules } from "./core/rules.ts";
import { ADDRESS_ANNOTATION, publishedAddresses } from "../../protocols/published-addresses.ts";
import { lockPlaces, preferredOwner, ShardLock } from "./core/shard-lock.ts";
import { topologyKey, trimNode } from "./core/topology.ts";
import { CutPods } from "./cut-pods.ts";
import { Forwarder } from "./forwarder.ts";
import { Listeners } from "./listeners.ts";
import { LockKeeper } from "./lock-keeper.ts";
import { ProxyMetrics } from "./proxy-metrics.ts";
import type { KubeProxyOptions } from "./spec.ts";

/** Pauses between tries to take a shard's lock: dying sockets are gone within milliseconds. */
const LOCK_RETRY = { retryBaseMs: 2, retryMaxMs: 500 };

export const kubeProxyActor: ActorDefinition<KubeProxyMethods, KubeProxyOptions> = defineActor(
  kubeProxyProtocol,
  (ctx: Context<KubeProxyOptions>) => {
    const proxy = new KubeProxy(ctx);
    proxy.start();
    return proxy.actor();
  },
);

class KubeProxy {
  private readonly ctx: Context<KubeProxyOptions>;
  private readonly client: Client;
  private readonly rules: Rules;
  private readonly services: Informer<Service>;
  private readonly slices: Informer<EndpointSlice>;
  private readonly nodes: Informer<Node>;
  private readonly listeners: Listeners;
  private readonly forwarder: Forwarder;
  private readonly cutPods: CutPods;
  private readonly publishing: WorkQueue;
  private readonly metrics: ProxyMetrics;
  private readonly locks: LockKeeper[] = [];
  private readonly owned = new Set<number>();
  private synced = false;
  private refresh: Timer | undefined;
  private hostsTimer: Timer | undefined;
  private hostsText = "";
  /** Services whose names a fault hides, and those of which that has been told. */
  private readonly failing = new Map<string, OwnFault>();
  private toldFailing: ReadonlySet<string> = new Set();

  constructor(ctx: Context<KubeProxyOptions>) {
    this.ctx = ctx;
    this.client = new Client(ctx, ctx.options.apiServers);
    this.rules = new Rules({
      nodeName: ctx.options.nodeName,
      nodeIP: ctx.options.nodeIP,
      shards: ctx.options.shards,
      balancer: BALANCER_DEFAULTS,
    });
    const onFault = (resource: string): ReturnType<typeof tellListenerFault> => tellListenerFault(ctx.log, resource);
    this.services = new Informer(ctx, this.client, services, {}, undefined, onFault("services"));
    this.slices = new Informer(ctx, this.client, endpointSlices, {}, undefined, onFault("endpointslices"));
    this.nodes = new Informer(ctx, this.client, nodes, {}, trimNode, onFault("nodes"));
    this.cutPods = new CutPods(ctx, this.client, () => this.changed());
    this.forwarder = new Forwarder(ctx, (pod, endpoint) => this.cutPods.isCut(pod, endpoint));
    this.metrics = new ProxyMetrics(ctx);
    this.publishing = new WorkQueue(ctx, { name: "kube-proxy-addresses", workers: 4 });
    this.listeners = new Listeners(ctx, {
      onConnection: (wanted, connection) => {
        const balancer = this.rules.balancer(wanted.servicePort);
        if (balancer === undefined) connection.destroy();
        else {
          const from = this.rules.originOf(wanted, connection.remote.host);
          this.forwarder.forward(connection, wanted.servicePort, balancer, from);
        }
      },
      onBound: (wanted) => {
        if (ctx.options.publishes) this.publishing.add(serviceOfPort(wanted.servicePort));
        else this.changed();
      },
    });
  }

  start(): void {
    this.ctx.faults.onChange(() => this.changed());
    this.cutPods.start();
    this.follow();
    for (let shard = 0; shard < this.ctx.options.shards; shard++) this.locks.push(this.lockKeeper(shard));
    this.publishing.run((key) => this.publish(key));
    this.ctx.spawn(async () => {
      await Promise.all([this.services.whenSynced(), this.slices.whenSynced(), this.nodes.whenSynced()]);
      this.synced = true;
      this.changed();
      for (const lock of this.locks) lock.start();
    });
  }

  actor(): Actor<KubeProxyMethods> {
    return {
      handlers: {
        pick: (request) => {
          const from = this.rules.originOfNode(request.fromNode, request.clientIP);
          const picked = this.rules.resolve(request).pick(from, this.ctx.clock.monotonicMs());
          if (picked === undefined) {
            const name = `${request.namespace}/${request.service}`;
            throw new InkubeError("NO_ENDPOINTS", `no endpoint of the Service ${name} is ready`, { retryable: true });
          }
          const { address, port, node } = picked;
          return node === undefined ? { address, port } : { address, port, node };
        },
        endpoints: (request) => ({
          endpoints: this.rules
            .resolve(request)
            .endpoints(this.ctx.clock.monotonicMs())
            .map(({ node, zone, ...rest }) => ({
              address: rest.address,
              port: rest.port,
              ready: rest.ready,
              serving: rest.serving,
              terminating: rest.terminating,
              openConnections: rest.openConnections,
              outOfRotation: rest.outOfRotation,
              ...(node === undefined ? {} : { node }),
              ...(zone === undefined ? {} : { zone }),
            })),
        }),
        status: () => this.status(),
      },
      stop: async () => {
        // Addresses first: whoever then takes the lock finds them free.
        await this.listeners.stop();
        await Promise.all(this.locks.map((lock) => lock.stop()));
        this.publishing.stop();
        this.cutPods.stop();
        for (const informer of [this.services, this.slices, this.nodes]) informer.stop();
        this.refresh?.cancel();
        this.hostsTimer?.cancel();
      },
    };
  }

  private follow(): void {
    this.services.onChange((change) => {
      const key = objectKey(change.object.metadata);
      if (change.type === "deleted") this.rules.removeService(key);
      else this.rules.setService(change.object);
      this.metrics.services.changed();
      this.changed();
      if (change.type === "modified" && this.ctx.options.publishes) this.publishing.add(key);
    });
    this.slices.onChange((change) => {
      if (change.type === "deleted") this.rules.removeSlice(change.object);
      else this.rules.setSlice(change.object);
      this.metrics.endpoints.changed();
      this.changed();
    });
    this.nodes.onChange((change) => {
      const { type, object, previous } = change;
      if (type === "modified" && previous !== undefined && topologyKey(previous) === topologyKey(object)) return;
      this.rules.setNodes(() => this.nodes.list());
    });
    this.services.start();
    this.slices.start();
    this.nodes.start();
  }

  private lockKeeper(shard: number): LockKeeper {
    const { clusterId, serviceRange, preferenceWaitMs, nodeName, peers } = this.ctx.options;
    const lock = new ShardLock({
      places: lockPlaces(clusterId, serviceRange, shard),
      preferred: preferredOwner(shard, peers ?? [nodeName]) === nodeName,
      preferenceWaitMs,
      ...LOCK_RETRY,
    });
    return new LockKeeper(this.ctx, lock, shard, () => {
      this.owned.add(shard);
      this.ctx.trace.event("kube-proxy.own", `shards/${shard}`);
      this.listeners.want(this.rules.wanted(this.owned));
    });
  }

  /** Many changes of one turn are one look at the listeners. */
  private changed(): void {
    if (!this.synced) return;
    this.metrics.queued();
    this.refresh ??= this.ctx.clock.after(0, () => {
      this.refresh = undefined;
      this.metrics.synced(() => this.listeners.want(this.rules.wanted(this.owned)));
    });
    this.hostsTimer ??= this.ctx.clock.after(this.ctx.options.hostsDelayMs, () => {
      this.ctx.spawn(() => this.writeHosts());
    });
  }

  /** Again and again while there is something new: what changes during a write must not be missed. */
  private async writeHosts(): Promise<void> {
    for (let text = this.hosts(); text !== this.hostsText; text = this.hosts()) {
      this.hostsText = text;
      await this.ctx.disk.replace(HOSTS_FILE, new TextEncoder().encode(text));
      this.tellFailing();
      this.cutPods.tell(this.ctx.options.nodeName);
    }
    this.hostsTimer = undefined;
  }

  private hosts(): string {
    this.failing.clear();
    const isFailing = (service: string): boolean => {
      const found = this.ctx.faults.inForce.find(
        (fault) => fault.kind === "dns-fail" && fitsPattern(fault.service, service),
      );
      if (found !== undefined) this.failing.set(service, found as OwnFault);
      return found !== undefined;
    };
    const ownPlaces = this.ctx.options.publishes ? undefined : (service: Service) => this.placesHere(service);
    const hosts = this.rules.hosts(isFailing, ownPlaces);
    const cut = this.cutPods.cuts();
    return JSON.stringify(Object.keys(cut).length === 0 ? hosts : { ...hosts, cut });
  }

  /** Where this proxy serves what it can't serve at its own address; of what another one serves, what that says. */
  private placesHere(service: Service): ReadonlyMap<string, string> {
    const key = objectKey(service.metadata);
    if (!this.owned.has(this.rules.shardOf(key))) return publishedAddresses(service);
    const rows = this.listeners.list().filter(({ wanted }) => serviceOfPort(wanted.servicePort) === key);
    return placesOf(rows);
  }

  private tellFailing(): void {
    for (const [service, fault] of this.failing) {
      if (!this.toldFailing.has(service))
        this.ctx.faults.strike(fault, `hides ${service} from ${this.ctx.options.nodeName}`);
    }
    this.toldFailing = new Set(this.failing.keys());
  }

  /** Brings the annotation of a Service that this proxy serves in line with where its listeners are. */
  private async publish(key: string): Promise<void> {
    const service = this.rules.service(key);
    if (service === undefined || !this.owned.has(this.rules.shardOf(key))) return;
    const rows = this.listeners.list().filter((row) => serviceOfPort(row.wanted.servicePort) === key);
    const value = annotationChange(service, rows);
    if (value === undefined) return;
    const { name = "", namespace = "" } = service.metadata ?? {};
    try {
      await this.client.patch(services, name, namespace, {
        metadata: { annotations: { [ADDRESS_ANNOTATION]: value } },
      });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }

  private status(): KubeProxyStatus {
    return {
      synced: this.synced,
      ownedShards: [...this.owned].sort((a, b) => a - b),
      listeners: this.listeners.list().map(({ wanted, bound }) => ({
        host: wanted.host,
        port: wanted.port,
        servicePort: wanted.servicePort,
        ...(bound === undefined ? {} : { bound }),
      })),
      openConnections: this.forwarder.openConnections,
    };
  }
}

function serviceOfPort(servicePort: string): string {
  return servicePort.slice(0, servicePort.lastIndexOf(":"));
}
