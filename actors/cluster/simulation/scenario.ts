/**
 * A story that every seed tells differently: a workload runs, things are broken one after the other, everything is healed,
 * and then the cluster must have come to what was asked of it. What does not hold is thrown, with the seed that repeats it.
 */
import { InkubeError, hasCode } from "../../../protocols/errors.ts";
import type { MemberStatus } from "../../../protocols/etcd.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { Deployment } from "../../../protocols/kubernetes/apps-v1.ts";
import type { Service } from "../../../protocols/kubernetes/core-v1.ts";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import type { Random } from "../../../runtime/random.ts";
import type { DecisionLog } from "../../../runtime/simulation/decisions.ts";
import { deployments, endpointSlices, pods, services } from "../../client/resources.ts";
import { EMBEDDER } from "../topology.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

export interface ScenarioOptions {
  readonly seed: number;
  /** Virtual time in which things are broken. */
  readonly minutes: number;
  readonly masters?: number;
  readonly workers?: number;
  /** What goes wrong beneath the story, until it heals. */
  readonly faults?: FaultPlan;
  /** Writes down every random decision. */
  readonly record?: DecisionLog;
  /** Repeats a recorded run; the seed is the log's. */
  readonly replay?: DecisionLog;
}

export interface ScenarioResult {
  readonly seed: number;
  /** What was done and what came of it, a line each, with virtual times. */
  readonly story: readonly string[];
  /** Of the whole trace: equal for equal runs. */
  readonly digest: string;
  readonly events: number;
  readonly virtualMs: number;
}

const REPLICAS = 6;
/** Pause between two faults: short enough that they overlap now and then, long enough to heal most of the time. */
const FAULT_EVERY_MS = { least: 2_000, spread: 12_000 };
/** After the last fault; a node that was lost with its pods must have been given up and replaced by then. */
const CONVERGENCE_MS = 60_000;

/** `onTrace` gets the trace's text when the story is over, also when it ends badly. */
export async function runScenario(options: ScenarioOptions, onTrace?: (text: string) => void): Promise<ScenarioResult> {
  const cluster = new SimulatedCluster({
    ...options,
    onFault: (fault, what) => scenario.tell(`fault ${fault.id} (${fault.kind}) ${what}`),
  });
  const scenario: Scenario = new Scenario(cluster);
  try {
    await cluster.start();
    scenario.tell(`${cluster.masters} masters and ${cluster.workers} workers are up`);
    const limitMs = options.minutes * 60_000;
    await cluster.run(() => scenario.play(limitMs), limitMs + 10 * CONVERGENCE_MS);
    await cluster.host.stop();
    cluster.host.world.end();
  } catch (error) {
    throw new InkubeError(
      hasCode(error, "SIMULATION_DIVERGED") ? "SIMULATION_DIVERGED" : "SIMULATION_FAILED",
      `seed ${options.seed}: ${(error as Error).message}\n${scenario.story.join("\n")}`,
      {
        cause: error,
      },
    );
  } finally {
    onTrace?.(cluster.host.trace.text());
  }
  const crash = cluster.host.crashes[0];
  if (crash !== undefined) {
    throw new InkubeError(
      "SIMULATION_FAILED",
      `seed ${options.seed}: ${crash.actor} broke an invariant: ${String((crash.error as Error).stack)}`,
    );
  }
  const { digest, count } = cluster.host.trace;
  return { seed: options.seed, story: scenario.story, digest, events: count, virtualMs: cluster.host.nowMs };
}

interface Fault {
  readonly weight: number;
  readonly apply: () => Promise<void>;
}

class Scenario {
  readonly story: string[] = [];
  private readonly cluster: SimulatedCluster;
  private readonly random: Random;
  private readonly lostNodes = new Set<string>();
  private image = 1;
  private replicas = REPLICAS;

  constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
    this.random = cluster.host.world.random("scenario");
  }

  tell(line: string): void {
    this.story.push(`${(this.cluster.host.nowMs / 1_000).toFixed(3).padStart(9)} s  ${line}`);
  }

  async play(forMs: number): Promise<void> {
    await this.cluster.client.create(services, service());
    await this.cluster.client.create(deployments, deployment(REPLICAS));
    await this.cluster.waitFor(deployments, "web", "default", "RolledOut", CONVERGENCE_MS);
    this.tell(`deployment web has ${REPLICAS} pods`);
    const endMs = this.cluster.host.nowMs + forMs;
    while (this.cluster.host.nowMs < endMs) {
      await this.cluster.clock.sleep(FAULT_EVERY_MS.least + this.random.below(FAULT_EVERY_MS.spread));
      await this.breakSomething();
    }
    await this.heal();
  }

  private async breakSomething(): Promise<void> {
    const { masters } = this.cluster;
    const master = this.random.below(masters);
    const faults: readonly Fault[] = [
      { weight: 3, apply: () => this.kill(`etcd-${master}`) },
      { weight: 2, apply: () => this.kill(`api-server-${master}`) },
      { weight: 1, apply: () => this.kill(`scheduler-${master}`) },
      { weight: 1, apply: () => this.kill(`controller-manager-${master}`) },
      {
        weight: 2,
        apply: () => this.kill(`${this.worker()}/${this.one(["kubelet", "kube-proxy", "container-runtime"])}`),
      },
      {
        weight: 1,
        apply: () => this.hang(`${this.one(["etcd", "api-server", "scheduler", "controller-manager"])}-${master}`),
      },
      { weight: 1, apply: () => this.partition(`etcd-${master}`) },
      { weight: 2, apply: () => this.loseWorker() },
      { weight: 2, apply: () => this.restoreWorker() },
      { weight: 2, apply: () => this.scale(1 + this.random.below(2 * REPLICAS)) },
      { weight: 1, apply: () => this.rollOut() },
      { weight: 2, apply: () => this.deletePod() },
    ];
    let draw = this.random.below(faults.reduce((sum, { weight }) => sum + weight, 0));
    for (const { weight, apply } of faults) {
      draw -= weight;
      if (draw < 0) return apply();
    }
  }

  private async kill(actor: string): Promise<void> {
    this.tell(`${actor} is killed`);
    this.cluster.host.kill(actor);
  }

  private async hang(actor: string): Promise<void> {
    this.tell(`${actor} hangs`);
    this.cluster.host.hang(actor);
  }

  private async partition(member: string): Promise<void> {
    const others = this.members().filter((name) => name !== member);
    this.tell(`${member} is cut off from the other members for 3 s`);
    this.cluster.host.partition([member], others);
    await this.cluster.clock.sleep(3_000);
    this.cluster.host.heal([member], others);
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

  private async scale(replicas: number): Promise<void> {
    this.replicas = replicas;
    await this.cluster.client.patch(deployments, "web", "default", { spec: { replicas } });
    this.tell(`deployment web is scaled to ${replicas}`);
  }

  private async rollOut(): Promise<void> {
    const image = `nginx:1.${++this.image}`;
    const template = { spec: { containers: [{ name: "web", image }] } };
    await this.cluster.client.patch(deployments, "web", "default", { spec: { template } });
    this.tell(`deployment web gets image ${image}`);
  }

  private async deletePod(): Promise<void> {
    const { items } = await this.cluster.client.list(pods, { namespace: "default" });
    const pod = items.length === 0 ? undefined : items[this.random.below(items.length)];
    if (pod?.metadata?.name === undefined) return;
    await this.cluster.client.delete(pods, pod.metadata.name, "default");
    this.tell(`pod ${pod.metadata.name} is deleted`);
  }

  private async heal(): Promise<void> {
    while (this.lostNodes.size > 0) await this.restoreWorker();
    this.cluster.host.endFaults();
    this.tell("nothing is broken any more");
    await this.cluster.nodesReady(this.cluster.workers, CONVERGENCE_MS);
    await this.cluster.waitFor(deployments, "web", "default", "RolledOut", CONVERGENCE_MS);
    await this.cluster.waitFor(
      deployments,
      "web",
      "default",
      (web) => web.status?.readyReplicas === this.replicas,
      CONVERGENCE_MS,
    );
    await this.endpointsMatch();
    await this.membersAgree();
    this.tell(`every node is Ready, and deployment web has its ${this.replicas} pods and endpoints`);
  }

  /** The Service's slices name exactly the pods that run. */
  private async endpointsMatch(): Promise<void> {
    const deadlineMs = this.cluster.host.nowMs + CONVERGENCE_MS;
    for (;;) {
      const slices = await this.cluster.client.list(endpointSlices, {
        namespace: "default",
        labelSelector: "kubernetes.io/service-name=web",
      });
      const listed = slices.items
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready === true);
      const running = (await this.cluster.client.list(pods, { namespace: "default" })).items.filter(
        ({ metadata }) => metadata?.deletionTimestamp === undefined,
      );
      const wanted = running
        .map(({ status }) => status?.podIP ?? "")
        .toSorted()
        .join();
      const found = listed
        .flatMap(({ addresses }) => addresses)
        .toSorted()
        .join();
      if (wanted === found) return;
      if (this.cluster.host.nowMs > deadlineMs)
        throw new InkubeError("NOT_CONVERGED", `endpoints are ${found}, pods are ${wanted}`);
      await this.cluster.clock.sleep(200);
    }
  }

  /** Each member of etcd holds what another one held at the same index. Members are asked until all have been compared. */
  private async membersAgree(): Promise<void> {
    const seen = new Map<number, { readonly hash: number; readonly members: Set<string> }>();
    const compared = new Set<string>();
    const deadlineMs = this.cluster.host.nowMs + CONVERGENCE_MS;
    while (compared.size < this.cluster.masters && this.cluster.masters > 1) {
      for (const member of this.members()) {
        const status = await this.statusOf(member);
        if (status === undefined) continue;
        const known = seen.get(status.raftAppliedIndex) ?? { hash: status.hash, members: new Set<string>() };
        seen.set(status.raftAppliedIndex, known);
        if (known.hash !== status.hash) {
          throw new InkubeError(
            "MEMBERS_DIFFER",
            `${member} holds other data at index ${status.raftAppliedIndex} than ${[...known.members].join(", ")}`,
          );
        }
        known.members.add(member);
        if (known.members.size > 1) for (const name of known.members) compared.add(name);
      }
      if (this.cluster.host.nowMs > deadlineMs) {
        throw new InkubeError("NOT_CONVERGED", `of etcd's members only ${[...compared].join(", ")} could be compared`);
      }
      await this.cluster.clock.sleep(7);
    }
  }

  /** Undefined while the member is being restarted. */
  private async statusOf(member: string): Promise<MemberStatus | undefined> {
    try {
      return await this.cluster.host.context.ref(etcdProtocol, member).call("status", null);
    } catch (error) {
      if (error instanceof InkubeError && error.retryable) return undefined;
      throw error;
    }
  }

  private members(): readonly string[] {
    return Array.from({ length: this.cluster.masters }, (_, index) => `etcd-${index}`);
  }

  private worker(): string {
    return `worker-${this.random.below(this.cluster.workers)}`;
  }

  private one<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)]!;
  }
}

function deployment(replicas: number): Deployment {
  return {
    metadata: { name: "web", namespace: "default", labels: { by: EMBEDDER } },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "nginx:1.1", ports: [{ containerPort: 80 }] }] },
      },
    },
  };
}

function service(): Service {
  return {
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, protocol: "TCP" }] },
  };
}
