/**
 * The cluster as a supervision tree: data only, so that threads and the simulation run the very same one. Masters and
 * workers are supervisors; an actor that fails is replaced alone. What holds state stands apart from what can be started
 * anew at no loss: components that crash again and again are given up together, and started together after a pause, but
 * take neither their master's etcd member nor their worker's containers along.
 */
import type { ChildSpec, SupervisorSpec } from "../../runtime/supervisor/spec.ts";
import { BACKOFF, INTENSITY, SHUTDOWN_MS, START_TIMEOUT_MS, actorsOf } from "../../runtime/supervisor/spec.ts";
import type { ApiServerOptions } from "../api-server/spec.ts";
import { API_SERVER_DEFAULTS } from "../api-server/spec.ts";
import type { ContainerRuntimeOptions } from "../container-runtime/spec.ts";
import { CONTAINER_RUNTIME_DEFAULTS } from "../container-runtime/spec.ts";
import type { ControllerManagerOptions } from "../controller-manager/spec.ts";
import { CONTROLLER_MANAGER_DEFAULTS } from "../controller-manager/spec.ts";
import type { EtcdOptions, ListenOptions } from "../etcd/spec.ts";
import { ETCD_DEFAULTS } from "../etcd/spec.ts";
import type { KubeProxyOptions } from "../kube-proxy/spec.ts";
import { KUBE_PROXY_DEFAULTS } from "../kube-proxy/spec.ts";
import type { KubeletOptions } from "../kubelet/spec.ts";
import { KUBELET_DEFAULTS } from "../kubelet/spec.ts";
import type { SchedulerOptions } from "../scheduler/spec.ts";
import { SCHEDULER_DEFAULTS } from "../scheduler/spec.ts";
import type { Rings } from "../trace-collector/ring-reader.ts";
import { TRACE_COLLECTOR_DEFAULTS } from "../trace-collector/spec.ts";
import type { OtlpOptions, TraceCollectorOptions } from "../trace-collector/spec.ts";
import type { Addresses } from "./addresses.ts";
import type { ExternalEtcd } from "./external-etcd.ts";
import { gatewayOptions } from "./external-etcd.ts";
import { nodeAddress, podRange } from "./addresses.ts";
import { SUPERVISOR } from "../../runtime/trace/lives.ts";

/** Name of the embedding program among the actors. */
export const EMBEDDER = "cluster";
export const TRACE_COLLECTOR = "trace-collector";

/** The kinds of actors that a cluster is made of; `container-runtime` apart from the containers, which have their own. */
export type Role =
  | "etcd"
  | "api-server"
  | "scheduler"
  | "controller-manager"
  | "kubelet"
  | "kube-proxy"
  | "container-runtime"
  | "trace-collector";

/**
 * What an actor's heap may hold, in MB, before the actor is restarted; buffers lie outside it. With 10,500 pods on one master
 * an API server has 40 MB in use, etcd 25 (and each the pods' bytes, which are 20), a scheduler 38, a controller-manager 32, and
 * a kubelet after 1,500 pods 10: many times that, which lists, bursts and larger objects stay below, and a leak does not. The trace collector
 * has all recorders of hundreds of actors in hand at once. V8 also lets a heap with a smaller limit grow less before it
 * collects.
 */
export const HEAP_LIMITS_MB: Readonly<Record<Role, number>> = {
  etcd: 1_024,
  "api-server": 1_024,
  scheduler: 1_024,
  "controller-manager": 1_024,
  kubelet: 256,
  "kube-proxy": 256,
  "container-runtime": 256,
  "trace-collector": 1_024,
};

