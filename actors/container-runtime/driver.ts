/**
 * What runs a container: a worker thread, a child process, or nothing at all. The runtime keeps the records, the logs and the
 * ladder from SIGTERM to SIGKILL; a driver only starts, signals and reports.
 */
import type { Mount } from "../../protocols/container-runtime.ts";
import type { Exit } from "./core/container-table.ts";
import type { Program } from "./core/images.ts";
import type { LogStream } from "./core/log-format.ts";
import type { TerminalSize } from "./core/streaming/outcome.ts";
import type { Usage } from "./core/usage.ts";

export interface ContainerSpec {
  readonly id: string;
  readonly name: string;
  readonly program: Program;
  /** Complete: nothing of this process's own environment is added but what a program can't do without (PATH). */
  readonly env: Readonly<Record<string, string>>;
  /** The directory that stands for `/`, absolute. It exists; the driver puts the mounts into it. */
  readonly root: string;
  readonly mounts: readonly Mount[];
  readonly workingDir: string | undefined;
  /** Below the root: a file for the program's last words. */
  readonly terminationMessagePath: string | undefined;
  readonly memoryLimitBytes: number;
  readonly podIp: string;
  /** Other pods have the same address: what wants a port that is taken there gets another one. Absent: it is the pod's own. */
  readonly sharesIp?: boolean;
  readonly ports: readonly number[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Whether it is to have an input, and a terminal for all that it reads and writes. */
  readonly stdin: boolean;
  readonly tty: boolean;
}

export interface DriverEvents {
  /** The driver reads no more from that stream until the promise resolves. */
  output(stream: LogStream, bytes: Uint8Array): Promise<void>;
  listening(requestedPort: number, port: number): void;
  /** Exactly once, after the last output. */
  exited(exit: Exit): void;
}

export interface ExecResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

/** A command in a container, or what a container itself reads and writes. */
export interface CommandWish {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

export interface CommandEvents {
  /** A promise holds back what comes next of that stream. */
  output(stream: LogStream, bytes: Uint8Array): void | Promise<void>;
  /** Exactly once, after the last output. */
  exited(exit: Exit): void;
}

export interface Input {
  /** The promise: until there is room for more. */
  write(bytes: Uint8Array): void | Promise<void>;
  end(): void;
}

export interface RunningCommand extends Input {
  /** Of its terminal, where it has one. */
  resize(size: TerminalSize): void;
  /** Nobody waits for it any more: it is ended, with all that it has started; a container itself goes on. */
  abandon(): void;
}

export interface RunningContainer {
  /** Absent: it reads nothing. */
  readonly input?: Input | undefined;
  /** Of its own terminal, where it has one. */
  resize?(size: TerminalSize): void;
  /** Absent: nothing is there to run a command in. Errors: CONTAINER_START_FAILED. */
  open?(wish: CommandWish, events: CommandEvents): Promise<RunningCommand>;
  /** As `ContainerStatus.unmounted`. */
  readonly unmounted?: Readonly<Record<string, string>>;
  /** SIGTERM, or what comes nearest to it. */
  terminate(): void;
  /** SIGKILL, with everything that the container started. `exited` follows. */
  kill(): void;
  /** Errors: DEADLINE_EXCEEDED. */
  exec(command: readonly string[], timeoutMs: number): Promise<ExecResult>;
}

export interface Driver {
  /** Resolves once the container runs. Errors: CONTAINER_START_FAILED; `exited` is not called then. */
  start(spec: ContainerSpec, events: DriverEvents): Promise<RunningContainer>;
  /** Ends what containers of a dead incarnation may have left behind. */
  recover(ids: readonly string[]): void;
  /** Of each container that runs, by its id. */
  usage(): Promise<ReadonlyMap<string, Usage>>;
  /** Ends what the driver keeps beside containers (spare threads). */
  close(): Promise<void>;
}

/** What a client gets at an address of the streaming server. */
export type Session =
  | {
      readonly purpose: "exec" | "attach";
      readonly streams: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
      readonly tty: boolean;
      /** Errors: those for who asked. */
      start(events: CommandEvents): Promise<RunningCommand>;
    }
  | {
      readonly purpose: "portForward";
      /** As messages name it. */
      readonly pod: string;
      /** Those that are asked for beforehand, by clients that can't do so later. */
      readonly ports: readonly number[];
      addressOf(port: number): { readonly host: string; readonly port: number };
    };

/** @see CRI's streaming server */
export interface StreamingServer {
  /** Where `session` is to be had: once, and soon. */
  offer(session: Session): Promise<string>;
  close(): Promise<void>;
}

/** The drivers that need the machine, and what carries their bytes; none of them in the simulation. */
export interface ContainerRuntimeIo {
  readonly streaming: StreamingServer;
  readonly thread: Driver;
  readonly process: Driver;
}
