/** How programs of this machine are run for containers, whatever drives the container itself. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { accessSync, constants as access, statSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, resolve as resolvePath } from "node:path";
import type { Readable, Writable } from "node:stream";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Exit } from "../core/container-table.ts";
import type { LogStream } from "../core/log-format.ts";
import type { TerminalSize } from "../core/streaming/outcome.ts";
import type { CommandEvents, CommandWish, ExecResult, Input, RunningCommand } from "../driver.ts";
import { parseTerminalReport, Terminals, TerminalSizes } from "./terminal.ts";

/**
 * The begin of a shell's script. Descriptor 3 is the life line. The traps come first, so that a signal to the group can't end the watcher;
 * the program itself replaces the shell and gets signals as ever. `kill -9 0` goes to the whole group, the watcher included. Descriptors
 * 4 to 6, where there are any, are the program's: they end with it.
 */
export const WATCH: string =
  "trap '' HUP INT QUIT TERM USR1 USR2; { read -r _ <&3; kill -9 0; } >/dev/null 2>&1 4>&- 5>&- 6<&- & " +
  "trap - HUP INT QUIT TERM USR1 USR2; ";
/** The command line of a program that is watched. */
export function watched(argv: readonly string[]): readonly string[] {
  return ["/bin/sh", "-c", `${WATCH}exec "$@" 3<&-`, "sh", ...argv];
}

/** Bytes of output that an exec may have; more is cut off. The kubelet shows 10 KiB of a probe's. */
const EXEC_OUTPUT_BYTES_MAX = 1024 * 1024;
/** Marks all that belongs to a container, so that it can be found in /proc. */
export const MARK: string = CONTAINER_ENVIRONMENT.mark;

/** What a program of the machine finds before the container's own environment. */
export const SYSTEM_PATH: readonly string[] = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
];
/** `PATH`, with the Node.js that runs us first. */
export const MACHINE_PATH: string = [dirname(process.execPath), ...SYSTEM_PATH].join(delimiter);

/** What a command is started with. */
export interface CommandSetting {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of what makes a namespace for it: descriptors 5 and 6, and what is written to the latter. */
  readonly entry: readonly ("pipe" | "ignore")[];
  feed(child: ChildProcess): void;
}

/** Where a command tells of its terminal. */
export const TERMINAL_DESCRIPTOR = 4;
/** What says why a namespace could not be made. */
const ENTRY_DESCRIPTOR = 5;

/** Starts a command that is watched: it ends with this thread. Errors: CONTAINER_START_FAILED. */
export async function startCommand(
  argv: readonly string[],
  setting: CommandSetting,
  { stdin, tty }: Pick<CommandWish, "stdin" | "tty">,
  events: CommandEvents,
): Promise<RunningCommand> {
  const terminals = tty ? await Terminals.here() : undefined;
  if (typeof terminals === "string") throw startFailed(terminals);
  const [shell = "", ...script] = argv;
  const env = terminals === undefined ? setting.env : { ...setting.env, SHELL: "/bin/sh" };
  const child = spawn(shell, script, {
    cwd: setting.cwd,
    env,
    detached: true,
    // A terminal has an input as long as somebody may write to it.
    stdio: [stdin || tty ? "pipe" : "ignore", "pipe", "pipe", "pipe", tty ? "pipe" : "ignore", ...setting.entry],
  });
  setting.feed(child);
  return await new Promise((resolve, reject) => {
    child.once("error", (error) => reject(startFailed(error.message)));
    child.once("spawn", () => resolve(new Command(child, terminals, events)));
  });
}

class Command implements RunningCommand {
  private readonly child: ChildProcess;
  private readonly sizes: TerminalSizes | undefined;
  private readonly input: Input | undefined;
  private readonly outputs: readonly Outpour[];
  private session: number | undefined;
  private isAbandoned = false;

  constructor(child: ChildProcess, terminals: Terminals | undefined, events: CommandEvents) {
    this.child = child;
    this.sizes = terminals === undefined ? undefined : new TerminalSizes(terminals);
    this.input = child.stdin === null ? undefined : inputOf(child.stdin);
    child.stdin?.on("error", () => undefined);
    this.outputs = [new Outpour(child.stdout, "stdout", events), new Outpour(child.stderr, "stderr", events)];
    const stdio = child.stdio as readonly unknown[];
    readLines(stdio[TERMINAL_DESCRIPTOR] as Readable | null | undefined, (line) => this.reported(line));
    let fault = "";
    readLines(stdio[ENTRY_DESCRIPTOR] as Readable | null | undefined, (line) => (fault ||= line));
    child.once("exit", () => this.exited());
    child.once("close", (code, signal) => {
      if (fault === "") return events.exited(exitOf(code, signal));
      void Promise.resolve(events.output("stderr", new TextEncoder().encode(`${fault}\n`))).then(() =>
        events.exited({ exitCode: NOT_STARTED, reason: "StartError", message: fault }),
      );
    });
  }

  /** What it has started goes with it. What has left its group may still hold its output, and is not waited for. */
  private exited(): void {
    this.child.stdio[LIFE_DESCRIPTOR]?.destroy();
    const look = setInterval(() => {
      if (this.outputs.some(({ isHeldBack }) => isHeldBack)) return;
      for (const output of this.outputs) output.destroy();
    }, OUTPUT_GRACE_MS);
    this.child.once("close", () => clearInterval(look));
  }

