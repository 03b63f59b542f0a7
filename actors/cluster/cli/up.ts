/** `inkube up`: a cluster in this process until Ctrl-C, with a live view on a terminal and plain lines elsewhere. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ClusterEvent } from "../cluster.ts";
import { Cluster } from "../cluster.ts";
import type { ClusterOptions } from "../options.ts";
import { integer } from "./arguments.ts";
import { auditLogOf } from "./audit-log.ts";
import type { EtcdFlags } from "./external-etcd.ts";
import { externalEtcdOf, withEtcdFlags } from "./external-etcd.ts";
import { refuse } from "./failure.ts";
import { parseImages } from "./images.ts";
import { EtcdFiles } from "./etcd-files.ts";
import { KUBECONFIG_FILE } from "./kubeconfig-file.ts";
import { History } from "./history.ts";
import { LiveView } from "./live-view.ts";
import { readManifests } from "./manifest-files.ts";
import { PlainView } from "./plain-view.ts";
import { Screen } from "./screen.ts";
import { stopRequest } from "./stop-request.ts";
import { otlpOf } from "./otlp.ts";
import { schedulerOf } from "./scheduler-flags.ts";
import { duration } from "./view.ts";

interface UpOptions extends EtcdFlags {
  readonly masters?: string;
  readonly workers?: string;
  readonly apiOnly?: boolean;
  readonly host: string;
  readonly port: string;
  readonly dataDir?: string;
  readonly manifest: readonly string[];
  readonly image: readonly string[];
  readonly kubeconfig: string;
  readonly pods: "real" | "simulated";
  readonly nodesPerThread?: string;
  readonly otlp?: string | true;
  readonly etcdPort?: string;
  readonly etcdInsecure?: boolean;
  readonly metricsPort?: string;
  readonly dashboard?: string | true;
  readonly schedulerConfig?: string;
  readonly schedulerPlugin: readonly string[];
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxage?: string;
  readonly auditLogMaxbackup?: string;
  readonly auditLogMaxsize?: string;
}

export function upCommand(): Command {
  return withEtcdFlags(new Command("up"))
    .description("run a cluster in this terminal until Ctrl-C")
    .option(
      "--masters <count>",
      "an etcd member, API server, scheduler and controller-manager each; odd (default: 3; 1 with --api-only)",
    )
    .option("--workers <count>", "a kubelet, kube-proxy and container runtime each (default: 3; none with --api-only)")
    .option("--api-only", "the API alone, for controllers of your own: no scheduler, no controllers, no workers")
    .option("--host <address>", "of this machine to serve the API on, for nodes and clients elsewhere", "127.0.0.1")
    .option("--port <port>", "of the Kubernetes API; 0 is any free one", "0")
    .option("--data-dir <path>", "keep everything there, and go on from there (default: keep nothing)")
    .option("--manifest <file...>", "apply these once the cluster is ready", [])
    .option("--image <name=what...>", "what an image runs: a JavaScript module, or a command", [])
    .option("--kubeconfig <path>", "where to write how to reach the cluster", KUBECONFIG_FILE)
    .option("--nodes-per-thread <count>", "the actors of so many workers share a thread (default: each has its own)")
    .option(
      "--otlp [url]",
      "send what happens to a collector of OpenTelemetry (default: OTEL_EXPORTER_OTLP_ENDPOINT's)",
    )
    .option("--scheduler-config <path>", "a KubeSchedulerConfiguration: profiles, plugins, weights")
    .option("--scheduler-plugin <name=module...>", "a plugin of your own, as a JavaScript module", [])
    .option("--audit-policy-file <path>", "which requests go to the audit log: a Policy of audit.k8s.io/v1")
    .option("--audit-log-path <path>", "file of the audit log; - is standard output")
    .option("--audit-log-maxage <days>", "that files put aside are kept; 0 is for ever (default: 366)")
    .option("--audit-log-maxbackup <count>", "of files put aside that are kept; 0 is all (default: 100)")
    .option("--audit-log-maxsize <megabytes>", "from which on the file is put aside; 0 is never (default: 100)")
    .option(
      "--etcd-port <port>",
      "serve etcd's own clients from there on, one port for each master; 0 is any free ones",
    )
    .option("--etcd-insecure", "without TLS: whoever can reach the port reads and writes everything")
    .option("--metrics-port <port>", "serve the metrics of all actors on 127.0.0.1; 0 is any free one")
    .option("--dashboard [port]", "serve a page that shows the cluster on 127.0.0.1 (default: on any free port)")
    .addOption(
      new Option("--pods <how>", "simulated: containers cost nothing").choices(["real", "simulated"]).default("real"),
    )
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  // Whatever can be wrong with what was given is found before anything is started.
  const manifests = readManifests(options.manifest);
  const clusterOptions = clusterOptionsOf(options);
  const metricsPort =
    options.metricsPort === undefined ? undefined : integer("--metrics-port", options.metricsPort, 0, 65_535);
  const { dashboard } = options;
  const dashboardPort = typeof dashboard === "string" ? integer("--dashboard", dashboard, 0, 65_535) : 0;
  const kubeconfig = new KubeconfigFile(options.kubeconfig);
  const etcdFiles = new EtcdFiles(options.kubeconfig);
  const asked = stopRequest();
  const progress = new Progress(clusterOptions);
  const startedMs = performance.now();
  let failed: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => void (failed = reject));
  // It may fail while nobody waits for it yet; whoever waits then is told all the same.
  failure.catch(() => undefined);
  const history = new History();
  let viewed = false;
  const cluster = await Cluster.start({
    ...clusterOptions,
    onEvent: (event) => {
      progress.observe(event);
      if (event.type === "alarm" && !viewed) progress.interrupt(history.tell(event, Date.now()) ?? "");
      if (event.type === "terminated" && event.reason !== "normal")
        failed(new InkubeError("CLUSTER_FAILED", "the cluster gave up: its actors failed again and again"));
    },
  }).finally(() => progress.end());
  try {
    kubeconfig.write(cluster.kubeconfig);
    say(`ready in ${duration(performance.now() - startedMs)} at ${cluster.server}`);
    if (clusterOptions.etcd !== undefined) {
      const endpoints = await cluster.etcdEndpoints();
      say(`etcd at ${endpoints.join(",")}`);
      if (options.etcdInsecure !== true) say(etcdFiles.write(cluster));
    }
    if (metricsPort !== undefined)
      say(`metrics at http://${(await cluster.serveMetrics(metricsPort)).address}/metrics`);
    if (dashboard !== undefined) say(`dashboard at ${(await cluster.serveDashboard(dashboardPort)).url}`);
    for (const { kind, metadata } of await cluster.apply(manifests))
      say(`applied ${(kind ?? "").toLowerCase()}/${metadata?.name ?? ""}`);
    const view = process.stdout.isTTY
      ? new LiveView(cluster, options.kubeconfig, new Screen(process.stdout))
      : new PlainView(cluster, options.kubeconfig);
    viewed = true;
    await Promise.race([asked, failure]).finally(() => view.close());
    say("stopping");
  } finally {
    await cluster.stop();
    kubeconfig.remove();
    etcdFiles.remove();
  }
  say("stopped");
}

function clusterOptionsOf(options: UpOptions): ClusterOptions {
  const apiOnly = options.apiOnly === true;
  return {
    masters: integer("--masters", options.masters ?? (apiOnly ? "1" : "3"), 1, 7),
    workers: integer("--workers", options.workers ?? (apiOnly ? "0" : "3"), 0, 500),
    controllers: !apiOnly,
    host: options.host,
    port: integer("--port", options.port, 0, 65_535),
    pods: options.pods,
    images: parseImages(options.image),
    ...etcdOf(options),
    ...auditOf(options),
    ...schedulerOf(options.schedulerConfig, options.schedulerPlugin, say),
    ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
    ...(options.otlp === undefined ? {} : { otlp: otlpOf(options.otlp, process.env) }),
    ...(options.nodesPerThread === undefined
      ? {}
      : { placement: { nodesPerThread: integer("--nodes-per-thread", options.nodesPerThread, 1, 500) } }),
  };
}

function etcdOf(options: UpOptions): Pick<ClusterOptions, "etcd"> {
  const { etcdPort, etcdInsecure } = options;
  const external = externalEtcdOf(options);
  if (external !== undefined) {
    if (etcdPort !== undefined)
      throw refuse("--etcd-port is of an etcd of the cluster's own, which --etcd-servers replaces");
    return { etcd: external };
  }
  if (etcdPort === undefined) {
    if (etcdInsecure === true) throw refuse("--etcd-insecure is for --etcd-port");
    return {};
  }
  const port = integer("--etcd-port", etcdPort, 0, 65_529);
  return { etcd: { listen: { port, tls: etcdInsecure !== true } } };
}

function auditOf(options: UpOptions): Pick<ClusterOptions, "audit"> {
  const audit = auditLogOf({
    policyFile: options.auditPolicyFile,
    path: options.auditLogPath,
    maxage: options.auditLogMaxage,
    maxbackup: options.auditLogMaxbackup,
    maxsize: options.auditLogMaxsize,
  });
  return audit === undefined ? {} : { audit };
}

/** The file is the cluster's: it is removed with it, unless somebody else has written there meanwhile. */
class KubeconfigFile {
  private readonly path: string;
  private written: string | undefined;

