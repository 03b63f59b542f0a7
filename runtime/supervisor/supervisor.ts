/**
 * Carries out what `SupervisorCore` decides: starts, stops and kills actors through a host, keeps its timers, and tells
 * what happens. Both hosts use it.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { DownReason } from "../actor.ts";
import type { Clock, Timer } from "../clock.ts";
import type { Random } from "../random.ts";
import { checkSpec } from "./core/check-spec.ts";
import type { ChildStatus, SupervisorCommand } from "./core/supervisor-core.ts";
import { SupervisorCore } from "./core/supervisor-core.ts";
import type { ChildSpec, SupervisorSpec } from "./spec.ts";
import type { TreeNode } from "./tree.ts";
import { treeOf } from "./tree.ts";

export interface ActorHost {
  /** Resolves when the actor is up. When it does not come up, `Supervisor.actorDown` is called all the same. */
  start(spec: ChildSpec, handedOver?: unknown): Promise<void>;
  stop(name: string, deadlineMs: number): Promise<void>;
  kill(name: string): Promise<void>;
  /** Loads what an actor is to be started as next. Rejects when it can't be. */
  prepare(spec: ChildSpec): Promise<void>;
  /** What was prepared for an actor is not wanted any more. */
  discard(name: string): void;
  /**
   * Lets the calls and casts under way end, at most for `forMs`, and gives what the actor hands over. It takes up nothing
   * new, unless this rejects: then it goes on as before.
   */
  handOver(name: string, forMs: number): Promise<unknown>;
}

/** What an actor becomes; the rest of its spec stays. */
export type Upgrade = Partial<Pick<ChildSpec, "actor" | "options" | "shutdownMs" | "startTimeoutMs" | "heapLimitMb">>;

export interface UpgradeOptions {
  /** Tells whether the new incarnation does its work, by calls to it; a rejection, or no answer in time, takes it back. */
  readonly probe?: () => Promise<unknown>;
  readonly probeTimeoutMs?: number;
}

/** A probe is a few calls. */
const PROBE_TIMEOUT_MS = 5_000;

/** What a supervisor tells those who watch it. */
export type SupervisorEvent = Exclude<
  SupervisorCommand,
  { readonly type: "start" | "stop" | "kill" | "set-timer" | "cancel-timer" }
>;

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Names outside of the tree that specs may link to, as the embedder's. */
  readonly externals?: readonly string[];
  readonly onEvent?: (event: SupervisorEvent) => void;
}

export class Supervisor {
  private readonly core: SupervisorCore;
  private readonly spec: SupervisorSpec;
  private readonly lastDowns = new Map<string, string>();
  private readonly host: ActorHost;
  private readonly options: SupervisorOptions;
  private readonly timers = new Map<string, Timer>();
  private readonly listeners = new Set<(event: SupervisorEvent) => void>();
  private readonly handedOver = new Map<string, unknown>();
  private readonly upgrading = new Set<string>();
  private lastFailure: Error | undefined;
  /** The last one of each actor. */
  private readonly failures = new Map<string, Error>();
  private onHopelessStart: ((error: Error) => void) | undefined;
  private terminated = false;

  /** The whole tree is checked before anything starts. Errors: INVALID_SPEC. */
  constructor(spec: SupervisorSpec, host: ActorHost, options: SupervisorOptions) {
    checkSpec(spec, options.externals ?? []);
    this.core = new SupervisorCore(spec);
    this.spec = spec;
    this.host = host;
    this.options = options;
    if (options.onEvent !== undefined) this.listeners.add(options.onEvent);
  }

  /**
   * Resolves when every actor is up; rejects with the last failure when the tree gives up before, and at once when an
   * actor says that its start can't succeed (an `InkubeError` that is not retryable). Then `stop` ends what has started.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.onHopelessStart = reject;
      this.until((event) => {
        if (event.type === "up" && event.name === this.spec.name) resolve();
        else if (event.type === "terminated") reject(this.failure("the cluster did not come up"));
        else return false;
        this.onHopelessStart = undefined;
        return true;
      });
      this.run(this.core.start(this.nowMs()));
    });
  }

  /** Resolves when every actor has ended. */
  stop(): Promise<void> {
    if (this.terminated) return Promise.resolve();
    return new Promise((resolve) => {
      this.until((event) => {
        if (event.type !== "terminated") return false;
        resolve();
        return true;
      });
      this.run(this.core.stop(this.nowMs()));
    });
  }

