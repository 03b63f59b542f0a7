/** Carries connections from a Service's address to an endpoint: tries endpoints until one takes it, then splices. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Connection } from "../../runtime/net.ts";
import type { Balancer, PickFrom } from "./core/balancer.ts";
import type { Endpoint } from "./core/service-ports.ts";
import type { KubeProxyOptions } from "./spec.ts";

export class Forwarder {
  private readonly ctx: Context<KubeProxyOptions>;
  private readonly isCut: (pod: string, endpoint: string) => boolean;
  private count = 0;

  /** `isCut`: whether a fault of the plan keeps a client's address from an endpoint's. */
  constructor(ctx: Context<KubeProxyOptions>, isCut: Forwarder["isCut"]) {
    this.ctx = ctx;
    this.isCut = isCut;
  }

  get openConnections(): number {
    return this.count;
  }

  /** Takes over `client`. `servicePort` names it in the trace. */
  forward(client: Connection, servicePort: string, balancer: Balancer, from: PickFrom): void {
    if (this.count >= this.ctx.options.connectionsMax) {
      this.ctx.log.warn("connection dropped: too many are open", { servicePort, connections: this.count });
      client.destroy();
      return;
    }
    this.count++;
    const state = { gone: false };
    client.onClose(() => {
      state.gone = true;
      this.count--;
    });
    this.ctx.spawn(() => this.connect(client, state, servicePort, balancer, from));
  }

  private async connect(
    client: Connection,
    state: { readonly gone: boolean },
    servicePort: string,
    balancer: Balancer,
    from: PickFrom,
  ): Promise<void> {
    const tried = new Set<string>();
    while (tried.size < this.ctx.options.attemptsMax && !state.gone) {
      const endpoint = balancer.pick({ ...from, tried }, this.ctx.clock.monotonicMs());
      if (endpoint === undefined) break;
      tried.add(endpoint.key);
      const upstream = await this.dial(client, endpoint, servicePort, balancer);
      if (upstream === undefined) continue;
      upstream.onClose(() => balancer.closed(endpoint.key));
      if (state.gone) upstream.destroy();
      else client.splice(upstream);
      return;
    }
    client.destroy();
  }

  private async dial(
    client: Connection,
    endpoint: Endpoint,
    servicePort: string,
    balancer: Balancer,
  ): Promise<Connection | undefined> {
    if (this.isCut(client.remote.host, endpoint.address)) {
      // What is sent there is lost: nobody answers. It is well for all others.
      await this.ctx.clock.sleep(this.ctx.options.connectTimeoutMs);
      return undefined;
    }
    balancer.trying(endpoint.key);
    try {
      const target = { host: endpoint.address, port: endpoint.port };
      const connection = await this.ctx.net.connect(target, { timeoutMs: this.ctx.options.connectTimeoutMs });
      balancer.connected(endpoint.key);
      return connection;
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      const pauseMs = balancer.failed(endpoint.key, this.ctx.clock.monotonicMs());
      this.ctx.trace.event("kube-proxy.endpoint-out", `services/${servicePort}`, {
        endpoint: endpoint.key,
        code: error.code,
        pauseMs,
      });
      return undefined;
    }
  }
}