  private reported(line: string): void {
    const report = parseTerminalReport(line);
    if (report === undefined) return;
    this.session = report.pid;
    this.sizes?.at(report.path);
    if (this.isAbandoned) this.endSession();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    return this.input?.write(bytes);
  }

  /** Of its input. */
  end(): void {
    this.input?.end();
  }

  resize(size: TerminalSize): void {
    this.sizes?.resize(size);
  }

  abandon(): void {
    this.isAbandoned = true;
    this.child.stdio[LIFE_DESCRIPTOR]?.destroy();
    this.endSession();
  }

  /** On a terminal the program has left the group that is watched. */
  private endSession(): void {
    if (this.session === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return;
    try {
      process.kill(-this.session, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}

const LIFE_DESCRIPTOR = 3;
/** How long output may take to end after the program: only what left the group can still hold the pipe. */
export const OUTPUT_GRACE_MS = 500;
/** As runc answers for what it could not start. */
const NOT_STARTED = 126;

/** Runs a command to its end. Errors: DEADLINE_EXCEEDED, CONTAINER_START_FAILED. */
export function execCommand(
  command: readonly string[],
  start: (events: CommandEvents) => Promise<RunningCommand>,
  timeoutMs: number,
): Promise<ExecResult> {
  if (command.length === 0) return Promise.reject(new InkubeError("INVALID_ARGUMENT", "exec needs a command"));
  return new Promise((resolve, reject) => {
    const out = new Gathered();
    const err = new Gathered();
    let late = false;
    let running: RunningCommand | undefined;
    const timer = setTimeout(() => {
      late = true;
      running?.abandon();
    }, timeoutMs);
    const exited = ({ exitCode }: Exit): void => {
      clearTimeout(timer);
      if (late) {
        reject(new InkubeError("DEADLINE_EXCEEDED", `command ${JSON.stringify(command)} took over ${timeoutMs} ms`));
      } else resolve({ stdout: out.bytes(), stderr: err.bytes(), exitCode });
    };
    start({ output: (stream, bytes) => (stream === "stdout" ? out : err).push(bytes), exited }).then(
      (started) => {
        running = started;
        if (late) started.abandon();
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error as Error);
      },
    );
  });
}

/** `node` means the Node.js that runs us: a machine may have another one, or none, on its path. */
export function resolveNode(argument: string, index: number): string {
  return index === 0 && (argument === "node" || argument === "/usr/local/bin/node") ? process.execPath : argument;
}

/**
 * Why `file` can't be run from `cwd` with this PATH, in the words of a Go runtime; undefined when it can be. `placeOf` says where a path
 * is now, of a container whose mounts are not there yet.
 */
export function commandFault(
  file: string,
  cwd: string,
  path: string,
  placeOf: (path: string) => string = (same) => same,
): string | undefined {
  const isPath = file.includes("/");
  const candidates = isPath
    ? [resolvePath(cwd, file)]
    : path.split(delimiter).map((directory) => resolvePath(cwd, directory, file));
  const faults = candidates.map((candidate) => executableFault(candidate, placeOf(candidate)));
  if (faults.includes(undefined)) return undefined;
  const why = isPath ? faults[0] : "executable file not found in $PATH";
  return `unable to start container process: exec: "${file}": ${why}`;
}

function executableFault(path: string, place: string): string | undefined {
  try {
    if (statSync(place).isDirectory()) return "is a directory";
    accessSync(place, access.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES"
      ? "permission denied"
      : `stat ${path}: no such file or directory`;
  }
}

class Gathered {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  push(bytes: Uint8Array): void {
    const rest = EXEC_OUTPUT_BYTES_MAX - this.size;
    if (rest > 0) this.parts.push(bytes.subarray(0, rest));
    this.size += bytes.length;
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.parts));
  }
}

/** One of the outputs of a command. */
class Outpour {
  private readonly stream: Readable | null;
  isHeldBack = false;

  constructor(stream: Readable | null, name: LogStream, events: CommandEvents) {
    this.stream = stream;
    stream?.on("error", () => undefined);
    stream?.on("data", (bytes: Buffer) => {
      const waiting = events.output(name, bytes);
      if (waiting === undefined) return;
      this.isHeldBack = true;
      stream.pause();
      void waiting.then(() => {
        this.isHeldBack = false;
        stream.resume();
      });
    });
  }

  destroy(): void {
    this.stream?.destroy();
  }
}

/** What a stream says, line by line. */
export function readLines(stream: Readable | null | undefined, take: (line: string) => void): void {
  let text = "";
  stream?.setEncoding("utf8");
  stream?.on("error", () => undefined);
  stream?.on("data", (piece: string) => {
    const lines = (text + piece).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}

/** What a program reads, no faster than it does. */
export function inputOf(stream: Writable): Input {
  return {
    write: (bytes) => (!stream.writable || stream.write(bytes) ? undefined : drained(stream)),
    end: () => void stream.end(),
  };
}

/** Until a stream takes more, or is gone. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      stream.off("drain", over).off("close", over);
      resolve();
    };
    stream.on("drain", over).on("close", over);
  });
}

export function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  const exitCode = signal === null ? (code ?? 0) : 128 + constants.signals[signal];
  return { exitCode, reason: exitCode === 0 ? "Completed" : "Error", message: "" };
}

export function startFailed(message: string): InkubeError {
  return new InkubeError("CONTAINER_START_FAILED", message);
}
