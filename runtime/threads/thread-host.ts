/**
 * Runs each actor on a worker thread of its own, and connects them: one port per pair of actors that a spec links,
 * brokered here once and then used without us. The embedder's own thread can join as one more peer.
 *
 * A link exists while both ends run. The first death sign a peer sees is its port closing, within a millisecond.
 */
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MessagePort, TransferListItem } from "node:worker_threads";
import { MessageChannel, Worker } from "node:worker_threads";
import { nanoid } from "nanoid";
import { InkubeError, hasCode } from "../../protocols/errors.ts";
import type { Down, DownDetails, DownReason } from "../actor.ts";
import type { ChildSpec } from "../supervisor/spec.ts";
import type { TraceEvent } from "../trace/event.ts";
import { Lives, SUPERVISOR } from "../trace/lives.ts";
import { Recorder } from "../trace/recorder.ts";
import { RingWriter, lastEventOf, makeRing, readRing } from "../trace/ring.ts";
import { hasNothing } from "../faults/boundary.ts";
import { checkPlan } from "../faults/check-plan.ts";
import type { Fault, FaultPlan } from "../faults/plan.ts";
import type { AppliedFaults, DrivenFaults, FaultCommand, FaultyHost, Others, PlanPart } from "./thread-faults.ts";
import { applyFaults } from "./thread-faults.ts";
import type { StartOutcome, StopReason, ThreadStatistics } from "./control.ts";
import type { Question } from "./introspection.ts";
import type { MetricFamily } from "../metrics/metrics.ts";
import type { ActorStatistics, HeapInUse, Introspectable, Tracing } from "../introspection.ts";
import { ANSWER_TIMEOUT_MS, LAST_MESSAGES, newestMessages } from "../introspection.ts";
import { LinkPairs } from "../link-pairs.ts";
import type { BootData } from "./boot-data.ts";
import { areOpen } from "./connections.ts";
import { ControlDoor } from "./control.ts";
import { hangStack } from "./hang-stack.ts";
import { HEAP_GUARD_SHARE, isHeapWarning } from "./heap-guard.ts";
import type { ThreadStart } from "./hosted-actor.ts";
import { makeDirectory } from "./make-directory.ts";
import { PreparedThreads } from "./prepared-threads.ts";
import { traceRing } from "./ring-tracing.ts";
import { keepThreadsKillable } from "./killable.ts";
import { StartQueue } from "./start-queue.ts";
import type { ThreadShare } from "./shared-threads.ts";
import { RELEASE_MS_MAX, SharedThreads } from "./shared-threads.ts";
import type { SpareOptions } from "./spare-threads.ts";
import { SpareThreads } from "./spare-threads.ts";
import type { Watchable, WatchdogOptions } from "./watchdog.ts";
import { WATCHDOG, Watchdog } from "./watchdog.ts";
import type { ThreadEnd } from "./worker-thread.ts";
import { CROWDED_PATIENCE, TERMINATE_MS, WorkerThread, detailsOf } from "./worker-thread.ts";
import { monotonicNowMs, clearTimeout, setTimeout } from "./machine-clock.ts";
import { resourceLimitsOf } from "./resource-limits.ts";
import { threadClock } from "./thread-clock.ts";

export interface ThreadHostOptions {
  /** Directory of the built bundles: `boot.cjs`, `shared-boot.cjs`, `actors/<actor>.cjs`. Default: this package's own. */
  readonly bundles?: string;
  /**
   * Entry files of actors that are not among the bundles: a CommonJS bundle (`.cjs`), or any module that Node.js imports.
   * Each calls `runActor` once.
   */
  readonly entries?: Readonly<Record<string, URL | string>>;
  /** Each actor gets a folder of its own in it. */
  readonly dataDir: string;
  /** Whether what an actor syncs must survive the machine. */
  readonly fsync: boolean;
  readonly watchdog?: WatchdogOptions;
  /** How long a thread may take to end once it is terminated; then it is given up as unkillable. */
  readonly terminateMs?: number;
  /** Share of its heap limit, 0 to 1, at which an actor is restarted gracefully. 0: never. */
  readonly heapGuardShare?: number;
  /** Threads that wait, so that a replacement need not start one. Default: none. */
  readonly spares?: SpareOptions;
  /** Leaves V8's flags as they are; a loop that V8 can't interrupt is then quarantined instead of ended. */
  readonly keepV8Flags?: boolean;
  /** Told once per death, also of deaths that were asked for. `error` has the stack of a throw or a hang. */
  readonly onDown: (name: string, reason: DownReason, error: Error | undefined, details: DownDetails) => void;
  /** Threads that could not be ended are as many now. Each holds a core or its memory until the process ends. */
  readonly onZombies?: (count: number) => void;
}

