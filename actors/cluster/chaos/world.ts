/**
 * A cluster for a program's own work, with controllers under test beside its own actors; and the simulated one: on virtual
 * time, from one seed. Its time passes only while something of it is awaited within `simulate`.
 */
import { InkubeError } from "../../../protocols/errors.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import { secondOf } from "../../../protocols/api-faults.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";
import type { Fault, FaultPlan } from "../../../runtime/faults/plan.ts";
import { namesAt } from "../../../runtime/faults/plan.ts";
import type { Random } from "../../../runtime/random.ts";
import type { Crash } from "../../../runtime/simulation/simulation-host.ts";
import { Client } from "../../client/client.ts";
import { TraceRecord } from "../../trace-collector/core/record.ts";
import { SimulatedCluster } from "../simulation/simulated-cluster.ts";
import type { ControllerUnderTest, SimulatedController } from "./controller.ts";
import { controllersTree, Gates, isSimulated, replicasOf, secondsOf } from "./controller.ts";
import type { State } from "./history.ts";
import { History } from "./history.ts";
import { API_PORT, Modules, Programs } from "./module/modules.ts";
import type { Pace } from "./pace.ts";
import { SIMULATED_PACE } from "./pace.ts";
import { contentsOf } from "./recorded.ts";
import type { Trace } from "../trace.ts";
import { traceOf } from "../trace.ts";

export interface WorldOptions {
  /** Default 1. */
  readonly seed?: number;
  readonly cluster?: ClusterSize;
  readonly controllers?: readonly ControllerUnderTest[];
  /** From the moment that `work` begins. */
  readonly faults?: FaultPlan;
  /** Virtual time that `work` may take. Default 600,000. */
  readonly limitMs?: number;
}

export interface ClusterSize {
  /** 1, 3, 5 or 7; default 1. */
  readonly masters?: number;
  /** Default 1. */
  readonly workers?: number;
}

/** What steps and oracles see of it, in every mode. */
export interface World {
  /** As `kubernetes-admin`. */
  readonly client: Client;
  readonly history: History;
  /** Names of the controllers' replicas, also of those that only a fault starts. */
  readonly controllers: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** Time since the start of the run: virtual in the simulation. */
  readonly nowMs: number;
  /** Ends an actor, or a controller under test, as a crash would; it is started again. */
  kill(name: string): void;
  /** Lets things go wrong by a plan, from now on, instead of the one before. Errors: INVALID_FAULT_PLAN. */
  faults(plan: FaultPlan): void;
  /** Ends every fault. */
  heal(): void;
  /** State right after a revision; default: the newest. */
  state(revision?: number): State;
  /**
   * Waits until the controllers under test, and nodes that a fault has lost, are up, and controllers have written nothing for a
   * while, and nothing else has changed.
   * False when that is not so within `limitMs`.
   */
  settle(options?: { readonly quietMs?: number; readonly limitMs?: number }): Promise<boolean>;
  /** Asks `predicate` now and then until it answers true. Errors: NOT_CONVERGED, telling that `what` did not come. */
  until(what: string, predicate: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
}

/** What a run needs of it beside. */
export interface RunWorld extends World {
  readonly pace: Pace;
  /** Every actor and every controller is up, and the plan is in force. Errors: CONTROLLER_FAILED, CHAOS_FAILS_WITHOUT_FAULTS. */
  start(): Promise<void>;
  /** Lets time pass until `work` is done. Errors: DEADLINE_EXCEEDED, CONTROLLER_FAILED, and the work's own. */
  run<T>(work: () => Promise<T>, limitMs: number): Promise<T>;
  /** All that etcd has is known. */
  caughtUp(): Promise<void>;
  /** What actors and controllers died of that was their own failure. */
  readonly crashes: readonly Crash[];
  /** Of the whole trace: equal for equal runs. Undefined where no two runs are. */
  readonly digest: string | undefined;
  /** Of all that happened so far. Undefined of a real cluster, which keeps its own. */
  readonly record: TraceRecord | undefined;
  /** Why the controllers are not at rest, where more is known than that; of now. */
  readonly unrest: string | undefined;
  /** Why the history lacks something of what happened, and can't be judged; undefined: it does not. */
  readonly gap: string | undefined;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

/** Told which actor's step comes next; undefined: the simulation's own. */
export type OnStep = (actor: string | undefined) => void;

const LOOK_MS = 50;
const UNTIL_MS = 30_000;
const REOPEN_MS = 50;
const { quietMs: QUIET_MS, settleMs: SETTLE_MS } = SIMULATED_PACE;
/** In the words of the simulation's guard. */
const GUARDED = "was used in the simulation";
/** All keys: from the first possible one on. */
const EVERYTHING = { key: "\0", rangeEnd: "\0" };
/** The roles and flow schemas of a fresh control plane, which nobody asks for here and which cost more than all the rest. */
const NO_INITIAL_OBJECTS_MS = 86_400_000;

export class SimulatedWorld implements RunWorld {
  readonly client: Client;
  readonly history: History;
  readonly controllers: readonly string[];
  readonly pace: Pace = SIMULATED_PACE;
  readonly unrest: string | undefined = undefined;
  readonly gap: string | undefined = undefined;
  private readonly gates = new Gates();
  private readonly seconds: readonly string[];
  /** Seconds that run, and what ends them. */
  private readonly running = new Map<string, Timer>();
  protected readonly cluster: SimulatedCluster;
  private readonly plan: FaultPlan | undefined;
  /** Who tells whether nodes are up, where a plan may lose some. */
  private lossy: readonly string[] = [];

