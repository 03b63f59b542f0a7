/** One etcd, one API server and one node in the simulation: enough to bind pods to the node and see what becomes of them. */
import { apiServerActor } from "../../../actors/api-server/api-server.ts";
import { noDoor } from "../../../actors/api-server/backend.ts";
import type { ApiServerOptions } from "../../../actors/api-server/spec.ts";
import { API_SERVER_DEFAULTS, SERVICE_ACCOUNT_DEFAULTS } from "../../../actors/api-server/spec.ts";
import { Client } from "../../../actors/client/client.ts";
import { events, nodes, pods } from "../../../actors/client/resources.ts";
import { containerRuntimeActor } from "../../../actors/container-runtime/container-runtime.ts";
import type { ContainerRuntimeOptions } from "../../../actors/container-runtime/spec.ts";
import { etcdActor } from "../../../actors/etcd/etcd.ts";
import type { EtcdOptions } from "../../../actors/etcd/spec.ts";
import { ETCD_DEFAULTS } from "../../../actors/etcd/spec.ts";
import { kubeletActor } from "../../../actors/kubelet/kubelet.ts";
import type { KubeletOptions } from "../../../actors/kubelet/spec.ts";
import { KUBELET_DEFAULTS } from "../../../actors/kubelet/spec.ts";
import { apiServerProtocol } from "../../../protocols/api-server.ts";
import type { ContainerStatus, PodSandboxStatus } from "../../../protocols/container-runtime.ts";
import { containerRuntimeProtocol } from "../../../protocols/container-runtime.ts";
import type { Event, Node, Pod, PodCondition, PodSpec } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../../runtime/actor.ts";
import { defineActor } from "../../../runtime/actor.ts";
import type { Net } from "../../../runtime/net.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import type { Expected } from "../../fixtures/watch-crashes.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

const NODE = "worker-0";
const KUBELET = `${NODE}/kubelet`;
const RUNTIME = `${NODE}/container-runtime`;

const EVER = { alive: true, hanging: undefined, crash: () => undefined };

export class NodeWorld {
  readonly host: SimulationHost;
  readonly client: Client;

  /** `wrapNet` changes the network of the container runtime, as another operating system does. */
  constructor(
    seed: number,
    kubelet: Partial<KubeletOptions> = {},
    runtime: Partial<ContainerRuntimeOptions> = {},
    wrapNet: (net: Net) => Net = (net) => net,
    expected: Expected = {},
  ) {
    const runtimeActor = containerRuntimeActor();
    const child = (name: string, actor: string, options: unknown, links: readonly string[]) => ({
      name,
      actor,
      options,
      links,
      restart: "permanent" as const,
      shutdownMs: 5_000,
      startTimeoutMs: 10_000,
    });
    const etcd: EtcdOptions = { ...ETCD_DEFAULTS, name: "etcd-0", members: ["etcd-0"] };
    const apiServer: ApiServerOptions = {
      ...API_SERVER_DEFAULTS,
      serviceAccounts: { ...SERVICE_ACCOUNT_DEFAULTS, signingKey: "simulated" },
      members: ["etcd-0"],
      tokens: [],
      kubeletToken: "",
    };
    const kubeletOptions: KubeletOptions = {
      ...KUBELET_DEFAULTS,
      nodeName: NODE,
      apiServers: ["api-server-0"],
      containerRuntime: RUNTIME,
      podCIDR: "127.64.0.0/24",
      nodeIP: "127.32.0.1",
      ...kubelet,
    };
    this.host = watchCrashes(
      new SimulationHost({
        seed,
        spec: {
          name: "root",
          strategy: "one_for_one",
          intensity: { restarts: 1_000, periodMs: 10_000 },
          backoff: BACKOFF,
          startInParallel: true,
          children: [
            child("etcd-0", "etcd", etcd, []),
            child("api-server-0", "api-server", apiServer, ["etcd-0"]),
            child(RUNTIME, "container-runtime", { pods: "simulated", ...runtime }, []),
            child(KUBELET, "kubelet", kubeletOptions, ["api-server-0", RUNTIME]),
          ],
        },
        definitions: {
          etcd: etcdActor,
          "api-server": apiServerActor(noDoor),
          "container-runtime": defineActor(runtimeActor.protocol, (ctx: Context<Partial<ContainerRuntimeOptions>>) =>
            runtimeActor.start({ ...ctx, net: wrapNet(ctx.net) }),
          ),
          kubelet: kubeletActor(),
        },
        embedder: { name: "cluster", links: ["api-server-0", "etcd-0", RUNTIME] },
      }),
      expected,
    );
    this.client = new Client(this.host.context, ["api-server-0"]);
  }

