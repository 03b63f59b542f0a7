/**
 * A controller under test as a process: it leads a process group of its own, and a shell in that group kills the group when this
 * process is gone, however it went. What leaves the group is found by its mark in /proc (Linux).
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { InkubeError } from "../../../../protocols/errors.ts";
import { clearTimeout, setTimeout } from "../../../../runtime/threads/machine-clock.ts";
import { commandFault, MARK, resolveNode, WATCH } from "../../../container-runtime/io/command.ts";
import { killMarked } from "../../../container-runtime/io/strays.ts";
import type { Body, Incarnation, Listener } from "./incarnation.ts";

export interface CommandOptions {
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const FAULT_PREFIX = "unable to start container process: ";
/** How long output may take to end after the program: only what left the group can still hold the pipe. */
const OUTPUT_GRACE_MS = 200;
/** Lines that the news of an end quotes. */
const QUOTED_LINES = 5;
const LINE_MAX = 1_000;
/** On descriptor 4 the shell says which process watches. */
const SCRIPT = `${WATCH}echo $! >&4; exec "$@" 3<&- 4>&-`;
const LIFE_LINE = 3;
const WATCHER = 4;

export class Command implements Body {
  private readonly options: CommandOptions;

  constructor(options: CommandOptions) {
    this.options = options;
  }

  begin(listener: Listener): Incarnation {
    const { name, argv, cwd, env: own } = this.options;
    const mark = `chaos-${randomUUID()}`;
    const env = { ...process.env, ...own, [MARK]: mark };
    const [file = "", ...args] = argv.map(resolveNode);
    const fault =
      process.platform === "win32"
        ? "programs as controllers need a POSIX system"
        : commandFault(file, cwd, env.PATH ?? "")?.replace(FAULT_PREFIX, "");
    if (fault !== undefined) {
      throw new InkubeError("CONTROLLER_FAILED", `the controller ${name} can't be started in ${cwd}: ${fault}`);
    }
    const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", file, ...args], {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    });
    return new RunningCommand(name, child, mark, listener);
  }

  async close(): Promise<void> {
    // Whatever ran has been waited for.
  }
}

class RunningCommand implements Incarnation {
  readonly gone: Promise<void>;
  private readonly child: ChildProcess;
  private readonly newest: string[] = [];
  private hasEnded = false;
  /** Process that kills the group when we are gone; it goes on while the rest is stopped. */
  private watcher = "";

  constructor(name: string, child: ChildProcess, mark: string, listener: Listener) {
    this.child = child;
    const print = (line: string): void => {
      this.newest.push(line);
      if (this.newest.length > QUOTED_LINES) this.newest.shift();
      listener.printed(line);
    };
    const outputs = [linesOf(child.stdout, print), linesOf(child.stderr, print)];
    const watcher = child.stdio[WATCHER] as Readable;
    watcher.on("error", () => undefined);
    watcher.on("data", (bytes: Buffer) => (this.watcher += bytes.toString()));
    this.gone = new Promise((resolve) => {
      const end = (error: InkubeError): void => {
        if (this.hasEnded) return;
        this.hasEnded = true;
        // Its watcher takes what is left of the group along, and its mark what has left it.
        child.stdio[LIFE_LINE]?.destroy();
        killMarked([mark]);
        listener.ended(error);
        resolve();
      };
      child.once("error", (error) => end(failed(name, error.message)));
      child.once("exit", (code, signal) => {
        let timer: NodeJS.Timeout | undefined;
        const grace = new Promise<void>((late) => (timer = setTimeout(late, OUTPUT_GRACE_MS)));
        void Promise.race([Promise.all(outputs), grace]).then(() => {
          clearTimeout(timer);
          for (const stream of [child.stdout, child.stderr, watcher]) stream?.destroy();
          end(
            failed(
              name,
              `it ended by itself, ${signal === null ? `with exit code ${code}` : `by ${signal}`}`,
              this.newest,
            ),
          );
        });
      });
    });
  }

  kill(): void {
    this.signal("SIGKILL");
  }

  pause(): void {
    this.signal("SIGSTOP");
    const watcher = Number(this.watcher);
    if (watcher > 0 && !this.hasEnded) send(watcher, "SIGCONT");
  }

  resume(): void {
    this.signal("SIGCONT");
  }

  private signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid !== undefined && this.child.exitCode === null && this.child.signalCode === null) send(-pid, signal);
  }
}

function send(process_: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process_, signal);
  } catch (error) {
    // It has just ended; the news of that is on its way.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function failed(name: string, why: string, newest: readonly string[] = []): InkubeError {
  const quoted = newest.length === 0 ? ", and printed nothing" : `; what it printed last:\n  ${newest.join("\n  ")}`;
  return new InkubeError("CONTROLLER_FAILED", `the controller ${name}: ${why}${quoted}`);
}

/** Resolves when nothing more can come. */
function linesOf(stream: Readable | null, print: (line: string) => void): Promise<void> {
  if (stream === null) return Promise.resolve();
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("error", () => undefined);
  stream.on("data", (piece: string) => {
    const lines = (rest + piece).split("\n");
    rest = (lines.pop() ?? "").slice(0, LINE_MAX);
    for (const line of lines) print(line.slice(0, LINE_MAX));
  });
  return new Promise((resolve) => {
    stream.once("close", () => {
      if (rest !== "") print(rest);
      resolve();
    });
  });
}
