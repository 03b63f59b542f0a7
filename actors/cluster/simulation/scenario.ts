/**
 * A story that every seed tells differently: a workload runs, things are broken one after the other, everything is healed,
 * and then the cluster must have come to what was asked of it. Meanwhile clients note what they are told, and an observer
 * looks whether what must always hold does. What does not is thrown, with the seed that repeats it.
 */
import { InkubeError, hasCode } from "../../../protocols/errors.ts";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import type { Random } from "../../../runtime/random.ts";
import type { DecisionLog } from "../../../runtime/simulation/decisions.ts";
import { ApiClients } from "./api-clients.ts";
import { verdictOf } from "./checks/verdict.ts";
import { CONVERGENCE_MS, Convergence } from "./convergence.ts";
import { Debuggers } from "./debuggers.ts";
import { EtcdClients } from "./etcd-clients.ts";
import { Nemesis } from "./nemesis.ts";
import { Observer } from "./observer.ts";
import { ServiceRace } from "./service-race.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";
import type { Feature, Swarm } from "./swarm.ts";
import { describeSwarm, drawSwarm } from "./swarm.ts";
import { Workload } from "./workload.ts";

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

/** Pause between two faults: short enough that they overlap now and then, long enough to heal most of the time. */
const FAULT_EVERY_MS = { least: 1_000, spread: 9_000 };
/** Among what happens, a change of what is asked for, as a share. */
const CHANGE_SHARE = 0.3;

/** `onTrace` gets the trace's text when the story is over, also when it ends badly. */
export async function runScenario(options: ScenarioOptions, onTrace?: (text: string) => void): Promise<ScenarioResult> {
  const swarm = drawSwarm(options.seed);
  const cluster = new SimulatedCluster({
    ...options,
    etcd: swarm.etcd,
    apiServer: swarm.apiServer,
    onFault: (fault, what) => scenario.tell(`fault ${fault.id} (${fault.kind}) ${what}`),
  });
  const { host } = cluster;
  const scenario: Scenario = new Scenario(cluster, swarm);
  let failure: unknown;
  try {
    scenario.tell(describeSwarm(swarm));
    scenario.begin();
    await cluster.start();
    scenario.tell(`${cluster.masters} masters and ${cluster.workers} workers are up`);
    const limitMs = options.minutes * 60_000;
    await cluster.run(() => scenario.play(limitMs), 2 * limitMs + 20 * CONVERGENCE_MS);
    await host.stop();
    host.world.end();
  } catch (error) {
    failure = error;
  } finally {
    onTrace?.(host.trace.text());
  }
  const verdict = verdictOf(host.crashes, failure);
  if (verdict !== undefined) {
    const code = hasCode(failure, "SIMULATION_DIVERGED") ? "SIMULATION_DIVERGED" : "SIMULATION_FAILED";
    throw new InkubeError(code, `seed ${options.seed}: ${verdict}\n${scenario.story.join("\n")}`, { cause: failure });
  }
  const { digest, count } = host.trace;
  return { seed: options.seed, story: scenario.story, digest, events: count, virtualMs: host.nowMs };
}

class Scenario {
  readonly story: string[] = [];
  private readonly cluster: SimulatedCluster;
  private readonly random: Random;
  private readonly features: ReadonlySet<Feature>;
  private readonly observer: Observer;
  private readonly etcdClients: EtcdClients;
  private readonly apiClients: ApiClients;
  private readonly race: ServiceRace;
  private readonly workload: Workload;
  private readonly debuggers: Debuggers;
  private readonly nemesis: Nemesis;

  constructor(cluster: SimulatedCluster, { features }: Swarm) {
    const tell = (line: string): void => this.tell(line);
    this.cluster = cluster;
    this.features = features;
    this.random = cluster.host.world.random("scenario");
    this.observer = new Observer(cluster);
    this.etcdClients = new EtcdClients(cluster, this.observer);
    this.apiClients = new ApiClients(cluster, this.observer);
    this.race = new ServiceRace(cluster, this.observer);
    this.workload = new Workload(cluster, features, tell);
    this.debuggers = new Debuggers(cluster);
    this.nemesis = new Nemesis(cluster, features, this.etcdClients, tell);
  }

  tell(line: string): void {
    this.story.push(`${(this.cluster.host.nowMs / 1_000).toFixed(3).padStart(9)} s  ${line}`);
  }

  begin(): void {
    this.nemesis.begin();
  }

  async play(forMs: number): Promise<void> {
    const { host, clock } = this.cluster;
    this.observer.start();
    await this.workload.start(CONVERGENCE_MS);
    this.etcdClients.start({ history: this.features.has("history"), leases: this.features.has("leases") });
    if (this.features.has("history")) this.apiClients.start();
    if (this.features.has("services")) this.race.start();
    if (this.features.has("debuggers")) this.debuggers.start();
    const endMs = host.nowMs + forMs;
    await this.nemesis.joinLate();
    while (host.nowMs < endMs) {
      await clock.sleep(FAULT_EVERY_MS.least + this.random.below(FAULT_EVERY_MS.spread));
      await (this.random.next() < CHANGE_SHARE ? this.change() : this.nemesis.strike());
      this.observer.state.checkOverdue(host.nowMs);
      // The story of what comes after it is of no interest.
      if (host.crashes.length > 0) return;
    }
    await this.heal();
  }

  /** Nobody may be there to hear it for a moment. */
  private async change(): Promise<void> {
    try {
      await this.workload.change();
    } catch (error) {
      if (!hasCode(error)) throw error;
      this.tell(`what was asked for got no answer: ${error.code}`);
    }
  }

  private async heal(): Promise<void> {
    await this.nemesis.heal();
    this.cluster.host.endFaults();
    this.tell("nothing is broken any more");
    await Promise.all([
      this.etcdClients.stop(),
      this.apiClients.stop(),
      this.race.stop(),
      this.debuggers.stop(),
      this.workload.settle(),
    ]);
    await new Convergence(this.cluster, this.workload).check();
    await this.etcdClients.nothingOutlivesItsLease();
    await this.checkHistories();
    this.observer.state.checkOverdue(this.cluster.host.nowMs);
    this.observer.stop();
    this.tell("every node is Ready, every Deployment has its pods, and every client was told the truth");
  }

  private async checkHistories(): Promise<void> {
    await this.cluster.until("the observer comes to what clients were told", CONVERGENCE_MS, () =>
      Promise.resolve(this.observer.log.revision >= this.etcdClients.history.floor),
    );
    this.etcdClients.check();
    if (this.features.has("history")) await this.apiClients.check();
  }
}
