/** Options of an etcd member: data only. */

/** Where etcd's own clients are served. */
export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /**
   * PEM; without it all is in clear text. With `ca` clients must show a certificate that it has signed, with `organization` one of
   * that organization: the authority may vouch for others, too.
   */
  readonly tls?: {
    readonly ca?: string;
    readonly cert: string;
    readonly key: string;
    readonly organization?: string;
  };
}

export interface EtcdOptions {
  /** This member's actor name, one of `members`. */
  readonly name: string;
  /** All members of the cluster, this one included. */
  readonly members: readonly string[];
  /**
   * Whether this member has held data before: an empty disk then is one that was lost, and with it what the member has
   * voted for and acknowledged.
   */
  readonly established: boolean;
  /** Raft's unit of time. The runtime tells of deaths at once, so ticks find only silent partners. */
  readonly tickMs: number;
  /** Ticks between heartbeats: few enough lost ones make no election, and an idle cluster costs little. */
  readonly heartbeatTicks: number;
  /** Ticks of silence (up to twice as many, by chance) before a follower stands for election. etcd waits 1 s as well. */
  readonly electionTicks: number;
  /** Between the members' attempts to be elected when all know that there is no leader, so that they don't collide. */
  readonly campaignStepMs: number;
  /** How long requests wait for a leader before they are refused: many times a fail-over, far below a deadline. */
  readonly leaderWaitMs: number;
  /** An unanswered ReadIndex is asked anew, under a new number. As in etcd. */
  readonly readRetryMs: number;
  /** Log entries between two snapshots (an entry is all that one sync took); as in etcd 3.6. */
  readonly snapshotEntries: number;
  /** Log bytes that force a snapshot: bounds the time of a restart. */
  readonly snapshotBytes: number;
  /**
   * Applied entries, and their bytes, kept in memory for followers that lag. The entries as in etcd; some seconds of pods. The
   * leader keeps more while a follower that it hears of needs it.
   */
  readonly catchUpEntries: number;
  readonly catchUpBytes: number;
  /** A log file is closed at this size. As in etcd. */
  readonly segmentBytes: number;
  /** Store size that refuses further puts. etcd's default, or what the member's heap has room for. */
  readonly quotaBytes: number;
  /** Largest request. etcd's default. */
  readonly requestBytesMax: number;
  /** Writes, and reads, waiting or under way at this member; beyond it they are refused. */
  readonly requestsMax: number;
  /** Commands gathered in one log entry, unless a single one is larger; data of one message. As in etcd. */
  readonly batchBytesMax: number;
  /** Appends under way to one follower. As in etcd. */
  readonly inflightMax: number;
  /** Responses kept for a slow watcher before it is fed from the history instead; below the stream's own bound. */
  readonly watchBufferMax: number;
  /** How often watchers that asked for it hear of progress, when nothing else tells them. */
  readonly progressMs: number;
  /** Revisions kept by the leader's own compaction, for the case that no API server compacts in time; 0: never. */
  readonly autoCompactionRevisions: number;
  /**
   * Bytes written that are kept by it: much churn between two compactions must not fill the memory. Two thousand states of
   * pods, twice what an API server that starts asks for; who comes later reads the newest state.
   */
  readonly autoCompactionBytes: number;
  /** Revisions that it keeps however large, for a list that is read page by page. */
  readonly autoCompactionRevisionsMin: number;
  /** Absent: nobody but the cluster's own actors is served. */
  readonly listen?: ListenOptions;
  /** Shortest lease: below it renewal can't keep up with an election. */
  readonly leaseTtlSecondsMin: number;
}

export const ETCD_DEFAULTS: Omit<EtcdOptions, "name" | "members"> = {
  established: false,
  tickMs: 100,
  heartbeatTicks: 2,
  electionTicks: 10,
  campaignStepMs: 15,
  leaderWaitMs: 1_500,
  readRetryMs: 500,
  snapshotEntries: 10_000,
  snapshotBytes: 64 * 1_048_576,
  catchUpEntries: 5_000,
  catchUpBytes: 1_048_576,
  segmentBytes: 64 * 1_048_576,
  quotaBytes: 2 * 1_024 * 1_048_576,
  requestBytesMax: 1.5 * 1_048_576,
  requestsMax: 20_000,
  batchBytesMax: 1_048_576,
  inflightMax: 256,
  watchBufferMax: 1_024,
  progressMs: 5_000,
  autoCompactionRevisions: 50_000,
  autoCompactionBytes: 4 * 1_048_576,
  autoCompactionRevisionsMin: 250,
  leaseTtlSecondsMin: 1,
};
