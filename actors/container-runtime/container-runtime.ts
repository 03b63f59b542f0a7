/**
 * The container runtime: pod sandboxes and containers in the CRI's terms, on the drivers that the host has. Its records survive
 * it (`core/container-table.ts`); its containers don't: the next incarnation reports them as exited with 137.
 */
import type {
  ContainerConfig,
  ContainerEvent,
  ContainerEventType,
  ContainerRuntimeMethods,
  ContainerStats,
  ContainerStatus,
  LogOptions,
  PodSandboxConfig,
  PodSandboxStatus,
} from "../../protocols/container-runtime.ts";
import { CONTAINER_ENVIRONMENT, LOST_CONTAINER, containerRuntimeProtocol } from "../../protocols/container-runtime.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Actor, ActorDefinition, Cause, Context, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import type { Exit, JournalRecord } from "./core/container-table.ts";
import { ContainerTable } from "./core/container-table.ts";
import { findImage, imageId, imageNameFault, imageNotFound, programOf, reportsListening } from "./core/images.ts";
import type { LogLine } from "./core/log-format.ts";
import { renderLog } from "./core/log-format.ts";
import type { ContainerRuntimeIo, ContainerSpec, Driver, DriverEvents, RunningContainer } from "./driver.ts";
import { PodFaults } from "./pod-faults.ts";
import { openJournal } from "./journal.ts";
import type { Journal } from "./journal.ts";
import { lastWords } from "./last-words.ts";
import { LogWriter, readLogFiles } from "./log-writer.ts";
import { absentDriver, simulatedDriver } from "./simulated-driver.ts";
import { Reach } from "./reach.ts";
import type { ContainerRuntimeOptions } from "./spec.ts";
import { CONTAINER_RUNTIME_DEFAULTS } from "./spec.ts";

/** Log bytes in one item of `readLogs`. */
const LOG_PIECE_BYTES = 65_536;
/** Items that a slow reader of logs may have outstanding before reading waits, and for how long it waits. */
const LOG_PIECES_AHEAD = 16;
const LOG_PAUSE_MS = 5;

/** `io` brings the drivers that need the machine; without it every container is simulated. */
export function containerRuntimeActor(
  io?: ContainerRuntimeIo,
): ActorDefinition<ContainerRuntimeMethods, Partial<ContainerRuntimeOptions>> {
  return defineActor(containerRuntimeProtocol, async (ctx) => {
    const options = { ...CONTAINER_RUNTIME_DEFAULTS, ...ctx.options };
    const { journal, records } = await openJournal(ctx, options.journalBytesMax);
    const nowMs = ctx.clock.nowMs();
    const table = ContainerTable.recover(records, nowMs);
    const lost = table
      .listContainers()
      .filter(({ reason, finishedAtMs }) => reason === LOST_CONTAINER && finishedAtMs === nowMs);
    for (const driver of [io?.thread, io?.process]) driver?.recover(lost.map(({ id }) => id));
    const runtime = new ContainerRuntime(ctx, options, table, journal, io);
    journal.compact(table.snapshot());
    return runtime.actor();
  });
}

/** What pods share where the kubelet names no other address: a loopback interface has at least this one. */
const SHARED_IP = "127.0.0.1";

/** A container that has been started and whose end was not yet recorded. */
interface Live {
  running: RunningContainer | undefined;
  /** What came while it was being started, to be carried out then. */
  wanted: "terminate" | "kill" | undefined;
  readonly ended: Promise<void>;
}

class ContainerRuntime {
  private readonly ctx: Context<unknown>;
  private readonly options: ContainerRuntimeOptions;
  private readonly table: ContainerTable;
  private readonly journal: Journal;
  private readonly drivers: Readonly<Record<"thread" | "process" | "simulated", Driver>>;
  private readonly hasIo: boolean;
  /** What a container was created with, until it is started. */
  private readonly configs = new Map<string, ContainerConfig>();
  private readonly live = new Map<string, Live>();
  private readonly logs = new Map<string, LogWriter>();
  private readonly sinks = new Set<Sink<ContainerEvent>>();
  private readonly pulled = new Set<string>();
  private readonly faults: PodFaults;
  private readonly reach: Reach;
  /** What last happened to each container, or was asked for it: its next event comes of that. */
  private readonly causes = new Map<string, Cause>();
  /** Whether this machine binds the addresses of pods; unknown before the first pod. */
  private bindsPodIps: boolean | undefined;

