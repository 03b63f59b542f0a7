/** One etcd, one API server without its HTTPS door, and one node, all on real threads from bundles built as the product's are. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildOptions } from "esbuild";
import { build } from "esbuild";
import { API_SERVER_DEFAULTS } from "../../../actors/api-server/spec.ts";
import { Client } from "../../../actors/client/client.ts";
import { nodes, pods } from "../../../actors/client/resources.ts";
import type { ContainerRuntimeOptions } from "../../../actors/container-runtime/spec.ts";
import { ETCD_DEFAULTS } from "../../../actors/etcd/spec.ts";
import type { KubeletOptions } from "../../../actors/kubelet/spec.ts";
import { KUBELET_DEFAULTS } from "../../../actors/kubelet/spec.ts";
import { apiServerProtocol } from "../../../protocols/api-server.ts";
import type { Pod, PodSpec } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";

const SHARED: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "cjs",
  logLevel: "warning",
  define: { "import.meta.url": "__inkubeFileUrl" },
  banner: { js: 'const __inkubeFileUrl = require("node:url").pathToFileURL(__filename).href;' },
  outExtension: { ".js": ".cjs" },
};

export async function buildBundles(): Promise<string> {
  const outdir = mkdtempSync(join(realpathSync(tmpdir()), "inkube-node-"));
  const root = process.cwd();
  const images = "actors/container-runtime/images";
  await build({
    ...SHARED,
    outdir,
    entryPoints: {
      boot: join(root, "runtime/threads/boot.ts"),
      ...Object.fromEntries(
        ["etcd", "kubelet", "container-runtime"].map((name) => [
          `actors/${name}`,
          join(root, `actors/${name}/index.ts`),
        ]),
      ),
      ...Object.fromEntries(
        ["preload", "web-server", "agnhost"].map((name) => [`images/${name}`, join(root, images, `${name}.ts`)]),
      ),
    },
  });
  await build({
    ...SHARED,
    outfile: join(outdir, "actors/api-server.cjs"),
    stdin: {
      contents: `import { runActor } from "./runtime/threads/thread.ts";
        import { apiServerActor } from "./actors/api-server/api-server.ts";
        import { noDoor } from "./actors/api-server/backend.ts";
        runActor(apiServerActor(noDoor));`,
      resolveDir: root,
      loader: "ts",
    },
  });
  return outdir;
}

export const NODE = "worker-0";
let networks = 0;

export class NodeCluster {
  readonly dataDir: string = mkdtempSync(join(realpathSync(tmpdir()), "inkube-data-"));
  readonly host: ThreadHost;
  readonly client: Client;
  readonly crashes: string[] = [];
  private readonly embedder: EmbeddedPeer;
  private readonly specs: readonly ChildSpec[];
  private readonly expected = new Set<string>();
  private isStopping = false;

  constructor(bundles: string, kubelet: Partial<KubeletOptions> = {}, runtime: Partial<ContainerRuntimeOptions> = {}) {
    // Test files run side by side: each takes addresses of its own.
    const network = `127.${224 + (process.pid % 16)}.${(networks++ * 7 + Math.floor(process.pid / 16)) % 256}`;
    const child = (name: string, actor: string, options: unknown, links: readonly string[]): ChildSpec => ({
      name,
      actor,
      options,
      links: [...links, "cluster"],
      restart: "permanent",
      shutdownMs: 5_000,
      startTimeoutMs: 20_000,
    });
    const kubeletOptions: KubeletOptions = {
      ...KUBELET_DEFAULTS,
      nodeName: NODE,
      apiServers: ["api-server-0"],
      containerRuntime: `${NODE}/container-runtime`,
      podCIDR: `${network}.0/24`,
      nodeIP: "127.0.0.1",
      ...kubelet,
    };
    this.specs = [
      child("etcd-0", "etcd", { ...ETCD_DEFAULTS, name: "etcd-0", members: ["etcd-0"] }, []),
      child(
        "api-server-0",
        "api-server",
        { ...API_SERVER_DEFAULTS, members: ["etcd-0"], tokens: [], kubeletToken: "" },
        ["etcd-0"],
      ),
      child(`${NODE}/container-runtime`, "container-runtime", runtime, []),
      child(`${NODE}/kubelet`, "kubelet", kubeletOptions, ["api-server-0", `${NODE}/container-runtime`]),
    ];
    this.host = new ThreadHost({
      bundles,
      dataDir: this.dataDir,
      fsync: false,
      onDown: (name, reason, error) => {
        if (this.isStopping) return;
        if (!this.expected.delete(name)) this.crashes.push(`${name}: ${reason}: ${error?.stack ?? ""}`);
        const spec = this.specs.find((one) => one.name === name);
        if (spec !== undefined) setImmediate(() => void this.host.start(spec));
      },
    });
    this.host.plan(this.specs);
    this.embedder = new EmbeddedPeer("cluster", this.host);
    this.client = new Client(this.embedder.context, ["api-server-0"]);
  }

  async start(): Promise<void> {
    await Promise.all(this.specs.map((spec) => this.host.start(spec)));
    await this.embedder.context.ref(apiServerProtocol, "api-server-0").call("ready", null);
    await this.until(async () => (await this.client.find(nodes, NODE)) !== undefined);
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    for (const spec of [...this.specs].reverse()) await this.host.stop(spec.name, 5_000);
    this.embedder.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async kill(name: string): Promise<void> {
    this.expected.add(name);
    await this.host.kill(name);
  }

  create(name: string, spec: Partial<PodSpec>, annotations: Record<string, string> = {}): Promise<Pod> {
    return this.client.create(pods, {
      metadata: { name, namespace: "default", annotations },
      spec: { containers: [], nodeName: NODE, terminationGracePeriodSeconds: 2, ...spec },
    });
  }

  get(name: string): Promise<Pod | undefined> {
    return this.client.find(pods, name, "default");
  }

  delete(name: string): Promise<void> {
    return this.client.delete(pods, name, "default");
  }

  /** Resolves with how long it took until the pod was so, as a watcher sees it. */
  untilPod(name: string, condition: (pod: Pod) => boolean, limitMs = 10_000): Promise<number> {
    const startMs = performance.now();
    return new Promise((resolve, reject) => {
      let last: Pod | undefined;
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        subscription.cancel();
        act();
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`pod ${name} is not so: ${JSON.stringify(last?.status, null, 1)}`))),
        limitMs,
      );
      const subscription = this.client.watch(
        pods,
        { namespace: "default", fieldSelector: `metadata.name=${name}` },
        {
          next: ({ object, type }) => {
            if (type === "BOOKMARK" || object.metadata?.name !== name) return;
            last = object;
            if (condition(object)) finish(() => resolve(performance.now() - startMs));
          },
          end: (error) => finish(() => reject(error ?? new Error("the watch ended"))),
        },
      );
    });
  }

  async until(condition: () => Promise<boolean>, limitMs = 10_000): Promise<void> {
    const startMs = performance.now();
    while (!(await condition())) {
      if (performance.now() - startMs > limitMs) throw new Error("not within the time");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}
