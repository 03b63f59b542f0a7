/**
 * Containers as worker threads of this one: a JavaScript module with its own heap, its own `process.env`, `process.argv`, standard
 * output and `process.exit`. They end with the runtime's thread. A thread can't change its working directory: its files are
 * below `INKUBE_ROOT`.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { MessagePort } from "node:worker_threads";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Mount } from "../../../protocols/container-runtime.ts";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Exit } from "../core/container-table.ts";
import type { BuiltInModule } from "../core/images.ts";
import { CHANNEL_KEY } from "../images/channel.ts";
import type { FromContainer, ToContainer } from "../images/channel.ts";
import type { Usage } from "../core/usage.ts";
import { sumOf } from "../core/usage.ts";
import type {
  CommandEvents,
  CommandWish,
  ContainerSpec,
  Driver,
  DriverEvents,
  ExecResult,
  Input,
  RunningCommand,
  RunningContainer,
} from "../driver.ts";
import { WELCOME } from "../images/welcome.ts";
import { MACHINE_PATH, MARK, execCommand, inputOf } from "./command.ts";
import { markedUsage, threadCpuMs } from "./process-usage.ts";
import { placeInVolume, prepareRoot } from "./root-directory.ts";
import type { Setting } from "./setting.ts";
import { Settings } from "./setting.ts";
import { killMarked, sweep, sweepLater } from "./strays.ts";

/** A heap that V8 can live in at all. Smaller limits are raised to it. */
const HEAP_BYTES_MIN = 16 * 1024 * 1024;

/** A spare's own start must not take the CPU from the container that starts. */
const SPARE_DELAY_MS = 250;

/** Between two looks for the processes of a thread that is to end, and has not. */
const AGAIN_MS = 50;

/** How long a thread has to tell what its heap takes. */
const USAGE_TIMEOUT_MS = 250;

/**
 * The first code on the thread: it waits to be told what it is, so that it can be made before that is known; then the
 * preload, then the module. It has to be a string, as a thread's entry can't be a TypeScript file on Node 20, and a `.cjs`
 * preload is required because that is several milliseconds faster than importing it. Without a preload it answers SIGTERM
 * itself.
 */
const BOOT = `
const { workerData } = require("node:worker_threads");
const { getHeapStatistics } = require("node:v8");
const port = workerData[${JSON.stringify(CHANNEL_KEY)}];
const tellUsage = (more) => {
  const { total_physical_size, malloced_memory, external_memory } = getHeapStatistics();
  port.postMessage({ kind: "usage", memoryBytes: total_physical_size + malloced_memory + external_memory, ...more });
};
let thread;
try { thread = require("node:fs").readlinkSync("/proc/thread-self"); } catch {}
tellUsage({ thread });
for (const name of workerData.warm) require(name);
port.once("message", ({ module, path, preload, argv, env }) => {
  for (const key of Object.keys(process.env)) delete process.env[key];
  Object.assign(process.env, env);
  process.argv.splice(1, Infinity, path, ...argv);
  port.on("message", ({ kind }) => { if (kind === "usage") tellUsage(); });
  port.unref();
  if (preload) require(preload);
  else {
    port.on("message", ({ kind, signal }) => { if (kind === "signal" && !process.emit(signal, signal)) process.exit(143); });
  }
  if (module.endsWith(".cjs")) require(path);
  else import(module).catch((error) => { process.nextTick(() => { throw error; }); });
});
`;

/** What nearly every container loads: a spare has it loaded already. */
const WARM_MODULES = ["node:net", "node:dns", "node:http"];

export interface ThreadDriverOptions {
  /** Loaded before the container's module: a path to a `.cjs` file. */
  readonly preload?: string;
  readonly builtIn: Readonly<Record<BuiltInModule, URL>>;
  /** How long after a start the next spare is made. */
  readonly spareDelayMs?: number;
}

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly memoryLimitBytes: number;
}

export function threadDriver(options: ThreadDriverOptions): Driver {
  const driver = new ThreadDriver(options);
  return {
    start: (spec, events) => driver.start(spec, events),
    recover: (ids) => killMarked(ids),
    usage: () => driver.usage(),
    close: () => driver.close(),
  };
}