  constructor(
    ctx: Context<unknown>,
    options: ContainerRuntimeOptions,
    table: ContainerTable,
    journal: Journal,
    io: ContainerRuntimeIo | undefined,
  ) {
    this.ctx = ctx;
    this.options = options;
    this.table = table;
    this.journal = journal;
    this.hasIo = io !== undefined;
    this.reach = new Reach(table, io?.streaming, (id) => this.live.get(id)?.running);
    this.drivers = {
      simulated: simulatedDriver(ctx, options),
      thread: io?.thread ?? absentDriver("thread"),
      process: io?.process ?? absentDriver("process"),
    };
    this.faults = new PodFaults(ctx, {
      sandboxes: () => this.table.listSandboxes().filter(({ state }) => state === "SANDBOX_READY"),
      running: (id) => this.table.containersOf(id).filter((container) => container.state === "CONTAINER_RUNNING"),
      kill: (id, cause) => {
        this.causes.set(id, cause);
        this.live.get(id)?.running?.kill();
      },
    });
  }

  actor(): Actor<ContainerRuntimeMethods> {
    return {
      handlers: {
        version: () => ({ runtimeName: "inkube", runtimeVersion: "0.1.0", runtimeApiVersion: "v1" }),
        runPodSandbox: ({ config }) => this.runPodSandbox(config),
        stopPodSandbox: async ({ podSandboxId }, { cause }) => {
          this.becauseOfAll(podSandboxId, cause);
          if (this.table.has(podSandboxId)) await this.stopPodSandbox(podSandboxId);
          return null;
        },
        removePodSandbox: async ({ podSandboxId }, { cause }) => {
          this.becauseOfAll(podSandboxId, cause);
          if (this.table.has(podSandboxId)) await this.removePodSandbox(podSandboxId);
          return null;
        },
        podSandboxStatus: ({ podSandboxId }) => ({ status: this.table.sandbox(podSandboxId) }),
        listPodSandbox: () => ({ items: this.table.listSandboxes() }),
        createContainer: ({ podSandboxId, config }) => this.createContainer(podSandboxId, config),
        startContainer: ({ containerId }, { cause }) => {
          this.causes.set(containerId, cause);
          return this.startContainer(containerId);
        },
        stopContainer: async ({ containerId, timeoutMs }, { cause }) => {
          this.causes.set(containerId, cause);
          await this.stopContainer(containerId, timeoutMs);
          return { status: this.table.container(containerId) };
        },
        removeContainer: async ({ containerId }, { cause }) => {
          this.causes.set(containerId, cause);
          if (this.table.has(containerId)) await this.removeContainer(containerId);
          return null;
        },
        containerStatus: ({ containerId }) => ({ status: this.table.container(containerId) }),
        listContainers: () => ({ items: this.table.listContainers() }),
        listContainerStats: async () => ({ items: await this.stats() }),
        execSync: ({ containerId, command, timeoutMs }) => this.execSync(containerId, command, timeoutMs),
        exec: (request) => this.reach.exec(request),
        attach: (request) => this.reach.attach(request),
        portForward: (request) => this.reach.portForward(request),
        pullImage: ({ image }) => this.pullImage(image),
        imageStatus: ({ image }) => ({ image: this.pulled.has(image) ? imageOf(image) : null }),
        listImages: () => ({ items: [...this.pulled].map((image) => imageOf(image)) }),
        events: (_request, sink) => {
          if (sink.signal.aborted) return;
          this.sinks.add(sink);
          sink.signal.addEventListener("abort", () => void this.sinks.delete(sink));
        },
        readLogs: (request, sink) => this.readLogs(request, sink),
      },
      state: () => ({
        sandboxes: this.table.listSandboxes().length,
        containers: this.table.listContainers().length,
        toBeStarted: this.configs.size,
        running: this.live.size,
        logs: this.logs.size,
        subscribers: this.sinks.size,
      }),
      stop: () => this.stop(),
    };
  }

