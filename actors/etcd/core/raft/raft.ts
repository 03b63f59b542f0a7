// One state machine in one file: every transition of a member is seen beside the others it must agree with.
/**
 * Raft as a pure state machine: messages, ticks, proposals and "it is on disk" go in; `Ready` comes out. It knows no
 * clock, socket or file; randomness comes from a seed. What holds at every moment:
 *
 * - Election safety: one leader a term, since a vote leaves only after it is on disk, one a term (thesis 3.4).
 * - Leader append-only, log matching: `RaftLog.merge`.
 * - Leader completeness: votes go to logs that have all that is committed (3.6.1), and a leader commits by counting
 *   only entries of its own term (3.6.2).
 *
 * With pre-vote and check-quorum (9.6, 6.2), ReadIndex by a round of heartbeats (6.4), leadership transfer (3.10),
 * pipelined appends with a window (10.2.1), and one change of the membership at a time (4.1), which counts from where it is
 * applied. Two members can be two changes apart at most, and not even then elect leaders of their own: who has an entry
 * behind a change knows that the change is committed, as both come in one message and are on disk together, and stands for
 * election only when it has applied it.
 */
import { invariant } from "../bytes.ts";
import { RaftLog } from "./log.ts";
import type { Change, Membership } from "./membership.ts";
import { applyChange, decodeChange, encodeChange, votersOf } from "./membership.ts";
import { Outbox } from "./outbox.ts";
import type { Progress } from "./progress.ts";
import { Reads } from "./reads.ts";
import { Tracker } from "./tracker.ts";
import type {
  AppliedChange,
  Body,
  Entry,
  Message,
  Persist,
  RaftOptions,
  ReadState,
  Ready,
  Recovered,
  Role,
  Snapshot,
  SnapshotMeta,
  TrimLimits,
} from "./types.ts";

/** Word of a removal is no part of any term. */
type Termed = Exclude<Message, { readonly type: "removed" }>;
type Of<Type extends Message["type"]> = Extract<Message, { readonly type: Type }>;

export class Raft {
  readonly id: number;
  private readonly options: RaftOptions;
  private membership: Membership;
  private readonly tracker: Tracker;
  readonly log: RaftLog;

  role: Role = "follower";
  term: number;
  /** Whom this member follows; 0 when it knows no leader. */
  leader = 0;
  private vote: number;
  private votes: Map<number, boolean> = new Map();
  /** To whom leadership is being handed; no proposals meanwhile. */
  private transferee = 0;
  /** The leader wants this member to stand; it does as soon as it has applied all changes of the membership. */
  private called = false;
  /** As leader: no change of the membership is proposed before this index is applied. */
  private lastChange = 0;
  /** It was told, or has applied, that it is no member any more. */
  private removed = false;
  /**
   * It was removed from an even number of voters. There, any half of the others already meets every majority of the old group
   * and of the new one, so that its vote decides nothing; and half of them may lack it, as they don't know of the removal yet,
   * with logs that are shorter than its own.
   */
  private votesFreely = false;
  /** What is committed is to be on disk: with it goes a change of the membership. */
  private commitDue = false;

  private electionElapsed = 0;
  private heartbeatElapsed = 0;
  private electionTimeout = 0;
  private randomState: number;

  private heartbeatDue = false;
  private readonly reads: Reads = new Reads();

  private savedTerm: number;
  private savedVote: number;
  /** What of it is on disk for sure. */
  private durable: { readonly term: number; readonly vote: number };
  /** As leader: what was committed when it was elected. */
  private committedBefore = 0;
  private pendingSnapshot: Snapshot | undefined;
  private snapshotUnderWay = false;
  private persisting = false;
  private readonly outbox: Outbox = new Outbox();
  private readStates: ReadState[] = [];
  private changes: AppliedChange[] = [];

  constructor(options: RaftOptions, recovered: Recovered) {
    this.options = options;
    this.id = options.id;
    this.randomState = options.seed >>> 0;
    this.membership = recovered.snapshot.membership;
    this.tracker = new Tracker(this.membership);
    this.log = new RaftLog(recovered.snapshot, recovered.entries);
    this.term = recovered.hardState.term;
    this.vote = recovered.hardState.vote;
    this.savedTerm = this.term;
    this.savedVote = this.vote;
    this.durable = { term: this.term, vote: this.vote };
    invariant(this.term >= this.log.lastTerm, `term ${this.term} below the log's ${this.log.lastTerm}`);
    this.log.commitTo(Math.min(recovered.hardState.commit, this.log.last));
    this.becomeFollower(this.term, 0);
    this.removed = this.wasRemoved(this.id);
  }

