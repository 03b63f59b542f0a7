/**
 * Containers without a program: they start after a while, listen on their ports, answer HTTP with their host's name, and end as
 * their annotations say. They cost no thread and no process, and run on virtual time as well.
 */
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { Connection, Listener } from "../../runtime/net.ts";
import type { Exit } from "./core/container-table.ts";
import type { SimulatedPlan } from "./core/simulated.ts";
import { isWell, simulatedPlan } from "./core/simulated.ts";
import type { ContainerSpec, Driver, DriverEvents, ExecResult, RunningContainer } from "./driver.ts";

const encoder = new TextEncoder();
/** A request's head beyond this is no probe and no test: the connection is dropped. */
const HEAD_BYTES_MAX = 16_384;

export function simulatedDriver(ctx: Context<unknown>, options: { readonly simulatedStartMs: number }): Driver {
  const running = new Set<string>();
  return {
    start: async (spec, given) => {
      const exited = (exit: Exit): void => {
        running.delete(spec.id);
        given.exited(exit);
      };
      const events: DriverEvents = { ...given, exited };
      const plan = simulatedPlan(spec.annotations, spec.name, { startMs: options.simulatedStartMs });
      if (plan.startMs > 0) await ctx.clock.sleep(plan.startMs);
      running.add(spec.id);
      const container = new SimulatedContainer(ctx, spec, plan, events);
      await container.listen();
      return container;
    },
    recover: () => undefined,
    // It has no program: what it does is done by the runtime itself.
    usage: () => Promise.resolve(new Map([...running].map((id) => [id, { cpuMs: 0, memoryBytes: 0 }]))),
    close: () => Promise.resolve(),
  };
}

class SimulatedContainer implements RunningContainer {
  private readonly ctx: Context<unknown>;
  private readonly spec: ContainerSpec;
  private readonly plan: SimulatedPlan;
  private readonly events: DriverEvents;
  private readonly startedAtMs: number;
  private readonly listeners: Listener[] = [];
  private readonly connections = new Set<Connection>();
  private exitTimer: Timer | undefined;
  private ended = false;

  constructor(ctx: Context<unknown>, spec: ContainerSpec, plan: SimulatedPlan, events: DriverEvents) {
    this.ctx = ctx;
    this.spec = spec;
    this.plan = plan;
    this.events = events;
    this.startedAtMs = ctx.clock.monotonicMs();
    if (plan.exitAfterMs !== undefined) {
      const { exitCode } = plan;
      this.exitTimer = ctx.clock.after(plan.exitAfterMs, () => this.end(exitOf(exitCode)));
    }
  }

  async listen(): Promise<void> {
    for (const port of this.spec.ports) {
      const listener = await this.listenOn(port);
      // oxlint-disable-next-line typescript/no-unnecessary-condition -- it may have ended while it waited
      if (this.ended) return await listener?.close();
      if (listener === undefined) continue;
      this.listeners.push(listener);
      this.events.listening(port, listener.address.port);
    }
  }

  /**
   * On the port asked for, or on any where the machine refuses that one, or another pod of the same address has it;
   * undefined when it is taken otherwise (host network).
   */
  private async listenOn(port: number): Promise<Listener | undefined> {
    const take = (connection: Connection): void => this.serve(connection);
    try {
      return await this.ctx.net.listen({ host: this.spec.podIp, port }, take);
    } catch (error) {
      if (hasCode(error, "ADDRESS_IN_USE") && this.spec.sharesIp !== true) return undefined;
      if (!hasCode(error, "PERMISSION_DENIED", "ADDRESS_NOT_AVAILABLE", "ADDRESS_IN_USE")) throw error;
      return await this.ctx.net.listen({ host: this.spec.podIp, port: 0 }, take);
    }
  }

  terminate(): void {
    if (this.ended || this.plan.stopMs < 0) return;
    this.exitTimer?.cancel();
    this.exitTimer = this.ctx.clock.after(this.plan.stopMs, () => this.end(exitOf(0)));
  }

  kill(): void {
    this.end({ exitCode: 137, reason: "Error", message: "" });
  }

  exec(command: readonly string[]): Promise<ExecResult> {
    const exitCode = this.isWell() ? 0 : 1;
    return Promise.resolve({
      stdout: encoder.encode(`simulated: ${command.join(" ")}\n`),
      stderr: new Uint8Array(0),
      exitCode,
    });
  }

  private isWell(): boolean {
    return isWell(this.plan, this.ctx.clock.monotonicMs() - this.startedAtMs);
  }

  private end(exit: Exit): void {
    if (this.ended) return;
    this.ended = true;
    this.exitTimer?.cancel();
    for (const connection of [...this.connections]) connection.destroy();
    const listeners = this.listeners.splice(0);
    this.ctx.spawn(async () => {
      await Promise.all(listeners.map((listener) => listener.close()));
      this.events.exited(exit);
    });
  }

  /** One request a connection, whatever its method and path. */
  private serve(connection: Connection): void {
    if (this.ended) return connection.destroy();
    this.connections.add(connection);
    connection.onClose(() => void this.connections.delete(connection));
    connection.onEnd(() => connection.end());
    let head = "";
    let answered = false;
    connection.onData((bytes) => {
      if (answered) return;
      head += new TextDecoder().decode(bytes);
      if (head.length > HEAD_BYTES_MAX) return connection.destroy();
      if (!head.includes("\r\n\r\n")) return;
      answered = true;
      const well = this.isWell();
      const body = `${this.spec.env["HOSTNAME"] ?? this.spec.name}\n`;
      const status = well ? "200 OK" : "503 Service Unavailable";
      const headers = `content-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close`;
      connection.write(encoder.encode(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`));
      connection.end();
    });
  }
}

function exitOf(exitCode: number): Exit {
  return { exitCode, reason: exitCode === 0 ? "Completed" : "Error", message: "" };
}

/** What stands in for the drivers that this host doesn't have. */
export function absentDriver(kind: string): Driver {
  return {
    start: () =>
      Promise.reject(
        new InkubeError(
          "CONTAINER_START_FAILED",
          `the ${kind} driver needs real threads and processes: use pods: "simulated" here`,
        ),
      ),
    recover: () => undefined,
    usage: () => Promise.resolve(new Map()),
    close: () => Promise.resolve(),
  };
}
