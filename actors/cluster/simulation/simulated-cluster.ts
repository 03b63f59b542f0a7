/**
 * The whole cluster in the simulation: the tree and the actors of the real one, with simulated containers, disks in memory
 * and nobody outside. Everything that happens is a function of the seed.
 */
import type { TopologyOptions } from "../topology.ts";
import { EMBEDDER, makeTopology } from "../topology.ts";
import type { ApiServerMethods, KubernetesObject } from "../../../protocols/api-server.ts";
import { apiServerProtocol } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { MemberStatus } from "../../../protocols/etcd.ts";
import type { ActorDefinition, Context } from "../../../runtime/actor.ts";
import { defineActor } from "../../../runtime/actor.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Fault, FaultPlan } from "../../../runtime/faults/plan.ts";
import type { DecisionLog } from "../../../runtime/simulation/decisions.ts";
import type { Foreign } from "../../../runtime/simulation/event-queue.ts";
import type { Definitions } from "../../../runtime/simulation/simulation-host.ts";
import type { SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { apiServerActor } from "../../api-server/api-server.ts";
import { noDoor } from "../../api-server/backend.ts";
import type { TokenUser } from "../../api-server/core/identity.ts";
import { plainDoor } from "../../api-server/io/plain-door.ts";
import type { ApiServerOptions } from "../../api-server/spec.ts";
import { SERVICE_ACCOUNT_DEFAULTS } from "../../api-server/spec.ts";
import type { Witness } from "../../../protocols/api-witness.ts";
import { Client } from "../../client/client.ts";
import { Informer } from "../../client/informer.ts";
import type { Resource } from "../../client/resources.ts";
import { namespaces, nodes } from "../../client/resources.ts";
import { containerRuntimeActor } from "../../container-runtime/container-runtime.ts";
import { controllerManagerActor } from "../../controller-manager/controller-manager.ts";
import { etcdActor } from "../../etcd/etcd.ts";
import type { EtcdOptions } from "../../etcd/spec.ts";
import { kubeProxyActor } from "../../kube-proxy/kube-proxy.ts";
import { kubeletActor } from "../../kubelet/kubelet.ts";
import { schedulerActor } from "../../scheduler/scheduler.ts";
import { addressesOf } from "../addresses.ts";
import { meets } from "../conditions.ts";
import { leaderOf, statusOf } from "./etcd-group.ts";

export interface SimulatedClusterOptions {
  readonly seed: number;
  readonly masters?: number;
  readonly workers?: number;
  readonly etcd?: Partial<EtcdOptions>;
  readonly apiServer?: Partial<ApiServerOptions>;
  /** From the moment that every actor is up. */
  readonly faults?: FaultPlan;
  /** Told what of the plan begins, ends and hits whom. */
  readonly onFault?: (fault: Fault, what: string) => void;
  readonly record?: DecisionLog;
  readonly replay?: DecisionLog;
  /** Looks on at the API servers. */
  readonly witness?: Witness;
  /** HTTP clients within the simulation: each API server listens for them on its own name, and they are who their tokens say. */
  readonly http?: { readonly port: number; readonly tokens: readonly TokenUser[] };
  /** Actors whose code was written for Node's own queues. */
  readonly foreign?: ReadonlyMap<string, Foreign>;
  /** Told before each step which actor's it is; undefined: the simulation's own. */
  readonly onStep?: (actor: string | undefined) => void;
  /** Actors beside the cluster's own, and what their specs name. */
  readonly others?: { readonly tree: SupervisorSpec; readonly definitions: Definitions };
}

/** Between two looks at something that is to come. */
const LOOK_MS = 50;
/** A node of a size on which a test's pods have room and a run can be counted in the head. */
const CAPACITY = { cpu: "8", memory: "16Gi", pods: "110", "ephemeral-storage": "100Gi" };

export class SimulatedCluster {
  readonly host: SimulationHost;
  /** Awaited only within `run`: elsewhere time stands still. */
  readonly client: Client;
  readonly masters: number;
  readonly workers: number;
  /** Names of the actors of etcd and of the API servers, and of each node's runtime. */
  readonly members: readonly string[];
  readonly apiServers: readonly string[];
  readonly runtimes: readonly string[];

  constructor(options: SimulatedClusterOptions) {
    this.masters = options.masters ?? 3;
    this.workers = options.workers ?? 3;
    const names = (count: number, nameOf: (index: number) => string): readonly string[] =>
      Array.from({ length: count }, (_, index) => nameOf(index));
    this.apiServers = names(this.masters, (index) => `api-server-${index}`);
    this.members = names(this.masters, (index) => `etcd-${index}`);
    this.runtimes = names(this.workers, (index) => `worker-${index}/container-runtime`);
    this.host = new SimulationHost({
      seed: options.seed,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
      ...(options.onFault === undefined ? {} : { onFault: options.onFault }),
      ...(options.record === undefined ? {} : { record: options.record }),
      ...(options.replay === undefined ? {} : { replay: options.replay }),
      spec: withOthers(options.others?.tree, {
        masters: this.masters,
        workers: this.workers,
        addresses: addressesOf(0),
        clusterId: "simulated",
        apiServer: {
          serviceAccounts: { ...SERVICE_ACCOUNT_DEFAULTS, signingKey: "simulated", admission: true },
          ...options.apiServer,
          tokens: options.http?.tokens ?? [],
          kubeletToken: "",
        },
        containerRuntime: { pods: "simulated" },
        kubelet: { capacity: CAPACITY, volumesRoot: "/volumes" },
        etcd: options.etcd ?? {},
        controllerManager: { rootCa: "simulated" },
      }),
      definitions: {
        etcd: etcdActor,
        "api-server": apiServers(options),
        scheduler: schedulerActor,
        "controller-manager": controllerManagerActor(),
        kubelet: kubeletActor(),
        "kube-proxy": kubeProxyActor,
        "container-runtime": containerRuntimeActor(),
        ...options.others?.definitions,
      },
      ...(options.foreign === undefined ? {} : { foreign: options.foreign }),
      ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
      embedder: { name: EMBEDDER, links: [...this.apiServers, ...this.members, ...this.runtimes] },
    });
    this.client = new Client(this.host.context, this.apiServers);
  }

  get clock(): Clock {
    return this.host.context.clock;
  }

  /** Every actor up, every node Ready, and the first namespace there. */
  async start(): Promise<void> {
    await this.host.start();
    await this.run(async () => {
      await this.nodesReady(this.workers);
      await this.waitFor(namespaces, "default", undefined, () => true, 60_000);
    }, 120_000);
  }

  /** Lets time pass until `work` is done. Errors: DEADLINE_EXCEEDED after `limitMs` of virtual time, and the work's own. */
  run<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
    return this.host.settle(work, limitMs);
  }

  /** Resolves when an object is there and meets `condition`: a condition type, `RolledOut`, or a function. */
  waitFor<T extends KubernetesObject>(
    resource: Resource<T>,
    name: string,
    namespace: string | undefined,
    condition: string | ((object: T) => boolean),
    timeoutMs: number,
  ): Promise<T> {
    return this.watching(resource, timeoutMs, `${resource.resource}/${name}: ${String(condition)}`, (informer) => {
      const object = informer.get(name, namespace);
      if (object === undefined) return undefined;
      return (typeof condition === "string" ? meets(object, condition) : condition(object)) ? object : undefined;
    });
  }

  async nodesReady(count: number, timeoutMs = 60_000): Promise<void> {
    await this.watching(nodes, timeoutMs, `${count} nodes Ready`, (informer) =>
      informer.list().filter((node) => meets(node, "Ready")).length >= count ? true : undefined,
    );
  }

  /** Asks `predicate` now and then until it answers true. Errors: NOT_CONVERGED, telling `what` did not come. */
  async until(what: string, limitMs: number, predicate: () => Promise<boolean>): Promise<void> {
    const deadlineMs = this.host.nowMs + limitMs;
    while (!(await predicate())) {
      if (this.host.nowMs > deadlineMs) {
        throw new InkubeError("NOT_CONVERGED", `not within ${limitMs} ms of simulated time: ${what}`);
      }
      await this.clock.sleep(LOOK_MS);
    }
  }

  /** What a member of etcd says of itself; undefined while it does not answer. */
  statusOf(member: string): Promise<MemberStatus | undefined> {
    return statusOf(this, member);
  }

  /** The member of the newest term that says that it leads; undefined when none does. */
  leader(): Promise<string | undefined> {
    return leaderOf(this);
  }

  /** Whole nodes (`worker-1`, `master-0`) go down with all of their actors, until `restore`. */
  async killNode(name: string): Promise<void> {
    await this.host.supervisor.takeOut(name, { kill: true });
  }

  async restoreNode(name: string): Promise<void> {
    await this.host.supervisor.putBack(name);
  }

  private watching<T extends KubernetesObject, R>(
    resource: Resource<T>,
    timeoutMs: number,
    what: string,
    look: (informer: Informer<T>) => R | undefined,
  ): Promise<R> {
    const informer = new Informer(this.host.context, this.client, resource);
    return new Promise((resolve, reject) => {
      const timer = this.clock.after(timeoutMs, () => {
        informer.stop();
        reject(new InkubeError("WAIT_TIMEOUT", `not within ${timeoutMs} ms of simulated time: ${what}`));
      });
      const check = (): void => {
        const found = look(informer);
        if (found === undefined) return;
        timer.cancel();
        informer.stop();
        resolve(found);
      };
      informer.onChange(check);
      informer.start();
      void informer.whenSynced().then(check);
    });
  }
}

function apiServers({ witness, http }: SimulatedClusterOptions): ActorDefinition<ApiServerMethods, ApiServerOptions> {
  const outward = witness === undefined ? {} : { witness };
  if (http === undefined) return apiServerActor(noDoor, undefined, outward);
  return defineActor(apiServerProtocol, (ctx: Context<ApiServerOptions>) =>
    apiServerActor(plainDoor(ctx.net, { host: ctx.name, port: http.port }), undefined, outward).start(ctx),
  );
}

function withOthers(tree: SupervisorSpec | undefined, topology: TopologyOptions): SupervisorSpec {
  const own = makeTopology(topology);
  return tree === undefined ? own : { ...own, children: [...own.children, tree] };
}
