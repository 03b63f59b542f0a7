/** `inkube master`: one master of a cluster whose masters run in several processes, on an etcd cluster of their own. */
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { Command } from "commander";
import { Cluster } from "../cluster.ts";
import { integer } from "./arguments.ts";
import type { EtcdFlags } from "./external-etcd.ts";
import { externalEtcdOf, withEtcdFlags } from "./external-etcd.ts";
import { refuse } from "./failure.ts";
import { KUBECONFIG_FILE } from "./kubeconfig-file.ts";
import { stopRequest } from "./stop-request.ts";
import { duration } from "./view.ts";

interface MasterOptions extends EtcdFlags {
  readonly keys: string;
  readonly name: string;
  readonly host: string;
  readonly port: string;
  readonly dataDir: string;
  readonly kubeconfig: string;
}

export function masterCommand(): Command {
  return withEtcdFlags(new Command("master"))
    .description(
      "run one of several masters in this terminal, on an etcd cluster: API server, scheduler, controller-manager",
    )
    .requiredOption(
      "--keys <path>",
      "what all masters have in common; made where it is not there: the others get a copy",
    )
    .requiredOption("--data-dir <path>", "for what is this master's own")
    .option("--name <name>", "of this master among them", hostname().toLowerCase())
    .option("--host <address>", "of this machine to serve the API on", "127.0.0.1")
    .option("--port <port>", "of the Kubernetes API: the same for all masters", "6443")
    .option("--kubeconfig <path>", "where to write how to reach this master", KUBECONFIG_FILE)
    .action(master);
}

async function master(options: MasterOptions): Promise<void> {
  const etcd = externalEtcdOf(options);
  if (etcd === undefined) throw refuse("--etcd-servers: masters of several processes need an etcd cluster");
  const asked = stopRequest();
  const startedMs = performance.now();
  const { host, dataDir, name, keys, kubeconfig } = options;
  const port = integer("--port", options.port, 1, 65_535);
  const cluster = await Cluster.standIn(
    { masters: 1, workers: 0, host, port, dataDir, etcd },
    { master: { name, keys: resolve(keys) } },
  );
  let failed: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => void (failed = reject));
  failure.catch(() => undefined);
  cluster.onEvent((event) => {
    if (event.type === "down" && event.reason !== "normal") say(`${event.name} is down: ${event.reason}`);
    if (event.type === "terminated" && event.reason !== "normal")
      failed(refuse("the master gave up: its actors failed again and again"));
  });
  try {
    writeFileSync(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
    say(`master ${name} serves in ${duration(performance.now() - startedMs)} at ${cluster.server}`);
    await Promise.race([asked, failure]);
    say("stopping");
  } finally {
    await cluster.stop();
  }
  say("stopped");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
