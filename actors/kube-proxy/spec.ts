/** Options of a kube-proxy: data only. */
export interface KubeProxyOptions {
  /** This node's name. */
  readonly nodeName: string;
  /** This node's own loopback address, for its NodePorts. Absent: NodePorts are served on 127.0.0.1 only. */
  readonly nodeIP?: string;
  /** API servers to talk to, the preferred one first. */
  readonly apiServers: readonly string[];
  /** Nodes that the cluster starts with, this one included: they share the Services evenly. */
  readonly peers?: readonly string[];
  /** Tells clusters on one machine apart. */
  readonly clusterId: string;
  /** Addresses of Services. Its first address is kept for the proxies themselves. */
  readonly serviceRange: string;
  /** Whether it says on a Service where that is served when its own address can't be had. On another machine that is of no use to anybody. */
  readonly publishes: boolean;
  /** Parts into which the Services are divided among the proxies: enough for an even share of a few, cheap for many. */
  readonly shards: number;
  /** How long a shard is left to the proxy that should have it, at the start: actors start within that of each other. */
  readonly preferenceWaitMs: number;
  /** How long an endpoint may take to accept. On loopback the kernel accepts at once, unless the backlog is full. */
  readonly connectTimeoutMs: number;
  /** Endpoints tried for one connection before it is dropped. */
  readonly attemptsMax: number;
  /** Connections carried at a time; beyond it new ones are dropped. Two sockets each, and 1,024 files is a common limit: raise that too. */
  readonly connectionsMax: number;
  /** How long the file of names and addresses lags behind, so that a burst of changes is one write. */
  readonly hostsDelayMs: number;
  /** Greeting of a lock's owner. It is written at once, so silence means a stranger. */
  readonly greetingTimeoutMs: number;
}

export type KubeProxyDefaults = Omit<KubeProxyOptions, "nodeName" | "nodeIP" | "apiServers" | "peers" | "clusterId">;

export const KUBE_PROXY_DEFAULTS: KubeProxyDefaults = {
  serviceRange: "127.96.0.0/16",
  publishes: true,
  shards: 8,
  preferenceWaitMs: 250,
  connectTimeoutMs: 1_000,
  attemptsMax: 5,
  connectionsMax: 10_000,
  hostsDelayMs: 10,
  greetingTimeoutMs: 1_000,
};
