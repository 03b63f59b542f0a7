/** A host for the supervisor's core in tests: it knows what runs, and refuses commands that make no sense. */
import type { ChildSpec, SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import { BACKOFF, SHUTDOWN_MS, START_TIMEOUT_MS } from "../../../../runtime/supervisor/spec.ts";
import type { SupervisorCommand } from "../../../../runtime/supervisor/core/supervisor-core.ts";
import { SupervisorCore } from "../../../../runtime/supervisor/core/supervisor-core.ts";

export function actor(name: string, rest: Partial<ChildSpec> = {}): ChildSpec {
  return {
    name,
    actor: "test",
    options: null,
    links: [],
    restart: "permanent",
    shutdownMs: SHUTDOWN_MS,
    startTimeoutMs: START_TIMEOUT_MS,
    ...rest,
  };
}

export function supervisor(
  name: string,
  children: SupervisorSpec["children"],
  rest: Partial<SupervisorSpec> = {},
): SupervisorSpec {
  return {
    name,
    strategy: "one_for_one",
    intensity: { restarts: 5, periodMs: 10_000 },
    backoff: { ...BACKOFF, jitter: 0 },
    children,
    ...rest,
  };
}

export type Running = "starting" | "up" | "stopping";

export class Harness {
  readonly core: SupervisorCore;
  readonly running: Map<string, Running> = new Map<string, Running>();
  readonly timers: Map<string, number> = new Map<string, number>();
  /** Commands and notices as `start a`, `stop b`, `escalate root`. */
  log: string[] = [];
  nowMs = 1_000;
  terminated: string | undefined;
  onCommand: (command: SupervisorCommand) => void = () => undefined;

  constructor(spec: SupervisorSpec) {
    this.core = new SupervisorCore(spec);
  }

  apply(commands: readonly SupervisorCommand[]): void {
    for (const command of commands) {
      if (this.terminated !== undefined) throw new Error(`${command.type} after the end`);
      this.onCommand(command);
      switch (command.type) {
        case "start":
          if (this.running.has(command.child.name)) throw new Error(`${command.child.name} is started twice`);
          this.running.set(command.child.name, "starting");
          this.log.push(`start ${command.child.name}`);
          break;
        case "stop":
        case "kill":
          if (!this.running.has(command.child)) throw new Error(`${command.child} is stopped while down`);
          this.running.set(command.child, "stopping");
          this.log.push(`${command.type} ${command.child}`);
          break;
        case "set-timer":
          this.timers.set(command.timer, this.nowMs + command.delayMs);
          break;
        case "cancel-timer":
          if (!this.timers.delete(command.timer)) throw new Error(`${command.timer} is not set`);
          break;
        case "restart":
          this.log.push(`restart ${command.name} in ${command.delayMs}`);
          break;
        case "escalate":
          this.log.push(`escalate ${command.supervisor}`);
          break;
        case "terminated":
          this.terminated = command.reason;
          this.log.push(`terminated ${command.reason}`);
          break;
        case "up":
        case "down":
        case "added":
        case "removed":
          break;
      }
    }
  }

  start(): void {
    this.apply(this.core.start(this.nowMs));
  }

  started(name: string): void {
    if (this.running.get(name) !== "starting") throw new Error(`${name} is not starting`);
    this.running.set(name, "up");
    this.apply(this.core.childStarted(name, this.nowMs));
  }

  down(name: string, reason = "throw", random = 0): void {
    if (!this.running.delete(name)) throw new Error(`${name} is not running`);
    this.apply(this.core.childDown(name, reason, this.nowMs, random));
  }

  /** Lets time pass; timers fire when they are due. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const due = [...this.timers].filter(([, atMs]) => atMs <= untilMs).sort((left, right) => left[1] - right[1])[0];
      if (due === undefined) break;
      this.nowMs = Math.max(this.nowMs, due[1]);
      this.timers.delete(due[0]);
      this.apply(this.core.timerFired(due[0], this.nowMs));
    }
    this.nowMs = untilMs;
  }

  /** Every start and stop that is under way succeeds, and those that follow from it. Time does not pass. */
  settle(): void {
    for (let busy = true; busy;) {
      busy = false;
      for (const [name, state] of [...this.running]) {
        if (this.running.get(name) !== state || state === "up") continue;
        busy = true;
        if (state === "starting") this.started(name);
        else this.down(name, "normal");
      }
    }
  }

  /** What has been commanded since the last call. */
  take(): readonly string[] {
    const log = this.log;
    this.log = [];
    return log;
  }
}
