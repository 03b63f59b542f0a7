/** Breaks one thing after the other, of those that the seed has drawn. What it leaves broken, `heal` mends. */
import type { Random } from "../../../runtime/random.ts";
import type { EtcdClients } from "./etcd-clients.ts";
import { EtcdNemesis } from "./etcd-nemesis.ts";
import { LinkNemesis } from "./link-nemesis.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { Feature } from "./swarm.ts";
import { one } from "./swarm.ts";

interface Fault {
  readonly feature: Feature;
  readonly weight: number;
  readonly apply: () => Promise<void>;
}

export class Nemesis {
  private readonly cluster: SimulatedCluster;
  private readonly random: Random;
  private readonly tell: (line: string) => void;
  private readonly lostNodes = new Set<string>();
  private readonly faults: readonly Fault[];
  private readonly etcd: EtcdNemesis;

  constructor(
    cluster: SimulatedCluster,
    features: ReadonlySet<Feature>,
    clients: EtcdClients,
    tell: (line: string) => void,
  ) {
    this.cluster = cluster;
    this.random = cluster.host.world.random("nemesis");
    this.tell = tell;
    this.etcd = new EtcdNemesis(cluster, clients, this.random, tell);
    const links = new LinkNemesis(cluster, this.random, tell);
    this.faults = [...this.deaths(), ...this.faultsOfEtcd(), ...faultsOfLinks(links)].filter(({ feature }) =>
      features.has(feature),
    );
  }

  /** Before the cluster starts. */
  begin(): void {
    if (this.hasLostDisks) this.etcd.begin();
  }

  /** As soon as the workload runs. Errors: PROMISE_BROKEN. */
  async joinLate(): Promise<void> {
    await this.cluster.clock.sleep(this.random.below(5_000));
    await this.etcd.joinLate();
  }

  private get hasLostDisks(): boolean {
    return this.faults.some(({ feature }) => feature === "lost-disk");
  }

  /** One fault, chosen by weight; nothing when the seed has drawn none. */
  async strike(): Promise<void> {
    let draw = this.random.below(this.faults.reduce((sum, { weight }) => sum + weight, 0));
    for (const { weight, apply } of this.faults) {
      draw -= weight;
      if (draw < 0) return apply();
    }
  }

  async heal(): Promise<void> {
    while (this.lostNodes.size > 0) await this.restoreWorker();
  }

  private deaths(): readonly Fault[] {
    const master = (roles: readonly string[]): string =>
      `${one(this.random, roles)}-${this.random.below(this.cluster.masters)}`;
    const roles = ["etcd", "etcd", "etcd", "api-server", "api-server", "scheduler", "controller-manager"];
    const parts = ["kubelet", "kube-proxy", "container-runtime"];
    return [
      { feature: "kills", weight: 4, apply: () => this.kill(master(roles)) },
      { feature: "kills", weight: 2, apply: () => this.kill(`${this.worker()}/${one(this.random, parts)}`) },
      { feature: "hangs", weight: 2, apply: () => this.hang(master(roles)) },
      { feature: "lost-node", weight: 1, apply: () => this.loseWorker() },
      { feature: "lost-node", weight: 1, apply: () => this.restoreWorker() },
    ];
  }

  private faultsOfEtcd(): readonly Fault[] {
    if (this.cluster.masters < 3) return [];
    return [
      { feature: "partitions", weight: 1, apply: () => this.etcd.partition() },
      { feature: "cut-off-leader", weight: 5, apply: () => this.etcd.cutOffLeader() },
      { feature: "lost-disk", weight: 2, apply: () => this.etcd.loseDisk() },
      { feature: "flipped-bits", weight: 1, apply: () => this.etcd.flipBit() },
    ];
  }

  private kill(actor: string): Promise<void> {
    this.tell(`${actor} is killed`);
    this.cluster.host.kill(actor);
    return Promise.resolve();
  }

  private hang(actor: string): Promise<void> {
    this.tell(`${actor} hangs`);
    this.cluster.host.hang(actor);
    return Promise.resolve();
  }

  private async loseWorker(): Promise<void> {
    // Half of the workers stay, so that there is room for every pod.
    if (this.lostNodes.size * 2 >= this.cluster.workers - 1) return;
    const worker = this.worker();
    if (this.lostNodes.has(worker)) return;
    this.lostNodes.add(worker);
    this.tell(`${worker} is lost`);
    await this.cluster.killNode(worker);
  }

  private async restoreWorker(): Promise<void> {
    for (const worker of this.lostNodes) {
      this.lostNodes.delete(worker);
      await this.cluster.restoreNode(worker);
      this.tell(`${worker} is back`);
      return;
    }
  }

  private worker(): string {
    return `worker-${this.random.below(this.cluster.workers)}`;
  }
}

function faultsOfLinks(links: LinkNemesis): readonly Fault[] {
  return [
    { feature: "cut-off-api-server", weight: 2, apply: () => links.cutOffApiServer() },
    { feature: "deaf-kubelet", weight: 4, apply: () => links.deafenKubelet() },
  ];
}
