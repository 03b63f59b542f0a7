/**
 * Carries out what `SupervisorCore` decides: starts, stops and kills actors through a host, keeps its timers, and tells
 * what happens. Both hosts use it.
 *
 * It is one serial process, as a supervisor of Erlang/OTP: what is asked of it, or told, waits until the decision before
 * has been carried out and told. So a command of the host, or a listener, may ask for anything at once.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Cause, DownReason } from "../actor.ts";
import type { Clock, Timer } from "../clock.ts";
import type { Random } from "../random.ts";
import type { Lives } from "../trace/lives.ts";
import { checkSpec } from "./core/check-spec.ts";
import type { ChildStatus, SupervisorCommand } from "./core/supervisor-core.ts";
import { SupervisorCore } from "./core/supervisor-core.ts";
import type { ChildSpec, SupervisorSpec } from "./spec.ts";
import { actorsOf, isSupervisor } from "./spec.ts";
import type { TreeNode } from "./tree.ts";
import { treeOf } from "./tree.ts";
import type { Upgrade, UpgradeOptions } from "./upgrade.ts";
import { Upgrades, hasEnded } from "./upgrade.ts";

export interface ActorHost {
  /**
   * Actors that come to a running tree: when it resolves, those that they link to can refer to them. Rejects when they can't
   * be of this host.
   */
  admit(specs: readonly ChildSpec[]): Promise<void>;
  /** Actors that have left the tree, and are down. Their disks stay. */
  dismiss(names: readonly string[]): void;
  /**
   * Resolves when the actor is up. One that does not come up is told of by `Supervisor.actorDown`, with why; a start that
   * can't even begin only rejects, or throws.
   */
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

/** What a supervisor tells those who watch it. */
export type SupervisorEvent = Exclude<
  SupervisorCommand,
  { readonly type: "start" | "stop" | "kill" | "set-timer" | "cancel-timer" }
>;
type HostCommand = Exclude<SupervisorCommand, SupervisorEvent>;

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Names outside of the tree that specs may link to, as the embedder's. */
  readonly externals?: readonly string[];
  /** What a listener throws is thrown to whom the supervisor was called by, once everything is carried out and told. */
  readonly onEvent?: (event: SupervisorEvent) => void;
  /** Where it is recorded why actors end and start; the host's. */
  readonly lives?: Lives;
}

/** One start of an actor, until its end. */
interface Attempt {
  up: boolean;
}

/** Whether what is waited for is there (`true`), or why it will not come; undefined: not yet. */
type Settled = true | Error | undefined;

export class Supervisor {
  private readonly core: SupervisorCore;
  private readonly root: string;
  private readonly host: ActorHost;
  private readonly options: SupervisorOptions;
  private readonly upgrades: Upgrades;
  /** What is to be done after what is being done. */
  private readonly inbox: (() => void)[] = [];
  private working = false;
  /** The event that what is being decided and carried out now comes of. */
  private cause: Cause = "";
  /** What a decision or a listener has thrown meanwhile, the first of them. */
  private thrown: { readonly error: unknown } | undefined;
  private readonly timers = new Map<string, Timer>();
  private readonly listeners = new Set<(event: SupervisorEvent) => void>();
  private readonly handedOver = new Map<string, unknown>();
  private readonly attempts = new Map<string, Attempt>();
  private readonly lastDowns = new Map<string, string>();
  private lastFailure: Error | undefined;
  /** The last one of each actor. */
  private readonly failures = new Map<string, Error>();
  /** Actors whose last start said that it can't succeed. */
  private readonly hopeless = new Set<string>();
  private terminated = false;

  /** The whole tree is checked before anything starts. Errors: INVALID_SPEC. */
  constructor(spec: SupervisorSpec, host: ActorHost, options: SupervisorOptions) {
    checkSpec(spec, options.externals ?? []);
    this.core = new SupervisorCore(spec);
    this.root = spec.name;
    this.host = host;
    this.options = options;
    this.upgrades = new Upgrades({
      host,
      core: this.core,
      clock: options.clock,
      takeOut: (name, how) => this.takeOut(name, how),
      startAs: (child, state, how) => this.startAs(child, state, how),
      onEvent: (listener) => this.onEvent(listener),
    });
    if (options.onEvent !== undefined) this.listeners.add(options.onEvent);
  }

  /**
   * Resolves when every actor is up; rejects with the last failure when the tree gives up before, and at once when an
   * actor says that its start can't succeed (an `InkubeError` that is not retryable). Then `stop` ends what has started.
   */
  start(): Promise<void> {
    return this.until(
      () => {
        this.asked("start", this.root);
        return this.terminated ? [] : this.core.start(this.nowMs());
      },
      (event) => {
        if (this.terminated) return this.failure("the cluster did not come up");
        if (this.core.get(this.root).state === "up") return true;
        return event?.type === "down" && this.hopeless.has(event.name) ? this.failures.get(event.name) : undefined;
      },
    );
  }

