/**
 * Runs a tree of actors in one thread on virtual time: the same definitions, supervised by the same core, over links,
 * disks, a network and clocks that are made of one seed. Two runs with one seed, one program and one major version of
 * Node record the same trace, byte for byte.
 *
 * ```ts
 * const host = new SimulationHost({ seed: 7, spec, definitions: { counter: counterActor }, embedder: { name: "cluster", links: ["counter-0"] } });
 * await host.start();
 * const counter = host.context.ref(counterProtocol, "counter-0");
 * await host.settle(() => counter.call("add", { by: 1 }));
 * host.kill("counter-0");
 * await host.run(1_000);
 * ```
 *
 * Time stands still outside of `start`, `run`, `runUntil`, `settle` and `stop`.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Methods } from "../../protocols/protocol.ts";
import type { Actor, ActorDefinition, Context, DownReason, Mark } from "../actor.ts";
import { Cell } from "../cell.ts";
import type { CellHost } from "../cell.ts";
import { makeContext, recorderLogger } from "../context.ts";
import type { ActorStatistics, Introspectable, Tracing } from "../introspection.ts";
import { ANSWER_TIMEOUT_MS, LAST_MESSAGES, newestMessages } from "../introspection.ts";
import type { ChildSpec, SupervisorSpec } from "../supervisor/spec.ts";
import { actorsOf, namesOfKind } from "../supervisor/spec.ts";
import { Machines } from "../supervisor/machines.ts";
import type { SupervisorEvent } from "../supervisor/supervisor.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import type { TraceEvent } from "../trace/event.ts";
import { Lives, SUPERVISOR } from "../trace/lives.ts";
import { Recorder } from "../trace/recorder.ts";
import type { DecisionLog } from "./decisions.ts";
import type { ActiveFaults } from "../faults/boundary.ts";
import { FaultBoundary, NO_FAULTS, NO_OWN_FAULTS } from "../faults/boundary.ts";
import { FaultDriver } from "../faults/driver.ts";
import { FaultyDisk } from "../faults/faulty-disk.ts";
import { LinkGate } from "../faults/link-gate.ts";
import type { DiskFate, Fault, FaultPlan } from "../faults/plan.ts";
import { endsOnlyAs, SLOW_PERIOD_MS } from "../faults/plan.ts";
import type { EventOwner, Foreign, SimEvent } from "./event-queue.ts";
import type { MetricFamily } from "../metrics/metrics.ts";
import { Metrics } from "../metrics/metrics.ts";
import { askActor } from "./sim-introspection.ts";
import { SimClock } from "./sim-clock.ts";
import { SimDisk } from "./sim-disk.ts";
import { simIds } from "./sim-ids.ts";
import type { LinkEnd, LinkFault, LinkLatency, LinkSession, Wire } from "./sim-links.ts";
import { SimLinks } from "./sim-links.ts";
import type { SimNet } from "./sim-net.ts";
import { SimNetwork } from "./sim-net.ts";
import { SimTurns } from "./sim-turns.ts";
import { TraceLog } from "./trace-log.ts";
import { World } from "./world.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- definitions of any protocol and options
export type Definitions = { readonly [actor: string]: ActorDefinition<any, any> };

export interface SimulationOptions {
  readonly seed: number;
  readonly spec: SupervisorSpec;
  /** What a child's `actor` stands for. */
  readonly definitions: Definitions;
  /** The program around the cluster, which takes part under this name; specs may link to it. */
  readonly embedder?: { readonly name: string; readonly links: readonly string[] };
  readonly epochMs?: number;
  /** Writes down every random decision of the run; `DecisionLog.toBytes` when it is over. */
  readonly record?: DecisionLog;
  /** Repeats a recorded run without the random generator; the first difference ends it with SIMULATION_DIVERGED. */
  readonly replay?: DecisionLog;
  /** What goes wrong, from the moment that `start` has resolved; see `faults/plan.ts`. */
  readonly faults?: FaultPlan;
  readonly onFault?: (fault: Fault, what: string) => void;
  readonly latency?: LinkLatency;
  /** Default: `bytes` with each sixteenth seed, so that nothing comes to rely on what only a copy carries; else `copies`. */
  readonly wire?: Wire;
  /** A new thread, as a range; a warm spare is near its start. Default 2 to 5 ms. */
  readonly startMs?: readonly [number, number];
  /** From a death to its supervisor's knowing. Default 0.5 to 3 ms. */
  readonly noticeMs?: readonly [number, number];
  /** How long an actor may hang before it is killed. Default 3,000, as on threads. */
  readonly hangAfterMs?: number;
  readonly traceEventsMax?: number;
  readonly onSupervisor?: (event: SupervisorEvent) => void;
  /** Of actors whose code was written for Node's own queues (streams, `process.nextTick`), by name. */
  readonly foreign?: ReadonlyMap<string, Foreign>;
  /** Told before each step which actor's it is; undefined: the simulation's own. It must not change anything. */
  readonly onStep?: (actor: string | undefined) => void;
}

