/**
 * What a member counts. Source: etcd `server/etcdserver/metrics.go`, `server/storage/wal/metrics.go`, `server/storage/mvcc/metrics.go` and
 * `server/lease/metrics.go`, for names, labels and buckets. Members are named where etcd has their ids.
 */
import type { Context } from "../../runtime/actor.ts";
import type { Distribution, Metric, Metrics, Value } from "../../runtime/metrics/metrics.ts";
import { exponentialBounds } from "../../runtime/metrics/metrics.ts";
import type { StateMachine } from "./core/mvcc/state-machine.ts";
import type { Raft } from "./core/raft/raft.ts";
import type { Peers } from "./peers.ts";
import type { EtcdOptions } from "./spec.ts";

const DISK_BOUNDS = exponentialBounds(0.001, 2, 14);
const MS_PER_SECOND = 1_000;
const HAS_LEADER = ["etcd_server_has_leader", "Whether the member knows of a leader."] as const;

/** Of a member that takes no part. */
export function measureNoPart(metrics: Metrics): void {
  metrics
    .gauge(...HAS_LEADER)
    .of()
    .set(0);
}

export class DiskMetrics {
  private readonly ctx: Pick<Context, "clock">;
  private readonly writes: Distribution;
  private readonly syncs: Distribution;
  private readonly snapshots: Distribution;
  private readonly bytes: Value;

  constructor(ctx: Pick<Context, "clock" | "metrics">) {
    const seconds = (name: string, help: string): Distribution =>
      ctx.metrics.histogram(`etcd_disk_${name}_duration_seconds`, help, DISK_BOUNDS).of();
    this.ctx = ctx;
    this.writes = seconds("wal_write", "How long writes to the log took, the sync apart.");
    this.syncs = seconds("wal_fsync", "How long syncs of the log took.");
    this.snapshots = seconds(
      "backend_commit",
      "How long it took to write the store to the disk, as a snapshot beside the log.",
    );
    this.bytes = ctx.metrics.gauge("etcd_disk_wal_write_bytes_total", "Bytes that were written to the log.").of();
  }

  written(bytes: number, write: Promise<void>): Promise<void> {
    this.bytes.add(bytes);
    return this.timed(this.writes, write);
  }

  synced(sync: Promise<void>): Promise<void> {
    return this.timed(this.syncs, sync);
  }

  stored(store: Promise<void>): Promise<void> {
    return this.timed(this.snapshots, store);
  }

  /** `work` itself: who waits for it waits no turn longer for being measured. */
  private timed(seconds: Distribution, work: Promise<void>): Promise<void> {
    const { clock } = this.ctx;
    const beganMs = clock.monotonicMs();
    work.then(
      () => seconds.observe((clock.monotonicMs() - beganMs) / MS_PER_SECOND),
      () => undefined,
    );
    return work;
  }
}

export class PeerMetrics {
  private readonly sentBytes: Metric<Value>;
  private readonly receivedBytes: Metric<Value>;

  constructor(metrics: Metrics) {
    const named = (name: string): string => `etcd_network_peer_${name}_bytes_total`;
    this.sentBytes = metrics.counter(named("sent"), "Bytes of Raft's messages to another member.", ["To"]);
    this.receivedBytes = metrics.counter(named("received"), "Bytes of Raft's messages from another member.", ["From"]);
  }

  sent(to: string, messages: readonly Uint8Array[]): void {
    this.sentBytes.of(to).add(bytesOf(messages));
  }

  received(from: string, messages: readonly Uint8Array[]): void {
    this.receivedBytes.of(from).add(bytesOf(messages));
  }
}

export class LeaseMetrics {
  readonly granted: Value;
  readonly revoked: Value;
  readonly renewed: Value;
  readonly expired: Value;

  constructor(metrics: Metrics) {
    const counter = (name: string, help: string): Value => metrics.counter(`etcd_debugging_${name}_total`, help).of();
    this.granted = counter("lease_granted", "Leases that were granted.");
    this.revoked = counter("lease_revoked", "Leases that were revoked, those among them whose time was over.");
    this.renewed = counter("lease_renewed", "Renewals of leases, as the leader has seen them.");
    this.expired = counter("server_lease_expired", "Leases whose time was over, as the leader has seen them.");
  }
}

