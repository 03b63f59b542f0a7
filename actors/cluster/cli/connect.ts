/** What the commands that talk to a running cluster have in common. */
import type { Command } from "commander";
import { Api } from "./api.ts";
import { KUBECONFIG_FILE, readConnection } from "./kubeconfig-file.ts";

export interface ConnectOptions {
  readonly kubeconfig?: string;
}

export function withKubeconfig(command: Command): Command {
  return command.option("--kubeconfig <path>", `the cluster to talk to (default: ${KUBECONFIG_FILE})`);
}

/** Runs `work` with a connection to the cluster that the options name, and closes it. */
export async function connected<T>(options: ConnectOptions, work: (api: Api) => Promise<T>): Promise<T> {
  const api = new Api(readConnection(options.kubeconfig ?? KUBECONFIG_FILE));
  try {
    return await work(api);
  } finally {
    api.close();
  }
}