  /**
   * @param programs those of modules, where several worlds share them; errors: CONTROLLER_FAILED, INVALID_EXPLORATION
   * @param onStep told before each step which actor's it is
   */
  constructor(options: WorldOptions, programs: Programs = new Programs(), onStep?: OnStep) {
    const controllers = (options.controllers ?? []).map(simulated);
    const modules = new Modules(controllers, programs, (error) => this.cluster.host.world.fail(error));
    this.seconds = controllers.flatMap(secondsOf);
    this.controllers = [...controllers.flatMap(replicasOf), ...this.seconds];
    for (const second of this.seconds) this.gates.close(second);
    this.history = new History(this.controllers);
    this.plan = options.faults;
    const masters = options.cluster?.masters ?? 1;
    const apiServers = Array.from({ length: masters }, (_, index) => `api-server-${index}`);
    const history = this.history;
    this.cluster = new SimulatedCluster({
      seed: options.seed ?? 1,
      masters,
      workers: options.cluster?.workers ?? 1,
      // Applied later, and by then every actor has its boundary.
      faults: { faults: [] },
      apiServer: { initialObjectsAfterMs: NO_INITIAL_OBJECTS_MS },
      onFault: (fault, what) => this.struck(fault, what),
      witness: history,
      ...(onStep === undefined ? {} : { onStep }),
      ...(controllers.length === 0 ? {} : { others: controllersTree(controllers, apiServers, this.gates, modules) }),
      ...(modules.foreign.size === 0
        ? {}
        : { http: { port: API_PORT, tokens: modules.tokens }, foreign: modules.foreign }),
    });
    this.client = new Client(this.cluster.host.context, this.cluster.apiServers, { checksBodies: true });
    this.cluster.host.trace.onEvent(({ kind, detail }) => {
      if (kind !== "write") return;
      const found = /(?:^| )revision=(\d+)(?: .*)? user=(\S+)/.exec(detail);
      if (found !== null) history.wrote(Number(found[1]), found[2] ?? "");
    });
  }

  async start(): Promise<void> {
    this.follow(1, 0);
    await named(() => this.cluster.start());
    this.gates.main.open();
    await this.run(() => this.settle(), 2 * SETTLE_MS);
    this.history.beganMs = this.cluster.host.nowMs;
    if (this.plan !== undefined) this.faults(this.plan);
  }

  run<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
    return named(() => this.cluster.run(work, limitMs));
  }

  get clock(): Clock {
    return this.cluster.clock;
  }

  get random(): Random {
    return this.cluster.host.context.random;
  }

  get nowMs(): number {
    return this.cluster.host.nowMs;
  }

  kill(name: string): void {
    this.cluster.host.kill(name, { disk: "kept" });
  }

