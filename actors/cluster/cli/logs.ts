/** `inkube logs`: what a container wrote. */
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import type { ConnectOptions } from "./connect.ts";
import { connected, withKubeconfig } from "./connect.ts";
import { refuse } from "./failure.ts";

interface LogsOptions extends ConnectOptions {
  readonly namespace: string;
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tail?: string;
}

export function logsCommand(): Command {
  return withKubeconfig(
    new Command("logs")
      .description("print what a container wrote")
      .argument("<pod>", "its name, or pod/NAME")
      .option("-n, --namespace <name>", "where the pod is", "default")
      .option("-c, --container <name>", "which container, when the pod has several")
      .option("-f, --follow", "go on with what it writes")
      .option("-p, --previous", "of the container that ran before its last restart")
      .option("--timestamps", "with the time of each line")
      .option("--tail <lines>", "only the last lines"),
  ).action((pod: string, options: LogsOptions) =>
    connected(options, async (api) => {
      const body = await api.open({ path: pathOf(pod.replace(/^pods?\//, ""), options), accept: "*/*" });
      await pipeline(body, process.stdout, { end: false });
    }),
  );
}

function pathOf(pod: string, options: LogsOptions): string {
  const query = new URLSearchParams();
  if (options.container !== undefined) query.set("container", options.container);
  for (const flag of ["follow", "previous", "timestamps"] as const) if (options[flag] === true) query.set(flag, "true");
  if (options.tail !== undefined) {
    const lines = Number(options.tail);
    if (!Number.isInteger(lines) || lines < 0) throw refuse(`--tail takes a number of lines, not "${options.tail}"`);
    query.set("tailLines", String(lines));
  }
  const namespace = encodeURIComponent(options.namespace);
  return `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(pod)}/log?${query.toString()}`;
}
