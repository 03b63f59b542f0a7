/** One run on a real cluster, which others have used before: its objects are as they were at the start, its controllers start anew. */
import { hasCode, InkubeError } from "../../../../protocols/errors.ts";
import type { Seen } from "../../../../protocols/api-witness.ts";
import type { WatchResponse } from "../../../../protocols/etcd.ts";
import { etcdProtocol } from "../../../../protocols/etcd.ts";
import { secondOf } from "../../../../protocols/api-faults.ts";
import type { Subscription } from "../../../../runtime/actor.ts";
import type { Clock, Timer } from "../../../../runtime/clock.ts";
import type { Fault, FaultPlan } from "../../../../runtime/faults/plan.ts";
import { namesAt } from "../../../../runtime/faults/plan.ts";
import type { Random } from "../../../../runtime/random.ts";
import { SeededRandom } from "../../../../runtime/random.ts";
import type { Crash } from "../../../../runtime/simulation/simulation-host.ts";
import type { AppliedFaults } from "../../../../runtime/threads/thread-faults.ts";
import type { Client } from "../../../client/client.ts";
import type { Cluster } from "../../cluster.ts";
import type { State } from "../history.ts";
import { History } from "../history.ts";
import type { Pace } from "../pace.ts";
import type { RunWorld } from "../world.ts";
import type { Life, LifeEvents } from "./life.ts";

export interface RealWorldOptions {
  readonly cluster: Cluster;
  /** Of every replica, and of those that only a fault starts. */
  readonly lives: ReadonlyMap<string, Life>;
  /** Those of the latter. */
  readonly seconds: readonly string[];
  /** Those that can't be paused. */
  readonly tireless: readonly string[];
  readonly plan: FaultPlan;
  readonly seed: number;
  readonly pace: Pace;
  /** How long controllers may take from their start to their first request. */
  readonly startMs: number;
}

const LOOK_MS = 10;
const UNTIL_MS = 30_000;
const REOPEN_MS = 50;
const LEASES = "leases.coordination.k8s.io";
const OBJECTS = { key: "/registry/", rangeEnd: "/registry0" };
const EVERYTHING = { key: "\0", rangeEnd: "\0" };
/** Of requests that are told where they never end. */
const TOLD_WINDOW_MS = 1_000;

export class RealWorld implements RunWorld {
  readonly record: undefined;
  readonly client: Client;
  readonly history: History;
  readonly controllers: readonly string[];
  readonly random: Random;
  readonly pace: Pace;
  readonly crashes: Crash[] = [];
  readonly digest: string | undefined = undefined;
  gap: string | undefined;
  private readonly options: RealWorldOptions;
  private readonly originMs: number;
  private readonly running = new Map<string, Timer>();
  private plan: AppliedFaults | undefined;
  private following: Subscription | undefined;
  private isOver = false;
  /** When a controller last asked for anything but a Lease, or opened a watch. */
  private askedMs = 0;
  /** Faults that begin or end: threads hear of it one by one. */
  private pending: Promise<unknown> = Promise.resolve();
  /** What nothing goes on after. */
  private readonly broken: Promise<never>;
  private breakOff: (error: unknown) => void = () => undefined;

  constructor(options: RealWorldOptions) {
    const { cluster, lives, seed, pace } = options;
    this.options = options;
    this.client = cluster.client;
    this.controllers = [...lives.keys()];
    this.history = new History(this.controllers);
    this.random = new SeededRandom(seed, "world");
    this.pace = pace;
    this.originMs = this.clock.monotonicMs();
    this.broken = new Promise((_, reject) => (this.breakOff = reject));
    this.broken.catch(() => undefined);
  }

  get clock(): Clock {
    return this.options.cluster.seat.context.clock;
  }

  get nowMs(): number {
    return this.clock.monotonicMs() - this.originMs;
  }

  async start(): Promise<void> {
    const { lives, seconds, plan, startMs } = this.options;
    await this.readObjects();
    const events: LifeEvents = {
      printed: (by, line) => this.history.prints({ atMs: this.nowMs, by, line }),
      ended: (actor, error) => this.ended(actor, error),
      failed: (error) => this.breakOff(error),
    };
    for (const [name, life] of lives) {
      life.listen(events);
      if (!seconds.includes(name)) life.start();
    }
    const isUp = await this.run(() => this.acting(startMs), 2 * startMs);
    if (!isUp) throw neverReady(`${this.unrest ?? ""} ${startMs / 1_000} s ago`, this.outputs);
    const isQuiet = await this.run(() => this.settle(), 2 * this.pace.settleMs);
    if (!isQuiet) throw neverReady(this.unrest ?? "the controllers never come to rest", this.outputs);
    this.history.beganMs = this.nowMs;
    this.faults(plan);
    await this.pending;
  }

