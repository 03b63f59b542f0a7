/**
 * Containers as child processes. Each leads a process group of its own and is watched by a small shell in that group: it
 * waits for the end of a pipe that only this thread holds, and then kills the group. So nothing outlives the thread, the
 * process, or a SIGKILL of either. A program that leaves its group (setsid) gets away from that; on Linux what a container
 * left behind is found by its mark in /proc and killed when the container ends.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname } from "node:path";
import type { Readable } from "node:stream";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Exit } from "../core/container-table.ts";
import type { FromContainer } from "../images/channel.ts";
import type { ContainerSpec, Driver, DriverEvents, ExecResult, RunningContainer } from "../driver.ts";
import { prepareRoot, workingDirectory } from "./root-directory.ts";

/**
 * Descriptor 3 is the life line. The traps come first, so that a signal to the group can't end the watcher; the program
 * itself replaces the shell and gets signals as ever. `kill -9 0` goes to the whole group, the watcher included.
 */
const SHIM =
  "trap '' HUP INT QUIT TERM USR1 USR2; { read -r _ <&3; kill -9 0; } >/dev/null 2>&1 4>&- & " +
  'trap - HUP INT QUIT TERM USR1 USR2; exec "$@" 3<&-';

/** Bytes of output that an exec may have; more is cut off. The kubelet shows 10 KiB of a probe's. */
const EXEC_OUTPUT_BYTES_MAX = 1024 * 1024;
/** How long output may take to end after the program: only what left the group can still hold the pipe. */
const OUTPUT_GRACE_MS = 500;

/** Marks all that belongs to a container, so that it can be found in /proc. */
const MARK = "INKUBE_CONTAINER_ID";
const MARK_VALUE: RegExp = new RegExp(`(?:^|\\0)${MARK}=([^\\0]*)`);
/** A heap that Node.js can start in. */
const HEAP_MEGABYTES_MIN = 16;
/** What V8 says on standard error before it aborts. */
const HEAP_EXHAUSTED = "JavaScript heap out of memory";
/** How long after a container's end its strays are looked for. */
const SWEEP_MS = 10;

/** What a program of the machine finds before the container's own environment. */
const SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

export interface ProcessDriverOptions {
  /** Loaded by Node.js programs before their own code: a path to a `.cjs` file. */
  readonly preload?: string;
}

export function processDriver(options: ProcessDriverOptions): Driver {
  return {
    start: (spec, events) => start(spec, events, options),
    recover: (ids) => killMarked(ids),
    close: () => Promise.resolve(),
  };
}

async function start(
  spec: ContainerSpec,
  events: DriverEvents,
  options: ProcessDriverOptions,
): Promise<RunningContainer> {
  const { program } = spec;
  if (program.driver !== "process") throw new Error(`a ${program.driver} program for the process driver`);
  if (process.platform === "win32") throw startFailed("containers as processes need a POSIX system");
  const env = environmentOf(spec, options);
  let child: ChildProcess;
  let cwd: string;
  try {
    prepareRoot(spec);
    cwd = workingDirectory(spec, program.workingDir);
    child = spawn("/bin/sh", ["-c", SHIM, "sh", ...program.argv.map(resolveNode)], {
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
  private readonly group: number;
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
    const [file, ...args] = command.map(resolveNode);
    if (file === undefined) return Promise.reject(new InkubeError("INVALID_ARGUMENT", "exec needs a command"));
    return new Promise((resolve, reject) => {
      const child = spawn("/bin/sh", ["-c", SHIM, "sh", file, ...args], {
        cwd: this.cwd,
        env: { ...this.env, NODE_OPTIONS: undefined, [CONTAINER_ENVIRONMENT.ports]: undefined },
        detached: true,
        stdio: ["ignore", "pipe", "pipe", "pipe", "ignore"],
      });
      const out = gather(child.stdout);
      const err = gather(child.stderr);
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.stdio[3]?.destroy();
      }, timeoutMs);
      child.once("error", (error) => {
        clearTimeout(timer);
        reject(startFailed(error.message));
      });
      child.once("exit", () => child.stdio[3]?.destroy());
      child.once("close", (code, signal) => {
        clearTimeout(timer);
        if (late) {
          reject(new InkubeError("DEADLINE_EXCEEDED", `command ${JSON.stringify(command)} took over ${timeoutMs} ms`));
        } else resolve({ stdout: out(), stderr: err(), exitCode: exitOf(code, signal).exitCode });
      });
    });
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

/** Containers whose strays are to be looked for. One look at /proc serves all that ended in the same moment. */
const sweeping = new Set<string>();

function sweepLater(id: string): void {
  if (process.platform !== "linux") return;
  if (sweeping.size === 0) {
    setTimeout(() => {
      const ids = [...sweeping];
      sweeping.clear();
      killMarked(ids);
    }, SWEEP_MS);
  }
  sweeping.add(id);
}

/** Kills all processes that carry the mark of one of these containers. Linux only; elsewhere none is found. */
function killMarked(ids: readonly string[]): void {
  if (process.platform !== "linux" || ids.length === 0) return;
  const marks = new Set(ids);
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const found = MARK_VALUE.exec(readFileSync(`/proc/${name}/environ`, "latin1"))?.[1];
      if (found !== undefined && marks.has(found)) process.kill(Number(name), "SIGKILL");
    } catch {
      // Another user's process, or one that has just ended.
    }
  }
}

function environmentOf(spec: ContainerSpec, options: ProcessDriverOptions): NodeJS.ProcessEnv {
  const path = [dirname(process.execPath), ...SYSTEM_PATH].join(delimiter);
  const env: NodeJS.ProcessEnv = {
    PATH: path,
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

/** `node` means the Node.js that runs us: a machine may have another one, or none, on its path. */
function resolveNode(argument: string, index: number): string {
  return index === 0 && (argument === "node" || argument === "/usr/local/bin/node") ? process.execPath : argument;
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

/** A report, or undefined: a program may write to that descriptor whatever it likes. */
function parseReport(line: string): FromContainer | undefined {
  try {
    const report = JSON.parse(line) as Partial<FromContainer> | null;
    if (report?.kind !== "listening" || !isPort(report.port) || !isPort(report.actual)) return undefined;
    return report as FromContainer;
  } catch {
    return undefined;
  }
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}

function gather(stream: Readable | null): () => Uint8Array {
  const parts: Buffer[] = [];
  let size = 0;
  stream?.on("error", () => undefined);
  stream?.on("data", (bytes: Buffer) => {
    const rest = EXEC_OUTPUT_BYTES_MAX - size;
    if (rest > 0) parts.push(bytes.subarray(0, rest));
    size += bytes.length;
  });
  return () => new Uint8Array(Buffer.concat(parts));
}

function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  const exitCode = signal === null ? (code ?? 0) : 128 + constants.signals[signal];
  return { exitCode, reason: exitCode === 0 ? "Completed" : "Error", message: "" };
}

function startFailed(message: string): InkubeError {
  return new InkubeError("CONTAINER_START_FAILED", message);
}