  /** Ends the whole tree, as an escalation to its root does: what goes on around it can't be mended by restarts. */
  giveUp(reason: string): void {
    this.lastFailure = new InkubeError("SUPERVISOR_GAVE_UP", reason);
    this.run(this.core.giveUp(reason, this.nowMs()));
  }

  /** From the host: an actor has ended, asked or not. */
  actorDown(name: string, reason: DownReason, error: Error | undefined): void {
    if (error !== undefined) this.noteFailure(name, error);
    this.run(this.core.childDown(name, reason, this.nowMs(), this.options.random.next()));
  }

  /** Ends an actor, or a supervisor with all of its actors, for good. Resolves when it is down. */
  takeOut(name: string, options: { readonly kill: boolean }): Promise<void> {
    return new Promise((resolve) => {
      if (this.core.get(name).state === "ended") return resolve();
      this.until((event) => {
        if (event.type !== "terminated" && !(event.type === "down" && event.name === name)) return false;
        resolve();
        return true;
      });
      this.run(this.core.stopChild(name, this.nowMs(), options));
      // One that waited for its restart is down already, and ends without another word.
      if (this.core.get(name).state === "ended") resolve();
    });
  }

  /**
   * Replaces an actor by another version of itself: the new code is loaded while the old one works; then the old one ends
   * what it has under way and hands over what it knows (`Actor.handOver`), and the new one starts with that. It is on trial
   * until its probe has succeeded: when it does not start, ends, or fails the probe, the old version is started again with
   * the same. No restart is counted. Calls that come in between fail with ACTOR_DOWN, and idempotent ones are made again by
   * themselves.
   *
   * Errors: UPGRADE_FAILED, with the reason; the old version runs then, or will when its supervisor does. ACTOR_DOWN when
   * the actor is not up.
   */
  async upgrade(name: string, change: Upgrade, options: UpgradeOptions = {}): Promise<void> {
    const old = this.core.specOf(name);
    if (this.upgrading.has(name)) throw new InkubeError("INVALID_ARGUMENT", `${name} is being upgraded already`);
    if (this.core.get(name).state !== "up") {
      throw new InkubeError("ACTOR_DOWN", `${name} is not up; upgrade it when it is`, { retryable: true });
    }
    this.upgrading.add(name);
    try {
      const next: ChildSpec = { ...old, ...change };
      await this.host
        .prepare(next)
        .catch((error: unknown) => this.upgradeFailed(name, "its code can't be loaded", error));
      const state = await this.host
        .handOver(name, old.shutdownMs)
        .catch((error: unknown) => this.upgradeFailed(name, "it did not hand over", error));
      await this.takeOut(name, { kill: false });
      try {
        await this.startAs(next, state, { onTrial: true });
        await this.probe(name, options);
        if (!this.core.endTrial(name)) throw this.hasEnded(name);
      } catch (error) {
        await this.takeBack(old, state, error);
      }
    } finally {
      this.host.discard(name);
      this.upgrading.delete(name);
    }
  }

  private async takeBack(old: ChildSpec, state: unknown, why: unknown): Promise<never> {
    const { name } = old;
    await this.takeOut(name, { kill: true });
    let outcome = "the old version runs again";
    try {
      await this.startAs(old, state, { onTrial: false });
    } catch (error) {
      outcome = `nor does the old version run (${(error as Error).message})`;
    }
    return this.upgradeFailed(name, outcome, why);
  }

  private upgradeFailed(name: string, what: string, cause: unknown): never {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InkubeError("UPGRADE_FAILED", `${name} was not upgraded, ${what}: ${why}`, { cause });
  }

  private hasEnded(name: string, reason?: string): InkubeError {
    return new InkubeError("ACTOR_DOWN", `${name} went down${reason === undefined ? "" : ` (${reason})`}`, {
      retryable: true,
    });
  }