export type { DiskFate } from "../faults/plan.ts";

/** An actor that died of its own failure. */
export interface Crash {
  readonly actor: string;
  readonly atMs: number;
  readonly error: unknown;
}

const START_MS: readonly [number, number] = [2, 5];
const NOTICE_MS: readonly [number, number] = [0.5, 3];
const HANG_AFTER_MS = 3_000;
const SEEDS_TO_ONE_OF_BYTES = 16;
const EMBEDDER = { name: "embedder", links: [] };

interface Incarnation extends LinkEnd {
  readonly spec: ChildSpec | undefined;
  readonly clock: SimClock;
  readonly net: SimNet;
  readonly stopping: AbortController;
  readonly context: Context;
  readonly boundary: FaultBoundary | undefined;
  actor: Actor<Methods> | undefined;
  watchdog: SimEvent | undefined;
  readonly onDeath: Set<() => void>;
  readonly settleStart: { resolve: () => void; reject: (error: Error) => void };
  readonly timers: SimEvent[];
}

export class SimulationHost implements Introspectable {
  readonly world: World;
  readonly trace: TraceLog;
  readonly network: SimNetwork;
  readonly supervisor: Supervisor;
  /** What the embedding program has of the cluster. */
  readonly context: Context;
  /** Broken invariants, in order: most tests want none. */
  readonly crashes: Crash[] = [];
  private readonly options: SimulationOptions;
  private readonly links: SimLinks;
  private readonly lives: Lives;
  private readonly disks = new Map<string, SimDisk>();
  private readonly running = new Map<string, Incarnation>();
  private readonly starts = new Map<string, number>();
  private readonly skewsMs = new Map<string, number>();
  private readonly embedder: Incarnation;
  private readonly machines: Machines;
  private driver: FaultDriver | undefined;
  /** Actors that a plan keeps down. */
  private readonly downUntilUs = new Map<string, number>();
  /** What the plan has in force, by actor. */
  private readonly faults = new Map<string, ActiveFaults>();

  /** Errors: INVALID_SPEC; INVALID_FAULT_PLAN. */
  constructor(options: SimulationOptions) {
    this.options = options;
    this.world = new World({
      seed: options.seed,
      ...(options.epochMs === undefined ? {} : { epochMs: options.epochMs }),
      ...(options.record === undefined ? {} : { record: options.record }),
      ...(options.replay === undefined ? {} : { replay: options.replay }),
      ...(options.onStep === undefined ? {} : { onStep: ({ name }: EventOwner) => options.onStep?.(name) }),
    });
    this.trace = new TraceLog(options.traceEventsMax);
    this.network = new SimNetwork(this.world);
    this.links = new SimLinks(this.world, options.wire ?? wireOf(options.seed), options.latency);
    const embedder = options.embedder ?? EMBEDDER;
    const clock = new SimClock(this.world, this.world.itself, this.world.random("schedule"));
    this.lives = new Lives(new Recorder(SUPERVISOR, clock, this.trace.sink(SUPERVISOR)));
    this.supervisor = new Supervisor(
      options.spec,
      {
        admit: (specs) => this.admit(specs),
        dismiss: (names) => {
          for (const name of names) this.links.dismiss(name);
        },
        prepare: (spec) => this.prepareActor(spec),
        discard: () => undefined,
        handOver: (name, forMs) => this.handOver(name, forMs),
        start: (spec, handedOver) => this.startActor(spec, handedOver),
        stop: (name, deadlineMs) => this.stopActor(name, deadlineMs),
        kill: (name) => this.killActor(name),
      },
      {
        clock,
        lives: this.lives,
        random: this.world.random("supervisor"),
        externals: [embedder.name],
        ...(options.onSupervisor === undefined ? {} : { onEvent: options.onSupervisor }),
      },
    );
    this.machines = new Machines(this.supervisor);
    this.plan(actorsOf(options.spec));
    for (const peer of embedder.links) this.links.pair(embedder.name, peer);
    this.embedder = this.makeEnd(embedder.name, undefined, { resolve: () => undefined, reject: () => undefined });
    this.links.join(this.embedder);
    this.context = this.embedder.context;
    if (options.faults !== undefined) this.driver = new FaultDriver(options.faults, this.faultTarget(options));
  }

