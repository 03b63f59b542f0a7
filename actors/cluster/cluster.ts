/**
 * A cluster in this process: starts the tree of actors, keeps the API's address, and is the embedder's door to it. It
 * carries no message between actors, so a program that blocks its main thread stops nothing but restarts.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { apiServerProtocol } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Node } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context, DownReason, Ref } from "../../runtime/actor.ts";
import type { Fault, FaultPlan } from "../../runtime/faults/plan.ts";
import type { AppliedFaults, Guest } from "../../runtime/threads/thread-faults.ts";
import type { ChildStatus } from "../../runtime/supervisor/core/supervisor-core.ts";
import { actorsOf } from "../../runtime/supervisor/spec.ts";
import { Machines } from "../../runtime/supervisor/machines.ts";
import type { SupervisorEvent } from "../../runtime/supervisor/supervisor.ts";
import { Supervisor } from "../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../runtime/threads/embedded-peer.ts";
import { SUPERVISOR } from "../../runtime/trace/lives.ts";
import { clearTimeout, setTimeout, wallNowMs } from "../../runtime/threads/machine-clock.ts";
import { WATCHDOG } from "../../runtime/threads/watchdog.ts";
import { ThreadHost } from "../../runtime/threads/thread-host.ts";
import { controllerManagerProtocol } from "../../protocols/controller-manager.ts";
import type { Alarm, KeyValue } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import type { TraceCollectorMethods } from "../../protocols/trace-collector.ts";
import { traceCollectorProtocol } from "../../protocols/trace-collector.ts";
import { Client } from "../client/client.ts";
import { isDecided } from "../client/custom-resources.ts";
import type { Selector } from "../client/informer.ts";
import { Informer } from "../client/informer.ts";
import type { Resource } from "../client/resources.ts";
import { leases, nodes } from "../client/resources.ts";
import type { Rings } from "../trace-collector/ring-reader.ts";
import { addressesOf, apiServiceAddress } from "./addresses.ts";
import { ApiAddress } from "./api-address.ts";
import { applyAll, findNamed } from "./apply.ts";
import type { LiveOptions, LiveReport } from "./chaos/live/live-run.ts";
import { runLive } from "./chaos/live/live-run.ts";
import type { ChaosSchedule } from "./chaos/live/schedule.ts";
import { checkSchedule } from "./chaos/live/schedule.ts";
import { ChaosWish } from "./chaos/live/wish.ts";
import type { MeasuredActor } from "./cluster-metrics.ts";
import { ClusterMetrics } from "./cluster-metrics.ts";
import { topologyOf } from "./cluster-topology.ts";
import { checkCondition, meets } from "./conditions.ts";
import type { AlarmEvent } from "./etcd-alarms.ts";
import { EtcdAlarms } from "./etcd-alarms.ts";
import { EtcdGroup } from "./etcd-group.ts";
import { explainWith } from "./explain-wait.ts";
import { takeSlot } from "./io/address-slot.ts";
import type { DataDirectory } from "./io/data-directory.ts";
import { openDataDirectory } from "./io/data-directory.ts";
import type { Identity } from "./io/identity.ts";
import { loadIdentity, loadShared, makeClientCertificate, restoredIdentity, saveIdentity } from "./io/identity.ts";
import { ACTORS, restoreMembers, VOLUMES } from "./io/restore.ts";
import type { Dashboard } from "./io/dashboard-server.ts";
import { serveDashboard } from "./io/dashboard-server.ts";
import { checkEtcd } from "./io/etcd-preflight.ts";
import type { LoopbackServer } from "./io/loopback-server.ts";
import { serveMetrics } from "./io/metrics-server.ts";
import { ActorInspector } from "./inspector.ts";
import { CLUSTER_INFO, clusterInfoMap, publishClusterInfo } from "./join/cluster-info.ts";
import { joinCommandOf, newToken, TOKEN_TTL_SECONDS, tokenObjects } from "./join/tokens.ts";
import { makeKubeconfig } from "./kubeconfig.ts";
import { parseManifest } from "./manifest.ts";
import type { ClusterOptions, ResolvedOptions } from "./options.ts";
import { resolveOptions } from "./options.ts";
import type { PortForward } from "./io/pod-streams.ts";
import type { ExecOptions, ExecResult, PortForwardOptions } from "./pod-access.ts";
import { exec, portForward } from "./pod-access.ts";
import type { ResetHome } from "./reset.ts";
import { readState, resetTo } from "./reset.ts";
import { decodeClusterSnapshot, encodeClusterSnapshot, objectsIn, stateInSlot } from "./snapshot.ts";
import type { StandIn } from "./stand-in.ts";
import {
  collectorSpec,
  EMBEDDER,
  etcdNames,
  HEAP_LIMITS_MB,
  heartbeat,
  makeTopology,
  TRACE_COLLECTOR,
} from "./topology.ts";
import type { Explanation, WhyQuestion } from "./trace.ts";
import { ClusterTrace } from "./trace.ts";
import { unserved } from "./unserved.ts";
import { answerOf, checkWait, waitForObject } from "./wait.ts";
import { WorkerScale } from "./worker-scale.ts";
import type { RemoveWorkerOptions } from "./workers.ts";
import { isReadySince, Workers } from "./workers.ts";

/** Directory of this package's built files. */
const BUNDLES = fileURLToPath(new URL(".", import.meta.url));