  constructor(path: string) {
    this.path = resolve(path);
  }

  write(content: string): void {
    try {
      writeFileSync(this.path, content, { mode: 0o600 });
    } catch (error) {
      throw refuse(`can't write the kubeconfig: ${(error as Error).message}`);
    }
    this.written = content;
  }

  remove(): void {
    if (this.written === undefined) return;
    try {
      if (readFileSync(this.path, "utf8") === this.written) rmSync(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

/** How far the start is: one line that changes on a terminal, one line in all elsewhere. */
class Progress {
  private readonly up = new Set<string>();
  private readonly total: number;
  private readonly live = process.stdout.isTTY;

  constructor({ masters = 3, workers = 3, controllers = true }: ClusterOptions) {
    // The collector besides.
    this.total = masters * (controllers ? 4 : 2) + workers * 3 + 1;
    if (!this.live)
      say(`starting ${masters} master${masters === 1 ? "" : "s"} and ${workers} worker${workers === 1 ? "" : "s"}`);
    else this.draw();
  }

  observe(event: ClusterEvent): void {
    if (event.type !== "up" || /^(root|(master|worker)-\d+(\/(control-plane|agents))?)$/.test(event.name)) return;
    this.up.add(event.name);
    if (this.live && this.up.size <= this.total) this.draw();
  }

  /** A line that stays. */
  interrupt(line: string): void {
    this.end();
    say(line);
    if (this.live) this.draw();
  }

  end(): void {
    if (this.live) process.stdout.write("\r\x1b[K");
  }

  private draw(): void {
    process.stdout.write(`\rstarting: ${this.up.size} of ${this.total} actors are up\x1b[K`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