/** A peer that is not a thread of this host: the embedder's own cell. */
export interface LocalPeer {
  readonly name: string;
  /** It may refer to that actor from now on. */
  declare(peer: string): void;
  connect(peer: string, port: MessagePort): void;
  ending(down: Down): void;
  down(down: Down): void;
  fault(command: FaultCommand): void;
}

interface RunningThread {
  readonly worker: Worker;
  /** Moves with every message that the thread handles. */
  readonly progress: SharedArrayBuffer;
  /** Counts the connections that it has accepted and that are open. */
  readonly connections: SharedArrayBuffer;
  /** Its part in the worker, when it has not all of it. */
  readonly share: ThreadShare | undefined;
  readonly control: ControlDoor;
  readonly life: WorkerThread;
}

const CONTROL_TIMEOUT_MS = ANSWER_TIMEOUT_MS;
/** A snapshot of a full heap takes seconds. */
const SNAPSHOT_MS = 30_000;
/** Threads that boot at a time: a small cluster whole, a large one as fast as the cores can. */
const BOOTS_MIN = 24;
const BOOTS_PER_CORE = 4;
const START_TURN_MS = 250;
/** So many turns of starts ahead make a crowd. */
const CROWD_OF_BOOTS = 4;
/** The inspector answers in 20 to 100 ms; a thread in a native call never does, and must not delay its replacement. */
const STACK_TIMEOUT_MS = 400;
/** One that answers is in JavaScript, and its stack will come. */
const STACK_ANSWERING_MS = 2_000;
/** One that comes back to its event loop leaves within a turn; with `STACK_TIMEOUT_MS` less than `TERMINATE_MS`. */
const LEAVE_MS = 100;

export class ThreadHost implements Introspectable {
  private readonly options: ThreadHostOptions;
  private readonly threads = new Map<string, RunningThread>();
  /** Why actors end and start, in the flight recorder `supervisor`. */
  readonly lives: Lives;
  private readonly rings = new Map<string, SharedArrayBuffer>();
  private readonly locals = new Map<string, LocalPeer>();
  /** What plans have in force, by actor and plan, and the number of each actor's starts. */
  private readonly faults = new Map<string, Map<symbol, PlanPart>>();
  private readonly starts = new Map<string, number>();
  private readonly plans = new Set<DrivenFaults>();
  /** Which kind of actor each name is. */
  private readonly kinds = new Map<string, string>();
  /** Until when a plan keeps an actor down, on the monotonic clock. */
  private readonly downUntilMs = new Map<string, number>();
  private readonly lostDisks = new Set<string>();
  /** Who may talk to whom; symmetric. */
  private readonly pairs = new LinkPairs();
  /** Actors that will be started soon: links to them are made before they run, and what is sent waits in the port. */
  private readonly planned = new Set<string>();
  private readonly waitingPorts = new Map<string, Map<string, MessagePort>>();
  private readonly watchdog: Watchdog;
  private readonly zombieThreads = new Set<Worker>();
  private readonly bundles: string;
  private readonly sharedThreads: SharedThreads;
  private readonly spares: SpareThreads | undefined;
  private readonly prepared: PreparedThreads;
  /** What actors that the heap guard has stopped leave to their next incarnations. */
  private readonly leftBehind = new Map<string, unknown>();
  private readonly queue = new StartQueue(Math.max(BOOTS_MIN, BOOTS_PER_CORE * availableParallelism()));