  get nowMs(): number {
    return this.world.nowUs / 1_000;
  }

  /** Runs until every actor is up. Rejects when the tree gives up, or with DEADLINE_EXCEEDED. */
  async start(limitMs = 60_000): Promise<void> {
    await this.settle(() => this.supervisor.start(), limitMs);
    this.driver?.start();
  }

  /**
   * Lets things go wrong by another plan, from now on; that of the options ends. Only of a host that was made with a plan,
   * be it empty. Errors: INVALID_FAULT_PLAN.
   */
  applyFaults(plan: FaultPlan): void {
    if (this.options.faults === undefined) throw new Error("the simulation was made without faults");
    const driver = new FaultDriver(plan, this.faultTarget(this.options));
    this.driver?.stop();
    this.driver = driver;
    driver.start();
  }

  /** Ends the faults of the plan, and begins none any more. */
  endFaults(): void {
    this.driver?.stop();
  }

  /** Runs until every actor has ended. */
  stop(limitMs = 60_000): Promise<void> {
    return this.settle(() => this.supervisor.stop(), limitMs);
  }

  /** Lets virtual time pass. */
  run(forMs: number): Promise<void> {
    return this.world.run({ untilUs: this.world.nowUs + Math.round(forMs * 1_000) });
  }

  /** Runs until `predicate`, asked after each step, is true. Rejects with DEADLINE_EXCEEDED after `limitMs`. */
  async runUntil(predicate: () => boolean, limitMs: number): Promise<void> {
    const untilUs = this.world.nowUs + Math.round(limitMs * 1_000);
    let met = false;
    await this.world.run({ untilUs, until: () => (met = predicate()) });
    if (!met) throw new InkubeError("DEADLINE_EXCEEDED", `not within ${limitMs} ms of simulated time`);
  }

  /** Time stands still, from the end of this turn on, until `work` is done; it may run another simulation. */
  standStill(work: () => Promise<void>): void {
    this.world.hold(work);
  }

  /** Runs until what `work` returns is settled, and gives its outcome. */
  async settle<T>(work: () => Promise<T>, limitMs = 60_000): Promise<T> {
    let outcome: (() => T) | undefined;
    this.world.schedule(0, this.world.itself, () => {
      work().then(
        (value) => void (outcome = () => value),
        (error: unknown) => {
          outcome = () => {
            throw error;
          };
        },
      );
    });
    await this.runUntil(() => outcome !== undefined, limitMs);
    return outcome!();
  }

  /** Names of the actors that run now. */
  get actors(): readonly string[] {
    return [...this.running.keys()];
  }

  /** Whether an actor of that name has started, is alive and does not hang. */
  isActing(name: string): boolean {
    const incarnation = this.running.get(name);
    return incarnation?.actor !== undefined && incarnation.alive && incarnation.hanging === undefined;
  }

  // Looking into a running actor; see `Introspectable`. The answers come while time passes, as in `settle`.

  statistics(name: string): Promise<ActorStatistics> {
    return this.ask(name, ANSWER_TIMEOUT_MS, ({ cell }) => cell.statistics());
  }

  state(name: string): Promise<unknown> {
    return this.ask(name, ANSWER_TIMEOUT_MS, ({ actor }) => structuredClone(actor?.state?.()));
  }

  metrics(name: string): Promise<readonly MetricFamily[]> {
    return this.ask(name, ANSWER_TIMEOUT_MS, ({ context }) => structuredClone(context.metrics.families()));
  }

  suspend(name: string): Promise<void> {
    return this.ask(name, ANSWER_TIMEOUT_MS, ({ cell }) => cell.suspend());
  }

  resume(name: string): Promise<void> {
    return this.ask(name, ANSWER_TIMEOUT_MS, ({ cell }) => cell.resume());
  }