  faults(plan: FaultPlan): void {
    this.cluster.host.applyFaults(plan);
    this.lossy = plan.faults.some(({ kind }) => kind === "node-loss") ? this.cluster.runtimes : [];
  }

  heal(): void {
    this.cluster.host.endFaults();
    this.lossy = [];
    for (const second of [...this.running.keys()]) this.endSecond(second);
    this.history.healedMs = this.nowMs;
  }

  state(revision?: number): State {
    return this.history.stateAt(revision);
  }

  async settle(options: { readonly quietMs?: number; readonly limitMs?: number } = {}): Promise<boolean> {
    const { quietMs = QUIET_MS, limitMs = SETTLE_MS } = options;
    const sinceMs = this.nowMs;
    for (;;) {
      const quietSinceMs = Math.max(sinceMs, this.history.lastActivityMs);
      const areUp = [...this.controllers, ...this.lossy].every((name) => this.cluster.host.isActing(name));
      if (areUp && this.nowMs - quietSinceMs >= quietMs) return true;
      const leftMs = sinceMs + limitMs - this.nowMs;
      if (leftMs <= 0) return false;
      await this.clock.sleep(Math.min(leftMs, Math.max(LOOK_MS, areUp ? quietSinceMs + quietMs - this.nowMs : 0)));
    }
  }

  until(what: string, predicate: () => boolean | Promise<boolean>, limitMs: number = UNTIL_MS): Promise<void> {
    return this.cluster.until(what, limitMs, async () => predicate());
  }

  get digest(): string {
    return this.cluster.host.trace.digest;
  }

  /** What has happened so far, also before the work began: as `cluster.trace` of a cluster that runs. */
  get trace(): Trace {
    return traceOf(this.record);
  }

  get record(): TraceRecord {
    return new TraceRecord(contentsOf(this.cluster.host.trace.events, this.history));
  }

  get crashes(): readonly Crash[] {
    return this.cluster.host.crashes;
  }

  async close(): Promise<void> {
    // Nothing of it runs on by itself.
  }

  async caughtUp(): Promise<void> {
    const { revision } = await this.cluster.host.context.ref(etcdProtocol, this.member(0)).call("readIndex", null);
    await this.until(`revision ${revision} of etcd`, () => this.history.revision >= revision);
  }

  private struck(fault: Fault, what: string): void {
    this.history.struck.push({ atMs: this.nowMs, fault: fault.id, kind: fault.kind, what });
    if (fault.kind === "controller-twice") this.startSeconds(fault.by, fault.forMs);
  }

  private startSeconds(by: string, forMs: number): void {
    for (const second of namesAt(secondOf(by), this.seconds)) {
      this.running.get(second)?.cancel();
      this.gates.of(second).open();
      this.running.set(
        second,
        this.clock.after(forMs, () => this.endSecond(second)),
      );
    }
  }

  private endSecond(second: string): void {
    this.running.get(second)?.cancel();
    this.running.delete(second);
    this.gates.close(second);
    this.kill(second);
  }

  private member(index: number): string {
    return this.cluster.members[index % this.cluster.members.length]!;
  }

  /** Everything that etcd stores, from a member; from the next one when that ends. */
  private follow(startRevision: number, index: number): void {
    const { context } = this.cluster.host;
    context.ref(etcdProtocol, this.member(index)).stream(
      "watch",
      { ...EVERYTHING, startRevision },
      {
        next: (response) => this.history.take(response, this.nowMs),
        end: () => void context.clock.after(REOPEN_MS, () => this.follow(this.history.revision + 1, index + 1)),
      },
    );
  }
}

/** Errors: INVALID_EXPLORATION. */
function simulated(controller: ControllerUnderTest): SimulatedController {
  if (isSimulated(controller)) return controller;
  throw new InkubeError(
    "INVALID_EXPLORATION",
    `the controller ${controller.name} runs outside of the simulation: explore it in the mode external`,
  );
}

/** What the guard of the machine's clock throws is a controller's failure. */
async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes(GUARDED)) throw error;
    throw new InkubeError("CONTROLLER_FAILED", error.message.replace("the context", "Env"), { cause: error });
  }
}