class ThreadDriver {
  private readonly options: ThreadDriverOptions;
  /** A thread that waits to become a container like the last one. It is there only while containers run on threads. */
  private spare: Thread | undefined;
  private spareTimer: NodeJS.Timeout | undefined;
  private readonly running = new Map<string, ThreadContainer>();
  private readonly settings = new Settings();
  private isClosed = false;

  constructor(options: ThreadDriverOptions) {
    this.options = options;
  }

  async start(spec: ContainerSpec, events: DriverEvents): Promise<RunningContainer> {
    const { program } = spec;
    if (program.driver !== "thread") throw new Error(`a ${program.driver} program for the thread driver`);
    const { builtIn, preload = null } = this.options;
    const module = "builtIn" in program.module ? builtIn[program.module.builtIn] : urlOf(program.module.url);
    let thread: Thread;
    try {
      prepareRoot(spec);
      const spare = spec.stdin ? undefined : this.takeSpare(spec.memoryLimitBytes);
      thread = spare ?? makeThread(spec.memoryLimitBytes, [], spec.stdin);
    } catch (error) {
      throw new InkubeError("CONTAINER_START_FAILED", error instanceof Error ? error.message : String(error));
    }
    const { worker, port } = thread;
    const container = new ThreadContainer(spec, thread, events, this.settings);
    port.postMessage({
      module: module.href,
      path: fileURLToPath(module),
      preload,
      argv: [...program.args],
      env: { ...spec.env, [MARK]: spec.id },
    });
    this.running.set(spec.id, container);
    worker.once("exit", () => {
      port.close();
      this.running.delete(spec.id);
      if (this.running.size === 0) void this.dropSpare();
    });
    this.planSpare(spec.memoryLimitBytes);
    return container;
  }

  async usage(): Promise<ReadonlyMap<string, Usage>> {
    const containers = [...this.running];
    const own = await Promise.all(containers.map(([, container]) => container.usage()));
    const marked = containers.some(([, { hasProcesses }]) => hasProcesses) ? markedUsage() : undefined;
    return new Map(
      containers.map(([id], index): [string, Usage] => {
        const { cpuMs = 0, memoryBytes = 0 } = own[index] ?? {};
        return [id, sumOf(marked?.get(id), { cpuMs, memoryBytes })];
      }),
    );
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.spareTimer);
    sweep();
    await this.dropSpare();
  }

  private takeSpare(memoryLimitBytes: number): Thread | undefined {
    const { spare } = this;
    if (spare === undefined || spare.memoryLimitBytes !== memoryLimitBytes) return undefined;
    this.spare = undefined;
    spare.worker.ref();
    return spare;
  }

  private planSpare(memoryLimitBytes: number): void {
    clearTimeout(this.spareTimer);
    this.spareTimer = setTimeout(() => {
      if (this.isClosed || this.running.size === 0 || this.spare?.memoryLimitBytes === memoryLimitBytes) return;
      void this.dropSpare();
      const spare = makeThread(memoryLimitBytes, WARM_MODULES);
      this.spare = spare;
      spare.worker.unref();
      spare.port.unref();
      spare.worker.once("exit", () => {
        if (this.spare === spare) this.spare = undefined;
      });
    }, this.options.spareDelayMs ?? SPARE_DELAY_MS);
    this.spareTimer.unref();
  }

  private async dropSpare(): Promise<void> {
    const { spare } = this;
    this.spare = undefined;
    spare?.port.close();
    await spare?.worker.terminate();
  }
}

function makeThread(memoryLimitBytes: number, warm: readonly string[], stdin = false): Thread {
  const { port1, port2 } = new MessageChannel();
  try {
    const worker = new Worker(BOOT, {
      eval: true,
      env: {},
      workerData: { [CHANNEL_KEY]: port2, warm },
      transferList: [port2],
      stdin,
      stdout: true,
      stderr: true,
      resourceLimits: limitsOf(memoryLimitBytes),
      execArgv: [],
      name: "container",
    });
    return { worker, port: port1, memoryLimitBytes };
  } catch (error) {
    port1.close();
    throw error;
  }
}