  lastMessages(name: string, count: number = LAST_MESSAGES): readonly TraceEvent[] {
    return newestMessages(
      this.trace.events.filter(({ actor }) => actor === name),
      count,
    );
  }

  /** At once, within the step that records it. */
  follow(name: string, wanted: (event: TraceEvent) => boolean, onEvent: (event: TraceEvent) => void): Tracing {
    const stop = this.trace.onEvent((event) => {
      if (event.actor === name && wanted(event)) onEvent(event);
    });
    return { stop };
  }

  private ask<T>(name: string, limitMs: number, work: (actor: Incarnation) => T | Promise<T>): Promise<T> {
    const incarnation = this.running.get(name);
    return askActor(this.world, name, incarnation, limitMs, () => work(incarnation!));
  }

  // Faults

  /**
   * Ends an actor as a power failure of its machine would, or, with its disk kept, as a failure of its thread; its
   * supervisor restarts it. Does nothing when it is down. Other deaths keep the disk: the kernel outlives a thread.
   */
  kill(name: string, options: { readonly disk?: DiskFate; readonly reason?: DownReason } = {}): void {
    const incarnation = this.running.get(name);
    if (incarnation === undefined || !incarnation.alive) return;
    const reason = options.reason ?? "killed";
    if (!this.lives.isBlamed(name, reason)) this.lives.blame(name, this.lives.asked("kill", name));
    const disk = this.disk(name);
    if (options.disk === "lost") disk.wipe();
    if (options.disk === undefined || options.disk === "crash") disk.crash();
    this.die(incarnation, reason, undefined);
  }

  /** The actor does nothing any more, as in an endless loop; it is killed after `hangAfterMs`. */
  hang(name: string): void {
    const incarnation = this.pause(name);
    if (incarnation === undefined) return;
    if (!this.lives.isBlamed(name, "hang")) this.lives.struck("hang", "actor-hang", name, "hang");
    const hangAfterMs = this.options.hangAfterMs ?? HANG_AFTER_MS;
    incarnation.watchdog = this.world.schedule(hangAfterMs * 1_000, this.world.itself, () => {
      if (incarnation.alive && incarnation.hanging !== undefined) this.die(incarnation, "hang", undefined);
    });
  }

  /** Stops an actor in its tracks for a while, as a long garbage collection does. */
  stall(name: string, forMs: number): void {
    const incarnation = this.pause(name);
    if (incarnation === undefined) return;
    this.world.schedule(forMs * 1_000, this.world.itself, () => this.world.resume(incarnation));
  }

  /**
   * Cuts the links between two groups of actors, both ways unless `oneWay`. What is sent is held back; after
   * `breakAfterMs` (default: never) the links break and each end sees the other go down.
   */
  partition(
    left: readonly string[],
    right: readonly string[],
    options: { readonly oneWay?: boolean; readonly breakAfterMs?: number } = {},
  ): void {
    const why = this.lives.told("partition", "partition", `cuts ${left.join()} from ${right.join()}`);
    for (const [from, to] of pairsOf(left, right)) {
      this.links.cut(from, to);
      if (options.oneWay !== true) this.links.cut(to, from);
      if (options.breakAfterMs === undefined) continue;
      this.world.schedule(options.breakAfterMs * 1_000, this.world.itself, () => {
        if (this.links.isCut(from, to)) this.links.break(from, to, why);
      });
    }
  }

  heal(left: readonly string[], right: readonly string[]): void {
    for (const [from, to] of pairsOf(left, right)) {
      this.links.heal(from, to);
      this.links.heal(to, from);
      this.links.mend(from, to);
    }
  }

  /** Slows, drops or doubles what `from` sends to `to`; undefined ends it. */
  faultLink(from: string, to: string, fault: LinkFault | undefined): void {
    this.links.setFault(from, to, fault);
  }

  /** Sets an actor's wall clock off, also for its next incarnations. */
  skewClock(name: string, skewMs: number): void {
    this.skewsMs.set(name, skewMs);
    const incarnation = name === this.embedder.name ? this.embedder : this.running.get(name);
    if (incarnation !== undefined) incarnation.clock.skewMs = skewMs;
  }

  /** An actor's storage, for faults and for looking into it. */
  disk(name: string): SimDisk {
    let disk = this.disks.get(name);
    if (disk === undefined) {
      disk = new SimDisk(this.world, this.world.random(`disk/${name}`));
      this.disks.set(name, disk);
    }
    return disk;
  }