  constructor(options: ThreadHostOptions) {
    this.options = options;
    const clock = threadClock({ unref: true });
    this.lives = new Lives(new Recorder(SUPERVISOR, clock, new RingWriter(this.ring(SUPERVISOR))));
    this.bundles = options.bundles ?? fileURLToPath(new URL(".", import.meta.url));
    this.sharedThreads = new SharedThreads({
      boot: join(this.bundles, "shared-boot.cjs"),
      heapGuardShare: options.heapGuardShare ?? HEAP_GUARD_SHARE,
      isCrowded: () => this.isCrowded(),
    });
    this.prepared = new PreparedThreads(join(this.bundles, "boot.cjs"));
    this.watchdog = new Watchdog(
      options.watchdog ?? WATCHDOG,
      (worker) => this.ask(worker),
      (worker, busyMs) => void this.endHung(worker, busyMs),
      () => this.isCrowded(),
    );
    if (options.keepV8Flags !== true) keepThreadsKillable();
    if (options.spares !== undefined && options.spares.count > 0) {
      const preload = options.spares.actors.map((actor) => this.bundleOf(actor));
      this.spares = new SpareThreads(join(this.bundles, "boot.cjs"), this.bootData({ preload }), options.spares);
    }
  }

  /** Makes the links of actors known, and what they ask of shared threads, before any of them is started. */
  plan(specs: readonly Pick<ChildSpec, "name" | "actor" | "links" | "thread" | "heapLimitMb">[]): void {
    for (const spec of specs) {
      this.planned.add(spec.name);
      this.kinds.set(spec.name, spec.actor);
      this.sharedThreads.plan(spec);
      for (const peer of spec.links) this.pairs.add(spec.name, peer);
    }
  }

  /**
   * Actors that come to those that run: when it resolves, those that they link to can refer to them, but for one that
   * hangs, which hears of it with the link itself.
   */
  async admit(specs: readonly ChildSpec[]): Promise<void> {
    this.plan(specs);
    await Promise.all(specs.flatMap(({ name, links }) => links.map((peer) => this.declare(peer, name))));
    for (const plan of this.plans) plan.refresh();
  }

  /** Actors that are down and do not come again. Their disks and flight recorders stay. */
  dismiss(names: readonly string[]): void {
    for (const name of names) {
      for (const port of this.waitingPorts.get(name)?.values() ?? []) port.close();
      this.waitingPorts.delete(name);
      for (const ports of this.waitingPorts.values()) ports.delete(name);
      this.planned.delete(name);
      this.kinds.delete(name);
      this.downUntilMs.delete(name);
      this.pairs.remove(name);
      this.sharedThreads.forget(name);
      this.faults.delete(name);
      this.leftBehind.delete(name);
      this.lostDisks.delete(name);
    }
  }

  private async declare(at: string, peer: string): Promise<void> {
    this.locals.get(at)?.declare(peer);
    await this.threads
      .get(at)
      ?.control.declare(peer, CONTROL_TIMEOUT_MS)
      .catch(() => undefined);
  }

  /** Lets the embedder's thread take part under a name that specs link to, or with links of its own. */
  join(local: LocalPeer, links: readonly string[]): void {
    this.locals.set(local.name, local);
    for (const peer of links) this.pairs.add(local.name, peer);
    for (const peer of this.pairs.of(local.name)) {
      const port = this.openLink(local.name, peer);
      if (port !== undefined) local.connect(peer, port);
    }
  }

  /** The flight recorder of an actor; it outlives the actor's incarnations. */
  ring(name: string): SharedArrayBuffer {
    const known = this.rings.get(name);
    if (known !== undefined) return known;
    const ring = makeRing();
    this.rings.set(name, ring);
    return ring;
  }

  /** The folder that is an actor's disk. */
  dataDirOf(name: string): string {
    return join(this.options.dataDir, ...name.split("/"));
  }

  /** Ends the threads that wait. Every actor has ended before. */
  async close(): Promise<void> {
    await Promise.all([this.spares?.close(), this.prepared.close()]);
  }

  /** Threads that wait for an actor to replace. */
  get sparesReady(): number {
    return this.spares?.ready ?? 0;
  }

  /** Threads that wait for an actor's upgrade. */
  get preparedReady(): number {
    return this.prepared.ready;
  }

  /** Threads that could not be ended and go on, cut off from everybody. */
  get zombies(): number {
    return this.zombieThreads.size;
  }

  get actors(): readonly string[] {
    return [...this.threads.keys()];
  }

