/** The control plane on virtual time with the real etcd, API server, scheduler and controller-manager, and fake kubelets. */
import { Client } from "../../../actors/client/client.ts";
import { apiServerActor } from "../../../actors/api-server/api-server.ts";
import { noDoor } from "../../../actors/api-server/backend.ts";
import { API_SERVER_DEFAULTS, SERVICE_ACCOUNT_DEFAULTS } from "../../../actors/api-server/spec.ts";
import { controllerManagerActor } from "../../../actors/controller-manager/controller-manager.ts";
import type { ControllerManagerOptions } from "../../../actors/controller-manager/spec.ts";
import { etcdActor } from "../../../actors/etcd/etcd.ts";
import { ETCD_DEFAULTS } from "../../../actors/etcd/spec.ts";
import { schedulerActor } from "../../../actors/scheduler/scheduler.ts";
import { apiServerProtocol } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import type { ChildSpec, SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF, INTENSITY, SHUTDOWN_MS, START_TIMEOUT_MS } from "../../../runtime/supervisor/spec.ts";
import { fakeKubelet } from "./fake-kubelet.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

export interface PlaneOptions {
  readonly seed: number;
  /** The test brings about faults that cost a key or a request. */
  readonly faults?: boolean;
  readonly masters?: number;
  readonly workers?: number;
  readonly controllerManager?: Partial<ControllerManagerOptions>;
  readonly node?: { readonly cpu?: string; readonly memory?: string; readonly pods?: string };
}

export class ControlPlane {
  readonly host: SimulationHost;
  readonly client: Client;

  constructor(options: PlaneOptions) {
    const masters = options.masters ?? 1;
    const names = (kind: string): readonly string[] =>
      Array.from({ length: masters }, (_, index) => `${kind}-${index}`);
    const apiServers = names("api-server");
    this.host = watchCrashes(
      new SimulationHost({
        seed: options.seed,
        spec: tree(options, masters),
        definitions: {
          etcd: etcdActor,
          "api-server": apiServerActor(noDoor),
          scheduler: schedulerActor,
          "controller-manager": controllerManagerActor(),
          kubelet: fakeKubelet,
        },
        embedder: { name: "cluster", links: ["etcd", "api-server", "scheduler", "controller-manager"].flatMap(names) },
      }),
      { faults: options.faults === true },
    );
    this.client = new Client(this.host.context, apiServers);
  }

  async start(): Promise<void> {
    await this.host.start();
    await this.host.settle(() => this.host.context.ref(apiServerProtocol, "api-server-0").call("ready", null));
  }

  /** Runs until `check`, asked each 10 ms of simulated time, answers true. Answers how long it took. */
  async until(what: string, check: () => Promise<boolean>, limitMs: number = 30_000): Promise<number> {
    const startMs = this.host.nowMs;
    while (this.host.nowMs - startMs < limitMs) {
      if (await this.host.settle(check)) return this.host.nowMs - startMs;
      await this.host.run(10);
    }
    throw new InkubeError("DEADLINE_EXCEEDED", `${what}: not within ${limitMs} ms of simulated time`);
  }

  do<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return this.host.settle(() => work(this.client));
  }
}

function tree(options: PlaneOptions, masters: number): SupervisorSpec {
  const all = (kind: string): readonly string[] => Array.from({ length: masters }, (_, index) => `${kind}-${index}`);
  const from = (kind: string, index: number): readonly string[] => {
    const names = all(kind);
    return [...names.slice(index), ...names.slice(0, index)];
  };
  const children: ChildSpec[] = [];
  const child = (name: string, actor: string, given: unknown, links: readonly string[]): void => {
    children.push({
      name,
      actor,
      options: given,
      links,
      restart: "permanent",
      shutdownMs: SHUTDOWN_MS,
      startTimeoutMs: START_TIMEOUT_MS,
    });
  };
  for (let index = 0; index < masters; index++) {
    const name = `etcd-${index}`;
    const peers = all("etcd").filter((other) => other !== name);
    child(name, "etcd", { ...ETCD_DEFAULTS, name, members: all("etcd") }, peers);
  }
  for (let index = 0; index < masters; index++) {
    const members = from("etcd", index);
    child(
      `api-server-${index}`,
      "api-server",
      {
        ...API_SERVER_DEFAULTS,
        serviceAccounts: { ...SERVICE_ACCOUNT_DEFAULTS, admission: true, signingKey: "simulated" },
        members,
        tokens: [],
        kubeletToken: "",
      },
      members,
    );
  }
  for (let index = 0; index < masters; index++) {
    const apiServers = from("api-server", index);
    for (const kind of ["scheduler", "controller-manager"]) {
      const peers = all(kind).filter((other) => other !== `${kind}-${index}`);
      const own = kind === "scheduler" ? {} : options.controllerManager;
      child(`${kind}-${index}`, kind, { apiServers, peers, ...own }, [...apiServers, ...peers]);
    }
  }
  for (let index = 0; index < (options.workers ?? 2); index++) {
    const { cpu = "4", memory = "8Gi", pods = "110" } = options.node ?? {};
    const given = { apiServers: all("api-server"), node: `worker-${index}`, cpu, memory, pods };
    child(`worker-${index}/kubelet`, "kubelet", given, all("api-server"));
  }
  return {
    name: "root",
    strategy: "one_for_one",
    intensity: INTENSITY,
    backoff: BACKOFF,
    startInParallel: true,
    children,
  };
}
