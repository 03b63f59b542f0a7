/** How programs of this machine are run for containers, whatever drives the container itself. */
import { spawn } from "node:child_process";
import { accessSync, constants as access, statSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, resolve as resolvePath } from "node:path";
import type { Readable } from "node:stream";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Exit } from "../core/container-table.ts";
import type { ExecResult } from "../driver.ts";

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

/** Runs a command of this machine as in a container, and ends it with this thread. Errors: DEADLINE_EXCEEDED, CONTAINER_START_FAILED. */
export function execCommand(
  command: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  timeoutMs: number,
): Promise<ExecResult> {
  const [file, ...args] = command.map(resolveNode);
  if (file === undefined) return Promise.reject(new InkubeError("INVALID_ARGUMENT", "exec needs a command"));
  return new Promise((resolve, reject) => {
    const [shell = "", ...script] = watched([file, ...args]);
    const child = spawn(shell, script, {
      cwd,
      env,
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

export function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  const exitCode = signal === null ? (code ?? 0) : 128 + constants.signals[signal];
  return { exitCode, reason: exitCode === 0 ? "Completed" : "Error", message: "" };
}

export function startFailed(message: string): InkubeError {
  return new InkubeError("CONTAINER_START_FAILED", message);
}
