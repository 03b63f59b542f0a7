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
 * pipelined appends with a window (10.2.1). Learners are members that count for nothing; changing the membership goes
 * through `Membership` in the snapshot and is for later. Whose disk was lost counts for nothing either, until it has made
 * good for what it has forgotten: `recovery.ts`.
 */
import { invariant } from "../bytes.ts";
import { RaftLog } from "./log.ts";
import { Outbox } from "./outbox.ts";
import { Progress } from "./progress.ts";
import { Reads } from "./reads.ts";
import { Recovery } from "./recovery.ts";
import type {
  Body,
  Entry,
  HardState,
  Membership,
  Message,
  Persist,
  ReadState,
  Ready,
  Snapshot,
  SnapshotMeta,
} from "./types.ts";

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** How much of what is applied is kept. */
export interface TrimLimits {
  readonly catchUpEntries: number;
  readonly catchUpBytes: number;
  /** All that the log holds at most for a member that is there, and behind. */
  readonly snapshotBytes: number;
}

export interface RaftOptions {
  readonly id: number;
  /** Ticks without a word from a leader after which a follower stands for election; a random one to two times that. */
  readonly electionTicks: number;
  /** Ticks between two heartbeats of a leader. */
  readonly heartbeatTicks: number;
  /** Data of entries in one message, unless a single entry is larger. */
  readonly messageBytesMax: number;
  /** Appends under way to one member. */
  readonly inflightMax: number;
  /** For the spread of election timeouts; differs between members. */
  readonly seed: number;
}

/** What a member finds on its disk. */
export interface Recovered {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta;
  readonly entries: readonly Entry[];
}

/** Questions about a lost disk are no part of any term. */
type Termed = Exclude<Message, { readonly type: "recovery" | "recoveryResponse" }>;
type Of<Type extends Message["type"]> = Extract<Message, { readonly type: Type }>;

export class Raft {
  readonly id: number;
  private readonly options: RaftOptions;
  private membership: Membership;
  readonly log: RaftLog;

  role: Role = "follower";
  term: number;
  /** Whom this member follows; 0 when it knows no leader. */
  leader = 0;
  private vote: number;
  private votes: Map<number, boolean> = new Map();
  private progress: Map<number, Progress> = new Map();
  /** To whom leadership is being handed; no proposals meanwhile. */
  private transferee = 0;

  private electionElapsed = 0;
  private recoveryElapsed = 0;
  private heartbeatElapsed = 0;
  private electionTimeout = 0;
  private randomState: number;

  private heartbeatDue = false;
  private readonly reads: Reads = new Reads();

  /** Set while this member has no vote: see `HardState.recovering`. */
  private recovery: Recovery | undefined;
  /** Others that said that they are recovering, and how many ticks ago; each says it every election timeout. */
  private readonly recoveringOthers: Map<number, number> = new Map();
  private savedTerm: number;
  private savedVote: number;
  /** What of it is on disk for sure. */
  private durable: { readonly term: number; readonly vote: number };
  /** As leader: what was committed when it was elected. */
  private committedBefore = 0;
  private savedRecovering: boolean;
  private pendingSnapshot: Snapshot | undefined;
  private snapshotUnderWay = false;
  private persisting = false;
  private readonly outbox: Outbox = new Outbox();
  private readStates: ReadState[] = [];

  constructor(options: RaftOptions, recovered: Recovered) {
    this.options = options;
    this.id = options.id;
    this.randomState = options.seed >>> 0;
    this.membership = recovered.snapshot.membership;
    this.log = new RaftLog(recovered.snapshot, recovered.entries);
    this.term = recovered.hardState.term;
    this.vote = recovered.hardState.vote;
    this.savedTerm = this.term;
    this.savedVote = this.vote;
    this.durable = { term: this.term, vote: this.vote };
    this.savedRecovering = recovered.hardState.recovering;
    if (this.savedRecovering) this.recovery = new Recovery(this.otherVoters);
    invariant(this.term >= this.log.lastTerm, `term ${this.term} below the log's ${this.log.lastTerm}`);
    this.log.commitTo(Math.min(recovered.hardState.commit, this.log.last));
    this.becomeFollower(this.term, 0);
    this.askToRecover();
  }