  // A plan's host

  private faultTarget(options: SimulationOptions): ConstructorParameters<typeof FaultDriver>[1] {
    const { world } = this;
    return {
      actors: () => actorsOf(this.supervisor.spec()).map(({ name }) => name),
      outsiders: [this.embedder.name],
      areLinked: (left, right) => this.links.arePaired(left, right),
      actorsOf: (kind) => namesOfKind(actorsOf(this.supervisor.spec()), kind),
      machines: () => this.machines.names(),
      loseMachine: (name) => {
        const back = this.machines.lose(name);
        if (back === undefined) this.lives.forgive(name);
        return back === undefined ? undefined : () => void back();
      },
      upgradeMachine: (name) => void this.machines.upgrade(name),
      after: (delayMs, action) => {
        const event = world.schedule(delayMs * 1_000, world.itself, action);
        return () => void (event.action = undefined);
      },
      random: (label) => world.random(label),
      setFaults: (actor, faults) => this.setFaults(actor, faults),
      crash: (actor, disk, downMs = 0) => {
        this.kill(actor, { disk });
        this.downUntilUs.set(actor, world.nowUs + Math.round(downMs * 1_000));
      },
      exhaust: (actor) => this.kill(actor, { disk: "kept", reason: "out-of-memory" }),
      hang: (actor, forMs) => (forMs === undefined ? this.hang(actor) : this.stall(actor, forMs)),
      breakLink: (left, right, id) =>
        this.links.break(left, right, this.lives.told(id, "partition", `breaks ${left} and ${right}`)),
      mendLink: (left, right) => this.links.mend(left, right),
      onFault: (fault, what) => {
        this.lives.told(fault.id, fault.kind, what);
        options.onFault?.(fault, what);
      },
      onStrike: (fault, name) => this.strikes(fault, name),
    };
  }

  private strikes({ id, kind }: Fault, name: string): void {
    if (!this.running.has(name) && !this.machines.names().includes(name)) return;
    this.lives.struck(id, kind, name, endsOnlyAs(kind));
  }

  private setFaults(name: string, faults: ActiveFaults): void {
    const before = this.faults.get(name) ?? NO_FAULTS;
    this.faults.set(name, faults);
    for (const { peer, cut } of faults.links) if (cut) this.links.cut(name, peer);
    for (const { peer, cut } of before.links) {
      if (cut && faults.links.find((link) => link.peer === peer)?.cut !== true) this.links.heal(name, peer);
    }
    this.skewClock(name, (this.skewsMs.get(name) ?? 0) + faults.skewMs - before.skewMs);
    const incarnation = name === this.embedder.name ? this.embedder : this.running.get(name);
    incarnation?.boundary?.set(faults);
    if (faults.slowShare > 0 && before.slowShare === 0) this.slow(name);
  }

  private slow(name: string): void {
    const { slowShare } = this.faults.get(name) ?? NO_FAULTS;
    if (slowShare === 0) return;
    // One that hangs already does nothing anyway.
    if (this.running.get(name)?.hanging === undefined) this.stall(name, slowShare * SLOW_PERIOD_MS);
    this.world.schedule(SLOW_PERIOD_MS * 1_000, this.world.itself, () => this.slow(name));
  }

  private makeBoundary(name: string, owner: EventOwner, die: () => void): FaultBoundary {
    const { world } = this;
    const boundary = new FaultBoundary(name, {
      random: (label) => world.random(label),
      after: (delayMs, action) => void world.schedule(Math.ceil(delayMs * 1_000), owner, action),
      nowMs: () => this.nowMs,
      die,
      struck: (id, what) => this.driver?.struck(name, id, what),
      over: (id) => this.driver?.over(name, id),
    });
    boundary.set(this.faults.get(name) ?? NO_FAULTS);
    return boundary;
  }

  // The supervisor's host

  private plan(specs: readonly ChildSpec[]): void {
    for (const spec of specs) this.checkDefinition(spec);
    for (const { name, links } of specs) {
      this.links.plan(name);
      for (const peer of links) this.links.pair(name, peer);
    }
  }

  private async admit(specs: readonly ChildSpec[]): Promise<void> {
    this.plan(specs);
    for (const { name } of specs) this.links.declare(name);
    this.driver?.refresh();
  }

