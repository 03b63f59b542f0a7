/** Cuts the way between actors that all live: an API server from etcd, a kubelet from the API. */
import { apiServerProtocol } from "../../../protocols/api-server.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { Random } from "../../../runtime/random.ts";
import { broken } from "./checks/broken.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import { one } from "./swarm.ts";

/** After so long without etcd an API server must know, and tell it at once. */
const KNOWS_MS = 2_000;
const ANSWER_MS = 2_000;
const TIMEOUT_MS = 15_000;

export class LinkNemesis {
  private readonly cluster: SimulatedCluster;
  private readonly random: Random;
  private readonly tell: (line: string) => void;

  constructor(cluster: SimulatedCluster, random: Random, tell: (line: string) => void) {
    this.cluster = cluster;
    this.random = random;
    this.tell = tell;
  }

  /** The server must answer what it is asked, if only that it can't. Errors: PROMISE_BROKEN. */
  async cutOffApiServer(): Promise<void> {
    const { host, members, apiServers, clock } = this.cluster;
    const server = one(this.random, apiServers);
    const forMs = KNOWS_MS + 3 * ANSWER_MS + this.random.below(6_000);
    this.tell(`${server} is cut off from etcd for ${forMs} ms`);
    const endMs = host.nowMs + forMs;
    host.partition([server], members);
    await clock.sleep(KNOWS_MS);
    const ref = host.context.ref(apiServerProtocol, server);
    const target = { group: "", version: "v1", resource: "namespaces", name: "default" };
    await this.inTime(server, "its readiness", () => ref.call("ready", null, { timeoutMs: TIMEOUT_MS }));
    await this.inTime(server, "a get", () => ref.call("request", { verb: "get", target }, { timeoutMs: TIMEOUT_MS }));
    await clock.sleep(Math.max(0, endMs - host.nowMs));
    host.heal([server], members);
  }

  /** A kubelet does not hear of the API for a while, and may die meanwhile; its containers go on, or end. */
  async deafenKubelet(): Promise<void> {
    const { host, apiServers, workers, clock } = this.cluster;
    const kubelet = `worker-${this.random.below(workers)}/kubelet`;
    // Often about as long as it takes until its node counts as lost.
    const forMs = this.random.below(2) === 0 ? 500 + this.random.below(5_500) : 2_800 + this.random.below(1_200);
    // One that lives on has things to tell when it is back, of pods that were said to be unready meanwhile.
    const dies = this.random.below(3) === 0;
    this.tell(`${kubelet} is cut off from the API for ${forMs} ms${dies ? ", and killed" : ""}`);
    host.partition([kubelet], apiServers);
    if (dies) host.kill(kubelet);
    await clock.sleep(forMs);
    host.heal([kubelet], apiServers);
  }

  /** Whatever the answer is. The server may have died of something else meanwhile. */
  private async inTime(server: string, what: string, ask: () => Promise<unknown>): Promise<void> {
    const { host } = this.cluster;
    const beganMs = host.nowMs;
    try {
      await ask();
    } catch (error) {
      if (!hasCode(error)) throw error;
      if (hasCode(error, "ACTOR_DOWN")) return;
    }
    const tookMs = host.nowMs - beganMs;
    if (tookMs > ANSWER_MS) {
      throw broken(`${server}, cut off from etcd, took ${tookMs.toFixed(0)} ms to answer ${what}`);
    }
  }
}
