/** A cluster in a process of its own, so that its memory and CPU can be read off the process, driven line by line. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { ClusterOptions } from "../../actors/cluster/options.ts";
import type { ApiProcess } from "./api-process.ts";
import { cpuMsOf, residentBytesOf } from "./process-figures.ts";

/** Runs in the child: starts the cluster, says so, and evaluates what it is sent, one expression a line. */
const PROGRAM = `
  import { createInterface } from "node:readline";
  const started = performance.now();
  const { Cluster } = await import("inkube");
  const cluster = await Cluster.start(JSON.parse(process.env.BENCH_CLUSTER));
  const say = (value) => process.stdout.write(JSON.stringify(value ?? null) + "\\n");
  say({ startMs: performance.now() - started, server: cluster.server, token: cluster.token });
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    if (line === "stop") break;
    try { say({ value: await eval("(async () => (" + line + "))()") }); } catch (error) { say({ error: String(error?.stack ?? error) }); }
  }
  await cluster.stop();
  process.exit(0);
`;

export interface ClusterProcess extends ApiProcess {
  /** From before the package is loaded until every node is Ready. */
  readonly startMs: number;
  /** Evaluates an expression in the process, with \`cluster\` in scope, and gives its JSON value. */
  evaluate<T>(expression: string): Promise<T>;
}

export async function startClusterProcess(options: ClusterOptions): Promise<ClusterProcess> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    env: { ...process.env, BENCH_CLUSTER: JSON.stringify(options) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async <T>(): Promise<T> => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error("the cluster's process has ended");
    return JSON.parse(value) as T;
  };
  const hello = await read<{ startMs: number; server: string; token: string }>();
  return {
    ...hello,
    evaluate: async <T>(expression: string): Promise<T> => {
      child.stdin.write(`${expression.replaceAll("\n", " ")}\n`);
      const { value, error } = await read<{ value?: T; error?: string }>();
      if (error !== undefined) throw new Error(error);
      return value as T;
    },
    cpuMs: () => cpuMsOf(child.pid!),
    residentBytes: () => residentBytesOf(child.pid!),
    stop: () => stopProcess(child),
  };
}

function stopProcess(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.stdin!.end("stop\n");
  });
}