  private becauseOfAll(podSandboxId: string, cause: Cause): void {
    for (const { id } of this.table.containersOf(podSandboxId)) this.causes.set(id, cause);
  }

  /** Who asks again for the same attempt, as after a lost answer, gets the one that is there. */
  private async runPodSandbox(config: PodSandboxConfig): Promise<{ readonly status: PodSandboxStatus }> {
    const { uid, attempt } = config.metadata;
    const network = { ip: await this.bindable(config), askedIp: config.ip };
    const before = this.table
      .listSandboxes()
      .find(({ metadata, state }) => metadata.uid === uid && metadata.attempt === attempt && state === "SANDBOX_READY");
    if (before !== undefined) return { status: before };
    const status: PodSandboxStatus = {
      id: this.ctx.ids.unique(),
      metadata: config.metadata,
      state: "SANDBOX_READY",
      createdAtMs: this.ctx.clock.nowMs(),
      network,
      hostname: config.hostname,
      labels: config.labels ?? {},
      annotations: config.annotations ?? {},
    };
    this.record(this.table.putSandbox(status));
    return { status };
  }

  /** `ip`, or the shared one where the machine has no such address: macOS gives a loopback interface only 127.0.0.1. */
  private async bindable({ ip, sharedIp = SHARED_IP }: PodSandboxConfig): Promise<string> {
    // What a pod shares with the node says nothing of the others' addresses.
    if (ip === "" || ip === sharedIp) return sharedIp;
    if (this.bindsPodIps === undefined) {
      try {
        const listener = await this.ctx.net.listen({ host: ip, port: 0 }, (connection) => connection.destroy());
        await listener.close();
        this.bindsPodIps = true;
      } catch (error) {
        if (!hasCode(error, "ADDRESS_NOT_AVAILABLE", "PERMISSION_DENIED")) throw error;
        this.bindsPodIps = false;
        this.ctx.log.warn("pods share an address: this machine binds no own one for each", { ip, sharedIp });
      }
    }
    return this.bindsPodIps ? ip : sharedIp;
  }

  private async stopPodSandbox(id: string): Promise<void> {
    const containers = this.table.containersOf(id);
    await Promise.all(containers.map((container) => this.stopContainer(container.id, 0)));
    const sandbox = this.table.sandbox(id);
    if (sandbox.state === "SANDBOX_READY")
      this.record(this.table.putSandbox({ ...sandbox, state: "SANDBOX_NOTREADY" }));
  }

  private async removePodSandbox(id: string): Promise<void> {
    const sandbox = this.table.sandbox(id);
    await this.stopPodSandbox(id);
    await Promise.all(this.table.containersOf(id).map((container) => this.removeContainer(container.id)));
    this.record(this.table.remove(id));
    if (this.hasIo) await this.ctx.disk.remove(logDirectory(sandbox));
  }

  private createContainer(podSandboxId: string, config: ContainerConfig): { readonly status: ContainerStatus } {
    const sandbox = this.table.sandbox(podSandboxId);
    if (sandbox.state !== "SANDBOX_READY") {
      throw new InkubeError("CONTAINER_STATE", `pod sandbox ${podSandboxId} has been stopped`);
    }
    const { name, attempt } = config.metadata;
    const status: ContainerStatus = {
      id: this.ctx.ids.unique(),
      podSandboxId,
      metadata: config.metadata,
      state: "CONTAINER_CREATED",
      createdAtMs: this.ctx.clock.nowMs(),
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      image: config.image,
      imageRef: imageId(config.image),
      reason: "",
      message: "",
      labels: config.labels ?? {},
      annotations: config.annotations ?? {},
      logPath: `${logDirectory(sandbox)}/${name}/${attempt}.log`,
      reportsListening: reportsListening(config, this.options),
      listening: {},
    };
    this.configs.set(status.id, config);
    this.record(this.table.putContainer(status));
    this.tell("CONTAINER_CREATED_EVENT", status.id);
    return { status };
  }