/** A rollout of a few pods, with room for a node that is lost meanwhile. */
const WAIT_TIMEOUT_MS = 30_000;
/** Many times what a reset takes, and below what a test may take. */
const RESET_TIMEOUT_MS = 10_000;

/** Of a look at the steady state: a fault of the API must not hold up the next one. */
const CHAOS_PATIENCE = { timeoutMs: 2_000, attemptTimeoutMs: 1_000 };

/** What a spare thread has loaded: what costs a cluster most while it is down. The rest loads in some 10 ms. */
const SPARED = ["api-server", "etcd", "scheduler", "controller-manager", "kubelet", "kube-proxy"] as const;
/** Each thread that can't be ended may hold a core; with more of them than this a cluster is no cluster any more. */
const ZOMBIES_MAX = 3;

export interface WaitOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number;
  readonly namespace?: string;
}

/** What happens in a cluster: actors come and go, and members of etcd raise alarms about their disks. */
export type ClusterEvent = SupervisorEvent | AlarmEvent;

export interface ActorStatus extends ChildStatus {
  /** What is wrong with the disk of a member of etcd; absent for all others, and when nothing is. */
  readonly alarms?: readonly Alarm[];
  /** Of the newest end, if it ever ended. */
  readonly lastDown?: { readonly reason: DownReason; readonly message: string | undefined; readonly atMs: number };
}

/** A place among the actors, for what is built on a cluster within inkube. */
export interface ClusterSeat {
  readonly context: Context<null>;
  readonly apiServers: readonly string[];
  readonly members: readonly string[];
  /** As `Cluster.applyFaults`; a plan may name these as well. */
  readonly applyFaults: (
    plan: FaultPlan,
    onFault: (fault: Fault, what: string) => void,
    guests: ReadonlyMap<string, Guest>,
  ) => AppliedFaults;
  /** One more client of the API servers, on this thread: it is known to them by that name, as an actor is. */
  readonly join: (name: string, onCrash: (error: unknown) => void) => EmbeddedPeer;
}

export class Cluster implements AsyncDisposable {
  readonly name: string;
  /** The typed client that the cluster's own actors use; it talks to the API servers without HTTP. */
  readonly client: Client;
  readonly trace: ClusterTrace;
  /** Looks into running actors: what they do, hold and wait for. */
  readonly inspector: ActorInspector;
  private readonly measured: ClusterMetrics;
  private readonly options: ResolvedOptions;
  private readonly directory: DataDirectory;
  private readonly identity: Identity;
  private readonly established: boolean;
  private readonly slot: number;
  private readonly isShared: boolean;
  private readonly releaseSlot: () => void;
  private readonly host: ThreadHost;
  private readonly supervisor: Supervisor;
  private readonly machines: Machines;
  private readonly etcdMembers: readonly string[];
  private readonly etcd: EtcdGroup;
  private readonly apiServers: readonly string[];
  private readonly resetHome: ResetHome;
  /** What `reset` goes back to. */
  private afterStart = new Map<string, KeyValue>();
  private resetting: Promise<unknown> = Promise.resolve();
  private readonly workers: Workers;
  private readonly workerScale: WorkerScale;
  private readonly chaosWish: ChaosWish;
  private readonly alarms: EtcdAlarms;
  private readonly listeners = new Set<(event: ClusterEvent) => void>();
  private readonly servers = new Set<LoopbackServer>();
  private readonly embedder: EmbeddedPeer;
  private readonly address: ApiAddress;
  /** When this start began, in whole seconds as Kubernetes writes times; milliseconds since the Unix epoch. */
  private readonly startedMs = Math.floor(wallNowMs() / 1_000) * 1_000;
  private readonly lastDowns = new Map<string, NonNullable<ActorStatus["lastDown"]>>();
  private stopping: Promise<void> | undefined;

