/**
 * What a Node.js container starts beside itself: processes, which must carry its mark and be known to its driver, so that they end
 * with it; and threads, which must see the same network.
 */
import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import workerThreads, { BroadcastChannel } from "node:worker_threads";
import type { FromContainer } from "./channel.ts";

type Report = (message: FromContainer) => void;
type Environment = Readonly<Record<string, string | undefined>>;

const MARK = "INKUBE_CONTAINER_ID";

interface SpawnedProcess {
  readonly pid?: number;
  once(event: "exit", listener: () => void): unknown;
}

/** Every process gets the container's mark; its start and end are reported. */
export function installContainerProcesses(env: Environment, report: Report): void {
  const mark = env[MARK];
  if (mark === undefined) return;
  const prototype = childProcess.ChildProcess.prototype as unknown as {
    spawn: (this: SpawnedProcess, options: { envPairs?: string[] }) => unknown;
  };
  const start = prototype.spawn;
  prototype.spawn = function (options) {
    const pairs = options.envPairs ?? [];
    if (!pairs.some((pair) => pair.startsWith(`${MARK}=`))) options.envPairs = [...pairs, `${MARK}=${mark}`];
    // First: who waits for a process is not asked any more.
    report({ kind: "spawned" });
    const result = start.call(this, options);
    const { pid } = this;
    if (pid !== undefined) {
      report({ kind: "spawned", pid });
      this.once("exit", () => report({ kind: "ended", pid }));
    }
    return result;
  };
  type Sync = (...args: unknown[]) => unknown;
  const table = childProcess as unknown as Record<"execSync" | "execFileSync" | "spawnSync", Sync>;
  for (const name of ["execSync", "execFileSync", "spawnSync"] as const) {
    const original = table[name];
    table[name] = (...args) => {
      report({ kind: "spawned" });
      return original(...args.map((argument) => withMark(argument, mark)));
    };
  }
  syncBuiltinESMExports();
}

function withMark(argument: unknown, mark: string): unknown {
  if (typeof argument !== "object" || argument === null || Array.isArray(argument)) return argument;
  const { env } = argument as { readonly env?: Environment };
  return env === undefined ? argument : { ...argument, env: { ...env, [MARK]: mark } };
}

/** Threads load `preload` first, and find `env` in their environment data; what they report is passed on. */
export function installContainerThreads(preload: string, env: Environment, report: Report): void {
  const { Worker } = workerThreads;
  workerThreads.setEnvironmentData(MARK, { ...env });
  let relay: BroadcastChannel | undefined;
  workerThreads.Worker = class extends Worker {
    constructor(file: string | URL, options: workerThreads.WorkerOptions = {}) {
      relay ??= listen(channelOf(env), report);
      super(file, { ...options, execArgv: ["--require", preload, ...(options.execArgv ?? process.execArgv)] });
    }
  };
  syncBuiltinESMExports();
}

/** What a thread of a container finds, in place of its own environment, which its maker may have chosen. */
export function containerEnvironment(): Environment | undefined {
  return workerThreads.getEnvironmentData(MARK) as unknown as Environment | undefined;
}

/** Reports of a thread go to the container's first one. */
export function reportFromThread(env: Environment): Report {
  const channel = new BroadcastChannel(channelOf(env));
  (channel as unknown as { unref(): void }).unref();
  return (message) => channel.postMessage(message);
}

function listen(name: string, report: Report): BroadcastChannel {
  const channel = new BroadcastChannel(name);
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a listener, unlike this, would hold the program up again
  channel.onmessage = (event) => report((event as { readonly data: FromContainer }).data);
  // It must not keep a finished program alive.
  (channel as unknown as { unref(): void }).unref();
  return channel;
}

function channelOf(env: Environment): string {
  return `inkube/${env[MARK] ?? process.pid}`;
}
