/** Runs in every Node.js container before its own code, on a thread or in a process: `channel.ts` says what it is given. */
import { isMainThread, MessagePort, workerData } from "node:worker_threads";
import { CHANNEL_KEY } from "./channel.ts";
import type { FromContainer } from "./channel.ts";
import { installContainerNetwork, reportToFile } from "./container-network.ts";
import { installContainerProcess } from "./container-process.ts";

const channel: unknown =
  isMainThread || workerData === null || typeof workerData !== "object"
    ? undefined
    : (workerData as { readonly [key: string]: unknown })[CHANNEL_KEY];

if (channel instanceof MessagePort) {
  installContainerProcess(channel);
  installContainerNetwork({ env: process.env, report: (message) => channel.postMessage(message) });
} else if (isMainThread) {
  const path = process.env["INKUBE_PORTS"];
  const report: (message: FromContainer) => void = path === undefined ? () => undefined : reportToFile(path);
  installContainerNetwork({ env: process.env, report });
}