  /** Runs until the node is Ready. */
  async start(): Promise<void> {
    await this.host.start();
    const server = this.host.context.ref(apiServerProtocol, "api-server-0");
    await this.host.settle(() => server.call("ready", null));
    await this.until(async () => (await this.node())?.status?.conditions?.some((one) => one.type === "Ready") === true);
  }

  killKubelet(): void {
    this.host.kill(KUBELET, { disk: "kept" });
  }

  /** `disk`: whether what it did not sync, which is all, is kept. */
  killRuntime(disk: "kept" | "crash" = "kept"): void {
    this.host.kill(RUNTIME, { disk });
  }

  /** The kubelet and the API server don't hear of each other until `reconnectKubelet`. */
  cutOffKubelet(): void {
    this.host.partition([KUBELET], ["api-server-0"]);
  }

  reconnectKubelet(): void {
    this.host.heal([KUBELET], ["api-server-0"]);
  }

  /** What a file of a pod's volume says. */
  async volumeFile(podUid: string, volume: string, name: string): Promise<string> {
    const disk = this.host.disk(KUBELET).open(EVER, "/test");
    const directory = `pods/${podUid}/volumes/${volume}`;
    const read = async (path: string): Promise<string> =>
      new TextDecoder().decode(await this.host.settle(() => disk.read(path)));
    return await read(`${directory}/${await read(`${directory}/..data`)}/${name}`);
  }

  killApiServer(): void {
    this.host.kill("api-server-0", { disk: "kept" });
  }

  /** All that the runtime has. */
  async runtime(): Promise<{
    readonly sandboxes: readonly PodSandboxStatus[];
    readonly containers: readonly ContainerStatus[];
  }> {
    const runtime = this.host.context.ref(containerRuntimeProtocol, RUNTIME);
    const [sandboxes, containers] = await this.host.settle(() =>
      Promise.all([runtime.call("listPodSandbox", null), runtime.call("listContainers", null)]),
    );
    return { sandboxes: sandboxes.items, containers: containers.items };
  }

  /** How much the kubelet and the runtime hold. */
  held(): Promise<readonly unknown[]> {
    return this.host.settle(() => Promise.all([KUBELET, RUNTIME].map((name) => this.host.state(name))));
  }

  async pods(): Promise<readonly Pod[]> {
    return (await this.host.settle(() => this.client.list(pods, { namespace: "default" }))).items;
  }

  async createPod(name: string, spec: Partial<PodSpec>, annotations: Record<string, string> = {}): Promise<Pod> {
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default", annotations },
      spec: { containers: [{ name: "main", image: "web" }], nodeName: NODE, ...spec },
    };
    return await this.host.settle(() => this.client.create(pods, pod));
  }

  deletePod(name: string, gracePeriodSeconds?: number): Promise<void> {
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    return this.host.settle(() => this.client.delete(pods, name, "default", options));
  }

  pod(name: string): Promise<Pod | undefined> {
    return this.host.settle(() => this.client.find(pods, name, "default"));
  }

  /** As a controller does: conditions are merged by type. */
  patchConditions(name: string, conditions: readonly PodCondition[]): Promise<Pod> {
    const body = { status: { conditions } };
    const options = { patchType: "application/strategic-merge-patch+json" as const, subresource: "status" };
    return this.host.settle(() => this.client.patch(pods, name, "default", body, options));
  }

  /** As the collector of a lost node's pods does. */
  failPod(name: string): Promise<Pod> {
    const body = { status: { phase: "Failed", reason: "Lost" } };
    return this.host.settle(() => this.client.patch(pods, name, "default", body, { subresource: "status" }));
  }

  node(): Promise<Node | undefined> {
    return this.host.settle(() => this.client.find(nodes, NODE));
  }

  async events(pod: string): Promise<readonly Event[]> {
    const { items } = await this.host.settle(() => this.client.list(events, { namespace: "default" }));
    const written = ({ metadata }: Event): number => Number(metadata?.resourceVersion);
    return items
      .filter(({ involvedObject }) => involvedObject.name === pod)
      .sort((one, other) => written(one) - written(other));
  }

  /** Runs until `condition` holds; how long that took. */
  async until(condition: () => Promise<boolean>, limitMs = 30_000, everyMs = 5): Promise<number> {
    const startMs = this.host.nowMs;
    while (!(await condition())) {
      if (this.host.nowMs - startMs > limitMs) throw new Error(`not within ${limitMs} ms of simulated time`);
      await this.host.run(everyMs);
    }
    return this.host.nowMs - startMs;
  }

  untilPod(name: string, condition: (pod: Pod) => boolean, limitMs?: number, everyMs?: number): Promise<number> {
    return this.until(
      async () => {
        const pod = await this.pod(name);
        return pod !== undefined && condition(pod);
      },
      limitMs,
      everyMs,
    );
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}
