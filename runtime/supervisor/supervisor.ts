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

export interface ActorHost {
  /** Resolves when the actor is up. When it does not come up, `Supervisor.actorDown` is called all the same. */
  start(spec: ChildSpec): Promise<void>;
  stop(name: string, deadlineMs: number): Promise<void>;
  kill(name: string): Promise<void>;
}

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
  private readonly rootName: string;
  private readonly host: ActorHost;
  private readonly options: SupervisorOptions;
  private readonly timers = new Map<string, Timer>();
  private readonly listeners = new Set<(event: SupervisorEvent) => void>();
  private lastFailure: Error | undefined;
  private onHopelessStart: ((error: Error) => void) | undefined;
  private terminated = false;

  /** The whole tree is checked before anything starts. Errors: INVALID_SPEC. */
  constructor(spec: SupervisorSpec, host: ActorHost, options: SupervisorOptions) {
    checkSpec(spec, options.externals ?? []);
    this.core = new SupervisorCore(spec);
    this.rootName = spec.name;
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
        if (event.type === "up" && event.name === this.rootName) resolve();
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
    if (error !== undefined) this.lastFailure = error;
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
        this.host.start(command.child).then(
          () => this.run(this.core.childStarted(name, this.nowMs())),
          (error: Error) => {
            this.lastFailure = error;
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
    for (const listener of [...this.listeners]) listener(event);
  }
}