  /** For programs that stand in for Kubernetes' own, with what their command line gives them. Errors: those of `start`. */
  static standIn(options: ClusterOptions, standIn: StandIn): Promise<Cluster> {
    return Cluster.begin(options, standIn);
  }

  /** Resolves when the API answers and every worker is Ready. Errors: INVALID_OPTION, DATA_DIRECTORY_… (also when too many of etcd's members can't use theirs), ETCD_UNREACHABLE, PORT_IN_USE, START_TIMEOUT, and what an actor failed with. */
  static start(options: ClusterOptions = {}): Promise<Cluster> {
    return Cluster.begin(options, {});
  }

  private static async begin(options: ClusterOptions, standIn: StandIn): Promise<Cluster> {
    const resolved = resolveOptions(options);
    const snapshot = resolved.from === undefined ? undefined : decodeClusterSnapshot(resolved.from);
    if (resolved.externalEtcd !== undefined) await checkEtcd(resolved.externalEtcd);
    const directory = openDataDirectory(resolved.dataDir);
    let cluster: Cluster | undefined;
    let slot: Awaited<ReturnType<typeof takeSlot>> | undefined;
    try {
      const shared =
        standIn.master === undefined ? undefined : loadShared(standIn.master.keys, resolved.name, wallNowMs());
      const loaded =
        shared !== undefined
          ? { identity: shared.identity, established: true }
          : snapshot === undefined
            ? loadIdentity(directory, resolved.name, resolved.masters, wallNowMs())
            : { identity: restoredIdentity(directory, snapshot.identity), established: false };
      // Masters alone have no address of a slot to themselves: it says only where Services and pods are.
      slot =
        shared === undefined
          ? await takeSlot(directory, snapshot?.slot)
          : { slot: shared.slot, release: () => undefined };
      if (snapshot !== undefined) {
        restoreMembers(directory, etcdNames(resolved.masters), stateInSlot(snapshot, slot.slot));
        // Before anything runs: what was restored is this cluster's, and no other's, from now on.
        saveIdentity(directory, loaded.identity, resolved.masters);
      }
      // The bytes are of no use any more, and may be many.
      cluster = new Cluster({ ...resolved, from: undefined }, directory, loaded, slot, standIn);
      await cluster.bringUp();
      return cluster;
    } catch (error) {
      if (cluster !== undefined) await cluster.stop();
      else {
        slot?.release();
        directory.release();
      }
      throw error;
    }
  }

  private constructor(
    options: ResolvedOptions,
    directory: DataDirectory,
    { identity, established }: { readonly identity: Identity; readonly established: boolean },
    slot: { readonly slot: number; release(): void },
    standIn: StandIn,
  ) {
    this.options = options;
    this.name = options.name;
    this.directory = directory;
    this.identity = identity;
    this.established = established;
    this.slot = slot.slot;
    this.isShared = standIn.master !== undefined;
    this.releaseSlot = () => slot.release();
    this.host = new ThreadHost({
      bundles: BUNDLES,
      dataDir: join(directory.path, ACTORS),
      fsync: standIn.fsync ?? directory.durable,
      watchdog: { ...WATCHDOG, hangAfterMs: options.hangAfterMs },
      spares: {
        count: options.spareThreads,
        actors: SPARED,
        heapLimitMb: Math.max(...SPARED.map((role) => options.heapLimitsMb[role] ?? HEAP_LIMITS_MB[role])),
      },
      onDown: (name, reason, error) => this.actorDown(name, reason, error),
      onZombies: (count) => {
        if (count > ZOMBIES_MAX) this.supervisor.giveUp(`${count} threads can't be ended`);
      },
    });
    const topology = topologyOf({
      options,
      identity,
      established,
      slot: slot.slot,
      standIn,
      volumesRoot: join(directory.path, VOLUMES),
      rings: (actors) => this.ringsOf(actors),
    });
    const tree = makeTopology(topology);
    const actors = actorsOf(tree);
    const namesOf = (role: string): readonly string[] =>
      actors.filter(({ actor }) => actor === role).map(({ name }) => name);
    const apiServers = namesOf("api-server");
    this.etcdMembers = [...namesOf("etcd"), ...namesOf("etcd-gateway")];
    this.apiServers = apiServers;
    this.host.plan(actors);
    const managers = namesOf("controller-manager");
    this.embedder = new EmbeddedPeer(EMBEDDER, this.host, [
      ...apiServers,
      ...this.etcdMembers,
      ...managers,
      TRACE_COLLECTOR,
    ]);
    const { context } = this.embedder;
    this.client = new Client(context, apiServers, { checksBodies: true });
    this.trace = new ClusterTrace(
      () => this.rings(),
      () => this.collector(),
      context.stopping,
    );
    this.inspector = new ActorInspector(this.host, (name) => {
      if (!this.actorNames().includes(name)) throw this.unknownActor(name);
      return name;
    });
    this.measured = new ClusterMetrics(this.name, this.inspector, context.metrics, () => this.measuredActors());
    this.address = new ApiAddress(
      apiServers.map((name) => this.embedder.ref(apiServerProtocol, name)),
      options.port,
      context,
      undefined,
      standIn.host ?? options.host,
    );
    const members = this.etcdMembers.map((name) => this.embedder.ref(etcdProtocol, name));
    this.etcd = new EtcdGroup(members);
    this.alarms = new EtcdAlarms(members, context.clock, (event) => this.alarmed(event));
    this.resetHome = {
      clock: context.clock,
      apiServers: apiServers.map((name) => this.embedder.ref(apiServerProtocol, name)),
      controllerManagers: managers.map((name) => this.embedder.ref(controllerManagerProtocol, name)),
      apiAddress: apiServiceAddress(topology.addresses),
      askEtcd: (ask) => this.etcd.ask(ask),
    };
    this.supervisor = new Supervisor(tree, this.host, {
      clock: context.clock,
      random: context.random,
      externals: [EMBEDDER],
      lives: this.host.lives,
      onEvent: (event) => this.supervised(event),
    });
    this.machines = new Machines(this.supervisor);
    this.workers = new Workers({
      supervisor: this.supervisor,
      client: this.client,
      clock: context.clock,
      topology,
      informer: (resource, selector) => this.informer(resource, selector),
      whenOver: (tell) => this.whenOver(tell),
      actorsChanged: () => this.followActors(),
    });
    this.workerScale = new WorkerScale(context, this.client, this.workers);
    this.chaosWish = new ChaosWish(context, this.client, (schedule, how) => this.chaos(schedule, how));
  }