  private async startContainer(id: string): Promise<{ readonly status: ContainerStatus }> {
    if (this.ctx.stopping.aborted) {
      throw new InkubeError("CONTAINER_STATE", "the container runtime is stopping", { retryable: true });
    }
    const created = this.table.container(id);
    const config = this.configs.get(id);
    if (created.state !== "CONTAINER_CREATED" || config === undefined || this.live.has(id)) {
      throw new InkubeError("CONTAINER_STATE", `container ${id} can't be started: it is ${created.state}`);
    }
    this.configs.delete(id);
    this.reach.begun(id, config);
    const log = new LogWriter(this.ctx, created.logPath, this.options);
    this.logs.set(id, log);
    let ended = (): void => {};
    const live: Live = {
      running: undefined,
      wanted: undefined,
      ended: new Promise((resolve) => (ended = resolve)),
    };
    this.live.set(id, live);
    const over = (exit: Exit): void => {
      this.ctx.spawn(async () => {
        await log.end();
        this.logs.delete(id);
        const last = this.hasIo ? await lastWords(this.ctx, created, config, exit.exitCode) : "";
        const message = [exit.message, last].filter((part) => part !== "").join(": ");
        this.live.delete(id);
        this.record(this.table.exited(id, { ...exit, message }, this.ctx.clock.nowMs()));
        this.tell("CONTAINER_STOPPED_EVENT", id);
        this.reach.ended(id);
        ended();
      });
    };
    const events: DriverEvents = {
      output: (stream, bytes) => {
        this.reach.output(id, stream, bytes);
        return log.write(stream, bytes);
      },
      listening: (requestedPort, port) => {
        if (this.table.container(id).state === "CONTAINER_EXITED") return;
        this.record(this.table.listening(id, requestedPort, port));
        this.tell("CONTAINER_LISTENING_EVENT", id);
      },
      exited: over,
    };
    try {
      const spec = await this.specOf(created, config);
      live.running = await this.drivers[spec.program.driver].start(spec, events);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // 128: the code that containerd gives a container whose program could not be started.
      over({ exitCode: 128, reason: "StartError", message });
      await live.ended;
      throw error;
    }
    const { unmounted = {} } = live.running;
    if (Object.keys(unmounted).length > 0)
      this.record(this.table.putContainer({ ...this.table.container(id), unmounted }));
    if (this.table.container(id).state === "CONTAINER_CREATED") {
      this.record(this.table.started(id, this.ctx.clock.nowMs()));
      this.tell("CONTAINER_STARTED_EVENT", id);
    }
    if (live.wanted === "terminate") live.running.terminate();
    if (live.wanted === "kill") live.running.kill();
    return { status: this.table.container(id) };
  }

  private async specOf(status: ContainerStatus, config: ContainerConfig): Promise<ContainerSpec> {
    const sandbox = this.table.sandbox(status.podSandboxId);
    const program = programOf(config.image, config.command ?? [], config.args ?? [], this.options);
    const directory = `containers/${status.id}`;
    if (program.driver !== "simulated") await this.ctx.disk.makeDirectory(directory);
    const root = `${this.ctx.disk.root}/${directory}`;
    const { terminationMessagePath: log, mounts = [] } = config;
    const { ip, askedIp } = sandbox.network;
    const sharesIp = ip !== askedIp || ip === SHARED_IP;
    const mountPaths = mounts.map(({ containerPath }) => containerPath);
    return {
      id: status.id,
      name: config.metadata.name,
      program,
      env: {
        [CONTAINER_ENVIRONMENT.podIp]: ip,
        ...(sharesIp ? { [CONTAINER_ENVIRONMENT.sharesIp]: "1" } : {}),
        [CONTAINER_ENVIRONMENT.namespace]: sandbox.metadata.namespace,
        [CONTAINER_ENVIRONMENT.root]: root,
        HOSTNAME: sandbox.hostname,
        HOME: root,
        ...(program.driver === "simulated" ? {} : program.env),
        ...config.envs,
        ...(mounts.length === 0 ? {} : { [CONTAINER_ENVIRONMENT.mounts]: JSON.stringify(mountPaths) }),
        ...(log === undefined ? {} : { [CONTAINER_ENVIRONMENT.terminationLog]: `${root}${log}` }),
      },
      root,
      mounts,
      workingDir: config.workingDir,
      terminationMessagePath: log,
      memoryLimitBytes: config.memoryLimitBytes ?? 0,
      podIp: ip,
      sharesIp,
      ports: config.ports ?? [],
      annotations: sandbox.annotations,
      stdin: config.stdin === true,
      tty: config.tty === true,
    };
  }