  /**
   * Loads the code that an actor is to be started with next, on a thread that waits. Rejects when it can't be loaded. (On
   * a shared thread code is loaded at the start.)
   */
  async prepare(spec: ChildSpec): Promise<void> {
    if (spec.thread !== undefined) return;
    const bundle = this.bundleOf(spec.actor);
    const { name, heapLimitMb } = spec;
    await this.prepared.prepare(bundle, { name, data: this.bootData({ preload: [bundle] }), heapLimitMb });
  }

  discard(name: string): void {
    this.prepared.discard(name);
  }

  /**
   * Lets the calls and casts under way end, at most for `forMs`, and gives what the actor hands over. It takes up nothing
   * new, unless this rejects: then it goes on as before.
   */
  async handOver(name: string, forMs: number): Promise<unknown> {
    try {
      return await this.introspect(name, { ask: "hand-over", forMs }, forMs);
    } catch (error) {
      // Also one that has answered too late, or with what can't be sent.
      this.resume(name).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Rejects when the actor can't be started, its `start` threw, or did not finish in time; it is down then, and `onDown` has
   * been called. Errors: START_FAILED for a start that could not even begin, DEADLINE_EXCEEDED, and the actor's own.
   */
  start(spec: ChildSpec, handedOver?: unknown): Promise<void> {
    const { name } = spec;
    if (this.threads.has(name) || this.queue.has(name)) return Promise.reject(new Error(`${name} is already running`));
    this.kinds.set(name, spec.actor);
    const keptDownMs = (this.downUntilMs.get(name) ?? 0) - monotonicNowMs();
    if (keptDownMs > 0) return this.queue.later(name, keptDownMs, () => this.start(spec, handedOver));
    this.downUntilMs.delete(name);
    return this.queue.run(name, (booted) => this.begin(spec, handedOver, booted));
  }

  private async begin(spec: ChildSpec, handedOver: unknown, booted: () => void): Promise<void> {
    const { name } = spec;
    let thread: RunningThread;
    try {
      thread = this.launch(spec, handedOver);
    } catch (cause) {
      const error = new InkubeError("START_FAILED", `${name} can't be started: ${(cause as Error).message}`, { cause });
      this.tellDown(name, "throw", error, detailsOf(error, undefined));
      throw error;
    }
    const { control, worker, share } = thread;
    const startTimeoutMs = spec.startTimeoutMs * (this.isCrowded() ? CROWDED_PATIENCE : 1);
    try {
      // Answered as soon as the thread has loaded its code.
      await control.inspect(startTimeoutMs);
      // Most are up soon after; one that waits for another actor must not keep its turn from it.
      const turn = setTimeout(booted, START_TURN_MS).unref();
      const outcome = await control.start(startTimeoutMs).finally(() => clearTimeout(turn));
      if (!outcome.started) return await this.failStart(thread, "throw", startError(outcome));
      // One look at a shared thread serves all of its actors.
      this.watchdog.watch(worker, thread.progress, share === undefined ? spec.hangAfterMs : undefined);
    } catch (error) {
      await this.failStart(thread, hasCode(error, "DEADLINE_EXCEEDED") ? "start-timeout" : "throw", error as Error);
    }
  }

  private async failStart({ life }: RunningThread, reason: DownReason, error: Error): Promise<never> {
    life.end(reason, error);
    const end = await life.ended;
    // The thread's own end says more than that it did not answer.
    throw hasCode(error, "ACTOR_DOWN") ? (end.error ?? error) : error;
  }

  /** Makes the actor's thread, or its part of one. What this throws leaves nothing behind. */
  private launch(spec: ChildSpec, handedOver: unknown): RunningThread {
    const { name } = spec;
    for (const peer of spec.links) this.pairs.add(name, peer);
    const control = new MessageChannel();
    const links = this.linksOf(name);
    try {
      this.sharedThreads.plan(spec);
      const start: ThreadStart = {
        bundle: this.bundleOf(spec.actor),
        name,
        incarnation: nanoid(),
        ...(spec.heapLimitMb === undefined ? {} : { heapLimitMb: spec.heapLimitMb }),
        options: spec.options,
        handedOver: handedOver ?? this.leftBehind.get(name),
        declared: this.pairs.of(name),
        links,
        control: control.port2,
        ring: this.ring(name),
        progress: new SharedArrayBuffer(4),
        connections: new SharedArrayBuffer(4),
        diskRoot: this.makeDisk(name),
        fsync: this.options.fsync,
        origin: this.lives.originOf(name),
        faults: { parts: this.partsOf(name), generation: this.nextGeneration(name) },
      };
      const transferList = [control.port2, ...links.map(({ port }) => port)];
      const shared = spec.thread === undefined ? undefined : this.sharedThreads.open(spec.thread);
      const share = shared?.start(start, transferList);
      const worker = shared?.worker ?? this.ownThread(spec, start, transferList);
      this.leftBehind.delete(name);
      this.spares?.refillLater();
      const progress = shared?.progress ?? start.progress;
      const { connections } = start;
      return this.track(spec, { worker, progress, connections, share, control: this.controlDoor(name, control.port1) });
    } catch (error) {
      control.port1.close();
      for (const { port } of links) port.close();
      this.planned.delete(name);
      throw error;
    }
  }

  private controlDoor(name: string, port: MessagePort): ControlDoor {
    return new ControlDoor(name, port, (notice) => {
      for (const plan of this.plans) plan.heard(name, notice);
    });
  }

  private makeDisk(name: string): string {
    const root = this.dataDirOf(name);
    if (this.lostDisks.has(name)) rmSync(root, { recursive: true, force: true });
    this.lostDisks.delete(name);
    makeDirectory(root);
    return root;
  }

  private nextGeneration(name: string): number {
    const generation = (this.starts.get(name) ?? 0) + 1;
    this.starts.set(name, generation);
    return generation;
  }

  /** Asks the actor to stop and waits; ends its thread when it has not within `deadlineMs`. */
  async stop(name: string, deadlineMs: number): Promise<void> {
    if (this.dequeue(name, "normal")) return;
    const thread = this.threads.get(name);
    if (thread === undefined) return;
    await this.retire(thread, "normal", deadlineMs);
  }

  /** Ends the thread at once, as a crash would. */
  async kill(name: string): Promise<void> {
    if (this.dequeue(name, "killed")) return;
    const thread = this.threads.get(name);
    if (thread === undefined) return;
    thread.life.end("killed");
    await thread.life.ended;
  }

  /**
   * Lets things go wrong by a plan, from now until the plan is stopped, beside those that are in force. `others`: whom it may name beside the actors.
   * Errors: INVALID_FAULT_PLAN.
   */
  applyFaults(plan: FaultPlan, onFault?: (fault: Fault, what: string) => void, others: Others = {}): AppliedFaults {
    const applied = applyFaults(this.faultyHost(others), plan, onFault);
    this.plans.add(applied);
    const stop = (): Promise<void> => {
      this.plans.delete(applied);
      return applied.stop();
    };
    return { refresh: () => applied.refresh(), settled: () => applied.settled(), stop };
  }

  /** Whether `applyFaults` would take it. Errors: INVALID_FAULT_PLAN. */
  checkFaults(plan: FaultPlan, others: Others = {}): void {
    checkPlan(plan, this.faultyHost(others));
  }

  private partsOf(actor: string): readonly PlanPart[] {
    return [...(this.faults.get(actor)?.values() ?? [])];
  }

  private faultyHost({ machines, guests }: Others): FaultyHost {
    const plan = Symbol("plan");
    return {
      takenIds: () => [...this.plans].flatMap(({ ids }) => ids),
      actors: () => {
        const names = new Set([...this.planned, ...this.pairs.names, ...this.threads.keys()]);
        return [...[...names].filter((name) => !this.locals.has(name)), ...(guests?.keys() ?? [])];
      },
      outsiders: [...this.locals.keys()],
      lives: this.lives,
      isUp: (name) => this.threads.has(name) || machines?.names().includes(name) === true,
      areLinked: (left, right) => this.pairs.has(left, right),
      actorsOf: (kind) => [...this.kinds].filter(([, actor]) => actor === kind).map(([name]) => name),
      machines: () => machines?.names() ?? [],
      loseMachine: (name) => machines?.lose(name),
      upgradeMachine: (name) => machines?.upgrade(name) ?? Promise.resolve(),
      command: async (name, command) => {
        this.locals.get(name)?.fault(command);
        if (command.do === "hang") guests?.get(name)?.pause(command.forMs);
        // One that is down hears of it when it starts.
        await this.threads
          .get(name)
          ?.control.fault(command, CONTROL_TIMEOUT_MS)
          .catch(() => undefined);
      },
      keepFaults: (actor, part) => {
        const parts = this.faults.get(actor) ?? new Map<symbol, PlanPart>();
        this.faults.set(actor, parts);
        if (hasNothing(part.faults)) parts.delete(plan);
        else parts.set(plan, part);
        return this.partsOf(actor);
      },
      crash: (actor, disk, downMs) => {
        const guest = guests?.get(actor);
        if (guest !== undefined) return guest.crash(downMs);
        if (downMs > 0) this.downUntilMs.set(actor, monotonicNowMs() + downMs);
        if (disk === "lost" && this.threads.has(actor)) this.lostDisks.add(actor);
        void this.kill(actor);
      },
      mendLink: (left, right) => {
        const [name, peer] = this.locals.has(left) ? [right, left] : [left, right];
        const thread = this.threads.get(name);
        const isThere = this.threads.has(peer) || this.locals.has(peer);
        if (thread === undefined || !isThere || !this.pairs.has(name, peer)) return;
        const port = this.openLink(name, peer);
        // One that dies meanwhile gets its links when it starts.
        if (port !== undefined) thread.control.connect(peer, port, CONTROL_TIMEOUT_MS).catch(() => port.close());
      },
    };
  }

  inspect(name: string): Promise<ThreadStatistics> {
    const thread = this.threads.get(name);
    if (thread === undefined) throw new InkubeError("ACTOR_DOWN", `${name} is not running`);
    return thread.control.inspect(CONTROL_TIMEOUT_MS);
  }

  // Looking into a running actor; see `Introspectable`.

  async statistics(name: string): Promise<ActorStatistics> {
    return (await this.introspect(name, { ask: "statistics" })) as ActorStatistics;
  }

  state(name: string): Promise<unknown> {
    return this.introspect(name, { ask: "state" });
  }

  async metrics(name: string): Promise<readonly MetricFamily[]> {
    return (await this.introspect(name, { ask: "metrics" })) as readonly MetricFamily[];
  }

  async suspend(name: string): Promise<void> {
    await this.introspect(name, { ask: "suspend" });
  }

  async resume(name: string): Promise<void> {
    await this.introspect(name, { ask: "resume" });
  }

  lastMessages(name: string, count: number = LAST_MESSAGES): readonly TraceEvent[] {
    return newestMessages(readRing(this.ring(name), name), count);
  }

  follow(name: string, wanted: (event: TraceEvent) => boolean, onEvent: (event: TraceEvent) => void): Tracing {
    return traceRing(this.ring(name), name, wanted, onEvent);
  }

  /** JSON text of a `.cpuprofile` of the actor's thread. */
  async cpuProfile(name: string, forMs: number): Promise<string> {
    return (await this.introspect(name, { ask: "cpu-profile", forMs }, forMs)) as string;
  }

  /** Writes a heap snapshot of the actor's thread, which stands still meanwhile: that is no hang. */
  async heapSnapshot(name: string, file: string): Promise<void> {
    const thread = this.threads.get(name);
    const isOver = thread === undefined ? undefined : this.watchdog.excuse(thread.worker);
    await this.introspect(name, { ask: "heap-snapshot", file }, SNAPSHOT_MS).finally(isOver);
  }

  /** Has the garbage of the actor's thread collected, which stands still meanwhile, and tells what is left. */
  async collectGarbage(name: string): Promise<HeapInUse> {
    return (await this.introspect(name, { ask: "collect" }, SNAPSHOT_MS)) as HeapInUse;
  }

  private async introspect(name: string, question: Question, extraMs = 0): Promise<unknown> {
    const thread = this.threads.get(name);
    if (thread === undefined) throw new InkubeError("ACTOR_DOWN", `${name} is not running`, { retryable: true });
    return thread.control.introspect(question, CONTROL_TIMEOUT_MS + extraMs);
  }

  /** An actor that has not begun to start ends without a thread. */
  private dequeue(name: string, reason: DownReason): boolean {
    const error = new InkubeError("ACTOR_DOWN", `${name} was ended before it had a thread`);
    if (!this.queue.cancel(name, error)) return false;
    this.lives.ended(name, reason);
    this.options.onDown(name, reason, undefined, {});
    return true;
  }

  private bundleOf(actor: string): string {
    const entry = this.options.entries?.[actor];
    if (entry === undefined) return join(this.bundles, "actors", `${actor}.cjs`);
    return entry instanceof URL ? fileURLToPath(entry) : entry;
  }

  private ownThread(spec: ChildSpec, start: ThreadStart, transferList: TransferListItem[]): Worker {
    const prepared = this.prepared.take(start, transferList);
    if (prepared !== undefined) return prepared;
    const spare = this.spares?.take(start, transferList);
    if (spare !== undefined) return spare;
    return new Worker(join(this.bundles, "boot.cjs"), {
      name: spec.name,
      workerData: this.bootData(start),
      transferList,
      resourceLimits: resourceLimitsOf(spec.heapLimitMb),
    });
  }

  private bootData(start: BootData["start"]): BootData {
    return { start, heapGuardShare: this.options.heapGuardShare ?? HEAP_GUARD_SHARE };
  }

  private track(spec: ChildSpec, parts: Omit<RunningThread, "life">): RunningThread {
    const { name } = spec;
    const { worker, share } = parts;
    const terminateMs = this.options.terminateMs ?? TERMINATE_MS;
    const life = new WorkerThread(share ?? worker, {
      name,
      // A share is first asked to go alone.
      terminateMs: share === undefined ? terminateMs : terminateMs + RELEASE_MS_MAX,
      isCrowded: () => this.isCrowded(),
      ...(share === undefined
        ? { terminate: () => void this.terminate(parts) }
        : { terminateHung: () => share.thread.end("hang") }),
      onEnding: (reason, details) => this.tellEnding(name, reason, details),
      onEnd: (end) => this.ended(thread, name, end),
      onZombieGone: () => this.countZombies(() => this.zombieThreads.delete(worker)),
    });
    const thread: RunningThread = { ...parts, life };
    if (share !== undefined) share.whenFull(() => void this.retireFull(thread, spec));
    else {
      worker.on("message", (message: unknown) => {
        if (isHeapWarning(message)) void this.retireFull(thread, spec);
      });
    }
    this.threads.set(name, thread);
    this.planned.delete(name);
    return thread;
  }

  /** One whose connections are open drops them first. */
  private async terminate({ worker, control, connections }: Omit<RunningThread, "life">): Promise<void> {
    if (areOpen(connections)) {
      await control.leave(LEAVE_MS).catch(() => undefined);
      // That of a thread which is gone is -1.
      if (worker.threadId > 0) await hangStack(worker.threadId, STACK_TIMEOUT_MS);
    }
    await worker.terminate();
  }

  private ended(thread: RunningThread, name: string, { reason, error, details }: ThreadEnd): void {
    this.threads.delete(name);
    // A shared thread is looked at as long as one of its actors runs, also while it takes no new ones.
    if (thread.share === undefined || this.on(thread.worker).length === 0) this.watchdog.unwatch(thread.worker);
    thread.control.close();
    const why = reason === "normal" || reason === "exit" ? (thread.share?.reason ?? reason) : reason;
    if (reason === "unkillable") {
      // It can't end the process any more, and must not keep it.
      thread.worker.unref();
      this.countZombies(() => this.zombieThreads.add(thread.worker));
    }
    this.tellDown(name, why, error, details);
  }

  /** Before its port closes, so that calls under way can say why they fail. */
  private tellEnding(name: string, reason: DownReason, details: DownDetails): void {
    const event = this.lives.endingOf(name);
    const down: Down = { actor: name, reason, details, ...(event === undefined ? {} : { event }) };
    for (const peer of this.pairs.of(name)) {
      this.locals.get(peer)?.ending(down);
      this.threads
        .get(peer)
        ?.control.ending(down, CONTROL_TIMEOUT_MS)
        .catch(() => undefined);
    }
  }

  private tellDown(name: string, reason: DownReason, error: Error | undefined, details: DownDetails): void {
    const own = reason === "throw" ? lastEventOf(this.ring(name), name, "crash") : undefined;
    const down: Down = { actor: name, reason, details, event: this.lives.ended(name, reason, own) };
    for (const peer of this.pairs.of(name)) {
      this.locals.get(peer)?.down(down);
      // A peer that is gone before it could hear of it needs no word.
      this.threads
        .get(peer)
        ?.control.down(down, CONTROL_TIMEOUT_MS)
        .catch(() => undefined);
    }
    this.options.onDown(name, reason, error, details);
  }

  /** More actors start, or are about to, than the cores can take at a time: being late means nothing now. */
  private isCrowded(): boolean {
    return this.queue.crowded || this.planned.size > CROWD_OF_BOOTS * this.queue.bootsMax;
  }

  /** One that is shared is given up by each of its actors, and is one all the same. */
  private countZombies(change: () => void): void {
    const before = this.zombies;
    change();
    if (this.zombies !== before) this.options.onZombies?.(this.zombies);
  }

  /** The heap guard's: half of the time is for what is under way. */
  private async retireFull(thread: RunningThread, { name, shutdownMs }: ChildSpec): Promise<void> {
    if (thread.life.isEnding) return;
    const retired = this.retire(thread, "heap-guard", shutdownMs, async () => {
      const state = await thread.control.introspect({ ask: "hand-over", forMs: shutdownMs / 2 }, shutdownMs);
      if (state !== undefined) this.leftBehind.set(name, state);
    });
    await retired;
  }

  /** A graceful stop; ends the thread when it has not within `deadlineMs`. */
  private async retire(
    thread: RunningThread,
    reason: StopReason,
    deadlineMs: number,
    first: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const deadline = setTimeout(() => thread.life.end("killed"), deadlineMs);
    // An actor is asked once, whoever comes next: its supervisor may stop what its heap guard has begun to.
    if (!thread.life.isEnding) {
      thread.life.asked(reason);
      // A thread that is gone before it could answer has stopped too.
      first()
        .then(() => thread.control.stop(reason, deadlineMs))
        .catch(() => thread.life.end("killed"));
    }
    await thread.life.ended;
    clearTimeout(deadline);
  }

  /** One that does not answer hangs, and the watchdog sees that. */
  private ask(worker: Watchable): void {
    this.on(worker)[0]
      ?.control.ping(CONTROL_TIMEOUT_MS)
      .catch(() => undefined);
  }

  /** The actors that run on that thread. */
  private on(worker: Watchable): readonly RunningThread[] {
    return [...this.threads.values()].filter((thread) => thread.worker === worker);
  }

  private async endHung(worker: Watchable, busyMs: number): Promise<void> {
    const hung = this.on(worker);
    const first = hung[0];
    if (first === undefined) return;
    first.share?.thread.close();
    const stack = await hangStack(first.worker.threadId, STACK_TIMEOUT_MS, STACK_ANSWERING_MS);
    for (const thread of hung) thread.life.endHung(busyMs, stack);
  }

  /** Ports for everything that `name` is linked with and that runs or is about to. */
  private linksOf(name: string): { readonly peer: string; readonly port: MessagePort }[] {
    const links: { readonly peer: string; readonly port: MessagePort }[] = [];
    const waiting = this.waitingPorts.get(name);
    this.waitingPorts.delete(name);
    for (const peer of this.pairs.of(name)) {
      const port = waiting?.get(peer) ?? this.openLink(name, peer);
      if (port !== undefined) links.push({ peer, port });
    }
    return links;
  }

  /** One end of a new link from `name` to `peer`; the other end goes to the peer. Undefined when the peer is down. */
  private openLink(name: string, peer: string): MessagePort | undefined {
    const local = this.locals.get(peer);
    const thread = this.threads.get(peer);
    if (local === undefined && thread === undefined && !this.planned.has(peer)) return undefined;
    const { port1, port2 } = new MessageChannel();
    if (local !== undefined) local.connect(name, port2);
    else if (thread === undefined) this.keepPort(peer, name, port2);
    // A peer that dies meanwhile closes the port with it, and this end is told.
    else thread.control.connect(name, port2, CONTROL_TIMEOUT_MS).catch(() => port2.close());
    return port1;
  }

  private keepPort(owner: string, peer: string, port: MessagePort): void {
    const kept = this.waitingPorts.get(owner) ?? new Map<string, MessagePort>();
    kept.get(peer)?.close();
    kept.set(peer, port);
    this.waitingPorts.set(owner, kept);
  }
}

function startError({ error: data, stack }: Extract<StartOutcome, { readonly started: false }>): InkubeError {
  const error = InkubeError.fromData(data);
  if (stack !== "") error.stack = stack;
  return error;
}
