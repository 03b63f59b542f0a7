/** A snapshot that has brought nothing after so many heartbeats is lost: long enough to write some hundred megabytes. */
const SNAPSHOT_HEARTBEATS_MAX = 50;

/** What a leader knows of a member's log, and how it sends to it. Source: etcd-io/raft `tracker/progress.go`. */
export class Progress {
  learner: boolean;
  /** It can have nothing before this entry but by a snapshot: it was added by it. 0 for who was there from the beginning. */
  readonly since: number;
  /** On the member's disk up to here, as it said itself. */
  match = 0;
  /** First entry to send next. */
  next: number;
  /** `probe`: one message at a time, to find where the logs agree. `replicate`: pipelined. `snapshot`: waits for one. */
  state: "probe" | "replicate" | "snapshot" = "probe";
  /** A probe is under way. */
  paused = false;
  /** Index of the snapshot under way; 0 before the shell has made it. */
  pendingSnapshot = 0;
  /** Heard of since the last look of check-quorum. */
  recentlyActive = false;
  private activeBefore = false;
  /** The runtime said that it died, and nothing was heard of it since. */
  down = false;
  /** It answered a heartbeat since the clock last sent one. */
  answered = false;
  /** Last commit index that it was told. */
  commitSent = 0;
  /** Newest round of ReadIndex that it confirmed. */
  round = 0;
  /** `match` at the last heartbeat: no progress between two while something is under way means that it was lost. */
  private matchAtHeartbeat = -1;
  /** Where the leader's log ended at the last heartbeat. */
  private lastAtHeartbeat = Infinity;
  /** Heartbeats answered since a snapshot was sent. */
  private snapshotAge = 0;
  /** Last index of each append under way, oldest first. */
  private readonly inflight: number[] = [];

  constructor(next: number, learner: boolean, since: number = 0) {
    this.next = next;
    this.learner = learner;
    this.since = since;
  }

  /** Heard of not long ago. */
  get isThere(): boolean {
    return !this.down && (this.recentlyActive || this.activeBefore);
  }

  /** It has all that the leader had a heartbeat ago. */
  get isCaughtUp(): boolean {
    return this.isThere && this.state === "replicate" && this.match >= this.lastAtHeartbeat;
  }

  /** Check-quorum has looked: it counts anew. */
  looked(): void {
    this.activeBefore = this.recentlyActive;
    this.recentlyActive = false;
  }

  /** Behind which entry it lacks what the log has; undefined while it is away, and a snapshot will serve it. */
  get lacksFrom(): number | undefined {
    if (!this.isThere) return undefined;
    if (this.state !== "snapshot") return this.match;
    return this.pendingSnapshot === 0 ? undefined : this.pendingSnapshot;
  }

  inflightFull(max: number): boolean {
    return this.inflight.length >= max;
  }

  sent(lastIndex: number): void {
    this.next = lastIndex + 1;
    this.inflight.push(lastIndex);
  }

  becomeProbe(): void {
    this.state = "probe";
    this.paused = false;
    this.pendingSnapshot = 0;
    this.inflight.length = 0;
    this.next = this.match + 1;
  }

  becomeReplicate(): void {
    this.state = "replicate";
    this.paused = false;
    this.pendingSnapshot = 0;
    this.inflight.length = 0;
    this.next = this.match + 1;
  }

  becomeSnapshot(): void {
    this.state = "snapshot";
    this.snapshotAge = 0;
    this.paused = false;
    this.pendingSnapshot = 0;
    this.inflight.length = 0;
  }

  /** Takes note of an acknowledgement; false when it says nothing new. */
  acknowledge(index: number): boolean {
    let freed = 0;
    while (freed < this.inflight.length && (this.inflight[freed] as number) <= index) freed++;
    if (freed > 0) this.inflight.splice(0, freed);
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    return true;
  }

  /** Goes back after a refusal of `rejected`; false when the refusal is stale. */
  reject(rejected: number, agreeAtMost: number): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.becomeProbe();
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    const next = Math.max(Math.min(rejected, agreeAtMost + 1), this.match + 1);
    // A refusal of what it has acknowledged: asking the same again at once would get the same answer.
    if (next === this.next) return false;
    this.next = next;
    this.paused = false;
    return true;
  }

  /** Called as the clock sends a heartbeat: if the last was answered, lets a probe go again and notices lost appends. */
  heartbeat(last: number): void {
    this.lastAtHeartbeat = last;
    if (!this.answered) return;
    this.answered = false;
    this.paused = false;
    if (this.state === "snapshot" && ++this.snapshotAge > SNAPSHOT_HEARTBEATS_MAX) this.becomeProbe();
    if (this.state === "replicate" && this.match < last && this.match === this.matchAtHeartbeat) this.becomeProbe();
    this.matchAtHeartbeat = this.match;
  }
}