  /** Resolves when every actor has ended. */
  stop(): Promise<void> {
    return this.until(
      () => {
        this.asked("stop", this.root);
        return this.core.stop(this.nowMs());
      },
      () => (this.core.get(this.root).state === "ended" ? true : undefined),
    );
  }

  /** Ends the whole tree, as an escalation to its root does: what goes on around it can't be mended by restarts. */
  giveUp(reason: string): void {
    this.decide(() => {
      this.lastFailure = new InkubeError("SUPERVISOR_GAVE_UP", reason);
      return this.core.giveUp(reason, this.nowMs());
    });
  }

  /** From the host: an actor has ended, asked or not; `error` is why, where that is known. */
  actorDown(name: string, reason: DownReason, error: Error | undefined): void {
    const attempt = this.attempts.get(name);
    this.attempts.delete(name);
    const cause = this.options.lives?.endOf(name) ?? "";
    this.decide(() => {
      this.cause = cause;
      if (error !== undefined) this.noteFailure(name, error);
      if (attempt?.up === false && error instanceof InkubeError && !error.retryable) this.hopeless.add(name);
      return this.core.childDown(name, reason, this.nowMs(), this.options.random.next());
    });
  }

  /**
   * Ends an actor as a crash would, so that its supervisor does what its spec says. Resolves when it is down.
   * Errors: INVALID_ARGUMENT for what is no actor of the tree, ACTOR_DOWN for one that does not run.
   */
  async kill(name: string): Promise<void> {
    this.core.specOf(name);
    if (!this.attempts.has(name)) throw notRunning(name);
    const { lives } = this.options;
    lives?.blame(name, lives.asked("kill", name));
    await this.host.kill(name);
  }

  /**
   * Ends an actor, or a supervisor with all of its actors, for good. Resolves when it is down. Errors: INVALID_ARGUMENT
   * for the root, and what is not of the tree.
   */
  takeOut(name: string, options: { readonly kill: boolean }): Promise<void> {
    return this.until(
      () => {
        const commands = this.core.stopChild(name, this.nowMs(), options);
        this.asked(options.kill ? "kill" : "take-out", name);
        return commands;
      },
      () => (this.hasEnded(name) ? true : undefined),
    );
  }

  /**
   * Adds an actor, or a supervisor with its children, to the running tree: to the right of the children of `under`, by default
   * the root. The actors that its specs link to can refer to it from then on, also those that run already. Resolves when it
   * is up. It is on trial until then: when an actor does not start, or its supervisor ends before, it leaves the tree again.
   *
   * Errors: INVALID_SPEC for what the tree could not have had from the beginning, ACTOR_DOWN when `under` is not up, what
   * the start failed with. Nothing of it is left then.
   */
  async addChild(spec: ChildSpec | SupervisorSpec, options: { readonly under?: string } = {}): Promise<void> {
    const { name } = spec;
    const under = options.under ?? this.root;
    // By itself, or with a supervisor above it. From then on the name may be another's.
    let removed = false;
    let forget = (): void => undefined;
    await this.until(
      () => {
        checkSpec(withChild(this.core.spec(), under, spec), this.options.externals ?? []);
        const commands = this.core.addChild(under, spec, this.nowMs());
        this.asked("add", name);
        forget = this.onEvent((event) => {
          removed ||= event.type === "removed" && !this.core.has(name);
        });
        return commands;
      },
      () => true,
    );
    const actors = isSupervisor(spec) ? actorsOf(spec) : [spec];
    try {
      if (!removed) await this.host.admit(actors);
      await this.firstStartOf(name, actors, () => removed);
      if (removed || !this.core.endTrial(name)) throw hasEnded(name);
    } catch (error) {
      // One that another child links to, which has come meanwhile, stays, but does not run.
      if (!removed) await this.remove(name, { kill: true }).catch(() => this.takeOut(name, { kill: true }));
      throw error;
    } finally {
      forget();
    }
  }

  /**
   * Takes an actor, or a supervisor with all of its actors, out of the running tree for good, gracefully; its name is free
   * then, and its disk stays. Resolves when it has ended. Errors: INVALID_ARGUMENT for the root, what is not of the tree,
   * and what others link to.
   */
  removeChild(name: string): Promise<void> {
    return this.remove(name, { kill: false });
  }

  private remove(name: string, options: { readonly kill: boolean }): Promise<void> {
    return this.until(
      () => {
        checkUnlinked(this.core.spec(), this.core.spec(name));
        this.asked("remove", name);
        return this.core.removeChild(name, this.nowMs(), options);
      },
      (event) => (event?.type === "removed" && event.name === name ? true : undefined),
    );
  }