class ThreadContainer implements RunningContainer {
  /** A thread has no mounts: paths are replaced, by the preload. */
  readonly unmounted: Readonly<Record<string, string>>;
  readonly input: Input | undefined;
  private readonly spec: ContainerSpec;
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly settings: Settings;
  /** Of its commands; made with the first of them. */
  private setting: Promise<Setting> | undefined;
  private killed = false;
  private ended = false;
  private hasSpawned = false;
  private endsAgain: NodeJS.Timeout | undefined;
  private readonly pids = new Set<number>();
  private readonly asking = new Set<() => void>();
  private memoryBytes = 0;
  private thread: string | undefined;
  private failure: (Error & { readonly code?: string }) | undefined;

  constructor(spec: ContainerSpec, { worker, port }: Thread, events: DriverEvents, settings: Settings) {
    this.spec = spec;
    this.settings = settings;
    this.input = spec.stdin && worker.stdin !== null ? inputOf(worker.stdin) : undefined;
    this.unmounted = Object.fromEntries(spec.mounts.map(({ containerPath }) => [containerPath, ""]));
    this.worker = worker;
    this.port = port;
    const outputs = [pipe(worker.stdout, "stdout", events), pipe(worker.stderr, "stderr", events)];
    worker.on("error", (error: unknown) => {
      this.failure = error instanceof Error ? error : new Error(String(error));
    });
    const take = (message: FromContainer | undefined): void => {
      if (message?.kind === "listening") events.listening(message.port, message.actual);
      else if (message?.kind === "usage") this.noteUsage(message);
      else if (message !== undefined) this.noteProcess(message);
    };
    port.on("message", take);
    port.unref();
    worker.once("exit", (code) => {
      this.ended = true;
      // Its last words.
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        take(got.message as FromContainer);
      }
      this.endProcesses();
      if (this.hasSpawned) sweepLater(spec.id);
      const finish = async (): Promise<void> => {
        await Promise.all(outputs);
        const { failure } = this;
        // A thread's uncaught error goes to its parent and not to its standard error, where a container's is looked for.
        if (failure !== undefined && !this.killed) {
          await events.output("stderr", new TextEncoder().encode(`${failure.stack ?? failure.message}\n`));
        }
        events.exited(this.exitOf(code));
      };
      void finish();
    });
  }

  terminate(): void {
    if (!this.ended) this.port.postMessage({ kind: "signal", signal: "SIGTERM" } satisfies ToContainer);
  }

  kill(): void {
    if (this.ended) return;
    this.killed = true;
    void this.worker.terminate();
    // A thread that waits for a process of its own ends no sooner than that.
    this.endProcesses();
  }

  /**
   * CPU time is the system's; where that doesn't tell of threads, the time in which the event loop was busy. Of its heap the thread
   * tells itself: one that is too busy to do so counts with what it told last.
   */
  async usage(): Promise<Usage> {
    const answered = new Promise<void>((resolve) => this.asking.add(resolve));
    this.port.postMessage({ kind: "usage" } satisfies ToContainer);
    const late = new Promise<void>((resolve) => setTimeout(resolve, USAGE_TIMEOUT_MS).unref());
    await Promise.race([answered, late]);
    const { active } = this.worker.performance.eventLoopUtilization();
    const cpuMs = (this.thread === undefined ? undefined : threadCpuMs(this.thread)) ?? active;
    return { cpuMs, memoryBytes: this.memoryBytes };
  }

  get hasProcesses(): boolean {
    return this.hasSpawned && process.platform === "linux";
  }

  private noteUsage({ memoryBytes, thread }: Extract<FromContainer, { readonly kind: "usage" }>): void {
    this.memoryBytes = memoryBytes;
    this.thread ??= thread;
    for (const resolve of this.asking) resolve();
    this.asking.clear();
  }

  /** What the program tells of the processes that it starts. */
  private noteProcess(message: Extract<FromContainer, { readonly kind: "spawned" | "ended" }>): void {
    this.hasSpawned = true;
    if (message.kind === "ended") this.pids.delete(message.pid);
    else if (message.pid !== undefined) this.pids.add(message.pid);
    if (this.killed || this.ended) this.endProcesses();
  }

  /** One that was being made just then is found later only, and the thread may be waiting for it. */
  private endProcessesAgain(): void {
    if (this.ended || this.endsAgain !== undefined) return;
    this.endsAgain = setTimeout(() => {
      this.endsAgain = undefined;
      if (!this.ended) this.endProcesses();
    }, AGAIN_MS);
  }

  /** By their mark, which theirs carry as well; where there is no /proc, those that the program itself has started. */
  private endProcesses(): void {
    if (!this.hasSpawned) return;
    if (process.platform === "linux") {
      killMarked([this.spec.id]);
      this.endProcessesAgain();
      return;
    }
    for (const pid of this.pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has just ended.
      }
    }
    this.pids.clear();
  }

  /** A process beside the thread, with its environment, in the directory that stands for its root, and with its mounts where the machine has them. */
  async open(wish: CommandWish, events: CommandEvents): Promise<RunningCommand> {
    this.hasSpawned = true;
    this.setting ??= this.settingOf();
    return await (await this.setting).open(wish, events, undefined);
  }

  exec(command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const wish = { command, stdin: false, tty: false };
    return execCommand(command, (events) => this.open(wish, events), timeoutMs);
  }

  private settingOf(): Promise<Setting> {
    const { spec } = this;
    const { id, env } = spec;
    const hosts = env[CONTAINER_ENVIRONMENT.hosts];
    const needed = [process.execPath, ...(hosts === undefined || hosts === "" ? [] : [dirname(hosts)])];
    const withFiles = { ...spec, tty: false, mounts: [...spec.mounts, ...filesOfImage(spec)] };
    return this.settings.of(withFiles, { PATH: MACHINE_PATH, ...env, [MARK]: id }, undefined, needed);
  }

  private exitOf(code: number): Exit {
    if (this.killed) return { exitCode: 137, reason: "Error", message: "" };
    if (this.failure?.code === "ERR_WORKER_OUT_OF_MEMORY") {
      return { exitCode: 137, reason: "OOMKilled", message: this.failure.message };
    }
    return { exitCode: code, reason: code === 0 ? "Completed" : "Error", message: this.failure?.message ?? "" };
  }
}

