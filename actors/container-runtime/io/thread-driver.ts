/**
 * Containers as worker threads of this one: a JavaScript module with its own heap, its own `process.env`, `process.argv`, standard
 * output and `process.exit`. They end with the runtime's thread. A thread can't change its working directory: its files are
 * below `INKUBE_ROOT`.
 */
import type { Readable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Exit } from "../core/container-table.ts";
import type { BuiltInModule } from "../core/images.ts";
import { CHANNEL_KEY } from "../images/channel.ts";
import type { FromContainer, ToContainer } from "../images/channel.ts";
import type { ContainerSpec, Driver, DriverEvents, ExecResult, RunningContainer } from "../driver.ts";
import { prepareRoot } from "./root-directory.ts";

/** A heap that V8 can live in at all. Smaller limits are raised to it. */
const HEAP_BYTES_MIN = 16 * 1024 * 1024;

/**
 * The first code on the thread: the preload, then the module. It has to be a string, as a thread's entry can't be a TypeScript
 * file on Node 20, and a `.cjs` preload is required because that is several milliseconds faster than importing it.
 * Without a preload it answers SIGTERM itself.
 */
const BOOT = `
const { workerData } = require("node:worker_threads");
const { inkube: port, module, preload, argv1 } = workerData;
process.argv[1] = argv1;
if (preload) require(preload);
else {
  port.on("message", ({ signal }) => { if (!process.emit(signal, signal)) process.exit(143); });
  port.unref();
}
if (module.endsWith(".cjs")) require(require("node:url").fileURLToPath(module));
else import(module).catch((error) => { process.nextTick(() => { throw error; }); });
`;

export interface ThreadDriverOptions {
  /** Loaded before the container's module: a path to a `.cjs` file. */
  readonly preload?: string;
  readonly builtIn: Readonly<Record<BuiltInModule, URL>>;
}

export function threadDriver(options: ThreadDriverOptions): Driver {
  return {
    start: (spec, events) => start(spec, events, options),
    recover: () => undefined,
    close: () => Promise.resolve(),
  };
}

function start(spec: ContainerSpec, events: DriverEvents, options: ThreadDriverOptions): Promise<RunningContainer> {
  const { program } = spec;
  if (program.driver !== "thread") throw new Error(`a ${program.driver} program for the thread driver`);
  const module = "builtIn" in program.module ? options.builtIn[program.module.builtIn] : urlOf(program.module.url);
  const { port1, port2 } = new MessageChannel();
  let worker: Worker;
  try {
    prepareRoot(spec);
    worker = new Worker(BOOT, {
      eval: true,
      argv: [...program.args],
      env: { ...spec.env },
      workerData: {
        [CHANNEL_KEY]: port2,
        module: module.href,
        preload: options.preload ?? null,
        argv1: fileURLToPath(module),
      },
      transferList: [port2],
      stdout: true,
      stderr: true,
      resourceLimits: limitsOf(spec.memoryLimitBytes),
      execArgv: [],
      name: `container ${spec.name}`,
    });
  } catch (error) {
    port1.close();
    return Promise.reject(
      new InkubeError("CONTAINER_START_FAILED", error instanceof Error ? error.message : String(error)),
    );
  }
  const container = new ThreadContainer(worker, events);
  port1.on("message", (message: FromContainer | undefined) => {
    if (message?.kind === "listening") events.listening(message.port, message.actual);
  });
  port1.unref();
  container.channel = (message) => port1.postMessage(message);
  return new Promise((resolve) => {
    worker.once("online", () => resolve(container));
    // It can be over before it was online; the end has been reported then.
    worker.once("exit", () => {
      port1.close();
      resolve(container);
    });
  });
}

class ThreadContainer implements RunningContainer {
  private readonly worker: Worker;
  private killed = false;
  private ended = false;
  private failure: (Error & { readonly code?: string }) | undefined;
  channel: (message: ToContainer) => void = () => undefined;

  constructor(worker: Worker, events: DriverEvents) {
    this.worker = worker;
    const outputs = [pipe(worker.stdout, "stdout", events), pipe(worker.stderr, "stderr", events)];
    worker.on("error", (error: unknown) => {
      this.failure = error instanceof Error ? error : new Error(String(error));
    });
    worker.once("exit", (code) => {
      this.ended = true;
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
    if (!this.ended) this.channel({ kind: "signal", signal: "SIGTERM" });
  }

  kill(): void {
    if (this.ended) return;
    this.killed = true;
    void this.worker.terminate();
  }

  exec(): Promise<ExecResult> {
    return Promise.reject(
      new InkubeError(
        "NOT_SUPPORTED",
        "this container is a thread: no command can be run in it. Register its image with a command instead of a module " +
          "to have a process",
      ),
    );
  }

  private exitOf(code: number): Exit {
    if (this.killed) return { exitCode: 137, reason: "Error", message: "" };
    if (this.failure?.code === "ERR_WORKER_OUT_OF_MEMORY") {
      return { exitCode: 137, reason: "OOMKilled", message: this.failure.message };
    }
    return { exitCode: code, reason: code === 0 ? "Completed" : "Error", message: this.failure?.message ?? "" };
  }
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