  // ---- what the shell does ------------------------------------------------------------------------------------------

  /** The clock moved by one tick. After a stall: deliver the messages that waited first, and then one tick only. */
  tick(): void {
    this.electionElapsed++;
    if (this.role === "leader") {
      this.tickLeader();
    } else if (this.electionElapsed >= this.electionTimeout && this.mayStand) {
      this.electionElapsed = 0;
      this.startElection(true, false);
    }
  }

  /** Stands for election now, by pre-vote, unless there is a leader or an election under way is fresh. */
  campaign(): void {
    if (this.leader !== 0 || this.role === "leader" || !this.mayStand) return;
    if (this.role === "candidate" && this.electionElapsed < 2) return;
    this.electionElapsed = 0;
    this.startElection(true, false);
  }

  /** Whether it leads and takes proposals: not while it hands over. */
  get isAccepting(): boolean {
    return this.role === "leader" && this.transferee === 0;
  }

  get isHandingOver(): boolean {
    return this.role === "leader" && this.transferee !== 0;
  }

  /** Appends entries to the leader's log; false when it is not accepting any. */
  propose(data: readonly Uint8Array[]): boolean {
    if (!this.isAccepting) return false;
    for (const one of data) this.log.append(this.term, one);
    return true;
  }

  /**
   * Proposes a change of the membership. False when it is not accepting any: while another is under way, and before an
   * entry of its own term is committed.
   */
  proposeChange(change: Change): boolean {
    const { committed, applied } = this.log;
    if (!this.isAccepting || this.lastChange > applied || this.log.term(committed) !== this.term) return false;
    this.lastChange = this.log.append(this.term, encodeChange(change), "change");
    return true;
  }

  /** The group as this member has applied it. */
  get members(): Membership {
    return this.membership;
  }

  /** It belongs to the group no more, and has no part in it. */
  get isRemoved(): boolean {
    return this.removed;
  }

  /** As leader: whether a learner lacks so little that it can be a voter. */
  isCaughtUp(id: number): boolean {
    return this.tracker.progress.get(id)?.isCaughtUp === true;
  }

  /** As leader: who is there, itself included. */
  get active(): readonly number[] {
    return this.tracker.active(this.id);
  }

  /** Asks what index a linearizable read must wait for; the answer is a `ReadState`. False without a known leader. */
  readIndex(context: number): boolean {
    if (this.role === "leader") {
      this.takeRead(this.id, context);
      return true;
    }
    if (this.leader === 0) return false;
    this.send({ type: "readIndex", to: this.leader, context });
    return true;
  }

  /** Hands leadership to `to` once its log is complete; given up after an election timeout. False when it can't be. */
  transferLeader(to: number): boolean {
    const progress = this.tracker.progress.get(to);
    if (this.role !== "leader" || to === this.id || progress === undefined || progress.learner) return false;
    this.transferee = to;
    this.electionElapsed = 0;
    if (progress.match === this.log.last) this.send({ type: "timeoutNow", to });
    return true;
  }

  /**
   * This leader's disk takes nothing more. Hands over if a majority of the others have written more than it has: they go on
   * without it. Where they can't write either, a leader that serves reads is better than an election that no one can win.
   */
  yieldToWriters(): void {
    if (this.role !== "leader" || this.transferee !== 0) return;
    const ahead = [...this.tracker.progress].filter(
      ([id, { learner, recentlyActive, match }]) =>
        id !== this.id && !learner && recentlyActive && match > this.log.stable,
    );
    if (ahead.length < this.tracker.quorum) return;
    const [heir] = ahead.reduce((best, one) => (one[1].match > best[1].match ? one : best));
    this.transferLeader(heir);
  }

  /** The runtime says that `member` has died: a sure sign, unlike silence. */
  peerDown(member: number): void {
    if (this.role === "leader") {
      const progress = this.tracker.progress.get(member);
      if (progress === undefined) return;
      progress.recentlyActive = false;
      progress.down = true;
      progress.becomeProbe();
      progress.paused = true;
      if (this.transferee === member) this.transferee = 0;
    } else if (this.leader === member) {
      this.leader = 0;
    }
  }