/** What nginx serves, unless a volume is there. */
const SITE = "/usr/share/nginx/html";

/**
 * The files of a built-in image that commands look for. Made with the first command: until then what is not there is served as if it
 * were, and from then on what a command writes there is served.
 */
function filesOfImage({ root, mounts, program }: ContainerSpec): readonly Mount[] {
  const isSite = program.driver === "thread" && "builtIn" in program.module && program.module.builtIn === "web-server";
  const isTaken = placeInVolume(SITE, mounts) !== undefined;
  if (!isSite || isTaken || mounts.some(({ containerPath }) => containerPath.startsWith(`${SITE}/`))) return [];
  const directory = join(root, SITE);
  const index = join(directory, "index.html");
  mkdirSync(directory, { recursive: true });
  if (!existsSync(index)) writeFileSync(index, WELCOME);
  return [{ containerPath: SITE, hostPath: directory, readonly: false }];
}

function limitsOf(memoryLimitBytes: number): { readonly maxOldGenerationSizeMb?: number } {
  if (memoryLimitBytes <= 0) return {};
  return { maxOldGenerationSizeMb: Math.floor(Math.max(memoryLimitBytes, HEAP_BYTES_MIN) / (1024 * 1024)) };
}

function urlOf(module: string): URL {
  return module.startsWith("file:") ? new URL(module) : pathToFileURL(module);
}

/** Resolves when the stream has ended. Threads' streams end, but don't always close. */
function pipe(stream: Readable, name: "stdout" | "stderr", events: DriverEvents): Promise<void> {
  return new Promise((resolve) => {
    stream.on("data", (bytes: Buffer) => {
      stream.pause();
      void events.output(name, bytes).then(() => stream.resume());
    });
    stream.once("end", resolve);
    stream.once("close", resolve);
  });
}
