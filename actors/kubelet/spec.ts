/** What a machine offers its pods, as Kubernetes quantities. */
export interface NodeCapacity {
  readonly cpu: string;
  readonly memory: string;
  readonly pods: string;
  readonly "ephemeral-storage": string;
}

/** An HTTPS port, as Kubernetes' kubelets have. PEM. */
export interface KubeletDoor {
  /** 0: any free one. */
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
  /** Vouches for those who ask. */
  readonly clientAuthority: string;
}

export interface KubeletOptions {
  readonly nodeName: string;
  /** API servers' actors, the preferred one first. */
  readonly apiServers: readonly string[];
  /** The container runtime's actor. */
  readonly containerRuntime: string;
  /** Where pods' addresses come from, as `127.64.0.0/24`. Empty: they have the node's own. */
  readonly podCIDR: string;
  /** What pods have whose own address the machine can't bind: the node's, and not 127.0.0.1. */
  readonly sharesNodeIP: boolean;
  /** Of a node apart from its API servers; absent: those of this process alone ask, on a port that nobody else finds. */
  readonly door?: KubeletDoor;
  /** Whether the node runs in the process of its API servers, which know it by that. */
  readonly isEmbedded: boolean;
  /** The node's own address. */
  readonly nodeIP: string;
  /** Where the directories of the volumes are that inkube makes; empty: on another machine. */
  readonly volumesRoot: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  }[];
  /** Absent: what the machine has, for each node. */
  readonly capacity?: NodeCapacity;
  /** Clients of the log server must bring it as a bearer token. Absent: anybody on this machine may read logs. */
  readonly kubeletToken?: string;
  /** kube-proxy's file of names and addresses. Absent: beside this actor's directory, where the cluster puts it. */
  readonly hostsFile?: string;
  /** How often the node's Lease is renewed: a third of what counts as lost. Kubernetes: 10 s of 40 s. */
  readonly leaseRenewMs: number;
  readonly leaseDurationSeconds: number;
  /** How often the node's status is looked at; it is written when it changed. */
  readonly nodeStatusPeriodMs: number;
  /** A status unchanged for so long is written all the same, for its heartbeat. Kubernetes: 5 min. */
  readonly nodeStatusReportMs: number;
  /** CrashLoopBackOff: the first pause, doubling up to the second, forgotten after twice that without a crash. */
  readonly crashBackOffBaseMs: number;
  readonly crashBackOffMaxMs: number;
  /** ImagePullBackOff, likewise. */
  readonly imageBackOffBaseMs: number;
  readonly imageBackOffMaxMs: number;
  /** Pause after an operation that failed for reasons of its own (runtime down, no API server), doubling. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** A status on the way to something better is held back for so long: most pods run before that. */
  readonly statusHoldMs: number;
  /** Readiness and startup are asked for in this pace, doubling up to the probe's period, until the first success. */
  readonly eagerProbeMs: number;
  /** Requests to the API server for statuses and deletions that are under way at a time, for the whole node. */
  readonly writesInFlightMax: number;
  /** Events being written at a time: the start of many pods comes before the tales about it. */
  readonly eventsInFlightMax: number;
  /** Containers being started at a time: more only take the CPU from each other. */
  readonly startsInFlightMax: number;
}

export const KUBELET_DEFAULTS: Omit<
  KubeletOptions,
  "nodeName" | "apiServers" | "containerRuntime" | "podCIDR" | "nodeIP"
> = {
  sharesNodeIP: false,
  isEmbedded: true,
  volumesRoot: "",
  labels: {},
  taints: [],
  leaseRenewMs: 1_000,
  leaseDurationSeconds: 3,
  nodeStatusPeriodMs: 10_000,
  nodeStatusReportMs: 300_000,
  crashBackOffBaseMs: 10_000,
  crashBackOffMaxMs: 300_000,
  imageBackOffBaseMs: 10_000,
  imageBackOffMaxMs: 300_000,
  retryBaseMs: 50,
  retryMaxMs: 5_000,
  statusHoldMs: 30,
  eagerProbeMs: 20,
  writesInFlightMax: 32,
  eventsInFlightMax: 2,
  startsInFlightMax: 8,
};