  /** The shell has made a snapshot of what is applied, for a member named in `snapshotsFor`. */
  sendSnapshot(to: number, snapshot: Snapshot): void {
    const progress = this.tracker.progress.get(to);
    if (this.role !== "leader" || progress === undefined || progress.state !== "snapshot") return;
    progress.pendingSnapshot = snapshot.index;
    progress.next = snapshot.index + 1;
    this.send({ type: "snapshot", to, snapshot });
  }

  /**
   * Forgets of the log what is applied, but for some of it, and for what a member that is there still lacks: else it would need
   * one snapshot after the other while there is much to write. A member that lacks too much holds nothing up.
   */
  trimLog({ catchUpEntries, catchUpBytes, snapshotBytes }: TrimLimits): void {
    this.log.trim(catchUpEntries, catchUpBytes, () => {
      if (this.role !== "leader" || this.log.sizeBytes > snapshotBytes) return Infinity;
      return Math.min(...Array.from(this.tracker.progress.values(), ({ lacksFrom = Infinity }) => lacksFrom));
    });
  }

  /** What a snapshot of all that is applied stands for. */
  snapshotMeta(): SnapshotMeta {
    const index = this.log.applied;
    return { index, term: this.log.term(index) as number, membership: this.membership };
  }

  /** What `ready().persist` held is on disk. */
  persisted(): void {
    invariant(this.persisting, "persisted() without a persist under way");
    this.persisting = false;
    this.snapshotUnderWay = false;
    this.log.persisted();
    this.durable = { term: this.savedTerm, vote: this.savedVote };
    this.release(this.outbox.takePersisted());
    if (this.role === "leader") this.leaderAcknowledges();
  }

  ready(): Ready {
    let persist: Persist | undefined;
    if (!this.persisting) {
      persist = this.takePersist();
      if (persist === undefined) {
        this.release(this.outbox.takePromises());
        // What was released may have been this member's own vote, and so have made it leader.
        persist = this.takePersist();
      }
    }
    const snapshotsFor = this.role === "leader" ? this.replicate() : [];
    // After the appends: a leader that is removed by what is applied now has told the others that it is committed.
    const committed = this.takeCommitted();
    const ready: Ready = {
      messages: this.outbox.take(this.term, { ...this.durable, last: this.log.stable }),
      committed,
      changes: this.changes,
      readStates: this.readStates,
      snapshotsFor,
      persist,
    };
    this.readStates = [];
    this.changes = [];
    return ready;
  }

  private takeCommitted(): readonly Entry[] {
    // After a snapshot the state machine is behind the log until it is restored.
    if (this.pendingSnapshot !== undefined || this.snapshotUnderWay) return [];
    const committed = this.log.takeCommitted();
    for (const { type, data, index, term } of committed) {
      if (type !== "change") continue;
      const changed = applyChange(this.membership, decodeChange(data), index);
      this.changes.push({ index, term, changed });
      if (changed.refusal !== undefined) continue;
      this.commitDue = true;
      this.configure(changed.membership);
    }
    this.answerCall();
    return committed;
  }

  private answerCall(): void {
    if (!this.called || !this.mayStand) return;
    this.called = false;
    this.startElection(false, true);
  }

  /** The group is another from now on. */
  private configure(membership: Membership): void {
    const was = this.membership;
    this.membership = membership;
    this.tracker.configure(membership, this.role === "leader", this.log.last);
    const isMember = (members: Membership): boolean => members.members.some(({ id }) => id === this.id);
    if (isMember(was) && !isMember(membership)) {
      this.leave();
      this.votesFreely = votersOf(was).length % 2 === 0;
    }
    if (this.role !== "leader") return;
    if (!this.tracker.progress.has(this.transferee)) this.transferee = 0;
    // A majority of fewer may have been reached already.
    this.maybeCommit();
    this.confirmReads();
  }

  /** It is no member any more. As long as some of the others don't know that, they may still need its vote and what it has. */
  private leave(): void {
    if (this.role === "leader") this.callHeir();
    this.removed = true;
    this.becomeFollower(this.term, 0);
  }

