/**
 * One member: carries what Raft, the store and the disk decide, in the order that `Ready` demands. Everything that comes
 * in changes state at once and asks for a turn of the pump; what gathers while a sync runs goes together into the next.
 */
import type { Alarm, EtcdMethods, MemberStatus } from "../../protocols/etcd.ts";
import type { InkubeError } from "../../protocols/errors.ts";
import { hasCode } from "../../protocols/errors.ts";
import type { Context, Ref, Why } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import { ByteWriter, invariant } from "./core/bytes.ts";
import type { Command } from "./core/mvcc/command.ts";
import { readBatches } from "./core/mvcc/command.ts";
import { etcdError } from "../../protocols/etcd-errors.ts";
import { decodeStore, encodeStore, StoreEncoder } from "./core/mvcc/state-codec.ts";
import type { StateMachine } from "./core/mvcc/state-machine.ts";
import type { Raft } from "./core/raft/raft.ts";
import type { AppliedChange, Entry, Message, Persist, Snapshot } from "./core/raft/types.ts";
import { PIECE_BYTES, SnapshotWriter } from "./core/wal/snapshot-file.ts";
import type { Alarms } from "./alarms.ts";
import { MemberMetrics } from "./etcd-metrics.ts";
import { Leases } from "./leases.ts";
import { GroupChanges } from "./group-changes.ts";
import { LostDisks } from "./lost-disks.ts";
import type { Peers } from "./peers.ts";
import type { Read, Sent } from "./requests.ts";
import { Reads, Writes } from "./requests.ts";
import type { EtcdOptions } from "./spec.ts";
import type { Storage } from "./storage.ts";
import { Watches } from "./watches.ts";

/** API version that is reported; its watch progress has the semantics that kube-apiserver looks for in it. */
const VERSION = "3.6.0";
/** Attempts at an election that follow each other quickly; later ones come from Raft's own timeout. */
const CAMPAIGNS_MAX = 20;
const HOUSEKEEPING_MS = 500;
const COMPACTION_CHECK_MS = 3_000;
/** A step of encoding takes about a millisecond, and as much is left for requests. */
const SNAPSHOT_STEP_PIECES = 4;
const SNAPSHOT_PAUSE_MS = 1;
/** How long after a snapshot that found no room on the disk another one is made. */
const SNAPSHOT_RETRY_MS = 10_000;

export class Member {
  readonly writes: Writes;
  readonly reads: Reads;
  readonly watches: Watches;
  readonly alarms: Alarms;
  readonly changes: GroupChanges;
  readonly lostDisks: LostDisks;
  /** Told once, when the group has removed this member. */
  onRemoved: () => void = () => undefined;
  readonly raft: Raft;
  readonly peers: Peers;
  readonly leases: Leases;
  readonly machine: StateMachine;
  /** Where etcd's own clients reach it. */
  clientUrls: readonly string[] = [];
  private readonly ctx: Context<EtcdOptions>;
  private readonly storage: Storage;
  /** Commands of the leader's own. They are proposed by it in its term or not at all: a later leader knows better. */
  private own: Command[] = [];

  private pumping = false;
  private turnAsked = false;
  private stopped = false;
  private persistUnderWay: Promise<void> | undefined;
  /** The batch on its way to the leader: one at a time, and void with the leader's term. */
  private forwarding: AbortController | undefined;
  /** What else was passed on to the leader of this term. */
  private readonly passedOn: Set<AbortController> = new Set();
  /** Batches of followers that wait to be proposed. */
  private forwarded: Uint8Array[] = [];
  private savingSnapshot = false;
  private snapshotIndex: number;
  /** What the store has; behind Raft's while a leader's snapshot is being written. */
  private appliedIndex: number;

  /** What the election under way goes on because of; noted only while there is one, since nothing else here is done for a reason. */
  private electionWhy: Why = "";
  private knownLeader = 0;
  private knownTerm = 0;
  private leaderlessSinceMs: number;
  private campaigns = 0;
  private campaignTimer: Timer | undefined;
  private leaderWaiters: (() => void)[] = [];
  private readonly metrics: MemberMetrics;
  private timers: Timer[] = [];
  private wasRemoved = false;