  private checkDefinition({ name, actor }: ChildSpec): void {
    if (Object.hasOwn(this.options.definitions, actor)) return;
    throw new InkubeError("INVALID_SPEC", `${name}: actor: there is no definition of ${actor}`);
  }

  private async prepareActor(spec: ChildSpec): Promise<void> {
    this.checkDefinition(spec);
  }

  private async handOver(name: string, forMs: number): Promise<unknown> {
    const incarnation = this.running.get(name);
    try {
      return await this.ask(name, forMs + ANSWER_TIMEOUT_MS, async ({ cell, actor }) => {
        cell.suspend();
        let timer: SimEvent | undefined;
        const timeIsUp = new Promise<void>((resolve) => {
          timer = this.world.schedule(forMs * 1_000, incarnation!, resolve);
        });
        await Promise.race([cell.settled(), timeIsUp]);
        timer!.action = undefined;
        return structuredClone(actor?.handOver?.());
      });
    } catch (error) {
      // It goes on as before; what to do is for who asked.
      if (incarnation !== undefined) this.world.schedule(0, incarnation, () => incarnation.cell.resume());
      throw error;
    }
  }

  private startActor(spec: ChildSpec, handedOver: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.running.has(spec.name)) throw new Error(`${spec.name} is already running`);
      const definition = this.options.definitions[spec.actor]!;
      const incarnation = this.makeEnd(spec.name, spec, { resolve, reject }, handedOver);
      this.running.set(spec.name, incarnation);
      const keptDownUs = Math.max(0, (this.downUntilUs.get(spec.name) ?? 0) - this.world.nowUs);
      this.world.schedule(keptDownUs + this.draw(this.options.startMs ?? START_MS), incarnation, () => {
        const { recorder, context } = incarnation;
        recorder.start(spec.name, context.incarnation, this.lives.originOf(spec.name), () =>
          this.links.join(incarnation),
        );
        // In a promise's job of its own, so that what `start` throws at once is treated like what it rejects with.
        Promise.resolve()
          .then(() => recorder.because(recorder.started, () => definition.start(context)))
          .then(
            (actor: Actor<Methods>) => {
              if (!incarnation.alive) return;
              incarnation.actor = actor;
              incarnation.cell.activate(definition.protocol, actor.handlers);
              timeout.action = undefined;
              resolve();
            },
            (error: unknown) => {
              if (!(error instanceof InkubeError)) this.noteCrash(incarnation, error);
              this.die(incarnation, "throw", error as Error);
            },
          );
      });
      const timeout = this.world.schedule(keptDownUs + spec.startTimeoutMs * 1_000, this.world.itself, () => {
        const late = new InkubeError(
          "DEADLINE_EXCEEDED",
          `${spec.name} did not start within ${spec.startTimeoutMs} ms`,
          { retryable: true },
        );
        this.die(incarnation, "start-timeout", late);
      });
      incarnation.timers.push(timeout);
    });
  }

  private stopActor(name: string, deadlineMs: number): Promise<void> {
    const incarnation = this.running.get(name);
    if (incarnation === undefined) return Promise.resolve();
    const deadline = this.world.schedule(deadlineMs * 1_000, this.world.itself, () => {
      this.die(incarnation, "killed", undefined);
    });
    incarnation.timers.push(deadline);
    this.world.schedule(0, incarnation, () => {
      const end = async (): Promise<void> => {
        incarnation.recorder.event("stop", name);
        incarnation.stopping.abort();
        await incarnation.actor?.stop?.();
        incarnation.cell.close();
        this.world.schedule(0, incarnation, () => this.die(incarnation, "normal", undefined));
      };
      end().catch((error: unknown) => incarnation.crash(error));
    });
    return Promise.resolve();
  }

  private killActor(name: string): Promise<void> {
    this.kill(name);
    return Promise.resolve();
  }

  private makeEnd(
    name: string,
    spec: ChildSpec | undefined,
    settleStart: Incarnation["settleStart"],
    handedOver?: unknown,
  ): Incarnation {
    const count = (this.starts.get(name) ?? 0) + 1;
    this.starts.set(name, count);
    const { world } = this;
    const label = `${name}/${count}`;
    const ids = simIds(world.random(`ids/${label}`));
    const stopping = new AbortController();
    const foreign = this.options.foreign?.get(name);
    const owner = {
      name,
      spec,
      alive: true,
      hanging: undefined,
      links: new Map<string, LinkSession>(),
      stopping,
      actor: undefined,
      watchdog: undefined,
      onDeath: new Set<() => void>(),
      settleStart,
      timers: [],
      crash: (error: unknown): void => this.crashed(end, error),
      ...(foreign === undefined ? {} : { foreign }),
    };
    const boundary =
      this.options.faults === undefined
        ? undefined
        : this.makeBoundary(name, owner, () => this.die(end, "killed", undefined));
    const clock = new SimClock(world, owner, world.random(`schedule/${label}`));
    clock.skewMs = this.skewsMs.get(name) ?? 0;
    const recorder = new Recorder(name, clock, this.trace.sink(name));
    const log = recorderLogger(recorder);
    const cellHost: CellHost = {
      clock,
      recorder,
      log,
      transmit: (peer, envelopes, refuse) => this.links.transmit(end, peer, envelopes, refuse),
      atEndOfTurn: (action) => world.atEndOfTurn(action),
      progress: () => undefined,
      crash: owner.crash,
      turns: new SimTurns(world, owner, world.random(`turns/${label}`)),
    };
    const cell = new Cell(name, cellHost);
    const net = this.network.open(owner);
    const disk = this.disk(name).open(owner, `/simulated/${name}`);
    const context = makeContext(cell, {
      name,
      incarnation: ids.unique(),
      options: structuredClone(spec?.options),
      handedOver: structuredClone(handedOver),
      clock,
      random: world.random(`workload/${label}`),
      ids,
      disk: boundary === undefined ? disk : new FaultyDisk(disk, boundary),
      net,
      log,
      metrics: new Metrics(),
      recorder,
      faults: boundary?.own ?? NO_OWN_FAULTS,
      stopping: stopping.signal,
      crash: owner.crash,
    });
    const end: Incarnation = Object.assign(owner, {
      clock,
      recorder,
      cell,
      net,
      context,
      boundary,
      gate: boundary === undefined ? undefined : new LinkGate(boundary, { holdsCuts: false }),
    });
    return end;
  }

  private pause(name: string): Incarnation | undefined {
    const incarnation = this.running.get(name);
    if (incarnation !== undefined) incarnation.hanging ??= [];
    return incarnation;
  }

  private noteCrash(incarnation: Incarnation, error: unknown): void {
    this.crashes.push({ actor: incarnation.name, atMs: this.nowMs, error });
  }

  private crashed(incarnation: Incarnation, error: unknown): void {
    if (!incarnation.alive) return;
    // The embedding program has no supervisor.
    if (incarnation.spec === undefined) return this.world.fail(error);
    this.noteCrash(incarnation, error);
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const { recorder } = incarnation;
    const crash = recorder.mark(recorder.name(recorder.event("crash", incarnation.name, { error: said })));
    this.die(incarnation, "throw", error as Error, crash);
  }

  /** `own`: the actor's own event of it. */
  private die(incarnation: Incarnation, reason: DownReason, error: Error | undefined, own?: Mark): void {
    if (!incarnation.alive) return;
    const { name } = incarnation;
    const end = this.lives.ended(name, reason, own);
    incarnation.alive = false;
    for (const tell of [...incarnation.onDeath]) tell();
    if (incarnation.watchdog !== undefined) incarnation.watchdog.action = undefined;
    for (const timer of incarnation.timers) timer.action = undefined;
    incarnation.net.close();
    this.links.leave(incarnation, reason, end);
    this.world.schedule(this.draw(this.options.noticeMs ?? NOTICE_MS), this.world.itself, () => {
      this.running.delete(name);
      this.supervisor.actorDown(name, reason, error);
      incarnation.settleStart.reject(error ?? new InkubeError("ACTOR_DOWN", `${name} is down (${reason})`));
    });
  }

  private draw([fromMs, toMs]: readonly [number, number]): number {
    return (fromMs + (toMs - fromMs) * this.world.random("schedule").next()) * 1_000;
  }
}

function wireOf(seed: number): Wire {
  return seed % SEEDS_TO_ONE_OF_BYTES === 0 ? "bytes" : "copies";
}

function* pairsOf(left: readonly string[], right: readonly string[]): Generator<readonly [string, string]> {
  for (const from of left) for (const to of right) if (from !== to) yield [from, to];
}