  private firstStartOf(name: string, actors: readonly ChildSpec[], removed: () => boolean): Promise<void> {
    const isOfIt = new Set(actors.map((actor) => actor.name));
    return this.until(
      () => {
        if (removed()) throw hasEnded(name, "it was removed");
        this.asked("add", name);
        return this.core.startChild(name, this.nowMs(), { onTrial: true });
      },
      (event) => {
        if (removed()) return hasEnded(name, "it was removed");
        const failed = event?.type === "down" && isOfIt.has(event.name) ? event.name : undefined;
        // What its supervisor does about a start that can't succeed is of no use.
        if (failed !== undefined && this.hopeless.has(failed)) return this.failures.get(failed);
        const outcome = this.firstStart(name, event);
        // What the actors of a supervisor failed with says more than that it gave up.
        const failures = actors.map((actor) => this.failures.get(actor.name));
        return outcome instanceof Error ? (failures.find((failure) => failure !== undefined) ?? outcome) : outcome;
      },
    );
  }

  private hasEnded(name: string): boolean {
    return !this.core.has(name) || this.core.get(name).state === "ended";
  }

  /**
   * Starts what was taken out. Resolves when it is up, however often it is restarted until then. Errors: INVALID_ARGUMENT
   * for what is not of the tree, ACTOR_DOWN when the supervisor above it does not run, and what its last start failed
   * with when it, or its supervisor, ends for good.
   */
  putBack(name: string): Promise<void> {
    return this.until(
      () => {
        const parent = this.core.parentOf(name);
        if (parent !== undefined && this.core.get(parent).state === "ended") throw notRunning(parent);
        this.asked("put-back", name);
        return this.core.startChild(name, this.nowMs());
      },
      () => {
        if (!this.core.has(name)) return hasEnded(name, "it was removed");
        const { state } = this.core.get(name);
        if (state === "up") return true;
        return state === "ended" ? (this.failures.get(name) ?? this.failure(`${name} did not come up`)) : undefined;
      },
    );
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
  upgrade(name: string, change: Upgrade, options: UpgradeOptions = {}): Promise<void> {
    return this.upgrades.upgrade(name, change, options);
  }

  /** Every actor and supervisor, parents first. */
  status(): readonly ChildStatus[] {
    return this.core.status();
  }

  /** The tree as data, with what was added, upgraded and removed since it was made. */
  spec(): SupervisorSpec {
    return this.core.spec();
  }

  /** The tree with the state of each of its nodes; `mermaidOf` draws it. */
  tree(): TreeNode {
    return treeOf(this.core.spec(), (name) => this.core.get(name), this.lastDowns);
  }

  onEvent(listener: (event: SupervisorEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private startAs(spec: ChildSpec, state: unknown, options: { readonly onTrial: boolean }): Promise<void> {
    const { name } = spec;
    return this.until(
      () => {
        this.core.changeChild(spec);
        this.failures.delete(name);
        this.handedOver.set(name, state);
        this.asked("upgrade", name);
        return this.core.startChild(name, this.nowMs(), options);
      },
      (event) => {
        const outcome = this.firstStart(name, event);
        // Who starts later than asked starts without it.
        if (outcome !== undefined) this.handedOver.delete(name);
        return outcome;
      },
    );
  }

  private firstStart(name: string, event: SupervisorEvent | undefined): Settled {
    if (event?.type === "up" && event.name === name) return true;
    if (event?.type === "down" && event.name === name) return this.failures.get(name) ?? hasEnded(name, event.reason);
    return this.hasEnded(name) ? hasEnded(name, "its supervisor has ended") : undefined;
  }

  /** Makes a decision, and settles when `settled` says so: it is asked right after the decision, and of each event from then on. */
  private until(
    decision: () => readonly SupervisorCommand[],
    settled: (event: SupervisorEvent | undefined) => Settled,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.decide(() => {
        const commands = decision();
        let over = false;
        const look = (event: SupervisorEvent | undefined): void => {
          const outcome = over ? undefined : settled(event);
          if (outcome === undefined) return;
          over = true;
          this.listeners.delete(look);
          if (outcome === true) resolve();
          else reject(outcome);
        };
        this.listeners.add(look);
        look(undefined);
        return commands;
      }, reject);
    });
  }

  /** `refused`: what to do when the decision can't be made, as for a name that is not of the tree. */
  private decide(decision: () => readonly SupervisorCommand[], refused?: (error: unknown) => void): void {
    this.inbox.push(() => {
      let commands: readonly SupervisorCommand[];
      this.cause = "";
      try {
        commands = decision();
      } catch (error) {
        if (refused === undefined) throw error;
        return refused(error);
      }
      const events: SupervisorEvent[] = [];
      for (const command of commands) {
        if (isEvent(command)) events.push(command);
        else this.carryOut(command);
      }
      for (const event of events) this.tell(event);
    });
    if (!this.working) this.work();
  }

  private work(): void {
    this.working = true;
    for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) this.guard(next);
    this.working = false;
    const { thrown } = this;
    this.thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
  }

  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.thrown ??= { error };
    }
  }

  /** What is being decided was asked for from outside. */
  private asked(
    what: "kill" | "start" | "stop" | "take-out" | "put-back" | "add" | "remove" | "upgrade",
    name: string,
  ): void {
    const { lives } = this.options;
    if (lives === undefined) return;
    this.cause = what === "kill" ? lives.asked("kill", name) : lives.asked("asked", name, { do: what });
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

  private carryOut(command: HostCommand): void {
    switch (command.type) {
      case "start":
        return this.startActor(command.child);
      case "stop":
        this.options.lives?.blame(command.child, this.cause);
        return void this.host.stop(command.child, command.deadlineMs);
      case "kill":
        this.options.lives?.blame(command.child, this.cause);
        return void this.host.kill(command.child);
      case "set-timer": {
        const { timer } = command;
        const { cause } = this;
        const fire = (): void => {
          this.timers.delete(timer);
          this.decide(() => {
            this.cause = cause;
            return this.core.timerFired(timer, this.nowMs());
          });
        };
        this.timers.set(timer, this.options.clock.after(command.delayMs, fire));
        return;
      }
      case "cancel-timer":
        this.timers.get(command.timer)?.cancel();
        this.timers.delete(command.timer);
        return;
    }
  }

  private startActor(child: ChildSpec): void {
    const { name } = child;
    this.options.lives?.starts(name, this.cause);
    const state = this.handedOver.get(name);
    this.handedOver.delete(name);
    const attempt: Attempt = { up: false };
    const { cause } = this;
    this.attempts.set(name, attempt);
    const isThis = (): boolean => this.attempts.get(name) === attempt;
    // Within a function of its own, so that what it throws at once is treated like what it rejects with.
    const start = async (): Promise<void> => this.host.start(child, state);
    start().then(
      () => {
        if (!isThis()) return;
        attempt.up = true;
        this.decide(() => {
          this.cause = cause;
          this.hopeless.delete(name);
          return this.core.childStarted(name, this.nowMs());
        });
      },
      // Unless the host has told of its end already: then it never began.
      (error: unknown) => {
        if (isThis()) this.actorDown(name, "throw", startFailed(name, error));
      },
    );
  }

  private forget(actors: readonly string[]): void {
    for (const name of actors) {
      this.failures.delete(name);
      this.hopeless.delete(name);
      this.lastDowns.delete(name);
    }
    this.host.dismiss(actors);
  }

  private tell(event: SupervisorEvent): void {
    if (event.type === "down") this.lastDowns.set(event.name, event.reason);
    if (event.type === "terminated") this.terminated = true;
    if (event.type === "removed") this.forget(event.actors);
    for (const listener of [...this.listeners]) this.guard(() => listener(event));
  }
}