  constructor(
    ctx: Context<EtcdOptions>,
    parts: {
      readonly raft: Raft;
      readonly peers: Peers;
      readonly machine: StateMachine;
      readonly storage: Storage;
      readonly alarms: Alarms;
    },
  ) {
    this.ctx = ctx;
    this.alarms = parts.alarms;
    this.alarms.set(true);
    this.raft = parts.raft;
    this.peers = parts.peers;
    this.machine = parts.machine;
    this.storage = parts.storage;
    const { requestsMax, watchBufferMax } = ctx.options;
    // Tells this incarnation's commands from those of earlier ones, which may still be in the log.
    this.writes = new Writes(ctx.random.below(2 ** 48), requestsMax);
    this.reads = new Reads(requestsMax);
    this.watches = new Watches(this.machine, watchBufferMax);
    this.leases = new Leases(ctx, this.machine);
    this.snapshotIndex = this.raft.log.applied;
    this.appliedIndex = this.raft.log.applied;
    this.leaderlessSinceMs = ctx.clock.monotonicMs();
    this.lostDisks = new LostDisks(ctx);
    this.changes = new GroupChanges({
      raft: this.raft,
      clusterId: this.peers.clusterId,
      header: () => this.machine.header(),
      askForTurn: () => this.askForTurn(),
    });
    this.peers.onDown = (id) => this.peerDown(id);
    this.peers.configure(this.raft.members);
    this.storage.onFull = () => this.diskFull();
    this.metrics = new MemberMetrics(ctx, {
      raft: this.raft,
      peers: this.peers,
      machine: this.machine,
      version: VERSION,
      appliedIndex: () => this.appliedIndex,
      proposals: () => ({ pending: this.writes.size, failed: this.writes.failed }),
      watchers: () => this.watches.counts,
    });
  }

  start(): void {
    const { clock, options } = this.ctx;
    this.timers = [
      clock.every(options.tickMs, () => this.tick()),
      clock.every(HOUSEKEEPING_MS, () => this.keepHouse()),
      clock.every(options.progressMs, () => this.watches.progress()),
      clock.every(COMPACTION_CHECK_MS, () => this.compactOld()),
    ];
    this.ctx.trace.because(this.ctx.trace.started, () => this.campaignSoon());
    this.pump();
  }

  // ---- what comes in ------------------------------------------------------------------------------------------------

  /**
   * Errors: ETCD_NO_LEADER (when there has been none for long), ETCD_NO_SPACE (when the disk is full), ETCD_TIMEOUT,
   * ETCD_TOO_MANY_REQUESTS, and those of the command.
   */
  write<Reply>(command: Command): Promise<Reply> {
    this.checkRoom();
    this.checkLeader();
    const reply = this.writes.submit<Reply>(command);
    this.askForTurn();
    return reply;
  }

  read(read: Read): void {
    this.checkLeader();
    this.reads.add(read);
    this.askForTurn();
  }

