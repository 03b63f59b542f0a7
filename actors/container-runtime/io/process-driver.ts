/**
 * Containers as child processes. Each leads a process group of its own and is watched by a small shell in that group: it
 * waits for the end of a pipe that only this thread holds, and then kills the group. So nothing outlives the thread, the
 * process, or a SIGKILL of either. A program that leaves its group (setsid) gets away from that; on Linux what a container
 * left behind is found by its mark in /proc and killed when the container ends.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import type { FromContainer } from "../images/channel.ts";
import type { Exit } from "../core/container-table.ts";
import type { ContainerSpec, Driver, DriverEvents, ExecResult, RunningContainer, Usage } from "../driver.ts";
import { MACHINE_PATH, MARK, SHIM, commandFault, execCommand, exitOf, resolveNode, startFailed } from "./command.ts";
import { groupUsage, markedUsage } from "./process-usage.ts";
import { belowRoot, prepareRoot, workingDirectory } from "./root-directory.ts";
import { killMarked, sweep, sweepLater } from "./strays.ts";

/** How long output may take to end after the program: only what left the group can still hold the pipe. */
const OUTPUT_GRACE_MS = 500;

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
  return {
    start: async (spec, events) => {
      const exited = (exit: Exit): void => {
        running.delete(spec.id);
        events.exited(exit);
      };
      const container = await start(spec, { ...events, exited }, options);
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

async function start(
  spec: ContainerSpec,
  events: DriverEvents,
  options: ProcessDriverOptions,
): Promise<ProcessContainer> {
  const { program } = spec;
  if (program.driver !== "process") throw new Error(`a ${program.driver} program for the process driver`);
  if (process.platform === "win32") throw startFailed("containers as processes need a POSIX system");
  const env = environmentOf(spec, options);
  let child: ChildProcess;
  let cwd: string;
  try {
    prepareRoot(spec);
    cwd = workingDirectory(spec, program.workingDir);
    const argv = program.argv.map(resolveNode).map((argument) => belowRoot(argument, spec));
    const fault = commandFault(argv[0] ?? "", cwd, env["PATH"] ?? "");
    if (fault !== undefined) throw startFailed(fault);
    child = spawn("/bin/sh", ["-c", SHIM, "sh", ...argv], {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    });
  } catch (error) {
    throw startFailed(error instanceof Error ? error.message : String(error));
  }
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => reject(startFailed(error.message)));
  });
  child.on("error", () => undefined);
  return new ProcessContainer(spec, child, cwd, env, events);
}

class ProcessContainer implements RunningContainer {
  private readonly spec: ContainerSpec;
  private readonly child: ChildProcess;
  private readonly cwd: string;
  private readonly env: NodeJS.ProcessEnv;
  readonly group: number;
  private ended = false;

  constructor(spec: ContainerSpec, child: ChildProcess, cwd: string, env: NodeJS.ProcessEnv, events: DriverEvents) {
    this.spec = spec;
    this.child = child;
    this.cwd = cwd;
    this.env = env;
    if (child.pid === undefined) throw new Error("a spawned process without an id");
    this.group = child.pid;
    let isExhausted = false;
    child.stderr?.on("data", (bytes: Buffer) => (isExhausted ||= bytes.includes(HEAP_EXHAUSTED)));
    const outputs = [pipe(child.stdout, "stdout", events), pipe(child.stderr, "stderr", events)];
    const reports = child.stdio[4] as Readable;
    readReports(reports, events);
    child.once("exit", (code, signal) => {
      this.ended = true;
      this.sever();
      const grace = new Promise<void>((resolve) => setTimeout(resolve, OUTPUT_GRACE_MS).unref());
      void Promise.race([Promise.all(outputs), grace]).then(() => {
        for (const stream of [child.stdout, child.stderr, reports]) stream?.destroy();
        const exit = exitOf(code, signal);
        const isOom = isExhausted && exit.exitCode !== 0 && spec.memoryLimitBytes > 0;
        events.exited(isOom ? { exitCode: 137, reason: "OOMKilled", message: HEAP_EXHAUSTED } : exit);
      });
    });
  }

  terminate(): void {
    this.signal("SIGTERM");
  }

  kill(): void {
    this.signal("SIGKILL");
  }

  exec(command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const env = { ...this.env, NODE_OPTIONS: undefined, [CONTAINER_ENVIRONMENT.ports]: undefined };
    const mapped = command.map((argument) => belowRoot(argument, this.spec));
    return execCommand(mapped, { cwd: this.cwd, env }, timeoutMs);
  }

  private signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.ended) return;
    try {
      process.kill(-this.group, signal);
    } catch (error) {
      // It has just ended; the exit event is on its way.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** The program has ended: what it left in its group goes by the watcher, what left the group by its mark. */
  private sever(): void {
    this.child.stdio[3]?.destroy();
    sweepLater(this.spec.id);
  }
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

function readReports(stream: Readable, events: DriverEvents): void {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("error", () => undefined);
  stream.on("data", (piece: string) => {
    const lines = (text + piece).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const report = parseReport(line);
      if (report !== undefined) events.listening(report.port, report.actual);
    }
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