  /** Of a leader that is removed: who has most of the log need not wait for an election timeout. */
  private callHeir(): void {
    const { progress, voters } = this.tracker;
    const matchOf = (voter: number): number => progress.get(voter)?.match ?? 0;
    const [first, ...others] = voters;
    if (first === undefined) return;
    this.send({
      type: "timeoutNow",
      to: others.reduce((best, one) => (matchOf(one) > matchOf(best) ? one : best), first),
    });
  }

  private get mayStand(): boolean {
    return this.tracker.isVoter(this.id) && !this.removed && !this.log.hasUnappliedChange;
  }

  /**
   * As follower: the leader says that `commit` is committed. It holds for this log only as far as that is known to be the
   * leader's: up to `verified`.
   */
  private learnCommit(commit: number, verified: number): void {
    this.log.commitTo(Math.min(commit, verified));
  }

  /** Up to here this log is known to be the leader's: a log that ends with an entry of a term is that term's (thesis 3.5). */
  private get verified(): number {
    return this.log.lastTerm === this.term ? this.log.last : this.log.committed;
  }

  // ---- what comes out -----------------------------------------------------------------------------------------------

  private takePersist(): Persist | undefined {
    const changed = this.term !== this.savedTerm || this.vote !== this.savedVote || this.commitDue;
    if (!changed && !this.log.hasUnstable && this.pendingSnapshot === undefined) return undefined;
    this.persisting = true;
    this.savedTerm = this.term;
    this.savedVote = this.vote;
    this.commitDue = false;
    this.outbox.persisting();
    const snapshot = this.pendingSnapshot;
    this.pendingSnapshot = undefined;
    this.snapshotUnderWay = snapshot !== undefined;
    return {
      snapshot,
      entries: this.log.takeUnstable(),
      hardState: { term: this.term, vote: this.vote, commit: this.log.committed },
    };
  }

  private send(message: Body<Message> & { readonly to: number }): void {
    this.outbox.send({ ...message, from: this.id, term: this.term });
  }

  /** For messages that vouch for what is not yet on disk. */
  private promise(message: Body<Message> & { readonly to: number; readonly term?: number }): void {
    this.outbox.promise({ term: this.term, ...message, from: this.id } as Message);
  }

