/**
 * Containers as child processes. Each leads a process group of its own and is watched by a small shell in that group: it
 * waits for the end of a pipe that only this thread holds, and then kills the group. So nothing outlives the thread, the
 * process, or a SIGKILL of either. A program that leaves its group (setsid) gets away from that; on Linux what a container
 * left behind is found by its mark in /proc and killed when the container ends. Where the machine allows it, the program starts in a mount
 * namespace of its own, with its volumes at their mount paths.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import type { FromContainer } from "../images/channel.ts";
import type { Exit } from "../core/container-table.ts";
import type { Usage } from "../core/usage.ts";
import type { TerminalSize } from "../core/streaming/outcome.ts";
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
import {
  MACHINE_PATH,
  MARK,
  OUTPUT_GRACE_MS,
  execCommand,
  exitOf,
  inputOf,
  readLines,
  resolveNode,
  startFailed,
} from "./command.ts";
import { ENTRY_DESCRIPTOR, firstLine } from "./mount-namespace.ts";
import { groupUsage, markedUsage } from "./process-usage.ts";
import type { Setting } from "./setting.ts";
import { Settings } from "./setting.ts";
import { killMarked, sweep, sweepLater } from "./strays.ts";
import { parseTerminalReport, TerminalSizes } from "./terminal.ts";

/** A heap that Node.js can start in. */
const HEAP_MEGABYTES_MIN = 16;
/** What V8 says on standard error before it aborts. */
const HEAP_EXHAUSTED = "JavaScript heap out of memory";

export interface ProcessDriverOptions {
  /** Loaded by Node.js programs before their own code: a path to a `.cjs` file. */
  readonly preload?: string;
}

export function processDriver(options: ProcessDriverOptions): Driver {
  /** The process group of each container that runs. */
  const running = new Map<string, number>();
  const driver = new ProcessDriver(options);
  return {
    start: async (spec, events) => {
      const exited = (exit: Exit): void => {
        running.delete(spec.id);
        events.exited(exit);
      };
      const container = await driver.start(spec, { ...events, exited });
      running.set(spec.id, container.group);
      return container;
    },
    recover: (ids) => killMarked(ids),
    usage: () => usageOf(running),
    close: () => Promise.resolve(sweep()),
  };
}

async function usageOf(running: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, Usage>> {
  if (running.size === 0) return new Map();
  const groups = process.platform === "linux" ? undefined : await groupUsage();
  const marked = groups === undefined ? markedUsage() : undefined;
  return new Map(
    [...running].flatMap(([id, group]): [string, Usage][] => {
      const usage = marked?.get(id) ?? groups?.get(group);
      return usage === undefined ? [] : [[id, usage]];
    }),
  );
}

class ProcessDriver {
  private readonly options: ProcessDriverOptions;
  private readonly settings = new Settings();

  constructor(options: ProcessDriverOptions) {
    this.options = options;
  }

  async start(spec: ContainerSpec, events: DriverEvents): Promise<ProcessContainer> {
    const { program } = spec;
    if (program.driver !== "process") throw new Error(`a ${program.driver} program for the process driver`);
    if (process.platform === "win32") throw startFailed("containers as processes need a POSIX system");
    let setting: Setting;
    let child: ChildProcess;
    try {
      setting = await this.settingOf(spec, program);
      const [file = "", ...args] = setting.commandLine(program.argv.map(resolveNode));
      child = spawn(file, args, {
        cwd: setting.outerCwd,
        env: spec.tty ? { TERM: "xterm", ...setting.env, SHELL: "/bin/sh" } : setting.env,
        detached: true,
        // A terminal has an input, though nobody may write to it.
        stdio: [spec.stdin || spec.tty ? "pipe" : "ignore", "pipe", "pipe", "pipe", "pipe", ...setting.entry],
      });
      setting.feed(child);
    } catch (error) {
      throw startFailed(error instanceof Error ? error.message : String(error));
    }
    const container = new ProcessContainer(spec, child, setting, events);
    await container.started();
    return container;
  }

  private settingOf(spec: ContainerSpec, program: ProcessProgram): Promise<Setting> {
    const { preload } = this.options;
    const env = environmentOf(spec, this.options);
    const hosts = env[CONTAINER_ENVIRONMENT.hosts];
    const needed = [
      ...[process.execPath, ...(program.files ?? [])],
      ...(preload === undefined ? [] : [preload]),
      // It is replaced as a whole.
      ...(hosts === undefined || hosts === "" ? [] : [dirname(hosts)]),
    ];
    return this.settings.of(spec, env, program.workingDir, needed);
  }
}

type ProcessProgram = Extract<ContainerSpec["program"], { readonly driver: "process" }>;

class ProcessContainer implements RunningContainer {
  readonly unmounted: Readonly<Record<string, string>>;
  private readonly spec: ContainerSpec;
  private readonly child: ChildProcess;
  private readonly setting: Setting;
  /** What went wrong before the program started; empty when nothing did. */
  private readonly entered: Promise<string>;
  readonly input: Input | undefined;
  private readonly sizes: TerminalSizes | undefined;
  private ended = false;

  constructor(spec: ContainerSpec, child: ChildProcess, setting: Setting, events: DriverEvents) {
    this.spec = spec;
    this.child = child;
    this.setting = setting;
    this.unmounted = setting.unmounted;
    this.entered = entryOf(child);
    this.input = spec.stdin && child.stdin !== null ? inputOf(child.stdin) : undefined;
    this.sizes = setting.terminals === undefined ? undefined : new TerminalSizes(setting.terminals);
    child.stdin?.on("error", () => undefined);
    let isExhausted = false;
    child.stderr?.on("data", (bytes: Buffer) => (isExhausted ||= bytes.includes(HEAP_EXHAUSTED)));
    const outputs = [pipe(child.stdout, "stdout", events), pipe(child.stderr, "stderr", events)];
    const reports = child.stdio[4] as Readable;
    readLines(reports, (line) => {
      const listening = parseReport(line);
      if (listening !== undefined) return events.listening(listening.port, listening.actual);
      const terminal = this.sizes === undefined ? undefined : parseTerminalReport(line);
      if (terminal !== undefined) this.sizes?.at(terminal.path);
    });
    child.once("exit", (code, signal) => {
      this.ended = true;
      this.sever();
      const grace = new Promise<void>((resolve) => setTimeout(resolve, OUTPUT_GRACE_MS).unref());
      void Promise.race([Promise.all(outputs), grace]).then(async () => {
        for (const stream of [child.stdout, child.stderr, reports]) stream?.destroy();
        if ((await this.entered) !== "") return;
        const exit = exitOf(code, signal);
        const isOom = isExhausted && exit.exitCode !== 0 && spec.memoryLimitBytes > 0;
        events.exited(isOom ? { exitCode: 137, reason: "OOMKilled", message: HEAP_EXHAUSTED } : exit);
      });
    });
  }

  /** Resolves once the program runs. Errors: CONTAINER_START_FAILED. */
  async started(): Promise<void> {
    const fault = await this.entered;
    if (fault !== "") throw startFailed(`unable to start container process: ${fault}`);
  }

  terminate(): void {
    this.signal("SIGTERM");
  }

  kill(): void {
    this.signal("SIGKILL");
  }

  open(wish: CommandWish, events: CommandEvents): Promise<RunningCommand> {
    return this.setting.open(wish, events, this.child.pid);
  }

  exec(command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const wish = { command, stdin: false, tty: false };
    return execCommand(command, (events) => this.open(wish, events), timeoutMs);
  }

  resize(size: TerminalSize): void {
    this.sizes?.resize(size);
  }

  private signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.ended) return;
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, signal);
    } catch (error) {
      // It has just ended; the exit event is on its way.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** Its process group; 0 of one that could not be made. */
  get group(): number {
    return this.child.pid ?? 0;
  }

  /** The program has ended: what it left in its group goes by the watcher, what left the group by its mark. */
  private sever(): void {
    this.child.stdio[3]?.destroy();
    sweepLater(this.spec.id);
  }
}

