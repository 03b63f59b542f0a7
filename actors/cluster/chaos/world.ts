/**
 * A simulated cluster for a program's own work: on virtual time, from one seed, with controllers under test beside the
 * cluster's own actors. Time passes only while something of it is awaited within `simulate`.
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
import { SimulatedCluster } from "../simulation/simulated-cluster.ts";
import type { ControllerUnderTest } from "./controller.ts";
import { controllersTree, Gates, replicasOf, secondsOf } from "./controller.ts";
import type { State } from "./history.ts";
import { History } from "./history.ts";
import { API_PORT, Modules, Programs } from "./module/modules.ts";

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

/** Told which actor's step comes next; undefined: the simulation's own. */
export type OnStep = (actor: string | undefined) => void;

/** Nothing has changed for so long: controllers have done what there was to do, but for what they put off. */
const QUIET_MS = 300;
const SETTLE_MS = 5_000;
const LOOK_MS = 50;
const UNTIL_MS = 30_000;
const LIMIT_MS = 600_000;
const REOPEN_MS = 50;
/** In the words of the simulation's guard. */
const GUARDED = "was used in the simulation";
/** All keys: from the first possible one on. */
const EVERYTHING = { key: "\0", rangeEnd: "\0" };
/** The roles and flow schemas of a fresh control plane, which nobody asks for here and which cost more than all the rest. */
const NO_INITIAL_OBJECTS_MS = 86_400_000;

/**
 * Runs `work` in a world of its own, and gives what it returns. Errors: INVALID_FAULT_PLAN, CONTROLLER_FAILED when a
 * controller used the machine's clock, timers or random numbers, and what `work` throws.
 */
export async function simulate<T>(options: WorldOptions, work: (world: World) => Promise<T>): Promise<T> {
  const world = new World(options);
  await world.start();
  const result = await world.run(() => work(world), options.limitMs ?? LIMIT_MS);
  return result;
}

export class World {
  /** As `kubernetes-admin`. */
  readonly client: Client;
  readonly history: History;
  /** Names of the controllers' actors, also of those that only a fault starts. */
  readonly controllers: readonly string[];
  private readonly gates = new Gates();
  private readonly seconds: readonly string[];
  /** Seconds that run, and what ends them. */
  private readonly running = new Map<string, Timer>();
  private readonly cluster: SimulatedCluster;
  private readonly plan: FaultPlan | undefined;

  /**
   * @param programs those of modules, where several worlds share them; errors: CONTROLLER_FAILED
   * @param onStep told before each step which actor's it is
   */
  constructor(options: WorldOptions, programs: Programs = new Programs(), onStep?: OnStep) {
    const controllers = options.controllers ?? [];
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

  /** Every actor is up, every node Ready. */
  async start(): Promise<void> {
    this.follow(1, 0);
    await named(() => this.cluster.start());
    this.gates.main.open();
    await this.run(() => this.settle(), 2 * SETTLE_MS);
    this.history.beganMs = this.cluster.host.nowMs;
    if (this.plan !== undefined) this.faults(this.plan);
  }

  /** Lets time pass until `work` is done. Errors: DEADLINE_EXCEEDED, CONTROLLER_FAILED, and the work's own. */
  run<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
    return named(() => this.cluster.run(work, limitMs));
  }

  get clock(): Clock {
    return this.cluster.clock;
  }

  get random(): Random {
    return this.cluster.host.context.random;
  }

  /** Virtual time since the start of the run. */
  get nowMs(): number {
    return this.cluster.host.nowMs;
  }

  /** Ends an actor as a crash would; its supervisor starts it again. */
  kill(name: string): void {
    this.cluster.host.kill(name, { disk: "kept" });
  }

  /** Lets things go wrong by a plan, from now on, instead of the one before. Errors: INVALID_FAULT_PLAN. */
  faults(plan: FaultPlan): void {
    this.cluster.host.applyFaults(plan);
  }

  /** Ends every fault. */
  heal(): void {
    this.cluster.host.endFaults();
    for (const second of [...this.running.keys()]) this.endSecond(second);
    this.history.healedMs = this.nowMs;
  }

  /** State right after a revision; default: the newest. */
  state(revision?: number): State {
    return this.history.stateAt(revision);
  }

  /**
   * Waits until the controllers under test are up and have written nothing for a while, and nothing else has changed.
   * False when that is not so within `limitMs`.
   */
  async settle(options: { readonly quietMs?: number; readonly limitMs?: number } = {}): Promise<boolean> {
    const { quietMs = QUIET_MS, limitMs = SETTLE_MS } = options;
    const sinceMs = this.nowMs;
    for (;;) {
      const quietSinceMs = Math.max(sinceMs, this.history.lastActivityMs);
      const areUp = this.controllers.every((name) => this.cluster.host.isActing(name));
      if (areUp && this.nowMs - quietSinceMs >= quietMs) return true;
      const leftMs = sinceMs + limitMs - this.nowMs;
      if (leftMs <= 0) return false;
      await this.clock.sleep(Math.min(leftMs, Math.max(LOOK_MS, areUp ? quietSinceMs + quietMs - this.nowMs : 0)));
    }
  }

  /** Asks `predicate` now and then until it answers true. Errors: NOT_CONVERGED, telling that `what` did not come. */
  until(what: string, predicate: () => boolean | Promise<boolean>, limitMs: number = UNTIL_MS): Promise<void> {
    return this.cluster.until(what, limitMs, async () => predicate());
  }

  /** Of the whole trace: equal for equal runs. */
  get digest(): string {
    return this.cluster.host.trace.digest;
  }

  /** What actors died of that was their own failure. */
  get crashes(): readonly Crash[] {
    return this.cluster.host.crashes;
  }

  /** All that etcd has is known. */
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

/** What the guard of the machine's clock throws is a controller's failure. */
async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes(GUARDED)) throw error;
    throw new InkubeError("CONTROLLER_FAILED", error.message.replace("the context", "Env"), { cause: error });
  }
}
