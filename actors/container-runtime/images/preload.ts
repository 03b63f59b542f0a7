/** Runs in every Node.js container before its own code, on a thread or in a process: `channel.ts` says what it is given. */
import { isMainThread, MessagePort, workerData } from "node:worker_threads";
import { CHANNEL_KEY } from "./channel.ts";
import type { FromContainer } from "./channel.ts";
import { installContainerNetwork, reportTo } from "./container-network.ts";
import { installContainerProcess } from "./container-process.ts";

const channel: unknown =
  isMainThread || workerData === null || typeof workerData !== "object"
    ? undefined
    : (workerData as { readonly [key: string]: unknown })[CHANNEL_KEY];

if (channel instanceof MessagePort) {
  installContainerProcess(channel);
  installContainerNetwork({ env: process.env, report: (message) => channel.postMessage(message) });
} else if (isMainThread) {
  const target = process.env["INKUBE_PORTS"];
  // Children of this process inherit the variable but not the descriptor: that number may be anything of theirs.
  delete process.env["INKUBE_PORTS"];
  const report: (message: FromContainer) => void = target === undefined ? () => undefined : reportTo(target);
  installContainerNetwork({ env: process.env, report });
}