/** What is said before the program starts: of a process that can't be made, or by what makes its namespace. */
function entryOf(child: ChildProcess): Promise<string> {
  const entry = (child.stdio as readonly unknown[])[ENTRY_DESCRIPTOR] as Readable | null;
  return new Promise((resolve) => {
    let text = "";
    child.on("error", (error) => resolve(error.message));
    if (entry === null) return void child.once("spawn", () => resolve(""));
    entry.setEncoding("utf8");
    entry.on("error", () => undefined);
    entry.on("data", (piece: string) => (text += piece));
    entry.once("close", () => resolve(firstLine(text)));
  });
}

function environmentOf(spec: ContainerSpec, options: ProcessDriverOptions): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    PATH: MACHINE_PATH,
    ...spec.env,
    [MARK]: spec.id,
    // A descriptor instead of a file's path: reports arrive as they are made.
    [CONTAINER_ENVIRONMENT.ports]: "4",
  };
  const flags = [
    ...(options.preload === undefined ? [] : [`--require ${JSON.stringify(options.preload)}`]),
    // Of a Node.js program the limit is kept by its own heap; of others it isn't kept.
    ...(spec.memoryLimitBytes > 0 ? [`--max-old-space-size=${heapMegabytes(spec.memoryLimitBytes)}`] : []),
    ...(env["NODE_OPTIONS"] === undefined ? [] : [env["NODE_OPTIONS"]]),
  ];
  if (flags.length > 0) env["NODE_OPTIONS"] = flags.join(" ");
  return env;
}

function heapMegabytes(limitBytes: number): number {
  return Math.max(HEAP_MEGABYTES_MIN, Math.floor(limitBytes / (1024 * 1024)));
}

function pipe(stream: Readable | null, name: "stdout" | "stderr", events: DriverEvents): Promise<void> {
  if (stream === null) return Promise.resolve();
  return new Promise((resolve) => {
    stream.on("data", (bytes: Buffer) => {
      stream.pause();
      void events.output(name, bytes).then(() => stream.resume());
    });
    stream.on("error", () => undefined);
    stream.once("close", resolve);
  });
}

type Listening = FromContainer & { readonly kind: "listening" };

/** A report, or undefined: a program may write to that descriptor whatever it likes. */
function parseReport(line: string): Listening | undefined {
  try {
    const report = JSON.parse(line) as Partial<Listening> | null;
    if (report?.kind !== "listening" || !isPort(report.port) || !isPort(report.actual)) return undefined;
    return report as Listening;
  } catch {
    return undefined;
  }
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}
