/**
 * Runs in every Node.js container before its own code, on a thread or in a process, and in every thread that the container makes:
 * `channel.ts` says what it is given.
 */
import { isMainThread, MessagePort, workerData } from "node:worker_threads";
import { CHANNEL_KEY } from "./channel.ts";
import type { ContainerEnv, FromContainer } from "./channel.ts";
import {
  containerEnvironment,
  installContainerProcesses,
  installContainerThreads,
  reportFromThread,
} from "./container-children.ts";
import { installContainerFiles } from "./container-files.ts";
import { installContainerNetwork, reportTo } from "./container-network.ts";
import { installContainerProcess } from "./container-process.ts";

// Of the built file, which is a CommonJS module.
declare const __filename: string;

type Env = ContainerEnv & { readonly [name: string]: string | undefined };

function install(env: Env, report: (message: FromContainer) => void): void {
  installContainerNetwork({ env, report });
  installContainerProcesses(env, report);
  installContainerThreads(__filename, env, report);
  installFiles(env);
}

function installFiles(env: Env): void {
  const { INKUBE_TERMINATION_LOG: log = "", INKUBE_ROOT: root = "", INKUBE_MOUNTS: mounts, INKUBE_HOSTS: hosts } = env;
  const terminationLog = log !== "" && log.startsWith(root) ? log.slice(root.length) : undefined;
  if (root === "" || (terminationLog === undefined && mounts === undefined)) return;
  const needed = [process.argv[1], hosts, __filename].filter((path) => path !== undefined);
  installContainerFiles({ root, mounts: mountPaths(mounts), terminationLog, needed });
}

function mountPaths(text: string | undefined): readonly string[] {
  return text === undefined || text === "" ? [] : (JSON.parse(text) as readonly string[]);
}

const channel: unknown =
  isMainThread || workerData === null || typeof workerData !== "object"
    ? undefined
    : (workerData as { readonly [key: string]: unknown })[CHANNEL_KEY];

if (channel instanceof MessagePort) {
  installContainerProcess(channel);
  install(process.env, (message) => channel.postMessage(message));
} else if (isMainThread) {
  const target = process.env["INKUBE_PORTS"];
  // Children of this process inherit the variable but not the descriptor: that number may be anything of theirs.
  delete process.env["INKUBE_PORTS"];
  const report: (message: FromContainer) => void = target === undefined ? () => undefined : reportTo(target);
  install(process.env, report);
} else {
  const env = (containerEnvironment() ?? process.env) as Env;
  install(env, reportFromThread(env));
}