  /** What `view` makes of the state, which is at least as new as the request. Errors: as those of `read`. */
  view<T>(view: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => this.read({ type: "view", view, resolve, reject }));
  }

  /**
   * Passes a request of its own kind on to the leader. Errors: ETCD_LEADER_CHANGED as soon as there is another leader or
   * none, which the one that was asked, cut off, may never say; and those of the call.
   */
  async askLeader<Reply>(ask: (leader: Ref<EtcdMethods>, signal: AbortSignal) => Promise<Reply>): Promise<Reply> {
    const passedOn = new AbortController();
    this.passedOn.add(passedOn);
    try {
      return await ask(this.peers.ref(this.raft.leader), passedOn.signal);
    } catch (error) {
      throw passedOn.signal.aborted ? etcdError("ETCD_LEADER_CHANGED") : error;
    } finally {
      this.passedOn.delete(passedOn);
    }
  }

  /** Batches of a follower. Errors: ETCD_NO_LEADER when this member doesn't lead, ETCD_NO_SPACE. */
  takeForwarded(batches: readonly Uint8Array[]): void {
    this.checkRoom();
    if (this.raft.role !== "leader") throw etcdError("ETCD_NO_LEADER");
    this.forwarded.push(...batches);
    this.askForTurn();
  }

  /** Messages of the member with number `from`, which is the actor `name`. */
  step(messages: readonly Message[], from: number, name: string): void {
    this.peers.heard(from, name);
    this.lostDisks.heard(name);
    for (const message of messages) this.raft.step(message);
    this.askForTurn();
  }

  private peerDown(id: number): void {
    this.raft.peerDown(id);
    this.wakeLeaderWaiters();
    this.askForTurn();
  }

  private checkRoom(): void {
    if (this.storage.full !== undefined) throw this.noSpace();
  }

  private noSpace(): InkubeError {
    const { path, message } = this.noSpaceAlarm();
    return etcdError("ETCD_NO_SPACE", { path }, message);
  }

  private noSpaceAlarm(): Alarm {
    const path = this.ctx.disk.root;
    const because = this.storage.full?.message ?? "";
    const message = `the disk of ${this.ctx.options.name} is full: ${path}: ${because}; reads go on, and writes as soon as there is room`;
    return { type: "NOSPACE", path, message };
  }

  /** The disk has become full, or has room again. */
  private diskFull(): void {
    if (this.storage.full === undefined) {
      this.ctx.log.warn("there is room on the disk again", { path: this.ctx.disk.root });
      return this.alarms.set(true);
    }
    const alarm = this.noSpaceAlarm();
    this.ctx.log.error("the disk is full", { path: alarm.path, reason: alarm.message });
    this.alarms.set(true, alarm);
    this.writes.failWaiting(this.noSpace());
    this.writes.failSent(etcdError("ETCD_TIMEOUT", { path: alarm.path }, alarm.message));
    this.answerReads();
  }

  private checkLeader(): void {
    const lost = this.quorumLost();
    if (lost !== undefined) throw lost;
    if (this.knownLeader === 0 && this.leaderlessMs() > this.ctx.options.leaderWaitMs) {
      throw etcdError("ETCD_NO_LEADER");
    }
  }

  private quorumLost(): InkubeError | undefined {
    if (this.knownLeader !== 0) return undefined;
    const voters = this.peers.voters.map((id) => this.peers.name(id));
    return this.lostDisks.quorumLost(voters, this.leaderlessMs());
  }

  /** Since when no leader is known; what it was the last time while one is. */
  leaderlessMs(): number {
    return this.ctx.clock.monotonicMs() - this.leaderlessSinceMs;
  }

  /** One turn of the pump once all messages that came together are taken in. */
  private askForTurn(): void {
    if (this.knownLeader === 0 || this.leaderChanged) this.electionWhy = this.ctx.trace.why();
    if (this.turnAsked) return;
    this.turnAsked = true;
    this.ctx.spawn(async () => {
      await Promise.resolve();
      this.turnAsked = false;
      const why = this.electionWhy;
      this.electionWhy = "";
      if (why === "") this.pump();
      else this.ctx.trace.because(why, () => this.pump());
    });
  }

  // ---- the pump -----------------------------------------------------------------------------------------------------

  private pump(): void {
    if (this.pumping || this.stopped) return;
    this.pumping = true;
    for (let again = true; again;) {
      // First, so that what is sent to a new leader isn't taken for what was sent to the old one.
      if (this.leaderChanged) this.noticeLeader();
      this.propose();
      if (this.reads.isWaiting) {
        this.reads.start(this.ctx.clock.monotonicMs(), (context) => this.raft.readIndex(context));
      }
      const ready = this.raft.ready();
      this.peers.send(ready.messages);
      this.apply(ready.committed);
      if (ready.changes.length > 0) this.groupChanged(ready.changes);
      for (const { context, index } of ready.readStates) this.reads.confirm(context, index);
      this.answerReads();
      if (ready.persist !== undefined) this.persist(ready.persist);
      this.sendSnapshots(ready.snapshotsFor);
      again = this.leaderChanged || ready.snapshotsFor.length > 0 || ready.changes.length > 0;
    }
    this.pumping = false;
    this.maybeSaveSnapshot();
    if (!this.raft.isRemoved || this.wasRemoved) return;
    this.wasRemoved = true;
    this.onRemoved();
  }

  private groupChanged(changes: readonly AppliedChange[]): void {
    const { raft, ctx } = this;
    this.peers.configure(raft.members);
    for (const { index, changed } of changes) {
      if (changed.refusal !== undefined) continue;
      const { id, name, learner } = changed.peer;
      ctx.trace.event("group-changed", `etcd/${index}`, { member: name, id, learner });
    }
    this.changes.applied(changes);
  }

  /** Gives what has gathered to Raft as one entry, or to the leader as one call. */
  private propose(): void {
    const { raft, writes } = this;
    if (raft.role === "leader") {
      if (this.persistUnderWay !== undefined) return;
      if (!raft.isAccepting) return;
      for (const command of this.own.splice(0)) this.writeAside(command);
      const batches = this.forwarded;
      if (batches.length === 0 && writes.waiting === 0) return;
      this.forwarded = [];
      if (writes.waiting > 0) batches.push(writes.take().bytes);
      raft.propose(joinBatches(batches, this.ctx.options.batchBytesMax));
    } else if (writes.waiting > 0 && raft.leader !== 0 && this.forwarding === undefined) {
      this.forward(writes.take(), raft.leader);
    }
  }

  private forward(sent: Sent, leader: number): void {
    const forwarding = new AbortController();
    this.forwarding = forwarding;
    this.ctx.spawn(async () => {
      try {
        await this.peers.ref(leader).call("forward", { proposals: [sent.bytes] }, { signal: forwarding.signal });
      } catch (error) {
        if (!hasCode(error)) throw error;
        const refused = hasCode(error, "ETCD_NO_LEADER", "MAILBOX_FULL");
        const full = hasCode(error, "ETCD_NO_SPACE");
        this.writes.fail(sent, full ? error : etcdError(refused ? "ETCD_NO_LEADER" : "ETCD_LEADER_CHANGED"));
      }
      if (this.forwarding !== forwarding) return;
      this.forwarding = undefined;
      this.pump();
    });
  }

  private persist(persist: Persist): void {
    const done = this.storage.append(persist);
    this.persistUnderWay = done;
    // Votes leave when they are on the disk.
    const why = this.knownLeader === 0 ? this.ctx.trace.why() : "";
    this.ctx.spawn(async () => {
      await done;
      this.persistUnderWay = undefined;
      if (persist.snapshot !== undefined) this.restore(persist.snapshot);
      this.raft.persisted();
      this.changes.persisted(persist.hardState.commit);
      this.ctx.trace.because(why, () => this.pump());
    });
  }

  private restore(snapshot: Snapshot): void {
    this.machine.store = decodeStore(snapshot.data);
    this.peers.configure(this.raft.members);
    this.snapshotIndex = snapshot.index;
    this.appliedIndex = snapshot.index;
    this.watches.restored();
    this.ctx.trace.event("snapshot-restored", `etcd/${snapshot.index}`, { term: snapshot.term });
  }

  private apply(entries: readonly Entry[]): void {
    for (const { data, index, type } of entries) {
      invariant(index === this.appliedIndex + 1, `entry ${index} applied after ${this.appliedIndex}`);
      if (type === "command" && data.length > 0) readBatches(data, this.applyOne);
      this.appliedIndex = index;
    }
    if (entries.length === 0) return;
    this.watches.flush();
    this.raft.trimLog(this.ctx.options);
  }

  private readonly applyOne = (command: Command, origin: number, sequence: number): void => {
    if (command.type === "compact") this.watches.flush();
    const mine = origin === this.writes.origin && this.writes.awaits(sequence);
    const result = this.machine.apply(command, mine);
    if (mine) this.writes.settle(sequence, result);
    this.leases.applied(command);
  };

  private answerReads(): void {
    for (const read of this.reads.takeAnswerable(this.appliedIndex)) {
      try {
        this.answer(read);
      } catch (error) {
        if (!hasCode(error)) throw error;
        read.reject(error);
      }
    }
    if (this.storage.full !== undefined) this.turnAway();
  }

  /** What the others have agreed on does not come to this disk now: who waits for it is to ask another member. */
  private turnAway(): void {
    const behind = this.reads.takeConfirmed();
    if (behind.length === 0) return;
    for (const read of behind) read.reject(this.noSpace());
    this.watches.endAll(this.noSpace());
  }

  private answer(read: Read): void {
    switch (read.type) {
      case "range":
        return read.resolve(this.machine.range(read.request) as never);
      case "view":
        return read.resolve(read.view() as never);
      case "revision":
        // Whoever asks holds caches: what they wait for goes out ahead of the answer.
        this.watches.progress(read.owner);
        return read.resolve({ revision: this.machine.store.revision } as never);
      case "keepAlive":
        return this.leases.keepAlive(read);
    }
  }

  // ---- leaders ------------------------------------------------------------------------------------------------------

  /** Whether another leader, or none, is known since the last look. */
  private get leaderChanged(): boolean {
    const { leader, term } = this.raft;
    return leader !== this.knownLeader || (leader !== 0 && term !== this.knownTerm);
  }

  private noticeLeader(): void {
    const { leader, term } = this.raft;
    const wasLeaderless = this.knownLeader === 0;
    const { trace } = this.ctx;
    // Who has just begun learns it of a heartbeat, which nothing has caused: it is because he began.
    const isFirst = this.knownTerm === 0 && leader !== this.peers.self;
    const why = isFirst ? trace.started : trace.why();
    this.knownLeader = leader;
    this.knownTerm = term;
    this.machine.term = term;
    this.forwarded = [];
    this.own = [];
    this.forwarding?.abort();
    this.forwarding = undefined;
    for (const one of this.passedOn) one.abort();
    this.changes.leaderChanged();
    this.writes.failSent(etcdError("ETCD_LEADER_CHANGED"));
    this.reads.retry();
    this.campaignTimer?.cancel();
    this.leases.leaderChanged(leader === this.peers.self);
    const fields = { leader: this.peers.name(leader) };
    if (leader !== 0) this.metrics.leaderChanged();
    const noticed = trace.event(leader === 0 ? "leader-lost" : "leader-known", `etcd/term-${term}`, fields, why);
    if (leader === 0) {
      if (!wasLeaderless) this.leaderlessSinceMs = this.ctx.clock.monotonicMs();
      this.campaigns = 0;
      trace.because(noticed, () => this.campaignSoon());
    }
    this.wakeLeaderWaiters();
  }

  private wakeLeaderWaiters(): void {
    for (const wake of this.leaderWaiters.splice(0)) wake();
  }

  /** All members learn at the same moment that there is no leader; they stand one after the other. */
  private campaignSoon(): void {
    if (this.campaigns >= CAMPAIGNS_MAX) return;
    const step = this.ctx.options.campaignStepMs;
    const { random } = this.ctx;
    const first = this.peers.rank * step + random.below(step);
    const delayMs = this.campaigns === 0 ? first : first + 2 * step + random.below(4 * step);
    this.campaigns++;
    const { trace } = this.ctx;
    const why = trace.why();
    const campaign = (): void => {
      if (this.raft.leader !== 0 || this.stopped) return;
      this.raft.campaign();
      this.pump();
      if (this.raft.leader === 0) this.campaignSoon();
    };
    this.campaignTimer = this.ctx.clock.after(delayMs, () => trace.because(why, campaign));
  }

  private tick(): void {
    const { options, clock } = this.ctx;
    this.raft.tick();
    this.reads.retry(clock.monotonicMs() - options.readRetryMs);
    if (this.knownLeader === 0 && this.leaderlessMs() > options.leaderWaitMs) {
      const error = this.quorumLost() ?? etcdError("ETCD_NO_LEADER");
      this.writes.failWaiting(error);
      this.reads.retry();
      this.reads.failWaiting(error);
    }
    this.lostDisks.tell(this.quorumLost());
    this.changes.tick();
    this.watches.catchUp();
    if (this.storage.full !== undefined) this.raft.yieldToWriters();
    this.pump();
  }

  private keepHouse(): void {
    if (this.raft.role !== "leader" || this.storage.full !== undefined) return;
    this.own.push(...this.leases.takeExpired());
    this.askForTurn();
  }

  private compactOld(): void {
    const {
      autoCompactionRevisions: revisions,
      autoCompactionBytes: bytes,
      autoCompactionRevisionsMin: revisionsMin,
    } = this.ctx.options;
    const { store } = this.machine;
    if (revisions === 0 || this.raft.role !== "leader" || this.savingSnapshot || this.storage.full !== undefined)
      return;
    // Some more than is kept, so that a compaction is worth its while.
    if (store.revision - store.compactRevision <= 1.2 * revisions && store.historyBytes <= 1.2 * bytes) return;
    const revision = store.compactionFor({ revisions, bytes, revisionsMin });
    if (revision === undefined) return;
    this.own.push({ type: "compact", revision });
    this.askForTurn();
  }

  /** Adds a write of the member's own to the next batch; one that fails is tried again at the next occasion. */
  private writeAside(command: Command): void {
    const failed = (error: unknown): void => {
      if (!hasCode(error)) throw error;
      this.ctx.log.info("a write of the member's own failed", { type: command.type, code: error.code });
    };
    try {
      const reply = this.writes.submit(command);
      this.ctx.spawn(async () => void (await reply.catch(failed)));
    } catch (error) {
      failed(error);
    }
  }

  /** Resolves when `to` leads, or someone else does not. Errors: ETCD_NO_LEADER, ETCD_LEADER_CHANGED. */
  async moveLeader(to: number): Promise<void> {
    if (this.raft.leader === to && to !== 0) return;
    if (!this.raft.transferLeader(to)) throw etcdError("ETCD_NO_LEADER", undefined, "only the leader can hand over");
    const deadlineMs = this.ctx.clock.monotonicMs() + this.ctx.options.electionTicks * this.ctx.options.tickMs;
    this.askForTurn();
    while (this.raft.leader !== to) {
      const leftMs = deadlineMs - this.ctx.clock.monotonicMs();
      const givenUp = this.raft.role === "leader" && !this.raft.isHandingOver;
      if (leftMs <= 0 || givenUp) throw etcdError("ETCD_LEADER_CHANGED", undefined, "the hand-over failed");
      await new Promise<void>((resolve) => {
        this.leaderWaiters.push(resolve);
        this.ctx.clock.after(leftMs, resolve);
      });
    }
  }

  /** To any voter that lives. Errors: as `moveLeader`. */
  async handOver(): Promise<void> {
    const heir = this.peers.voters.find((id) => id !== this.peers.self && !this.peers.isDown(id));
    if (heir !== undefined) await this.moveLeader(heir);
  }

  // ---- snapshots ----------------------------------------------------------------------------------------------------

  private makeSnapshot(): Snapshot {
    return { ...this.raft.snapshotMeta(), data: encodeStore(this.machine.store) };
  }

  private sendSnapshots(members: readonly number[]): void {
    if (members.length === 0) return;
    const snapshot = this.makeSnapshot();
    for (const member of members) this.raft.sendSnapshot(member, snapshot);
  }

  /** Writes a snapshot when the log has grown, but not more often than the store's size is worth. */
  private maybeSaveSnapshot(): void {
    const { options } = this.ctx;
    const applied = this.appliedIndex;
    if (this.savingSnapshot || this.storage.full !== undefined || applied !== this.raft.log.applied) return;
    const grown = this.storage.bytesSinceSnapshot;
    const due = applied - this.snapshotIndex >= options.snapshotEntries && grown >= this.machine.store.sizeBytes / 4;
    if (!due && (grown < options.snapshotBytes || applied === this.snapshotIndex)) return;
    this.savingSnapshot = true;
    this.ctx.spawn(async () => {
      await this.saveSnapshot();
      this.savingSnapshot = false;
    });
  }

  /** In small steps, so that a large store holds up no one; given up when a compaction comes in between. */
  private async saveSnapshot(): Promise<void> {
    const { options, clock } = this.ctx;
    const { store } = this.machine;
    const meta = this.raft.snapshotMeta();
    const file = new SnapshotWriter(meta);
    const encoder = new StoreEncoder(store, file.writer);
    for (let pieces = 1; !encoder.step(PIECE_BYTES); pieces++) {
      file.cut();
      if (pieces % SNAPSHOT_STEP_PIECES !== 0) continue;
      await clock.sleep(SNAPSHOT_PAUSE_MS);
      if (encoder.isSpoilt || this.machine.store !== store || this.stopped) return;
    }
    if (!(await this.storage.save(meta, file.finish()))) return clock.sleep(SNAPSHOT_RETRY_MS);
    this.snapshotIndex = Math.max(this.snapshotIndex, meta.index);
    this.raft.trimLog(options);
  }

  // ---- the rest -----------------------------------------------------------------------------------------------------

  status(): MemberStatus {
    const { raft, machine } = this;
    machine.term = raft.term;
    return {
      header: machine.header(),
      version: VERSION,
      name: this.ctx.options.name,
      isLearner: this.peers.isLearner,
      leader: this.peers.name(raft.leader),
      raftTerm: raft.term,
      raftIndex: raft.log.committed,
      raftAppliedIndex: this.appliedIndex,
      dbSizeBytes: machine.store.sizeBytes,
      hash: machine.store.hash,
      errors: this.words(),
      alarms: this.activeAlarms(),
      clientUrls: this.clientUrls,
    };
  }

  /** What is wrong with this member. */
  private words(): readonly string[] {
    const lost = this.quorumLost();
    if (lost !== undefined) return [lost.message];
    if (!this.peers.isLearner) return [];
    return [
      `${this.ctx.options.name} has no vote: it takes everything from the others, and votes when it has caught up`,
    ];
  }

  private activeAlarms(): MemberStatus["alarms"] {
    const isOverQuota = this.machine.store.sizeBytes > this.ctx.options.quotaBytes;
    const told = this.alarms.active.map(({ type }) => ({ type }));
    return isOverQuota && told.length === 0 ? [{ type: "NOSPACE" }] : told;
  }

  /** Hands leadership over if it can, lets the sync under way end, and closes the files. */
  async stop(): Promise<void> {
    if (this.raft.role === "leader") {
      try {
        await this.handOver();
      } catch (error) {
        if (!hasCode(error)) throw error;
      }
    }
    this.stopped = true;
    for (const timer of this.timers) timer.cancel();
    this.campaignTimer?.cancel();
    // One that waits for room may wait for ever; it was promised to no one.
    if (this.storage.full === undefined) {
      await this.persistUnderWay;
      await this.storage.close();
    }
    this.writes.failSent(etcdError("ETCD_LEADER_CHANGED"));
    this.writes.failWaiting(etcdError("ETCD_NO_LEADER"));
    this.reads.retry();
    this.reads.failWaiting(etcdError("ETCD_NO_LEADER"));
  }
}

/** Puts batches together into entries of about `bytesMax` at most. */
function joinBatches(batches: readonly Uint8Array[], bytesMax: number): readonly Uint8Array[] {
  if (batches.length === 1) return batches;
  const entries: Uint8Array[] = [];
  const bytes = batches.reduce((sum, batch) => sum + batch.length, 0);
  const writer = new ByteWriter(Math.min(bytes, bytesMax));
  for (const batch of batches) {
    if (writer.length > 0 && writer.length + batch.length > bytesMax) entries.push(writer.take());
    writer.raw(batch);
  }
  entries.push(writer.take());
  return entries;
}