  /** SIGTERM, then SIGKILL after `timeoutMs`. Errors: CONTAINER_NOT_FOUND, CONTAINER_STATE when even SIGKILL doesn't end it. */
  private async stopContainer(id: string, timeoutMs: number): Promise<void> {
    const container = this.table.container(id);
    const live = this.live.get(id);
    if (live === undefined) {
      if (container.state === "CONTAINER_CREATED") {
        this.configs.delete(id);
        this.record(this.table.exited(id, { exitCode: 137, reason: "Error", message: "" }, this.ctx.clock.nowMs()));
        this.tell("CONTAINER_STOPPED_EVENT", id);
      }
      return;
    }
    if (timeoutMs > 0) {
      live.wanted ??= "terminate";
      live.running?.terminate();
      if (await this.within(live.ended, timeoutMs)) return;
    }
    live.wanted = "kill";
    live.running?.kill();
    if (await this.within(live.ended, this.options.killTimeoutMs)) return;
    throw new InkubeError(
      "CONTAINER_STATE",
      `container ${container.metadata.name} (${id}) does not end after SIGKILL`,
      {
        retryable: true,
      },
    );
  }

  /** Whether `event` happens within `timeoutMs`. */
  private within(event: Promise<void>, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.ctx.clock.after(timeoutMs, () => resolve(false));
      void event.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  private async removeContainer(id: string): Promise<void> {
    await this.stopContainer(id, 0);
    const container = this.table.container(id);
    this.tell("CONTAINER_DELETED_EVENT", id);
    this.record(this.table.remove(id));
    if (!this.hasIo) return;
    await this.ctx.disk.remove(`containers/${id}`);
    await this.ctx.disk.remove(container.logPath);
    for (let age = 1; age < this.options.logFilesMax; age++) await this.ctx.disk.remove(`${container.logPath}.${age}`);
  }

  private async stats(): Promise<readonly ContainerStats[]> {
    const usages = await Promise.all(Object.values(this.drivers).map((driver) => driver.usage()));
    const sampledAtMs = this.ctx.clock.nowMs();
    const byId = new Map(usages.flatMap((usage) => [...usage]));
    return this.table.listContainers().flatMap(({ id, metadata, podSandboxId, state, startedAtMs }) => {
      const usage = byId.get(id);
      if (state !== "CONTAINER_RUNNING" || usage === undefined) return [];
      const pod = this.table.sandbox(podSandboxId).metadata;
      return [{ id, pod, metadata, startedAtMs, sampledAtMs, ...usage }];
    });
  }

  private execSync(
    id: string,
    command: readonly string[],
    timeoutMs: number,
  ): Promise<{ readonly stdout: Uint8Array; readonly stderr: Uint8Array; readonly exitCode: number }> {
    const container = this.table.container(id);
    const running = this.live.get(id)?.running;
    if (running === undefined) {
      throw new InkubeError("CONTAINER_STATE", `container ${id} is not running: it is ${container.state}`);
    }
    return running.exec(command, timeoutMs);
  }

  private pullImage(image: string): { readonly imageRef: string } {
    const fault = image in this.options.images ? undefined : imageNameFault(image);
    if (fault !== undefined) throw new InkubeError("INVALID_IMAGE_NAME", fault);
    if (findImage(image, this.options) === undefined) throw imageNotFound(image);
    this.faults.checkImage(image);
    this.pulled.add(image);
    return { imageRef: imageId(image) };
  }

  private async readLogs(request: LogOptions, sink: Sink<Uint8Array>): Promise<void> {
    const id = this.table.listContainers().find((container) => container.logPath === request.logPath)?.id;
    const writer = id === undefined ? undefined : this.logs.get(id);
    if (writer === undefined || request.follow !== true) {
      await writer?.flushed();
      await this.pushPieces(renderLog(await readLogFiles(this.ctx, request.logPath), request), sink);
      return sink.end();
    }
    // Lines that come before the old ones have been sent wait in `early`.
    const early: (readonly LogLine[])[] = [];
    let take = (lines: readonly LogLine[]): void => void early.push(lines);
    const { lines, unfollow } = await writer.readAndFollow((batch) => take(batch));
    if (sink.signal.aborted) return unfollow();
    sink.signal.addEventListener("abort", unfollow);
    const before = renderLog(lines, request);
    await this.pushPieces(before, sink);
    const { timestamps = false, limitBytes = Infinity } = request;
    let left = limitBytes - before.length;
    const end = (): void => {
      unfollow();
      sink.end();
    };
    take = (batch) => {
      if (left <= 0) return;
      if (batch.length === 0) return end();
      const bytes = renderLog(batch, { timestamps, ...(left === Infinity ? {} : { limitBytes: left }) });
      left -= bytes.length;
      sink.push(bytes);
      if (left <= 0) end();
    };
    if (left <= 0) end();
    for (const batch of early) take(batch);
  }

  private async pushPieces(bytes: Uint8Array, sink: Sink<Uint8Array>): Promise<void> {
    for (let at = 0; at < bytes.length && !sink.signal.aborted; at += LOG_PIECE_BYTES) {
      while (sink.buffered > LOG_PIECES_AHEAD && !sink.signal.aborted) await this.ctx.clock.sleep(LOG_PAUSE_MS);
      sink.push(bytes.slice(at, at + LOG_PIECE_BYTES));
    }
  }

  private async stop(): Promise<void> {
    const stops = [...this.live.keys()].map((id) => this.stopContainer(id, this.options.shutdownGraceMs));
    await Promise.all(stops);
    await this.reach.close();
    await Promise.all(Object.values(this.drivers).map((driver) => driver.close()));
    await this.journal.flushed();
  }

  private record(record: JournalRecord): void {
    this.journal.append(record, () => this.table.snapshot());
  }

  private tell(type: ContainerEventType, id: string): void {
    const status = this.table.container(id);
    const { metadata } = this.table.sandbox(status.podSandboxId);
    const { trace, clock } = this.ctx;
    const subject = `pods/${metadata.namespace}/${metadata.name}`;
    const fields = {
      container: status.metadata.name,
      ...(type === "CONTAINER_STOPPED_EVENT" ? { exitCode: status.exitCode } : {}),
    };
    const cause = trace.event(TRACE_KINDS[type], subject, fields, this.causes.get(id));
    // What it does next by itself comes of that.
    if (type === "CONTAINER_DELETED_EVENT") this.causes.delete(id);
    else this.causes.set(id, cause);
    const event: ContainerEvent = { type, createdAtMs: clock.nowMs(), podUid: metadata.uid, status, cause };
    for (const sink of [...this.sinks]) sink.push(event);
  }
}

const TRACE_KINDS: Readonly<Record<ContainerEventType, string>> = {
  CONTAINER_CREATED_EVENT: "container.created",
  CONTAINER_STARTED_EVENT: "container.started",
  CONTAINER_STOPPED_EVENT: "container.stopped",
  CONTAINER_DELETED_EVENT: "container.deleted",
  CONTAINER_LISTENING_EVENT: "container.listening",
};

function imageOf(image: string): { id: string; repoTags: readonly string[]; sizeBytes: number } {
  return { id: imageId(image), repoTags: [image], sizeBytes: 0 };
}

/** As under /var/log/pods. */
function logDirectory(sandbox: PodSandboxStatus): string {
  const { namespace, name, uid } = sandbox.metadata;
  return `logs/${namespace}_${name}_${uid}`;
}