  /** `https://127.0.0.1:port`. */
  get server(): string {
    return this.address.url;
  }

  /**
   * Where etcd's own clients reach its members; empty without `etcd.listen`. With TLS they need a certificate of
   * `clientCertificate(user, ["system:masters"])`, and trust `authority`.
   */
  etcdEndpoints(): Promise<readonly string[]> {
    return this.etcd.endpoints();
  }

  /** For `kubectl --kubeconfig`: YAML with the address, the authority and an administrator's token. */
  get kubeconfig(): string {
    return makeKubeconfig(this.name, {
      server: this.server,
      authority: this.identity.authority,
      token: this.identity.token,
    });
  }

  /**
   * Runs a command in a container of a pod, as `kubectl exec` does.
   * Errors: KUBERNETES_STATUS; STREAM_BROKEN when the connection ends before the command; CANCELLED by the signal; LIMIT_EXCEEDED for
   * more than 16 MiB of output; CLUSTER_STOPPED.
   */
  async exec(pod: string, command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    this.mustRun();
    return await exec(this, pod, command, options);
  }

  /**
   * A port of this machine that leads to a port of a pod, until it is closed.
   * Errors: KUBERNETES_STATUS, STREAM_BROKEN, PORT_IN_USE, CLUSTER_STOPPED.
   */
  async portForward(pod: string, port: number, options: PortForwardOptions = {}): Promise<PortForward> {
    this.mustRun();
    return await portForward(this, pod, port, options);
  }

  get seat(): ClusterSeat {
    const { apiServers } = this;
    return {
      context: this.embedder.context,
      apiServers,
      members: this.etcdMembers,
      applyFaults: (plan, onFault, guests) => {
        this.mustRun();
        return this.host.applyFaults(plan, onFault, { machines: this.machines, guests });
      },
      join: (name, onCrash) => new EmbeddedPeer(name, this.host, apiServers, onCrash),
    };
  }

  /** Bearer token of the administrator. */
  get token(): string {
    return this.identity.token;
  }

  /** PEM. */
  get authority(): string {
    return this.identity.authority;
  }

  /**
   * What is to be run on another machine, or in another process, for its node to join: with a token that is good for `ttlSeconds`
   * (default a day; 0: for ever). Errors: CLUSTER_STOPPED, NO_MASTER, and the API's own.
   */
  async joinCommand({ ttlSeconds = TOKEN_TTL_SECONDS }: { readonly ttlSeconds?: number } = {}): Promise<string> {
    const token = newToken();
    await this.apply(tokenObjects(token, ttlSeconds === 0 ? 0 : wallNowMs() + ttlSeconds * 1_000));
    return joinCommandOf(this.server, token, this.identity.authority);
  }