/** What a member is asked for when somebody reads its metrics. */
export interface MemberFacts {
  readonly raft: Raft;
  readonly peers: Peers;
  readonly machine: StateMachine;
  readonly version: string;
  readonly appliedIndex: () => number;
  readonly proposals: () => { readonly pending: number; readonly failed: number };
  readonly watchers: () => { readonly all: number; readonly slow: number };
}

export class MemberMetrics {
  private readonly leaderChanges: Value;

  constructor({ metrics, options }: Pick<Context<EtcdOptions>, "metrics" | "options">, facts: MemberFacts) {
    const { raft, peers } = facts;
    this.leaderChanges = metrics
      .counter("etcd_server_leader_changes_seen_total", "How often the member has seen another leader.")
      .of();
    metrics.gauge("etcd_server_quota_backend_bytes", "What the store may hold.").of().set(options.quotaBytes);
    metrics.gauge("etcd_server_id", "The member.", ["server_id"]).of(options.name).set(1);
    metrics.gauge("etcd_server_version", "The version that is spoken.", ["server_version"]).of(facts.version).set(1);
    const known = metrics.gauge("etcd_network_known_peers", "The other members.", ["Local", "Remote"]);
    const active = metrics.gauge("etcd_network_active_peers", "The other members that live.", ["Local", "Remote"]);
    const gauges: readonly (readonly [Metric<Value>, () => number])[] = [
      [metrics.gauge(...HAS_LEADER), () => Number(raft.leader !== 0)],
      [metrics.gauge("etcd_server_is_leader", "Whether the member leads."), () => Number(raft.role === "leader")],
      [
        metrics.gauge("etcd_server_is_learner", "Whether the member has no vote for now."),
        () => Number(peers.isLearner),
      ],
      [
        metrics.gauge("etcd_server_proposals_committed_total", "The newest entry that is committed."),
        () => raft.log.committed,
      ],
      [
        metrics.gauge("etcd_server_proposals_applied_total", "The newest entry that is carried out."),
        facts.appliedIndex,
      ],
      [
        metrics.gauge("etcd_server_proposals_pending", "Writes that wait for their answer."),
        () => facts.proposals().pending,
      ],
      [
        metrics.counter("etcd_server_proposals_failed_total", "Writes that were given up."),
        () => facts.proposals().failed,
      ],
      ...storeGauges(metrics, facts),
    ];
    metrics.onRead(() => {
      for (const [gauge, value] of gauges) gauge.of().set(value());
      for (const name of peers.others) {
        known.of(options.name, name).set(1);
        active.of(options.name, name).set(Number(!peers.isDown(peers.id(name))));
      }
    });
  }

  leaderChanged(): void {
    this.leaderChanges.inc();
  }
}

function storeGauges(
  metrics: Metrics,
  { machine, watchers }: MemberFacts,
): readonly (readonly [Metric<Value>, () => number])[] {
  const gauge = (name: string, help: string): Metric<Value> => metrics.gauge(name, help);
  const mvcc = (name: string, help: string): Metric<Value> => gauge(`etcd_debugging_mvcc_${name}`, help);
  return [
    [gauge("etcd_mvcc_db_total_size_in_bytes", "What the store holds."), () => machine.store.sizeBytes],
    [
      gauge("etcd_mvcc_db_total_size_in_use_in_bytes", "What of it is in use: all, as nothing is ever fragmented."),
      () => machine.store.sizeBytes,
    ],
    [mvcc("keys_total", "Keys of the store."), () => machine.store.index.size],
    [mvcc("current_revision", "The newest revision."), () => machine.store.revision],
    [mvcc("compact_revision", "The newest revision that is forgotten."), () => machine.store.compactRevision],
    [mvcc("watcher_total", "Watches that are open."), () => watchers().all],
    [mvcc("slow_watcher_total", "Those of them that are behind."), () => watchers().slow],
  ];
}

function bytesOf(messages: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const message of messages) bytes += message.length;
  return bytes;
}