  async run<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new InkubeError("DEADLINE_EXCEEDED", `the run took over ${limitMs} ms`);
      timer = this.clock.after(limitMs, () => reject(error));
    });
    try {
      return await Promise.race([work(), this.broken, late]);
    } finally {
      timer?.cancel();
    }
  }

  kill(name: string): void {
    const life = this.options.lives.get(name);
    if (life !== undefined) return life.crash(0);
    // What can't be killed is told as a step's failure.
    this.options.cluster.kill(name).catch((error: unknown) => this.breakOff(error));
  }

  faults(plan: FaultPlan): void {
    checkPauses(plan, this.options.tireless);
    const { cluster, lives } = this.options;
    // The ids of its faults may be those of the plan before.
    const stopped = this.plan?.stop();
    this.plan = undefined;
    this.pending = Promise.all([this.pending, stopped]);
    this.plan = cluster.seat.applyFaults(plan, (fault, what) => this.struck(fault, what), lives);
    this.pending = Promise.all([this.pending, this.plan.settled()]);
  }

  heal(): void {
    this.pending = Promise.all([this.pending, this.plan?.stop()]);
    this.plan = undefined;
    for (const second of [...this.running.keys()]) this.endSecond(second);
    for (const life of this.options.lives.values()) life.resume();
    this.history.healedMs = this.nowMs;
  }

  state(revision?: number): State {
    return this.history.stateAt(revision);
  }

  async settle(options: { readonly quietMs?: number; readonly limitMs?: number } = {}): Promise<boolean> {
    const { quietMs = this.pace.quietMs, limitMs = this.pace.settleMs } = options;
    await this.pending;
    const sinceMs = this.nowMs;
    for (;;) {
      const quietSinceMs = Math.max(sinceMs, this.history.lastActivityMs, this.askedMs);
      const areUp = [...this.options.lives.values()].every(({ isActing }) => isActing);
      if (areUp && this.nowMs - quietSinceMs >= quietMs) return true;
      const leftMs = sinceMs + limitMs - this.nowMs;
      if (leftMs <= 0) return false;
      await this.clock.sleep(Math.min(leftMs, Math.max(LOOK_MS, areUp ? quietSinceMs + quietMs - this.nowMs : 0)));
    }
  }

  async until(what: string, predicate: () => boolean | Promise<boolean>, limitMs: number = UNTIL_MS): Promise<void> {
    await this.pending;
    const dueMs = this.nowMs + limitMs;
    while (!(await predicate())) {
      if (this.nowMs > dueMs) throw new InkubeError("NOT_CONVERGED", `not within ${limitMs} ms: ${what}`);
      await this.clock.sleep(LOOK_MS);
    }
  }

  get unrest(): string | undefined {
    const idle = [...this.options.lives.values()].filter(({ isActing }) => !isActing);
    if (idle.length > 0) return idle.map(({ state }) => state).join("; ");
    const now = this.nowMs;
    const newest = this.history.requests.filter(
      (seen) => this.history.isOfControllers(seen) && seen.atMs > now - TOLD_WINDOW_MS,
    );
    const last = newest.at(-1);
    if (last === undefined) return undefined;
    return `${last.by} never comes to rest: the controllers made ${newest.length} requests in the last second, the last one ${last.verb} ${last.resource} ${last.name}`;
  }

  async caughtUp(): Promise<void> {
    const { context, members } = this.options.cluster.seat;
    const { revision } = await context.ref(etcdProtocol, members[0]!).call("readIndex", null);
    await this.until(`revision ${revision} of etcd`, () => this.history.revision >= revision);
  }

  async close(): Promise<void> {
    this.isOver = true;
    for (const timer of this.running.values()) timer.cancel();
    await Promise.all([this.pending.catch(() => undefined), this.plan?.stop()]);
    await Promise.all([...this.options.lives.values()].map((life) => life.end()));
    this.following?.cancel();
  }

  /** Something passed an API server. Its time is that of its arrival here: threads have no clock in common. */
  saw(seen: Seen): void {
    if (this.isOver) return;
    const { history, nowMs: atMs } = this;
    if ("request" in seen) {
      const { request } = seen;
      history.request({ ...request, atMs });
      if (history.isOfControllers(request)) this.asked(request.by, request.resource);
      const isWritten = request.revision > 0 && request.verb !== "get" && request.verb !== "list";
      if (isWritten)
        history.wrote(request.revision, history.isOfControllers(request) ? `inkube:${request.by}` : request.by);
    } else if ("watch" in seen) {
      history.watch({ ...seen.watch, atMs });
      this.asked(seen.watch.by, seen.watch.resource);
    } else if ("delivery" in seen) history.delivery({ ...seen.delivery, atMs });
    else history.bookmark({ ...seen.bookmark, atMs });
  }

  /** Something passed an API server unseen. */
  missed(why: string): void {
    if (!this.isOver) this.gap ??= why;
  }

  private asked(by: string, resource: string): void {
    this.options.lives.get(by)?.asked();
    if (resource !== LEASES) this.askedMs = this.nowMs;
  }

  /** Whether all begin to work within that time. */
  private async acting(limitMs: number): Promise<boolean> {
    const dueMs = this.nowMs + limitMs;
    while (![...this.options.lives.values()].every(({ isActing }) => isActing)) {
      if (this.nowMs > dueMs) return false;
      await this.clock.sleep(LOOK_MS);
    }
    return true;
  }

  /** What is there before anything happens, and all that happens from then on. */
  private async readObjects(): Promise<void> {
    const { context, members } = this.options.cluster.seat;
    const { kvs, header } = await context.ref(etcdProtocol, members[0]!).call("range", OBJECTS);
    const events = [...kvs]
      .sort((left, right) => left.modRevision - right.modRevision)
      .map((kv): WatchResponse["events"][number] => ({ type: "put", kv }));
    this.history.take({ header, events }, this.nowMs);
    this.follow(header.revision + 1, 0);
  }

  private follow(startRevision: number, index: number): void {
    const { context, members } = this.options.cluster.seat;
    const member = members[index % members.length]!;
    this.following = context.ref(etcdProtocol, member).stream(
      "watch",
      { ...EVERYTHING, startRevision },
      {
        next: (response) => this.history.take(response, this.nowMs),
        end: (error) => {
          if (this.isOver || hasCode(error, "CLUSTER_STOPPED")) return;
          this.clock.after(REOPEN_MS, () => {
            if (!this.isOver) this.follow(this.history.revision + 1, index + 1);
          });
        },
      },
    );
  }

  private ended(actor: string, error: InkubeError): void {
    this.crashes.push({ actor, atMs: this.nowMs, error });
    if (this.history.beganMs < Infinity) return;
    // No fault is in force yet: it would only end again.
    this.breakOff(
      new InkubeError("CHAOS_FAILS_WITHOUT_FAULTS", `it fails without any fault: ${error.message}`, { cause: error }),
    );
  }

  private get outputs(): readonly string[] {
    return this.history.printed.slice(-5).map(({ by, line }) => `${by} prints: ${line}`);
  }

  private struck(fault: Fault, what: string): void {
    this.history.struck.push({ atMs: this.nowMs, fault: fault.id, kind: fault.kind, what });
    if (fault.kind !== "controller-twice" || what === "ends") return;
    for (const second of namesAt(secondOf(fault.by), this.options.seconds)) {
      this.running.get(second)?.cancel();
      this.options.lives.get(second)?.start();
      this.running.set(
        second,
        this.clock.after(fault.forMs, () => this.endSecond(second)),
      );
    }
  }

  private endSecond(second: string): void {
    this.running.get(second)?.cancel();
    this.running.delete(second);
    this.pending = Promise.all([this.pending, this.options.lives.get(second)?.end()]);
  }
}

/** Errors: INVALID_FAULT_PLAN. */
function checkPauses({ faults }: FaultPlan, tireless: readonly string[]): void {
  for (const fault of faults) {
    const place = fault.kind === "controller-pause" ? fault.by : fault.kind === "actor-hang" ? fault.at : undefined;
    const [named] = place === undefined ? [] : namesAt(place, tireless);
    if (named === undefined) continue;
    const why = `${named} is a function in this process, and can't be paused`;
    throw new InkubeError("INVALID_FAULT_PLAN", `plan of faults: fault ${fault.id}: ${why}`);
  }
}

function neverReady(why: string, outputs: readonly string[]): InkubeError {
  const told = outputs.length === 0 ? "" : `\n  ${outputs.join("\n  ")}`;
  return new InkubeError("CHAOS_FAILS_WITHOUT_FAULTS", `it fails without any fault: ${why}${told}`);
}