export interface TopologyOptions {
  readonly masters: number;
  readonly workers: number;
  readonly addresses: Addresses;
  /** Tells clusters on one machine apart. */
  readonly clusterId: string;
  /** Among it whom the API servers let in; nobody in the simulation, which has no clients outside. */
  readonly apiServer: Partial<ApiServerOptions> & Pick<ApiServerOptions, "tokens" | "kubeletToken">;
  readonly containerRuntime: Partial<ContainerRuntimeOptions>;
  readonly kubelet: Partial<KubeletOptions>;
  readonly etcd: Partial<EtcdOptions>;
  /** Of the first member; the others have the next ports, unless it is any free one. */
  readonly etcdDoor?: ListenOptions;
  /** Of the process, where the masters of the cluster run in several. */
  readonly masterName?: string;
  /** In place of members on the masters. */
  readonly externalEtcd?: ExternalEtcd;
  /** In place of `HEAP_LIMITS_MB`. */
  readonly heapLimitsMb?: Partial<Readonly<Record<Role, number>>>;
  readonly controllerManager: Partial<ControllerManagerOptions>;
  readonly scheduler?: Partial<SchedulerOptions>;
  /** `false`: neither schedulers nor controller-managers. Default: one of each on every master. */
  readonly controllers?: boolean;
  /** So many workers have their actors on one thread; without it every actor has its own. */
  readonly nodesPerThread?: number;
  /** The actors' flight recorders, which the trace collector serves; absent in the simulation, which has a log of its own. */
  readonly rings?: (actors: readonly string[]) => Rings;
  /** Where the trace collector sends what it reads as well. */
  readonly otlp?: OtlpOptions;
}

/** Lease renewals a second that a whole cluster may cost: each is a write to a quorum, and an event to who watches. */
const RENEWALS_PER_SECOND_MAX = 30;
const RENEWALS_MISSED = 3;

/**
 * How nodes show that they are alive: each second, until there are so many that their renewals alone would keep the
 * masters busy. 300 workers come to Kubernetes' own 10 s.
 */
export function heartbeat(workers: number): {
  readonly kubelet: Pick<KubeletOptions, "leaseRenewMs" | "leaseDurationSeconds">;
  readonly controllerManager: Pick<ControllerManagerOptions, "nodeMonitorGraceMs" | "nodeStartupGraceMs">;
} {
  const leaseRenewMs = Math.max(KUBELET_DEFAULTS.leaseRenewMs, Math.ceil((workers * 1_000) / RENEWALS_PER_SECOND_MAX));
  const nodeMonitorGraceMs = RENEWALS_MISSED * leaseRenewMs;
  return {
    kubelet: { leaseRenewMs, leaseDurationSeconds: Math.ceil(nodeMonitorGraceMs / 1_000) },
    controllerManager: {
      nodeMonitorGraceMs,
      nodeStartupGraceMs: Math.max(CONTROLLER_MANAGER_DEFAULTS.nodeStartupGraceMs, nodeMonitorGraceMs),
    },
  };
}

const indices = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const names = (role: string, count: number): readonly string[] => indices(count).map((index) => `${role}-${index}`);

/** The members of etcd, one on each master. */
export const etcdNames = (masters: number): readonly string[] => names("etcd", masters);

