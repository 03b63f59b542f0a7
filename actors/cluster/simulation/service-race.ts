/**
 * Two clients ask two API servers for Services with one node port and one cluster IP at the same moment. One gets them;
 * when it has let go of them, either server must give them out again.
 */
import type { ApiServerMethods, ApiTarget } from "../../../protocols/api-server.ts";
import { apiServerProtocol, hasReason } from "../../../protocols/api-server.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Ref } from "../../../runtime/actor.ts";
import type { Random } from "../../../runtime/random.ts";
import { services } from "../../client/resources.ts";
import { broken } from "./checks/broken.ts";
import type { Observer } from "./observer.ts";
import type { ApiGroup } from "./api-clients.ts";
import type { Client } from "../../client/client.ts";
import { one } from "./swarm.ts";

const PAUSE_MS = 8_000;
const TIMEOUT_MS = 4_000;
/** How long after its release an address may still be refused: many times what a server's watch lags behind. */
const RELEASE_MS = 2_000;
const AGAIN_MS = 200;
const NODE_PORTS: readonly number[] = [31_000, 31_001];
const CLUSTER_IPS: readonly string[] = ["127.128.77.1", "127.128.77.2"];

type Answer =
  | { readonly kind: "made" }
  | { readonly kind: "refused"; readonly message: string }
  /** Of whatever else went wrong: it may have been made, or be made yet. */
  | { readonly kind: "unknown" };

export class ServiceRace {
  private readonly cluster: ApiGroup & { readonly client: Client };
  private readonly pauseMs: number;
  private readonly observer: Observer;
  private readonly random: Random;
  private isOver = false;
  private working: Promise<void> = Promise.resolve();

  /** `pauseMs`: the longest between two races. */
  constructor(cluster: ApiGroup & { readonly client: Client }, observer: Observer, pauseMs: number = PAUSE_MS) {
    this.cluster = cluster;
    this.pauseMs = pauseMs;
    this.observer = observer;
    this.random = cluster.host.world.random("service-race");
  }

  start(): void {
    if (this.cluster.apiServers.length < 2) return;
    this.working = this.goOn();
    this.cluster.host.context.spawn(() => this.working);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.working;
  }

  private async goOn(): Promise<void> {
    while (!this.isOver) {
      await this.cluster.host.context.clock.sleep(this.random.below(this.pauseMs));
      const { apiServers } = this.cluster;
      const first = this.random.below(apiServers.length);
      const second = (first + 1 + this.random.below(apiServers.length - 1)) % apiServers.length;
      await this.race([apiServers[first]!, apiServers[second]!]);
    }
  }

  private async race(servers: readonly string[]): Promise<void> {
    const nodePort = one(this.random, NODE_PORTS);
    const clusterIP = one(this.random, CLUSTER_IPS);
    const named = (server: string): Service => service(`race-${server}`, nodePort, clusterIP);
    const answers = await Promise.all(servers.map((server) => this.create(server, named(server))));
    for (const server of servers) if (!(await this.remove(named(server)))) return;
    // Else one may still be made.
    if (answers.some(({ kind }) => kind === "unknown")) return;
    for (const server of servers) {
      const answer = await this.insist(server, named(server));
      if (answer.kind === "refused" && !this.isHeld(nodePort, clusterIP)) {
        throw broken(`${server} refuses for ${RELEASE_MS} ms what nobody holds: ${answer.message}`);
      }
      if (!(await this.remove(named(server)))) return;
    }
  }

  /** Asks again while it is refused, up to the limit. */
  private async insist(server: string, wanted: Service): Promise<Answer> {
    const deadlineMs = this.cluster.host.nowMs + RELEASE_MS;
    for (;;) {
      const answer = await this.create(server, wanted);
      if (answer.kind !== "refused" || this.cluster.host.nowMs > deadlineMs) return answer;
      await this.cluster.host.context.clock.sleep(AGAIN_MS);
    }
  }

  private async create(server: string, wanted: Service): Promise<Answer> {
    const ref: Ref<ApiServerMethods> = this.cluster.host.context.ref(apiServerProtocol, server);
    const object = { apiVersion: "v1", kind: "Service", ...wanted };
    try {
      await ref.call("request", { verb: "create", target: TARGET, object }, { timeoutMs: TIMEOUT_MS });
      return { kind: "made" };
    } catch (error) {
      if (!hasCode(error)) throw error;
      return hasReason(error, "Invalid") ? { kind: "refused", message: error.message } : { kind: "unknown" };
    }
  }

  private isHeld(nodePort: number, clusterIP: string): boolean {
    for (const [, { spec }] of this.observer.state.all<Service>("Service")) {
      if (spec?.clusterIP === clusterIP || spec?.ports?.some((port) => port.nodePort === nodePort) === true)
        return true;
    }
    return false;
  }

  /** Whether it is gone for sure. */
  private async remove({ metadata }: Service): Promise<boolean> {
    try {
      await this.cluster.client.delete(services, metadata?.name ?? "", metadata?.namespace);
      return true;
    } catch (error) {
      if (!hasCode(error)) throw error;
      return hasReason(error, "NotFound");
    }
  }
}

const TARGET: ApiTarget = { group: "", version: "v1", resource: "services", namespace: "default" };

function service(name: string, nodePort: number, clusterIP: string): Service {
  return {
    metadata: { name, namespace: "default" },
    spec: { type: "NodePort", clusterIP, selector: { app: "none" }, ports: [{ port: 80, nodePort, protocol: "TCP" }] },
  };
}