  /** Starts what was taken out; rejects when its first start fails, or its supervisor ends before it. */
  private startAs(spec: ChildSpec, state: unknown, options: { readonly onTrial: boolean }): Promise<void> {
    const { name } = spec;
    return new Promise((resolve, reject) => {
      let over = false;
      const settle = (how: () => void): true => {
        over = true;
        // Who starts later than asked starts without it.
        this.handedOver.delete(name);
        how();
        return true;
      };
      const unsupervised = (): void => reject(this.hasEnded(name, "its supervisor has ended"));
      this.core.changeChild(spec);
      this.failures.delete(name);
      this.until((event) => {
        if (over) return true;
        if (event.type === "up" && event.name === name) return settle(resolve);
        if (event.type === "down" && event.name === name) {
          // The host says a moment later why a start failed.
          const tell = (): void => reject(this.failures.get(name) ?? this.hasEnded(name, event.reason));
          return settle(() => void this.options.clock.after(1, tell));
        }
        return this.core.get(name).state === "ended" && settle(unsupervised);
      });
      this.handedOver.set(name, state);
      this.run(this.core.startChild(name, this.nowMs(), options));
      if (!over && this.core.get(name).state === "ended") settle(unsupervised);
    });
  }

  /** Rejects also when the actor ends before its probe. */
  private probe(name: string, { probe, probeTimeoutMs = PROBE_TIMEOUT_MS }: UpgradeOptions): Promise<void> {
    if (probe === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      let over = false;
      const timer = this.options.clock.after(probeTimeoutMs, () => {
        reject(new InkubeError("DEADLINE_EXCEEDED", `its probe did not end within ${probeTimeoutMs} ms`));
      });
      this.until((event) => {
        if (!over && event.type === "down" && event.name === name) reject(this.hasEnded(name, event.reason));
        return over || (event.type === "down" && event.name === name);
      });
      probe()
        .then(() => resolve(), reject)
        .finally(() => {
          over = true;
          timer.cancel();
        });
    });
  }

  /** Starts what was taken out. Resolves when it is up. */
  putBack(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.core.get(name).state === "up") return resolve();
      this.until((event) => {
        if (event.type === "up" && event.name === name) resolve();
        else if (event.type === "terminated") reject(this.failure(`${name} did not come up`));
        else return false;
        return true;
      });
      this.run(this.core.startChild(name, this.nowMs()));
    });
  }

  /** Every actor and supervisor, parents first. */
  status(): readonly ChildStatus[] {
    return this.core.status();
  }

  /** The tree with the state of each of its nodes; `mermaidOf` draws it. */
  tree(): TreeNode {
    return treeOf(this.spec, (name) => this.core.get(name), this.lastDowns);
  }

  onEvent(listener: (event: SupervisorEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Asks `done` of each event until it says true. */
  private until(done: (event: SupervisorEvent) => boolean): void {
    const forget = this.onEvent((event) => {
      if (done(event)) forget();
    });
  }

  private nowMs(): number {
    return this.options.clock.monotonicMs();
  }

  private noteFailure(name: string, error: Error): void {
    this.lastFailure = error;
    this.failures.set(name, error);
  }

  private failure(what: string): Error {
    return this.lastFailure ?? new InkubeError("SUPERVISOR_GAVE_UP", `${what}: its actors ended too often`);
  }

  private run(commands: readonly SupervisorCommand[]): void {
    for (const command of commands) this.carryOut(command);
  }

  private carryOut(command: SupervisorCommand): void {
    switch (command.type) {
      case "start": {
        const { name } = command.child;
        const state = this.handedOver.get(name);
        this.handedOver.delete(name);
        this.host.start(command.child, state).then(
          () => this.run(this.core.childStarted(name, this.nowMs())),
          (error: Error) => {
            this.noteFailure(name, error);
            if (error instanceof InkubeError && !error.retryable) this.onHopelessStart?.(error);
          },
        );
        return;
      }
      case "stop":
        void this.host.stop(command.child, command.deadlineMs);
        return;
      case "kill":
        void this.host.kill(command.child);
        return;
      case "set-timer": {
        const { timer } = command;
        this.timers.set(
          timer,
          this.options.clock.after(command.delayMs, () => {
            this.timers.delete(timer);
            this.run(this.core.timerFired(timer, this.nowMs()));
          }),
        );
        return;
      }
      case "cancel-timer":
        this.timers.get(command.timer)?.cancel();
        this.timers.delete(command.timer);
        return;
      case "up":
      case "down":
      case "restart":
      case "escalate":
        return this.tell(command);
      case "terminated":
        this.terminated = true;
        return this.tell(command);
    }
  }

  private tell(event: SupervisorEvent): void {
    if (event.type === "down") this.lastDowns.set(event.name, event.reason);
    for (const listener of [...this.listeners]) listener(event);
  }
}
