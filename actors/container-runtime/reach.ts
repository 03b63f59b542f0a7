/** What of CRI lets a person reach into a container: `Exec`, `Attach`, `PortForward`. Each is offered at an address of the streaming server. */
import type { ContainerConfig, ContainerStatus, StreamOptions } from "../../protocols/container-runtime.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { ContainerTable } from "./core/container-table.ts";
import type { LogStream } from "./core/log-format.ts";
import type { CommandEvents, RunningCommand, RunningContainer, Session, StreamingServer } from "./driver.ts";

/** Output that waits for an attached client. Who reads more slowly for longer is cut off: the container does not wait. */
const BACKLOG_BYTES_MAX = 1024 * 1024;

type ExecRequest = StreamOptions & { readonly containerId: string; readonly command: readonly string[] };

/** A container that has been started, and who is attached to it. */
interface Attachable {
  /** Whether its input ends with that of the first client. */
  readonly inputEnds: boolean;
  readonly clients: Set<AttachedClient>;
}

export class Reach {
  private readonly table: ContainerTable;
  private readonly streaming: StreamingServer | undefined;
  private readonly running: (id: string) => RunningContainer | undefined;
  private readonly containers = new Map<string, Attachable>();

  constructor(
    table: ContainerTable,
    streaming: StreamingServer | undefined,
    running: (id: string) => RunningContainer | undefined,
  ) {
    this.table = table;
    this.streaming = streaming;
    this.running = running;
  }

  begun(id: string, { stdinOnce = false, tty = false }: Pick<ContainerConfig, "stdinOnce" | "tty">): void {
    // A terminal's input ends by a character. Source: containerd `internal/cri/io/container_io.go`.
    this.containers.set(id, { inputEnds: stdinOnce && !tty, clients: new Set() });
  }

  output(id: string, stream: LogStream, bytes: Uint8Array): void {
    for (const client of this.containers.get(id)?.clients ?? []) client.output(stream, bytes);
  }

  ended(id: string): void {
    const { clients } = this.containers.get(id) ?? { clients: new Set<AttachedClient>() };
    this.containers.delete(id);
    for (const client of clients) client.ended();
  }

  /** Errors: CONTAINER_NOT_FOUND, CONTAINER_STATE, STREAMING_UNAVAILABLE. */
  async exec({ containerId, command, ...options }: ExecRequest): Promise<{ readonly url: string }> {
    const { status, running } = this.find(containerId);
    if (running.open === undefined) throw simulated(status, "no command can be run in it");
    const { stdin, tty } = options;
    return await this.offer({
      purpose: "exec",
      streams: options,
      tty,
      start: async (events) => {
        const { running: now } = this.find(containerId);
        if (now.open === undefined) throw simulated(status, "no command can be run in it");
        try {
          return await now.open({ command, stdin, tty }, events);
        } catch (error) {
          if (!(error instanceof InkubeError)) throw error;
          throw new InkubeError(error.code, `error executing command in container: ${error.message}`);
        }
      },
    });
  }

  /** Errors: as `exec`. */
  async attach({ containerId, ...options }: StreamOptions & { readonly containerId: string }): Promise<{
    readonly url: string;
  }> {
    const { status, running } = this.find(containerId);
    if (running.open === undefined) throw simulated(status, "it has no output");
    return await this.offer({
      purpose: "attach",
      streams: options,
      tty: options.tty,
      start: (events) => Promise.resolve(this.attached(containerId, options, events)),
    });
  }

  private attached(id: string, { stdin }: StreamOptions, events: CommandEvents): RunningCommand {
    const { running } = this.find(id);
    const { inputEnds, clients } = this.attachable(id);
    const client = new AttachedClient(events, () => {
      clients.delete(client);
      if (stdin && inputEnds) running.input?.end();
    });
    clients.add(client);
    return {
      write: (bytes) => (stdin ? running.input?.write(bytes) : undefined),
      end: () => {
        if (stdin && inputEnds) running.input?.end();
      },
      resize: (size) => running.resize?.(size),
      abandon: () => client.leave(),
    };
  }

  /** Errors: CONTAINER_NOT_FOUND, CONTAINER_STATE, STREAMING_UNAVAILABLE. */
  async portForward(request: { readonly podSandboxId: string; readonly ports: readonly number[] }): Promise<{
    readonly url: string;
  }> {
    const { podSandboxId, ports } = request;
    const { id, metadata, network, state } = this.table.sandbox(podSandboxId);
    if (state !== "SANDBOX_READY") {
      throw new InkubeError("CONTAINER_STATE", `sandbox container "${id}" is not running`);
    }
    return await this.offer({
      purpose: "portForward",
      pod: `${id}, uid ${metadata.uid}`,
      ports,
      addressOf: (port) => {
        const containers = this.table.containersOf(podSandboxId).filter((each) => each.state === "CONTAINER_RUNNING");
        const moved = containers.map(({ listening }) => listening[port]).find((each) => each !== undefined);
        return { host: network.ip, port: moved ?? port };
      },
    });
  }

  async close(): Promise<void> {
    await this.streaming?.close();
  }

  private async offer(session: Session): Promise<{ readonly url: string }> {
    if (this.streaming === undefined) {
      throw new InkubeError("STREAMING_UNAVAILABLE", "nobody can reach into containers here: this host has no sockets");
    }
    return { url: await this.streaming.offer(session) };
  }

  private find(id: string): { readonly status: ContainerStatus; readonly running: RunningContainer } {
    const status = this.table.container(id);
    const running = this.running(id);
    if (running === undefined || status.state !== "CONTAINER_RUNNING") {
      throw new InkubeError("CONTAINER_STATE", `container ${id} is not running: it is ${status.state}`);
    }
    return { status, running };
  }

  private attachable(id: string): Attachable {
    const found = this.containers.get(id);
    if (found === undefined) throw new InkubeError("CONTAINER_STATE", `container ${id} has ended`);
    return found;
  }
}

class AttachedClient {
  private readonly events: CommandEvents;
  private readonly left: () => void;
  private backlog: { readonly stream: LogStream; readonly bytes: Uint8Array }[] = [];
  private backlogBytes = 0;
  private sending: Promise<void> | undefined;
  private isOver = false;

  constructor(events: CommandEvents, left: () => void) {
    this.events = events;
    this.left = left;
  }

  output(stream: LogStream, bytes: Uint8Array): void {
    if (this.isOver) return;
    if (this.backlogBytes > BACKLOG_BYTES_MAX) return this.end("the client reads too slowly: it was detached");
    this.backlog.push({ stream, bytes });
    this.backlogBytes += bytes.length;
    this.sending ??= this.send();
  }

  /** The container has ended: what waits is sent before that is told. */
  ended(): void {
    void Promise.resolve(this.sending).then(() => this.end(undefined));
  }

  /** The client has gone. */
  leave(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.backlog = [];
    this.left();
  }

  private end(fault: string | undefined): void {
    if (this.isOver) return;
    this.leave();
    this.events.exited({ exitCode: 0, reason: fault === undefined ? "Completed" : "Error", message: fault ?? "" });
  }

  private async send(): Promise<void> {
    for (let next = this.backlog.shift(); next !== undefined; next = this.backlog.shift()) {
      await this.events.output(next.stream, next.bytes);
      this.backlogBytes -= next.bytes.length;
    }
    this.sending = undefined;
  }
}

function simulated({ metadata }: ContainerStatus, what: string): InkubeError {
  return new InkubeError("STREAMING_UNAVAILABLE", `container "${metadata.name}" is simulated: ${what}`);
}