  private release(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.to === this.id) this.step(message);
      else this.outbox.send(message);
    }
  }

  /** As leader: one run of appends, a commit index or a heartbeat for each member, as each needs it. */
  private replicate(): readonly number[] {
    const { committed } = this.log;
    // What an older term left is committed by an entry of the own one, and not by counting (thesis 3.6.2).
    const isOwn = committed === this.committedBefore || this.log.term(committed) === this.term;
    invariant(
      isOwn,
      `leader of term ${this.term} has committed entry ${committed} of term ${this.log.term(committed)}`,
    );
    const snapshotsFor: number[] = [];
    for (const [member, progress] of this.tracker.progress) {
      if (member === this.id) continue;
      if (progress.state !== "snapshot") this.sendAppends(member, progress);
      if (progress.state === "snapshot" && progress.pendingSnapshot === 0 && progress.recentlyActive) {
        snapshotsFor.push(member);
      }
      const commit = Math.min(progress.match, this.log.committed);
      if (this.heartbeatDue) {
        this.send({ type: "heartbeat", to: member, commit, round: this.reads.round });
        progress.commitSent = Math.max(progress.commitSent, commit);
      } else if (progress.state === "replicate" && commit > progress.commitSent) {
        this.send({ type: "commit", to: member, commit });
        progress.commitSent = commit;
      }
    }
    if (this.heartbeatDue) this.reads.sent();
    this.heartbeatDue = false;
    return snapshotsFor;
  }

  private sendAppends(to: number, progress: Progress): void {
    if (progress.state === "probe") {
      if (!progress.paused && this.sendAppend(to, progress) !== undefined) progress.paused = true;
      return;
    }
    while (progress.next <= this.log.last && !progress.inflightFull(this.options.inflightMax)) {
      const last = this.sendAppend(to, progress);
      if (last === undefined) return;
      progress.sent(last);
    }
  }

  /** Index of the last entry sent; undefined when only a snapshot can help. */
  private sendAppend(to: number, progress: Progress): number | undefined {
    const previousIndex = progress.next - 1;
    // What was before a member was added it has from a snapshot, or not at all.
    const previousTerm = previousIndex < progress.since ? undefined : this.log.term(previousIndex);
    if (previousTerm === undefined) {
      progress.becomeSnapshot();
      return undefined;
    }
    const entries = this.log.slice(progress.next, this.options.messageBytesMax);
    const commit = this.log.committed;
    this.send({ type: "append", to, previousIndex, previousTerm, entries, commit });
    const last = previousIndex + entries.length;
    progress.commitSent = Math.max(progress.commitSent, Math.min(commit, last));
    return last;
  }

  // ---- roles --------------------------------------------------------------------------------------------------------

  private reset(term: number): void {
    if (term !== this.term) {
      invariant(term > this.term, `term ${term} after ${this.term}`);
      this.term = term;
      this.vote = 0;
    }
    this.leader = 0;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.heartbeatDue = false;
    this.electionTimeout = this.options.electionTicks + this.random(this.options.electionTicks);
    this.votes = new Map();
    this.tracker.progress.clear();
    this.transferee = 0;
    this.called = false;
    this.reads.clear();
  }

  private becomeFollower(term: number, leader: number): void {
    this.reset(term);
    this.role = "follower";
    this.leader = leader;
  }

  /** `pre`: asks first whether an election could be won, without touching the term (thesis 9.6). */
  private startElection(pre: boolean, transfer: boolean): void {
    const term = this.term + 1;
    if (pre) {
      this.role = "preCandidate";
      this.votes = new Map();
      this.leader = 0;
      this.electionTimeout = this.options.electionTicks + this.random(this.options.electionTicks);
    } else {
      this.reset(term);
      this.role = "candidate";
      this.vote = this.id;
    }
    const { last: lastIndex, lastTerm } = this.log;
    for (const to of this.tracker.voters) {
      if (to === this.id) {
        this.promise({ type: "voteResponse", to, term, preVote: pre, granted: true });
      } else {
        // A vote is asked for only once this member's log and term are on disk: it speaks for them.
        this.promise({ type: "vote", to, term, preVote: pre, lastIndex, lastTerm, transfer });
      }
    }
  }

  private becomeLeader(): void {
    invariant(this.role === "candidate", `${this.role} can't become leader`);
    this.reset(this.term);
    this.role = "leader";
    this.leader = this.id;
    this.committedBefore = this.log.committed;
    this.tracker.lead(this.membership, this.log.last);
    // A change that is in the log may have been committed.
    this.lastChange = this.log.last;
    // Thesis 6.4: an entry of the own term shows what is committed.
    this.log.append(this.term, new Uint8Array(0));
  }

  private tickLeader(): void {
    this.heartbeatElapsed++;
    if (this.electionElapsed >= this.options.electionTicks) {
      this.electionElapsed = 0;
      this.transferee = 0;
      // Check-quorum (thesis 6.2): a leader that hears of no majority must not believe that it still leads.
      if (this.tracker.look(this.id) < this.tracker.quorum) {
        this.becomeFollower(this.term, 0);
        return;
      }
    }
    if (this.heartbeatElapsed >= this.options.heartbeatTicks) {
      this.heartbeatElapsed = 0;
      this.heartbeatDue = true;
      for (const [member, progress] of this.tracker.progress) if (member !== this.id) progress.heartbeat(this.log.last);
    }
  }

  /** Uniform below `bound` (xorshift32). */
  private random(bound: number): number {
    let state = this.randomState === 0 ? 0x9e3779b9 : this.randomState;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.randomState = state >>> 0;
    return this.randomState % bound;
  }

  // ---- messages -----------------------------------------------------------------------------------------------------

  step(message: Message): void {
    if (message.type === "removed") return this.leave();
    if (message.term > this.term) {
      if (!this.meetsHigherTerm(message)) return;
    } else if (message.term < this.term) {
      this.answerLowerTerm(message);
      return;
    }
    switch (message.type) {
      case "vote":
        return this.onVote(message);
      case "voteResponse":
        return this.onVoteResponse(message);
      case "append":
        return this.onAppend(message);
      case "appendResponse":
        return this.onAppendResponse(message);
      case "appendReject":
        return this.onAppendReject(message);
      case "heartbeat":
        this.follow(message.from);
        this.learnCommit(message.commit, this.verified);
        return this.send({ type: "heartbeatResponse", to: message.from, round: message.round });
      case "heartbeatResponse":
        return this.onHeartbeatResponse(message);
      case "commit":
        this.follow(message.from);
        return this.learnCommit(message.commit, this.verified);
      case "snapshot":
        return this.onSnapshot(message);
      case "readIndex":
        if (this.role === "leader") this.takeRead(message.from, message.context);
        return;
      case "readIndexResponse":
        this.readStates.push({ context: message.context, index: message.index });
        return;
      case "timeoutNow":
        this.called = this.role === "follower";
        return this.answerCall();
    }
  }

  /** False when the message is to be ignored. */
  private meetsHigherTerm(message: Termed): boolean {
    switch (message.type) {
      case "vote": {
        if (this.wasRemoved(message.from)) {
          this.send({ type: "removed", to: message.from });
          return false;
        }
        // Whoever hears from a leader helps no one to depose it (thesis 4.2.3), unless the leader itself asked for that.
        const heard = this.leader !== 0 && this.electionElapsed < this.options.electionTicks;
        if (heard && !message.transfer) return false;
        if (!message.preVote) this.becomeFollower(message.term, 0);
        return true;
      }
      case "voteResponse":
        // A granted pre-vote carries the term that the candidate would have.
        if (message.preVote && message.granted) return true;
        this.becomeFollower(message.term, 0);
        return true;
      case "append":
      case "heartbeat":
      case "commit":
      case "snapshot":
        this.becomeFollower(message.term, message.from);
        return true;
      case "appendResponse":
      case "appendReject":
      case "heartbeatResponse":
      case "readIndex":
      case "readIndexResponse":
      case "timeoutNow":
        this.becomeFollower(message.term, 0);
        return true;
    }
  }

  private answerLowerTerm(message: Termed): void {
    switch (message.type) {
      case "append":
      case "heartbeat":
      case "commit":
      case "snapshot":
        // A leader of the past learns of the present, even if this member, held back by pre-vote, never asked for votes.
        this.promise({ type: "appendReject", to: message.from, rejected: 0, hintIndex: 0, hintTerm: 0 });
        return;
      case "vote":
        this.promise({ type: "voteResponse", to: message.from, preVote: message.preVote, granted: false });
        return;
      case "voteResponse":
      case "appendResponse":
      case "appendReject":
      case "heartbeatResponse":
      case "readIndex":
      case "readIndexResponse":
      case "timeoutNow":
        return;
    }
  }

  /** The sender leads this term. */
  private follow(leader: number): void {
    invariant(this.role !== "leader", `two leaders in term ${this.term}: ${this.id} and ${leader}`);
    if (this.role !== "follower") this.becomeFollower(this.term, leader);
    this.leader = leader;
    this.electionElapsed = 0;
  }

  private onVote(message: Of<"vote">): void {
    const free =
      this.vote === message.from ||
      (this.vote === 0 && this.leader === 0) ||
      (message.preVote && message.term > this.term);
    const isUpToDate = this.votesFreely || this.log.isUpToDate(message.lastIndex, message.lastTerm);
    const granted = free && isUpToDate;
    if (granted && !message.preVote) {
      this.vote = message.from;
      this.electionElapsed = 0;
    }
    // A granted pre-vote answers for the term asked about, all else for the own one.
    const term = granted ? message.term : this.term;
    this.promise({ type: "voteResponse", to: message.from, term, preVote: message.preVote, granted });
  }

  private onVoteResponse(message: Of<"voteResponse">): void {
    if (this.role !== (message.preVote ? "preCandidate" : "candidate")) return;
    if (message.preVote && message.granted && message.term !== this.term + 1) return;
    if (!this.votes.has(message.from)) this.votes.set(message.from, message.granted);
    const isGranted = this.tracker.outcome(this.votes);
    if (isGranted === false) return this.becomeFollower(this.term, 0);
    if (isGranted === undefined) return;
    if (this.role === "preCandidate") this.startElection(false, false);
    else this.becomeLeader();
  }

  private onAppend(message: Of<"append">): void {
    this.follow(message.from);
    const { from: to, previousIndex, previousTerm } = message;
    if (previousIndex < this.log.committed) {
      this.acknowledge(to, this.log.committed);
      return;
    }
    const last = this.log.merge(previousIndex, previousTerm, message.entries);
    if (last === undefined) {
      const hint = this.log.findConflict(previousIndex, previousTerm);
      const { index: hintIndex, term: hintTerm } = hint;
      this.promise({ type: "appendReject", to, rejected: previousIndex, hintIndex, hintTerm });
      return;
    }
    this.learnCommit(message.commit, last);
    this.acknowledge(to, last);
  }

  private acknowledge(to: number, index: number): void {
    this.promise({ type: "appendResponse", to, index });
  }

  private onAppendResponse(message: Of<"appendResponse">): void {
    const progress = this.heard(message);
    if (progress === undefined) return;
    const probing = progress.state === "probe";
    const advanced = progress.acknowledge(message.index);
    if (probing || (progress.state === "snapshot" && progress.match + 1 >= this.log.first)) {
      progress.becomeReplicate();
    }
    if (!advanced) return;
    this.maybeCommit();
    if (this.transferee === message.from && progress.match === this.log.last) {
      this.send({ type: "timeoutNow", to: message.from });
    }
  }

  private onAppendReject(message: Of<"appendReject">): void {
    const progress = this.heard(message);
    if (progress === undefined) return;
    // Fast backtracking: skips whole terms in which the logs can't agree (thesis 3.5; etcd-io/raft `findConflictByTerm`).
    const agreeAtMost = this.log.findConflict(message.hintIndex, message.hintTerm).index;
    progress.reject(message.rejected, Math.min(agreeAtMost, message.hintIndex));
  }

  private onHeartbeatResponse(message: Of<"heartbeatResponse">): void {
    const progress = this.heard(message);
    if (progress === undefined) return;
    progress.answered = true;
    if (message.round <= progress.round) return;
    progress.round = message.round;
    this.confirmReads();
  }

  private heard({ from }: Of<"appendResponse" | "appendReject" | "heartbeatResponse">): Progress | undefined {
    const progress = this.tracker.progress.get(from);
    if (progress === undefined) return undefined;
    progress.recentlyActive = true;
    if (progress.down) {
      progress.down = false;
      progress.paused = false;
    }
    return progress;
  }

  /** Ids are never given twice, so who has one and is not there was removed. */
  private wasRemoved(id: number): boolean {
    const { members, lastId } = this.membership;
    return id <= lastId && !members.some((one) => one.id === id);
  }

  private onSnapshot(message: Of<"snapshot">): void {
    this.follow(message.from);
    const { snapshot, from: to } = message;
    if (snapshot.index > this.log.committed) {
      if (this.log.term(snapshot.index) === snapshot.term) {
        // The log has it all: only the news that it is committed is new.
        this.log.commitTo(snapshot.index);
      } else {
        this.log.restore(snapshot);
        this.configure(snapshot.membership);
        this.pendingSnapshot = snapshot;
      }
    }
    this.acknowledge(to, this.log.committed);
  }

  // ---- commit and reads, as leader ----------------------------------------------------------------------------------

  private leaderAcknowledges(): void {
    const own = this.tracker.progress.get(this.id);
    if (own !== undefined && own.acknowledge(this.log.stable)) this.maybeCommit();
  }

  private maybeCommit(): void {
    const index = this.tracker.reached((progress) => progress.match);
    // Only an entry of the own term is committed by counting (thesis 3.6.2).
    if (index <= this.log.committed || this.log.term(index) !== this.term) return;
    this.log.commitTo(index);
    for (const read of this.reads.takeEarly()) this.takeRead(read.from, read.context);
  }

  private takeRead(from: number, context: number): void {
    if (this.log.term(this.log.committed) !== this.term) {
      this.reads.postpone(from, context);
      return;
    }
    if (this.tracker.quorum === 1 && this.tracker.isVoter(this.id)) {
      this.answerRead(from, context, this.log.committed);
      return;
    }
    this.heartbeatDue = true;
    this.reads.add(from, context, this.log.committed);
  }

  private confirmReads(): void {
    const { round } = this.reads;
    const reached = this.tracker.reached((progress, member) => (member === this.id ? round : progress.round));
    for (const read of this.reads.takeConfirmed(reached)) this.answerRead(read.from, read.context, read.index);
  }

  private answerRead(from: number, context: number, index: number): void {
    if (from === this.id) this.readStates.push({ context, index });
    else this.send({ type: "readIndexResponse", to: from, context, index });
  }
}
