/** Options of the controller-manager actor. */
export interface ControllerManagerOptions {
  /** Actor names of the API servers, the preferred one first. */
  readonly apiServers: readonly string[];
  /** By which it holds the Lease, where others of the same name run in other processes. Absent: its actor's name. */
  readonly identity?: string;
  /** The other controller-managers' actors. */
  readonly peers: readonly string[];
  /**
   * A standby keeps nothing but its watch on the Lease. Listing everything at a take-over costs some tens of milliseconds
   * per thousand objects; to follow it all the time would cost each standby what it costs the leader.
   */
  readonly lease: {
    readonly leaseDurationMs: number;
    readonly renewPeriodMs: number;
    readonly renewDeadlineMs: number;
  };
  /** Pods created or deleted at a time for all ReplicaSets. Kubernetes has a rate limit instead, of 20 a second. */
  readonly podWritesMax: number;
  /** How long changes of pods are collected before their ReplicaSet or Service is looked at: many changes, one write. */
  readonly batchMs: number;
  /** Objects that the garbage collector works on at a time; Kubernetes: 20. */
  readonly garbageCollectorWorkers: number;
  /** A node whose Lease was not renewed for so long is lost. Kubernetes: 50 s; the kubelet renews each second here. */
  readonly nodeMonitorGraceMs: number;
  /** How long a new node may take to its first heartbeat; Kubernetes: 60 s. */
  readonly nodeStartupGraceMs: number;
  /** Pods of a node that is gone are removed after so long; Kubernetes: 40 s. */
  readonly podGcQuarantineMs: number;
  /** A pod that is being deleted on a lost node is removed without the kubelet's word so long after its grace period. */
  readonly lostPodDeleteMs: number;
  /** How often an autoscaler looks at what pods use; Kubernetes: 15 s. */
  readonly autoscalerPeriodMs: number;
  /** `a.b.c.d/bits`: cut into one range a node. Empty: no ranges are given out. */
  readonly podRange: string;
  /** Bits of each node's range. */
  readonly nodePodRangeBits: number;
  /** PEM of the cluster's CA, for `kube-root-ca.crt` in each namespace; empty: no such ConfigMap is made. */
  readonly rootCa: string;
  /** Where the directories of the volumes are that inkube makes; empty: there are none, as in the simulation. */
  readonly volumesRoot: string;
  /** PEM of the authority that signs certificates of nodes and their clients, with its key. Absent: nobody's are signed here. */
  readonly signing?: { readonly certificate: string; readonly key: string };
}

export const CONTROLLER_MANAGER_DEFAULTS: Omit<
  ControllerManagerOptions,
  "apiServers" | "peers" | "signing" | "identity"
> = {
  lease: { leaseDurationMs: 6_000, renewPeriodMs: 2_500, renewDeadlineMs: 4_500 },
  podWritesMax: 96,
  batchMs: 10,
  garbageCollectorWorkers: 64,
  nodeMonitorGraceMs: 3_000,
  nodeStartupGraceMs: 10_000,
  podGcQuarantineMs: 5_000,
  lostPodDeleteMs: 10_000,
  autoscalerPeriodMs: 15_000,
  podRange: "127.64.0.0/11",
  nodePodRangeBits: 24,
  rootCa: "",
  volumesRoot: "",
};