  /** A new certificate and its key, both PEM, with which a client is `user` in `groups` instead of by a token. */
  clientCertificate(
    user: string,
    groups: readonly string[] = [],
  ): { readonly certificate: string; readonly key: string } {
    return makeClientCertificate(this.identity, user, groups, wallNowMs());
  }

  /** Every actor and supervisor, parents first. */
  actors(): readonly ActorStatus[] {
    return this.supervisor.status().map((status) => {
      const lastDown = this.lastDowns.get(status.name);
      const alarms = this.alarms.of(status.name);
      return {
        ...status,
        ...(lastDown === undefined ? {} : { lastDown }),
        ...(alarms.length === 0 ? {} : { alarms }),
      };
    });
  }

  /**
   * What all actors count of their work, under Kubernetes' and etcd's names, as Prometheus' text: each with its `job` and its
   * `instance`. Of those that are down nothing is told but that. Errors: CLUSTER_STOPPED.
   */
  metrics(): Promise<string> {
    this.mustRun();
    return this.measured.text();
  }

  /** Serves the metrics on 127.0.0.1: `/metrics`, `/metrics/<actor>`, and `/targets` for Prometheus' `http_sd_configs`. Ends with the cluster. Errors: CLUSTER_STOPPED, PORT_IN_USE. */
  async serveMetrics(port = 0): Promise<LoopbackServer> {
    this.mustRun();
    const server = await serveMetrics(port, this.measured);
    this.servers.add(server);
    return server;
  }

  /** Serves a page on 127.0.0.1 that shows the cluster, and can kill its parts, to whoever has its `url`. Ends with the cluster. Errors: CLUSTER_STOPPED, PORT_IN_USE. */
  async serveDashboard(port = 0): Promise<Dashboard> {
    this.mustRun();
    const server = await serveDashboard(port, this);
    this.servers.add(server);
    return server;
  }

  /**
   * Name of the actor that leads now: the leader of the etcd group, the scheduler or controller-manager that holds the
   * Lease, the API server that has the address (the first of them, where all have it). Undefined while there is none.
   */
  async leader(role: "etcd" | "api-server" | "scheduler" | "controller-manager"): Promise<string | undefined> {
    this.mustRun();
    switch (role) {
      case "etcd":
        return this.etcd.leader();
      case "api-server":
        return this.address.servers[0];
      case "scheduler":
      case "controller-manager": {
        const lease = await this.client.find(leases, `kube-${role}`, "kube-system");
        return lease?.spec?.holderIdentity || undefined;
      }
    }
  }