  // ---- what the shell does ------------------------------------------------------------------------------------------

  /** The clock moved by one tick. After a stall: deliver the messages that waited first, and then one tick only. */
  tick(): void {
    this.electionElapsed++;
    for (const [other, ticks] of this.recoveringOthers) {
      if (ticks > 3 * this.options.electionTicks) this.recoveringOthers.delete(other);
      else this.recoveringOthers.set(other, ticks + 1);
    }
    if (this.recovery !== undefined && ++this.recoveryElapsed >= this.options.electionTicks) this.askToRecover();
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
    const progress = this.progress.get(to);
    if (this.role !== "leader" || to === this.id || progress?.counts !== true) return false;
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
    const ahead = [...this.progress].filter(
      ([id, { learner, recentlyActive, match }]) =>
        id !== this.id && !learner && recentlyActive && match > this.log.stable,
    );
    if (ahead.length < this.quorum()) return;
    const [heir] = ahead.reduce((best, one) => (one[1].match > best[1].match ? one : best));
    this.transferLeader(heir);
  }

  /** The runtime says that `member` has died: a sure sign, unlike silence. */
  peerDown(member: number): void {
    if (this.role === "leader") {
      const progress = this.progress.get(member);
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
    const progress = this.progress.get(to);
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
      return Math.min(...Array.from(this.progress.values(), ({ lacksFrom = Infinity }) => lacksFrom));
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
    const ready: Ready = {
      messages: this.outbox.take(this.term, { ...this.durable, last: this.log.stable }),
      // After a snapshot the state machine is behind the log until it is restored.
      committed: this.pendingSnapshot === undefined && !this.snapshotUnderWay ? this.log.takeCommitted() : [],
      readStates: this.readStates,
      snapshotsFor,
      persist,
    };
    this.readStates = [];
    return ready;
  }

  private get otherVoters(): readonly number[] {
    return this.membership.voters.filter((voter) => voter !== this.id);
  }

  private get mayStand(): boolean {
    return this.membership.voters.includes(this.id) && !this.isRecovering;
  }

  /** Its disk was lost and it has no vote: see `recovery.ts`. */
  get isRecovering(): boolean {
    return this.recovery !== undefined;
  }

  /** Voters known to have no vote, this member included. */
  get recovering(): readonly number[] {
    return this.membership.voters.filter((voter) =>
      voter === this.id ? this.isRecovering : this.recoveringOthers.has(voter),
    );
  }

  /** As a recovering member: the voters that have not answered its newest question. */
  get unanswered(): readonly number[] {
    return this.recovery?.silent ?? [];
  }

  /** So many disks were lost at the same time that there can't be a leader any more. */
  get isQuorumLost(): boolean {
    return this.leader === 0 && this.membership.voters.length - this.recovering.length < this.quorum();
  }

  /**
   * As follower: the leader says that `commit` is committed. It holds for this log only as far as that is known to be the
   * leader's: up to `verified`.
   */
  private learnCommit(commit: number, verified: number): void {
    this.log.commitTo(Math.min(commit, verified));
    if (this.recovery?.isDone(commit, this.log.committed) === true) this.recovery = undefined;
  }

  /** Up to here this log is known to be the leader's: a log that ends with an entry of a term is that term's (thesis 3.5). */
  private get verified(): number {
    return this.log.lastTerm === this.term ? this.log.last : this.log.committed;
  }

  // ---- what comes out -----------------------------------------------------------------------------------------------

  private takePersist(): Persist | undefined {
    const { isRecovering: recovering } = this;
    const changed = this.term !== this.savedTerm || this.vote !== this.savedVote || recovering !== this.savedRecovering;
    if (!changed && !this.log.hasUnstable && this.pendingSnapshot === undefined) return undefined;
    this.persisting = true;
    this.savedTerm = this.term;
    this.savedVote = this.vote;
    this.savedRecovering = recovering;
    this.outbox.persisting();
    const snapshot = this.pendingSnapshot;
    this.pendingSnapshot = undefined;
    this.snapshotUnderWay = snapshot !== undefined;
    return {
      snapshot,
      entries: this.log.takeUnstable(),
      hardState: { term: this.term, vote: this.vote, commit: this.log.committed, recovering },
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
    for (const [member, progress] of this.progress) {
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
    const previousTerm = this.log.term(previousIndex);
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
    this.progress = new Map();
    this.transferee = 0;
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
    for (const to of this.membership.voters) {
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
    for (const [list, learner] of [
      [this.membership.voters, false],
      [this.membership.learners, true],
    ] as const) {
      for (const member of list) {
        this.progress.set(member, new Progress(this.log.last + 1, learner, this.recoveringOthers.has(member)));
      }
    }
    // Thesis 6.4: an entry of the own term shows what is committed.
    this.log.append(this.term, new Uint8Array(0));
  }

  private tickLeader(): void {
    this.heartbeatElapsed++;
    if (this.electionElapsed >= this.options.electionTicks) {
      this.electionElapsed = 0;
      this.transferee = 0;
      // Check-quorum (thesis 6.2): a leader that hears of no majority must not believe that it still leads.
      let active = 0;
      for (const [member, progress] of this.progress) {
        if (progress.counts && (member === this.id || progress.recentlyActive)) active++;
        progress.looked();
      }
      if (active < this.quorum()) {
        this.becomeFollower(this.term, 0);
        return;
      }
    }
    if (this.heartbeatElapsed >= this.options.heartbeatTicks) {
      this.heartbeatElapsed = 0;
      this.heartbeatDue = true;
      for (const [member, progress] of this.progress) if (member !== this.id) progress.heartbeat(this.log.last);
    }
  }

  private quorum(): number {
    return Math.floor(this.membership.voters.length / 2) + 1;
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
    if (message.type === "recovery") return this.onRecovery(message);
    if (message.type === "recoveryResponse") return this.onRecoveryResponse(message);
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
        return this.send({
          type: "heartbeatResponse",
          to: message.from,
          round: message.round,
          recovering: this.isRecovering,
        });
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
        if (this.role === "follower" && this.mayStand) this.startElection(false, true);
        return;
    }
  }

  /** False when the message is to be ignored. */
  private meetsHigherTerm(message: Termed): boolean {
    switch (message.type) {
      case "vote": {
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
        this.promise({
          type: "appendReject",
          to: message.from,
          rejected: 0,
          hintIndex: 0,
          hintTerm: 0,
          recovering: this.isRecovering,
        });
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
    const granted = free && !this.isRecovering && this.log.isUpToDate(message.lastIndex, message.lastTerm);
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
    let granted = 0;
    let refused = 0;
    for (const voter of this.membership.voters) {
      const vote = this.votes.get(voter);
      if (vote === true) granted++;
      else if (vote === false) refused++;
    }
    if (granted >= this.quorum()) {
      if (this.role === "preCandidate") this.startElection(false, false);
      else this.becomeLeader();
    } else if (refused >= this.quorum()) {
      this.becomeFollower(this.term, 0);
    }
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
      this.promise({
        type: "appendReject",
        to,
        rejected: previousIndex,
        hintIndex: hint.index,
        hintTerm: hint.term,
        recovering: this.isRecovering,
      });
      return;
    }
    this.learnCommit(message.commit, last);
    this.acknowledge(to, last);
  }

  private acknowledge(to: number, index: number): void {
    this.promise({ type: "appendResponse", to, index, recovering: this.isRecovering });
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

  private heard({
    from,
    recovering,
  }: Of<"appendResponse" | "appendReject" | "heartbeatResponse">): Progress | undefined {
    this.noteRecovering(from, recovering);
    const progress = this.progress.get(from);
    if (progress === undefined) return undefined;
    progress.recentlyActive = true;
    if (progress.down) {
      progress.down = false;
      progress.paused = false;
    }
    return progress;
  }

  // ---- lost disks ---------------------------------------------------------------------------------------------------

  private askToRecover(): void {
    if (this.recovery === undefined) return;
    this.recoveryElapsed = 0;
    const nonce = this.random(2 ** 31);
    this.recovery.ask(nonce);
    for (const to of this.otherVoters) {
      this.send({ type: "recovery", to, nonce, lastIndex: this.log.last });
    }
  }

  private onRecovery({ from: to, nonce, lastIndex }: Of<"recovery">): void {
    this.noteRecovering(to, true);
    // Lost once more since it acknowledged that.
    if (lastIndex < (this.progress.get(to)?.match ?? 0)) this.forget(to, true);
    this.send({ type: "recoveryResponse", to, nonce, lastIndex: this.log.last, recovering: this.isRecovering });
  }

  private onRecoveryResponse({ from, term, nonce, lastIndex, recovering }: Of<"recoveryResponse">): void {
    this.noteRecovering(from, recovering);
    if (recovering) return;
    const reached = this.recovery?.take(from, nonce, { term, lastIndex });
    if (reached === undefined || reached < this.term) return;
    if (reached > this.term) this.becomeFollower(reached, 0);
    // Its former self may have voted in this term.
    this.vote = this.id;
  }

  /** What a leader knew of a member's log is void when its disk is lost, and so is what it told without a vote. */
  private noteRecovering(member: number, recovering: boolean): void {
    if (recovering) this.recoveringOthers.set(member, 0);
    else this.recoveringOthers.delete(member);
    const progress = this.progress.get(member);
    if (progress !== undefined && progress.recovering !== recovering) this.forget(member, recovering);
  }

  private forget(member: number, recovering: boolean): void {
    const learner = this.membership.learners.includes(member);
    this.progress.set(member, new Progress(this.log.last + 1, learner, recovering));
    if (recovering && this.transferee === member) this.transferee = 0;
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
        this.membership = snapshot.membership;
        this.pendingSnapshot = snapshot;
      }
    }
    this.acknowledge(to, this.log.committed);
  }

  // ---- commit and reads, as leader ----------------------------------------------------------------------------------

  private leaderAcknowledges(): void {
    const own = this.progress.get(this.id);
    if (own !== undefined && own.acknowledge(this.log.stable)) this.maybeCommit();
  }

  /** The largest value that a majority of the voters has reached. */
  private reachedByQuorum(value: (progress: Progress, member: number) => number): number {
    const values: number[] = [];
    for (const [member, progress] of this.progress) {
      if (!progress.learner) values.push(progress.recovering ? 0 : value(progress, member));
    }
    values.sort((a, b) => b - a);
    return values[this.quorum() - 1] as number;
  }

  private maybeCommit(): void {
    const index = this.reachedByQuorum((progress) => progress.match);
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
    if (this.quorum() === 1) {
      this.answerRead(from, context, this.log.committed);
      return;
    }
    this.heartbeatDue = true;
    this.reads.add(from, context, this.log.committed);
  }

  private confirmReads(): void {
    const { round } = this.reads;
    const reached = this.reachedByQuorum((progress, member) => (member === this.id ? round : progress.round));
    for (const read of this.reads.takeConfirmed(reached)) this.answerRead(read.from, read.context, read.index);
  }

  private answerRead(from: number, context: number, index: number): void {
    if (from === this.id) this.readStates.push({ context, index });
    else this.send({ type: "readIndexResponse", to: from, context, index });
  }
}
