/** Options of the scheduler actor. */
import type { ResolvedConfiguration } from "./core/configuration/types.ts";
import { DEFAULT_CONFIGURATION } from "./core/configuration/configuration.ts";
import type { QueueOptions } from "./core/queue.ts";
import { QUEUE_DEFAULTS } from "./core/queue.ts";

export interface SchedulerOptions {
  /** Actor names of the API servers, the preferred one first. */
  readonly apiServers: readonly string[];
  /** By which it holds the Lease, where others of the same name run in other processes. Absent: its actor's name. */
  readonly identity?: string;
  /** The other schedulers' actors. */
  readonly peers: readonly string[];
  /** Its profiles with their plugins: pods with one of their names as `schedulerName` are placed. */
  readonly configuration: ResolvedConfiguration;
  /** Plugins that are not Kubernetes': each name's JavaScript module, a `file:` URL whose default export makes the plugin. */
  readonly plugins: Readonly<Record<string, { readonly module: string }>>;
  /**
   * Bindings, and reports of pods that can't be placed, under way at a time. 64: enough to keep three etcd members'
   * disks in full batches, few enough not to crowd the API server.
   */
  readonly inFlightMax: number;
  readonly queue: QueueOptions;
  /**
   * A standby keeps nothing but its watch on the Lease. Listing all pods at a take-over costs some tens of milliseconds
   * per thousand; to follow them all the time would cost each standby what it costs the leader.
   */
  readonly lease: {
    readonly leaseDurationMs: number;
    readonly renewPeriodMs: number;
    readonly renewDeadlineMs: number;
  };
}

export const SCHEDULER_DEFAULTS: Omit<SchedulerOptions, "apiServers" | "peers" | "identity"> = {
  configuration: DEFAULT_CONFIGURATION,
  plugins: {},
  inFlightMax: 64,
  queue: QUEUE_DEFAULTS,
  lease: { leaseDurationMs: 6_000, renewPeriodMs: 2_500, renewDeadlineMs: 4_500 },
};