/** `items` with the one at `first` in front: whom an actor of that master asks first. */
function preferring<T>(items: readonly T[], first: number): readonly T[] {
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Whom the API servers ask: the members on the masters, or those that stand for the members elsewhere. */
const memberNames = ({ masters, externalEtcd }: TopologyOptions): readonly string[] =>
  etcdNames(externalEtcd?.endpoints.length ?? masters);

/** Apart from the masters: there may be more of them, or fewer. */
function externalSpec(external: ExternalEtcd, options: TopologyOptions): SupervisorSpec {
  const heapLimitMb = options.heapLimitsMb?.etcd ?? HEAP_LIMITS_MB.etcd;
  const gateways = gatewayOptions(external).map((given, index) => ({
    ...child(`etcd-${index}`, "etcd-gateway", given, []),
    heapLimitMb,
  }));
  return group("external-etcd", gateways);
}

export function makeTopology(options: TopologyOptions): SupervisorSpec {
  const { externalEtcd } = options;
  const members = [
    ...(externalEtcd === undefined ? [] : [externalSpec(externalEtcd, options)]),
    ...indices(options.masters).map((index) => masterSpec(options, index)),
    ...indices(options.workers).map((index) => workerSpec(options, index)),
  ];
  return {
    name: "root",
    strategy: "one_for_one",
    // A whole master or worker that gives up is started anew a few times before the cluster is given up.
    intensity: INTENSITY,
    backoff: BACKOFF,
    startInParallel: true,
    children: options.rings === undefined ? members : [collectorOf(options, members, options.rings), ...members],
  };
}

function collectorOf(
  options: TopologyOptions,
  members: readonly SupervisorSpec[],
  rings: (actors: readonly string[]) => Rings,
): ChildSpec {
  return limited(collectorSpec(namesOf(members), memberNames(options), rings, options.otlp), options);
}

function namesOf(members: readonly SupervisorSpec[]): readonly string[] {
  return members.flatMap(actorsOf).map(({ name }) => name);
}

/** `actors`: whose recorders it reads, besides its own, the supervisor's and the embedding program's. `members`: of etcd. */
export function collectorSpec(
  actors: readonly string[],
  members: readonly string[],
  ringsOf: (actors: readonly string[]) => Rings,
  otlp?: OtlpOptions,
): ChildSpec {
  const recorded = [...new Set([EMBEDDER, SUPERVISOR, ...actors, TRACE_COLLECTOR])];
  const given = { members, rings: ringsOf(recorded), ...(otlp === undefined ? {} : { otlp }) };
  const options: TraceCollectorOptions = { ...TRACE_COLLECTOR_DEFAULTS, ...given };
  return child(TRACE_COLLECTOR, "trace-collector", options, members);
}

/**
 * What a store may hold, which lies in its member's heap: half of it, so that writes are refused before the heap guard restarts a
 * member that would come back as large as it was.
 */
function quotaOf(heapLimitMb: number): number {
  return Math.min(ETCD_DEFAULTS.quotaBytes, (heapLimitMb / 2) * 1_048_576);
}

/** Every actor on a thread of its own has a limit; a thread that many share has Node's, which the sum of theirs would exceed. */
function limited(spec: ChildSpec, { heapLimitsMb }: TopologyOptions): ChildSpec {
  if (spec.thread !== undefined) return spec;
  const role = spec.actor as Role;
  return { ...spec, heapLimitMb: heapLimitsMb?.[role] ?? HEAP_LIMITS_MB[role] };
}

/** The door of the member at `index`, where that of the first one is `first`. */
export function nextDoor(first: ListenOptions, index: number): ListenOptions {
  return first.port === 0 ? first : { ...first, port: first.port + index };
}

export function masterSpec(options: TopologyOptions, index: number): SupervisorSpec {
  const { masters } = options;
  const members = memberNames(options);
  const apiServers = preferring(names("api-server", masters), index);
  const others = (role: string): readonly string[] =>
    names(role, masters).filter((name) => name !== `${role}-${index}`);
  const quotaBytes = quotaOf(options.heapLimitsMb?.etcd ?? HEAP_LIMITS_MB.etcd);
  const etcd: EtcdOptions = {
    ...ETCD_DEFAULTS,
    quotaBytes,
    ...options.etcd,
    ...(options.etcdDoor === undefined ? {} : { listen: nextDoor(options.etcdDoor, index) }),
    name: `etcd-${index}`,
    members,
  };
  const apiServer: ApiServerOptions = {
    ...API_SERVER_DEFAULTS,
    // The API alone, as envtest gives it, has no kubelets to ask.
    metrics: options.controllers !== false,
    volumes: options.controllers !== false,
    ...options.apiServer,
    sharesService: options.masterName !== undefined,
    members: preferring(members, index % members.length),
    ...(options.rings === undefined ? {} : { traceCollector: TRACE_COLLECTOR }),
    serviceCidr: options.addresses.serviceRange,
  };
  const identity = (role: string): { readonly identity?: string } =>
    options.masterName === undefined ? {} : { identity: `${options.masterName}_${role}-${index}` };
  const scheduler: SchedulerOptions = {
    ...SCHEDULER_DEFAULTS,
    ...options.scheduler,
    ...identity("scheduler"),
    apiServers,
    peers: others("scheduler"),
  };
  const controllerManager: ControllerManagerOptions = {
    ...CONTROLLER_MANAGER_DEFAULTS,
    ...heartbeat(options.workers).controllerManager,
    ...options.controllerManager,
    ...identity("controller-manager"),
    apiServers,
    peers: others("controller-manager"),
    podRange: options.addresses.podRange,
  };
  const controllers = [
    child(`scheduler-${index}`, "scheduler", scheduler, [...apiServers, ...others("scheduler")]),
    child(`controller-manager-${index}`, "controller-manager", controllerManager, [
      ...apiServers,
      ...others("controller-manager"),
    ]),
  ];
  const server = child(`api-server-${index}`, "api-server", apiServer, [
    ...members,
    EMBEDDER,
    ...(options.rings === undefined ? [] : [TRACE_COLLECTOR]),
  ]);
  const plane = [server, ...(options.controllers === false ? [] : controllers)];
  return group(`master-${index}`, [
    ...(options.externalEtcd === undefined
      ? [limited(child(`etcd-${index}`, "etcd", etcd, others("etcd")), options)]
      : []),
    group(
      `master-${index}/control-plane`,
      plane.map((spec) => limited(spec, options)),
    ),
  ]);
}

export function workerSpec(options: TopologyOptions, index: number): SupervisorSpec {
  const { addresses, masters, workers, clusterId } = options;
  const nodeName = `worker-${index}`;
  const apiServers = preferring(names("api-server", masters), index % masters);
  const containerRuntime: ContainerRuntimeOptions = { ...CONTAINER_RUNTIME_DEFAULTS, ...options.containerRuntime };
  const kubelet: KubeletOptions = {
    ...KUBELET_DEFAULTS,
    ...heartbeat(workers).kubelet,
    ...options.kubelet,
    nodeName,
    apiServers,
    containerRuntime: `${nodeName}/container-runtime`,
    podCIDR: podRange(addresses, index),
    nodeIP: nodeAddress(addresses, index),
  };
  const kubeProxy: KubeProxyOptions = {
    ...KUBE_PROXY_DEFAULTS,
    nodeName,
    nodeIP: nodeAddress(addresses, index),
    apiServers,
    peers: names("worker", workers),
    clusterId,
    serviceRange: addresses.serviceRange,
  };
  const { nodesPerThread } = options;
  const placed = (spec: ChildSpec): ChildSpec =>
    limited(
      nodesPerThread === undefined ? spec : { ...spec, thread: `workers-${Math.floor(index / nodesPerThread)}` },
      options,
    );
  const runtime = child(`${nodeName}/container-runtime`, "container-runtime", containerRuntime, []);
  return group(nodeName, [
    // Real containers are children of their runtime's thread, and end with it; so it is theirs alone.
    containerRuntime.pods === "simulated" ? placed(runtime) : limited(runtime, options),
    group(`${nodeName}/agents`, [
      placed(child(`${nodeName}/kubelet`, "kubelet", kubelet, [...apiServers, `${nodeName}/container-runtime`])),
      placed(child(`${nodeName}/kube-proxy`, "kube-proxy", kubeProxy, apiServers)),
    ]),
  ]);
}

export function group(name: string, children: SupervisorSpec["children"]): SupervisorSpec {
  return { name, strategy: "one_for_one", intensity: INTENSITY, backoff: BACKOFF, startInParallel: true, children };
}

export function child(name: string, actor: string, options: unknown, links: readonly string[]): ChildSpec {
  return {
    name,
    actor,
    options,
    links,
    restart: "permanent",
    shutdownMs: SHUTDOWN_MS,
    startTimeoutMs: START_TIMEOUT_MS,
  };
}