  /** Tells of actors that come up, go down and are restarted, and of alarms. Returns how to stop listening. */
  onEvent(listener: (event: ClusterEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** A local copy of a resource that follows the cluster; `start` and `stop` it. It lives through the deaths of API servers. */
  informer<T extends KubernetesObject>(resource: Resource<T>, selector: Selector = {}): Informer<T> {
    return new Informer(this.embedder.context, this.client, resource, selector);
  }

  /**
   * The whole cluster at one revision, which `start({ from })` begins with: all that was acknowledged before the call is in it, and
   * so are its Secrets and the keys that sign its tokens and certificates. Errors: CLUSTER_STOPPED, NO_MASTER, and etcd's own.
   */
  async snapshot(): Promise<Uint8Array> {
    this.mustServe();
    const { state } = await this.etcd.ask((member) => member.call("snapshot", null));
    return encodeClusterSnapshot(state, this.identity, this.slot);
  }

  /**
   * Takes all objects back to what they were after the start, or in a snapshot of this cluster, for a test to begin with: with
   * their uids, at revisions that go on, by events as any others. Pods that were not there end at once. When it resolves the
   * cluster's own controllers have finished with what was before; yours are for you to stop. Which workers there are, who leads,
   * and what kubelets say of nodes and pods that go on stays. Default of `timeoutMs`: 10,000.
   * Errors: RESET_TIMEOUT, INVALID_ARGUMENT, SNAPSHOT_DAMAGED, SNAPSHOT_NEWER, CLUSTER_STOPPED, NO_MASTER, and etcd's own.
   */
  async reset(snapshot?: Uint8Array, options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.mustServe();
    const base = snapshot === undefined ? this.afterStart : this.stateOf(snapshot);
    const reset = this.resetting.then(() => resetTo(this.resetHome, base, options.timeoutMs ?? RESET_TIMEOUT_MS));
    this.resetting = reset.catch(() => undefined);
    await reset;
  }

  /**
   * Creates what is not there and changes what is, as `kubectl apply` does. `manifest`: YAML or JSON text, one or many
   * documents, or objects; objects of a CustomResourceDefinition may stand beside it. Errors: INVALID_MANIFEST, UNKNOWN_KIND, CLUSTER_STOPPED, NO_MASTER, and the API's own.
   */
  async apply(
    manifest: string | object | readonly object[],
    options: { readonly namespace?: string } = {},
  ): Promise<readonly KubernetesObject[]> {
    this.mustServe();
    return applyAll(this.client, parseManifest(manifest), {
      defaultNamespace: options.namespace ?? "default",
      established: (name) => this.waitFor(`customresourcedefinition/${name}`, isDecided),
    });
  }

  /**
   * Waits until an object meets a condition: `RolledOut` (a Deployment), `Ready`, `Available` or any other condition type, or
   * `Ready=False`, as `kubectl wait` takes it, in any case; `deleted`, or what a function says. `target` as kubectl names it:
   * `deployment/web`, `deploy/web`. Errors: WAIT_TIMEOUT with why it is not so, INVALID_ARGUMENT, UNKNOWN_KIND,
   * UNKNOWN_CONDITION, CLUSTER_STOPPED, NO_MASTER also when the last one is killed meanwhile, and what the function throws.
   */
  async waitFor<T extends KubernetesObject = KubernetesObject>(
    target: string,
    condition: string | ((object: T) => boolean),
    options: WaitOptions = {},
  ): Promise<T | undefined> {
    this.mustServe();
    const { word, name } = checkWait(target, condition, options);
    const resource = await findNamed(this.client, word);
    const namespace = resource.namespaced ? (options.namespace ?? "default") : undefined;
    const isMet = (object: KubernetesObject | undefined): boolean => {
      if (typeof condition === "function") return object !== undefined && answerOf(condition(object as T));
      checkCondition(resource.kind, condition, object);
      return meets(object, condition);
    };
    const informer = this.informer(resource, {
      fieldSelector: `metadata.name=${name}`,
      ...(namespace === undefined ? {} : { namespace }),
    });
    const what = `${target} to be ${typeof condition === "string" ? condition : "as asked"}`;
    const found = await waitForObject({
      informer,
      name,
      namespace,
      isMet,
      explain: (object) => {
        const { client, trace, embedder } = this;
        const why = (ref: string, as: WhyQuestion): Promise<Explanation> => trace.why(ref, as);
        return explainWith({ client, clock: embedder.context.clock, resource, name, namespace, why }, object);
      },
      timeoutMs: options.timeoutMs ?? WAIT_TIMEOUT_MS,
      what,
      clock: this.embedder.context.clock,
      whenOver: (tell) => this.whenOver(tell),
    });
    // Whoever asks for a type says what the target is.
    return found as T | undefined;
  }

  /**
   * Ends an actor as a crash would, and its supervisor replaces it; or a whole master or worker, which stays down until
   * `restore`. Resolves when it is down. Errors: NO_SUCH_ACTOR, ACTOR_DOWN for what does not run, CLUSTER_STOPPED.
   */
  async kill(name: string): Promise<void> {
    this.mustRun();
    const found = this.supervisor.status().find((status) => status.name === name);
    if (found === undefined || name === this.supervisor.spec().name) throw this.unknownActor(name);
    if (!this.isNode(name)) return this.supervisor.kill(name);
    if (found.state === "ended") throw new InkubeError("ACTOR_DOWN", `${name} is not running`, { retryable: true });
    await this.supervisor.takeOut(name, { kill: true });
  }

  /** Starts a node again that was killed. Resolves when its actors are up. Errors: NO_SUCH_ACTOR, INVALID_ARGUMENT, CLUSTER_STOPPED. */
  async restore(name: string): Promise<void> {
    this.mustRun();
    if (!this.isNode(name)) {
      if (!this.supervisor.status().some((status) => status.name === name)) throw this.unknownActor(name);
      throw new InkubeError("INVALID_ARGUMENT", `restore takes a master or a worker, not ${name}`);
    }
    await this.supervisor.putBack(name);
  }

  /** Adds a worker. Resolves with its name when its node is Ready. Errors: TOO_MANY_WORKERS, CLUSTER_STOPPED, what its start failed with. */
  async addWorker(): Promise<string> {
    this.mustServe();
    return this.workers.add();
  }

  /**
   * Removes a worker for good: nothing new comes to it, its pods end gracefully, within `timeoutMs`, and controllers replace
   * them elsewhere. Resolves when its node is gone. Errors: NO_SUCH_ACTOR, CLUSTER_STOPPED.
   */
  async removeWorker(name: string, options: RemoveWorkerOptions = {}): Promise<void> {
    this.mustServe();
    await this.workers.remove(name, options);
  }

  /**
   * Lets things go wrong by a plan, the same that the simulation takes, until it is stopped. Places are the actors' names;
   * this program's is `cluster`. `onFault` is told what begins, ends and hits whom. Threads hear of a plan one by one: it is
   * in force everywhere after `await plan.settled()`, and nowhere after `await plan.stop()`. Several plans hold together; ids of
   * faults are unique among them. Errors: INVALID_FAULT_PLAN, CLUSTER_STOPPED.
   */
  applyFaults(plan: FaultPlan, onFault?: (fault: Fault, what: string) => void): AppliedFaults {
    this.mustRun();
    return this.host.applyFaults(plan, onFault, { machines: this.machines });
  }

  /**
   * Takes the cluster through a schedule: waits until all probes hold, applies the faults and goes on looking, ends them, and waits
   * until all probes hold again. Resolves with the verdict. Errors: INVALID_CHAOS_SCHEDULE and INVALID_FAULT_PLAN, before anything
   * is broken; CLUSTER_STOPPED.
   */
  async chaos(schedule: ChaosSchedule, options: LiveOptions = {}): Promise<LiveReport> {
    this.mustRun();
    const full = checkSchedule(schedule);
    this.host.checkFaults(full.plan, { machines: this.machines });
    const { context } = this.embedder;
    const home = {
      ctx: context,
      client: new Client(context, this.apiServers, CHAOS_PATIENCE),
      applyFaults: (plan: FaultPlan, onFault: (fault: Fault, what: string) => void) => this.applyFaults(plan, onFault),
    };
    const stopped = AbortSignal.any([context.stopping, ...(options.signal === undefined ? [] : [options.signal])]);
    const report = await runLive(home, full, { ...options, signal: stopped });
    this.mustRun();
    return report;
  }

  /**
   * Stops everything in order, and leaves no thread, socket, timer or child process. What still waits for the cluster is
   * rejected then with CLUSTER_STOPPED, and what is asked of it later at once. Safe to call twice.
   */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async shutDown(): Promise<void> {
    this.address.close();
    await Promise.all([...this.servers].map((server) => server.close()));
    this.workerScale.stop();
    this.chaosWish.stop();
    // Whoever still has something to write (a Lease to give back, the last status of a pod) does it while the API answers.
    const writers = this.supervisor
      .status()
      .filter(({ name, state }) => state === "up" && /^scheduler|^controller-manager|\/kubelet$/.test(name));
    await Promise.all(writers.map(({ name }) => this.supervisor.takeOut(name, { kill: false })));
    await this.supervisor.stop();
    await this.host.close();
    this.embedder.close(this.stopped());
    this.releaseSlot();
    this.directory.release();
  }

  private async bringUp(): Promise<void> {
    const { startTimeoutMs } = this.options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const missing = this.supervisor
          .status()
          .filter(({ state }) => state !== "up")
          .map(({ name, state }) => `${name} (${state})`);
        reject(
          new InkubeError(
            "START_TIMEOUT",
            `the cluster was not ready within ${startTimeoutMs} ms; not up: ${missing.join(", ") || "no actor, but a node is not Ready"}`,
          ),
        );
      }, startTimeoutMs);
    });
    try {
      await Promise.race([this.becomeReady(), this.alarms.quorumLost, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async becomeReady(): Promise<void> {
    await this.supervisor.start();
    // From now on an empty directory of a member is one that was lost.
    if (!this.established) saveIdentity(this.directory, this.identity, this.options.masters);
    await Promise.all([this.address.open(), this.nodesReady(), this.waitFor("namespace/default", () => true)]);
    if (this.options.controllers) await this.tellStrangers();
    this.afterStart = new Map(await readState(this.resetHome));
    // What is wished for of the whole cluster is for no process of several to do.
    if (!this.isShared) await Promise.all([this.workerScale.start(), this.chaosWish.start()]);
  }

  /** What nodes that join have to know first. */
  private async tellStrangers(): Promise<void> {
    const { kubelet } = heartbeat(this.options.workers);
    const { serviceRange } = addressesOf(this.slot);
    const facts = { clusterId: this.identity.clusterId, serviceRange, ...kubelet };
    await this.waitFor(`namespace/${CLUSTER_INFO.namespace}`, () => true);
    await publishClusterInfo(this.client, clusterInfoMap(this.server, this.identity.authority, facts));
  }

  /** Resolves when every worker's kubelet of this start has reported Ready: a data directory holds what earlier ones said. */
  private nodesReady(): Promise<void> {
    const informer = this.informer(nodes);
    const isReady = (node: Node): boolean => isReadySince(node, this.startedMs);
    return new Promise((resolve) => {
      const look = (): void => {
        if (informer.list().filter(isReady).length < this.options.workers) return;
        informer.stop();
        resolve();
      };
      informer.onChange(look);
      informer.start();
      void informer.whenSynced().then(look);
    });
  }

  private stateOf(bytes: Uint8Array): Map<string, KeyValue> {
    const snapshot = decodeClusterSnapshot(bytes);
    if (snapshot.identity.authority !== this.identity.authority) {
      throw new InkubeError(
        "INVALID_ARGUMENT",
        "the snapshot is of another cluster, with other keys; begin one with it: Cluster.start({ from })",
      );
    }
    return objectsIn(snapshot, this.slot);
  }

  private supervised(event: SupervisorEvent): void {
    if (event.type === "up") {
      this.address.serverUp(event.name);
      this.alarms.up(event.name);
    }
    if (event.type === "restart") this.measured.restarted(event.name);
    this.tell(event);
  }

  /** An embedder that listens to nothing is told all the same, on its console. */
  private alarmed(event: AlarmEvent): void {
    const unheard = this.options.onEvent === undefined && this.listeners.size === 0;
    if (unheard && event.type === "alarm")
      process.emitWarning(event.message, { type: "InkubeWarning", code: event.alarm });
    this.tell(event);
  }

  private tell(event: ClusterEvent): void {
    this.options.onEvent?.(event);
    for (const listener of [...this.listeners]) listener(event);
  }

  private actorDown(name: string, reason: DownReason, error: Error | undefined): void {
    this.address.serverDown(name);
    this.measured.down(name, reason);
    this.lastDowns.set(name, { reason, message: error?.message, atMs: wallNowMs() });
    this.supervisor.actorDown(name, reason, error);
  }

  /** Errors: CLUSTER_STOPPED. */
  private mustRun(): void {
    if (this.stopping !== undefined) throw this.stopped();
  }

  private stopped(): InkubeError {
    return new InkubeError("CLUSTER_STOPPED", `the cluster ${this.name} has been stopped; start another one`);
  }

  /** Errors: CLUSTER_STOPPED, NO_MASTER. */
  private mustServe(): void {
    this.mustRun();
    const why = unserved(this.supervisor.status());
    if (why !== undefined) throw why;
  }

  /** Tells why nobody will answer any more, once that is so: CLUSTER_STOPPED, NO_MASTER. Returns how to stop listening. */
  private whenOver(tell: (why: InkubeError) => void): () => void {
    const { stopping } = this.embedder.context;
    const look = (): void => {
      const why = stopping.aborted ? this.stopped() : unserved(this.supervisor.status());
      // A cluster that is being stopped ends its masters too, and has answered until then.
      if (why !== undefined && (stopping.aborted || this.stopping === undefined)) tell(why);
    };
    const unlisten = this.onEvent(({ type }) => {
      if (type === "down") look();
    });
    stopping.addEventListener("abort", look);
    look();
    return () => {
      stopping.removeEventListener("abort", look);
      unlisten();
    };
  }

  private actorNames(): readonly string[] {
    return actorsOf(this.supervisor.spec()).map(({ name }) => name);
  }

  private measuredActors(): readonly MeasuredActor[] {
    const states = new Map(this.supervisor.status().map(({ name, state }) => [name, state] as const));
    return actorsOf(this.supervisor.spec()).map(({ name, actor }) => ({
      name,
      role: actor,
      isUp: states.get(name) === "up",
    }));
  }

  /** The trace collector reads the recorders that it was started with: it is made another version of itself. */
  private async followActors(): Promise<void> {
    const { otlp } = this.options;
    const { options } = collectorSpec(this.actorNames(), this.etcdMembers, (names) => this.ringsOf(names), otlp);
    await this.supervisor.upgrade(TRACE_COLLECTOR, { actor: "trace-collector", options });
  }

  /** Errors: CLUSTER_STOPPED. */
  private collector(): Ref<TraceCollectorMethods> {
    this.mustRun();
    return this.embedder.ref(traceCollectorProtocol, TRACE_COLLECTOR);
  }

  private rings(): Rings {
    return this.ringsOf([EMBEDDER, SUPERVISOR, ...this.actorNames()]);
  }

  private ringsOf(actors: readonly string[]): Rings {
    return Object.fromEntries(actors.map((name) => [name, this.host.ring(name)]));
  }

  private isNode(name: string): boolean {
    return /^(master|worker)-\d+$/.test(name) && this.supervisor.status().some((status) => status.name === name);
  }

  private unknownActor(name: string): InkubeError {
    const known = this.supervisor
      .status()
      .map((status) => status.name)
      .filter((other) => other !== "root");
    return new InkubeError("NO_SUCH_ACTOR", `there is no ${name} here; there are ${known.join(", ")}`);
  }
}