/** The tree with one more child. */
function withChild(tree: SupervisorSpec, under: string, spec: ChildSpec | SupervisorSpec): SupervisorSpec {
  const children = tree.children.map((child) => (isSupervisor(child) ? withChild(child, under, spec) : child));
  return { ...tree, children: tree.name === under ? [...children, spec] : children };
}

/** Errors: INVALID_ARGUMENT when an actor that stays links to one of `leaving`. */
function checkUnlinked(tree: SupervisorSpec, leaving: ChildSpec | SupervisorSpec): void {
  const gone = new Set((isSupervisor(leaving) ? actorsOf(leaving) : [leaving]).map(({ name }) => name));
  for (const { name, links } of actorsOf(tree)) {
    const link = gone.has(name) ? undefined : links.find((peer) => gone.has(peer));
    if (link === undefined) continue;
    throw new InkubeError(
      "INVALID_ARGUMENT",
      `${leaving.name} can't be removed: ${name} links to ${link}; remove that first`,
    );
  }
}

function isEvent(command: SupervisorCommand): command is SupervisorEvent {
  switch (command.type) {
    case "start":
    case "stop":
    case "kill":
    case "set-timer":
    case "cancel-timer":
      return false;
    case "up":
    case "down":
    case "restart":
    case "escalate":
    case "added":
    case "removed":
    case "terminated":
      return true;
  }
}

function notRunning(name: string): InkubeError {
  return new InkubeError("ACTOR_DOWN", `${name} is not running`, { retryable: true });
}

function startFailed(name: string, cause: unknown): InkubeError {
  if (cause instanceof InkubeError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InkubeError("START_FAILED", `${name} can't be started: ${why}`, { cause });
}
