/** A host for `Supervisor` in tests: starts, stops and kills take until the test says so, and senseless commands are refused. */
import type { DownReason } from "../../../../runtime/actor.ts";
import type { Clock, Timer } from "../../../../runtime/clock.ts";
import type { ChildSpec, SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import type { ActorHost, SupervisorEvent } from "../../../../runtime/supervisor/supervisor.ts";
import { Supervisor } from "../../../../runtime/supervisor/supervisor.ts";

interface Run {
  state: "starting" | "up" | "stopping";
  readonly started: () => void;
  readonly failed: (error: Error) => void;
}

/** Time that passes when the test says so. */
export class ManualClock implements Clock {
  private now = 0;
  private readonly timers = new Set<{ readonly atMs: number; readonly action: () => void }>();

  nowMs(): number {
    return this.now;
  }

  monotonicMs(): number {
    return this.now;
  }

  after(delayMs: number, action: () => void): Timer {
    const timer = { atMs: this.now + delayMs, action };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer) };
  }

  every(): Timer {
    throw new Error("nobody needs it here");
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  pass(ms: number): void {
    const untilMs = this.now + ms;
    for (;;) {
      const [due] = [...this.timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
      if (due === undefined) break;
      this.timers.delete(due);
      this.now = Math.max(this.now, due.atMs);
      due.action();
    }
    this.now = untilMs;
  }
}

export class HostDouble implements ActorHost {
  readonly clock: ManualClock = new ManualClock();
  readonly running: Map<string, Run> = new Map<string, Run>();
  /** Commands and events in their order: `start a`, `restart a`. */
  log: string[] = [];
  /** What a command does at once, before it returns. */
  onCommand: (command: string) => void = () => undefined;
  readonly supervisor: Supervisor;

  constructor(spec: SupervisorSpec, onEvent: (event: SupervisorEvent) => void = () => undefined) {
    this.supervisor = new Supervisor(spec, this, {
      clock: this.clock,
      random: { next: () => 0, below: () => 0 },
      onEvent: (event) => {
        this.log.push("name" in event ? `${event.type} ${event.name}` : event.type);
        onEvent(event);
      },
    });
  }

  start({ name }: ChildSpec): Promise<void> {
    if (this.running.has(name)) throw new Error(`${name} is started twice`);
    this.log.push(`start ${name}`);
    return new Promise((resolve, reject) => {
      this.running.set(name, { state: "starting", started: resolve, failed: reject });
      this.onCommand(`start ${name}`);
    });
  }

  stop(name: string): Promise<void> {
    return this.ask("stop", name);
  }

  kill(name: string): Promise<void> {
    return this.ask("kill", name);
  }

  admit(specs: readonly ChildSpec[]): Promise<void> {
    this.log.push(`admit ${specs.map(({ name }) => name).join(", ")}`);
    return Promise.resolve();
  }

  dismiss(names: readonly string[]): void {
    this.log.push(`dismiss ${names.join(", ")}`);
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  discard(): void {
    return undefined;
  }

  handOver(): Promise<unknown> {
    return Promise.resolve(undefined);
  }

  /** The start of an actor succeeds; resolves when its supervisor knows. */
  async up(name: string): Promise<void> {
    const run = this.running.get(name)!;
    run.state = "up";
    run.started();
    await turn();
  }

  down(name: string, reason: DownReason = "throw", error?: Error): void {
    const run = this.running.get(name);
    if (run === undefined) throw new Error(`${name} does not run`);
    this.running.delete(name);
    this.supervisor.actorDown(name, reason, error);
    run.failed(error ?? new Error(`${name} went down`));
  }

  /** Every start and stop that is under way succeeds, and those that follow from it. */
  async settle(): Promise<void> {
    for (let busy = true; busy;) {
      busy = false;
      for (const [name, { state }] of [...this.running]) {
        if (state === "up" || this.running.get(name)?.state !== state) continue;
        busy = true;
        if (state === "starting") await this.up(name);
        else this.down(name, "normal");
      }
    }
  }

  take(): readonly string[] {
    const log = this.log;
    this.log = [];
    return log;
  }

  private ask(what: "stop" | "kill", name: string): Promise<void> {
    const run = this.running.get(name);
    if (run === undefined) throw new Error(`${what} ${name}, which does not run`);
    this.log.push(`${what} ${name}`);
    run.state = "stopping";
    this.onCommand(`${what} ${name}`);
    return Promise.resolve();
  }
}

/** What promises that are settled now bring about has happened when it resolves. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
