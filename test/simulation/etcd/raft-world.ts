/**
 * Members of pure Raft on a virtual network and virtual disks, driven from one seed: messages are lost, doubled, delayed
 * and overtaken, links cut, members crash and lose what was not synced. Every step is checked against what Raft promises.
 */
import assert from "node:assert/strict";
import { decodeMessage, encodeMessage } from "../../../actors/etcd/core/raft/message-codec.ts";
import type { Change, Membership } from "../../../actors/etcd/core/raft/membership.ts";
import { foundingMembership, NO_ONE, peerUrl, votersOf } from "../../../actors/etcd/core/raft/membership.ts";
import { checkChange, duePromotion } from "../../../actors/etcd/core/membership-rules.ts";
import { Raft } from "../../../actors/etcd/core/raft/raft.ts";
import type { Entry, Message, Persist, Snapshot } from "../../../actors/etcd/core/raft/types.ts";
import { hasCode } from "../../../protocols/errors.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import type { DiskState } from "./raft-checks.ts";
import { RaftChecks } from "./raft-checks.ts";

const ELECTION_TICKS = 10;
/** Chance per step that those who stand still go on: by then the others have had time to elect a leader. */
const RESUME_SHARE = 0.006;
/** Chance that a leader that has just been asked stands still, where members do: the answers that it waits for wait as well. */
const PAUSE_AFTER_READ_SHARE = 0.2;

class Node {
  raft: Raft | undefined;
  disk: DiskState;
  persist: Persist | undefined;
  /** The state machine: texts of all applied entries. */
  applied: string[] = [];
  appliedIndex = 0;
  readStates: { context: number; index: number }[] = [];

  constructor(membership: Membership) {
    const snapshot = { index: 0, term: 0, membership, data: new Uint8Array(0) };
    this.disk = { hardState: { term: 0, vote: 0, commit: 0 }, snapshot, entries: [] };
  }
}

export interface Faults {
  /** Chances per message. */
  readonly drop: number;
  readonly duplicate: number;
  /** Chance per step that a sync ends. */
  readonly syncEnds: number;
  /** Entries behind which a member compacts; Infinity for never. */
  readonly compactAfter: number;
  /** 1: one entry a message. */
  readonly messageBytesMax: number;
}

export class RaftWorld {
  readonly nodes: Map<number, Node> = new Map();
  readonly random: SeededRandom;
  private faults: Faults;
  private network: { bytes: Uint8Array; from: number; to: number }[] = [];
  private readonly cut: Set<string> = new Set();
  private readonly paused: Set<number> = new Set();
  private readonly checks: RaftChecks;
  private readonly acknowledged: Set<string> = new Set();
  private readonly proposed: Map<string, number> = new Map();
  private maxAckedIndex = 0;
  private readonly reads: Map<number, { node: number; floor: number }> = new Map();
  private nextId = 1;
  answeredReads = 0;
  snapshots = 0;
  lostDisks = 0;
  changes = 0;
  /** Whose disk was lost, and whose place nobody has taken yet. */
  private readonly lost: Set<number> = new Set();
  /** The group as the member that has applied most knows it. */
  private newest: { index: number; membership: Membership };

  /** Members in `late` are started by `start`. */
  constructor(seed: number, size: number, faults: Faults, late: readonly number[] = []) {
    this.checks = new RaftChecks();
    this.random = new SeededRandom(seed, "raft");
    this.faults = faults;
    const ids = Array.from({ length: size }, (_, index) => index + 1);
    const membership = foundingMembership(ids.map((id) => `etcd-${id}`));
    this.newest = { index: 0, membership };
    for (const id of ids) {
      this.nodes.set(id, new Node(membership));
      if (!late.includes(id)) this.start(id);
    }
  }

  get elections(): number {
    return this.checks.elections;
  }

  /** Whether every member has its disk and its vote, and nothing of that is about to change. */
  get isWhole(): boolean {
    const { index, membership } = this.newest;
    // Who knows of the group as it is, and forgets it with a crash, knows the one before.
    const isKnown = membership.members.every(({ id }) => {
      const disk = this.nodes.get(id)?.disk;
      return disk !== undefined && Math.max(disk.hardState.commit, disk.snapshot.index) >= index;
    });
    const isUnderWay = [...this.nodes.values()].some(({ raft, disk }) => {
      const entries = raft?.log.slice(raft.log.first, Infinity) ?? disk.entries;
      return entries.some((entry) => entry.type === "change" && entry.index > index);
    });
    return isKnown && !isUnderWay && this.lost.size === 0 && !membership.members.some(({ stands }) => stands);
  }

  get canLoseOne(): boolean {
    return votersOf(this.newest.membership).length > 2;
  }

  get members(): readonly number[] {
    return this.newest.membership.members.map(({ id }) => id);
  }

  get ackedCount(): number {
    return this.acknowledged.size;
  }

  start(id: number): void {
    const node = this.nodes.get(id);
    if (node === undefined || node.raft !== undefined) return;
    const options = { electionTicks: ELECTION_TICKS, heartbeatTicks: 2, inflightMax: 4 };
    const { messageBytesMax } = this.faults;
    const { hardState, snapshot, entries } = node.disk;
    node.raft = new Raft(
      { ...options, messageBytesMax, id, seed: 1 + this.random.below(2 ** 31) },
      { hardState, snapshot, entries },
    );
    this.restore(node, snapshot);
    this.pump(id);
  }

  crash(id: number, told: boolean): void {
    const node = this.nodes.get(id);
    if (node?.raft === undefined) return;
    // A write under way may have reached the disk or not; nothing that depends on it was sent.
    if (node.persist !== undefined && this.random.next() < 0.5) this.save(id, node, node.persist);
    node.raft = undefined;
    node.persist = undefined;
    for (const [context, read] of this.reads) if (read.node === id) this.reads.delete(context);
    if (told) for (const other of this.nodes.values()) other.raft?.peerDown(id);
  }

  /** The member's disk is gone, whoever it is, whatever state the others are in: someone new is to take its place. */
  loseDisk(id: number, told: boolean): void {
    this.crash(id, told);
    this.nodes.delete(id);
    this.paused.delete(id);
    this.lost.add(id);
    this.lostDisks++;
  }

  /** Asks a leader, or who takes itself for one, to let others take the place of those whose disks are lost. */
  replaceLost(leader: number): void {
    for (const id of this.lost) this.propose(leader, { type: "replace", id });
  }

  /** Asks for some change that the rules allow. */
  changeGroup(leader: number): void {
    const { members, lastId } = this.newest.membership;
    const any = members[this.random.below(members.length)]!.id;
    const dice = this.random.below(4);
    const name = `etcd-${lastId + 1}-${this.random.below(1_000)}`;
    if (dice === 0) this.propose(leader, { type: "remove", id: any });
    else if (dice === 1) this.propose(leader, { type: "promote", id: any });
    else if (members.length < 6)
      this.propose(leader, { type: "add", name, peerUrls: [peerUrl(name)], learner: dice === 2 });
  }

  private propose(id: number, change: Change): void {
    const raft = this.nodes.get(id)?.raft;
    if (raft?.role !== "leader" || this.paused.has(id)) return;
    try {
      checkChange(raft.members, change, raft);
    } catch (error) {
      if (hasCode(error)) return;
      throw error;
    }
    raft.proposeChange(change);
    this.pump(id);
  }

  private changed(index: number, membership: Membership): void {
    const before = this.newest.index;
    if (index <= before) return;
    this.newest = { index, membership };
    this.changes++;
    for (const { id, since } of membership.members) {
      if (since <= before) continue;
      this.nodes.set(id, new Node(NO_ONE));
      this.start(id);
    }
    for (const id of this.lost) if (!this.members.includes(id)) this.lost.delete(id);
  }

  setLink(a: number, b: number, up: boolean): void {
    if (up) this.cut.delete(`${a}>${b}`);
    else this.cut.add(`${a}>${b}`);
  }

  /** The only one that is: links of others are mended. */
  isolate(id: number): void {
    this.cut.clear();
    for (const other of this.nodes.keys()) {
      this.setLink(id, other, false);
      this.setLink(other, id, false);
    }
  }

  /** Who is cut off while another leads ends, which the others are told, and comes back to them with what its disk says. */
  revive(): void {
    for (const id of this.nodes.keys()) {
      const others = [...this.nodes.keys()].filter((other) => other !== id);
      const isCutOff = others.every((other) => this.cut.has(`${other}>${id}`));
      if (!isCutOff || !others.some((other) => this.leads(other))) continue;
      this.crash(id, true);
      this.cut.clear();
      this.start(id);
    }
  }

  heal(): void {
    this.resume();
    this.cut.clear();
    for (const id of this.nodes.keys()) this.start(id);
  }

  tick(id: number): void {
    if (this.paused.has(id)) return;
    this.nodes.get(id)?.raft?.tick();
    this.pump(id);
  }

  campaign(id: number): void {
    if (this.paused.has(id)) return;
    this.nodes.get(id)?.raft?.campaign();
    this.pump(id);
  }

  write(id: number): void {
    if (this.paused.has(id)) return;
    const node = this.nodes.get(id);
    const text = `${this.nextId++}`;
    if (node?.raft?.propose([new TextEncoder().encode(text)]) === true) this.proposed.set(text, id);
    this.pump(id);
  }

  read(id: number): void {
    if (this.paused.has(id)) return;
    const context = this.nextId++;
    if (this.nodes.get(id)?.raft?.readIndex(context) !== true) return;
    this.reads.set(context, { node: id, floor: this.maxAckedIndex });
    this.pump(id);
  }

  transfer(from: number, to: number): void {
    this.nodes.get(from)?.raft?.transferLeader(to);
    this.pump(from);
  }

  /** Delivers one message, not always the oldest. */
  deliver(reorder: boolean): void {
    if (this.network.length === 0) return;
    const message = this.pick(reorder);
    if (message === undefined) return;
    const at = this.network.indexOf(message);
    if (this.random.next() >= this.faults.duplicate) this.network.splice(at, 1);
    this.take(message);
  }

  private take({ bytes, from, to }: (typeof this.network)[number]): void {
    const raft = this.nodes.get(to)?.raft;
    if (raft === undefined || this.cut.has(`${from}>${to}`)) return;
    raft.step(decodeMessage(bytes, from, to));
    this.pump(to);
  }

  /** What is sent to one that is paused waits. */
  private pick(reorder: boolean): (typeof this.network)[number] | undefined {
    const ready = this.paused.size === 0 ? this.network : this.network.filter(({ to }) => !this.paused.has(to));
    return ready[reorder && ready.length > 0 ? this.random.below(Math.min(ready.length, 16)) : 0];
  }

  /** As a long garbage collection does: it neither hears nor does anything. Whoever asked it meanwhile is heard first. */
  pause(id: number): void {
    this.paused.add(id);
  }

  resume(): void {
    for (const id of this.paused) {
      this.paused.delete(id);
      this.read(id);
      // A thread that goes on finds what waited in the order in which it came.
      const waiting = this.network.filter(({ to }) => to === id);
      this.network = this.network.filter(({ to }) => to !== id);
      for (const message of waiting) this.take(message);
    }
  }

  endSync(id: number): void {
    const node = this.nodes.get(id);
    if (node?.raft === undefined || node.persist === undefined || this.paused.has(id)) return;
    this.save(id, node, node.persist);
    const { snapshot } = node.persist;
    node.persist = undefined;
    if (snapshot !== undefined) this.restore(node, snapshot);
    node.raft.persisted();
    this.pump(id);
  }

  step(): void {
    const ids = [...this.nodes.keys()];
    for (const id of ids) if (this.random.next() < this.faults.syncEnds) this.endSync(id);
    for (let left = this.random.below(8); left > 0; left--) this.deliver(true);
  }

  /** Runs without faults until all is quiet and equal, and looks whether anything acknowledged is missing. */
  settleAndCheck(): void {
    this.heal();
    this.faults = { ...this.faults, drop: 0, duplicate: 0 };
    for (let round = 0; round < 200 && !this.isQuiet; round++) {
      for (const id of this.nodes.keys()) this.tick(id);
      for (let left = 0; left < 400 && (this.network.length > 0 || left === 0); left++) {
        for (const id of this.nodes.keys()) this.endSync(id);
        for (let count = this.network.length; count > 0; count--) this.deliver(false);
      }
      const leader = this.leader();
      if (leader === undefined) continue;
      if (round % 20 === 10 && round < 190) this.write(leader);
      this.replaceLost(leader);
      this.promoteDue(leader);
    }
    const states = this.members.map((id) => this.nodes.get(id)?.applied.join());
    assert.equal(new Set(states).size, 1, "the members' states differ");
    assert.notEqual(this.leader(), undefined, "nobody leads");
    assert.ok(this.isWhole, "not everybody has its vote back");
    const first = new Set(this.nodes.get(this.members[0]!)!.applied);
    for (const text of this.acknowledged) assert.ok(first.has(text), `acknowledged ${text} is lost`);
  }

  /** As the leader's member does it on its own. */
  promoteDue(leader: number): void {
    const raft = this.nodes.get(leader)?.raft;
    const change = raft?.role === "leader" ? duePromotion(raft.members, raft) : undefined;
    if (change !== undefined) this.propose(leader, change);
  }

  private get isQuiet(): boolean {
    const leader = this.leader();
    if (leader === undefined || !this.isWhole) return false;
    const { last } = this.nodes.get(leader)!.raft!.log;
    return this.members.every((id) => {
      const { raft, appliedIndex } = this.nodes.get(id)!;
      return raft?.leader === leader && appliedIndex === last;
    });
  }

  leads(id: number): boolean {
    return this.nodes.get(id)?.raft?.role === "leader";
  }

  /** The one of the newest term. */
  leader(): number | undefined {
    let newest: number | undefined;
    for (const [id, { raft }] of this.nodes) {
      if (raft?.role !== "leader") continue;
      if (newest === undefined || raft.term > this.nodes.get(newest)!.raft!.term) newest = id;
    }
    return newest;
  }

  private send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.random.next() < this.faults.drop) continue;
      this.network.push({ bytes: encodeMessage(message), from: message.from, to: message.to });
    }
    if (this.network.length > 2_000) this.network.splice(0, 1_000);
  }

  private pump(id: number): void {
    const node = this.nodes.get(id);
    const raft = node?.raft;
    if (node === undefined || raft === undefined) return;
    for (let again = true; again;) {
      const ready = raft.ready();
      for (const message of ready.messages) this.checks.sent(raft, message, node.disk);
      this.send(ready.messages);
      for (const entry of ready.committed) this.apply(id, node, entry);
      if (ready.changes.length > 0) this.changed(node.appliedIndex, raft.members);
      for (const { context, index } of ready.readStates) this.checkRead(id, context, index);
      if (ready.persist !== undefined) {
        if (node.persist !== undefined) throw new Error("a second persist came out before the first was done");
        this.checks.persist(raft, ready.persist);
        node.persist = ready.persist;
      }
      for (const to of ready.snapshotsFor) {
        this.snapshots++;
        raft.sendSnapshot(to, { ...raft.snapshotMeta(), data: new TextEncoder().encode(node.applied.join()) });
      }
      again = ready.snapshotsFor.length > 0 || ready.changes.length > 0;
    }
    this.checks.look(id, raft, (other) => this.nodes.get(other)?.disk);
  }

  private apply(id: number, node: Node, entry: Entry): void {
    const text = entry.type === "change" ? "" : new TextDecoder().decode(entry.data);
    if (entry.index !== node.appliedIndex + 1) throw new Error(`applied ${entry.index} after ${node.appliedIndex}`);
    node.appliedIndex = entry.index;
    this.checks.apply(entry);
    if (text === "") return;
    node.applied.push(text);
    if (this.proposed.get(text) === id) {
      this.acknowledged.add(text);
      this.maxAckedIndex = Math.max(this.maxAckedIndex, entry.index);
    }
    if (node.appliedIndex - node.disk.snapshot.index > this.faults.compactAfter) this.compact(node);
  }

  private compact(node: Node): void {
    const raft = node.raft!;
    // What is handed out in one go counts as applied: a snapshot is only taken where the two agree.
    if (raft.log.applied !== node.appliedIndex) return;
    const data = new TextEncoder().encode(node.applied.join());
    node.disk.snapshot = { ...raft.snapshotMeta(), data };
    node.disk.entries = node.disk.entries.filter((entry) => entry.index > node.disk.snapshot.index);
    raft.log.compact(node.disk.snapshot.index - 2);
  }

  private checkRead(id: number, context: number, index: number): void {
    const read = this.reads.get(context);
    if (read === undefined) return;
    assert.equal(read.node, id);
    // Linearizable: all that was acknowledged before the read began is before its index.
    assert.ok(index >= read.floor, `a read of ${id} at ${index}, though ${read.floor} had been acknowledged`);
    this.reads.delete(context);
    this.answeredReads++;
  }

  private save(id: number, node: Node, persist: Persist): void {
    const { disk } = node;
    if (persist.snapshot !== undefined && persist.snapshot.index > disk.snapshot.index) {
      disk.snapshot = persist.snapshot;
      disk.entries = [];
    }
    for (const entry of persist.entries) {
      if (entry.index <= disk.snapshot.index) continue;
      const at = entry.index - disk.snapshot.index - 1;
      if (at > disk.entries.length) throw new Error(`entry ${entry.index} leaves a gap on disk`);
      disk.entries.length = at;
      disk.entries.push(entry);
    }
    disk.hardState = persist.hardState;
    this.checks.written(id, persist, disk);
  }

  private restore(node: Node, snapshot: Snapshot): void {
    const text = new TextDecoder().decode(snapshot.data);
    node.applied = text === "" ? [] : text.split(",");
    node.appliedIndex = snapshot.index;
  }
}

export interface RaftStory {
  readonly size: number;
  readonly faults: Faults;
  readonly steps: number;
  /** Chance per step that a disk is lost, unless another one's place is still to be taken. */
  readonly losses?: number;
  /** Chance per step that a change of the group is asked for. */
  readonly changes?: number;
  readonly late?: readonly number[];
  /** Chance per step that a member, often the leader, is cut off from all others; it goes on, and clients go on with it. */
  readonly isolations?: number;
  /** Chance per step that one that is cut off while another leads ends, and is back among them with what its disk says. */
  readonly revivals?: number;
  /** Chance per step that a member, often the leader, stands still for a while. */
  readonly pauses?: number;
}

/** Throws when something does not hold. */
export function tellRaft(
  seed: number,
  { size, faults, steps, losses = 0, changes = 0, late = [], isolations = 0, revivals = 0, pauses = 0 }: RaftStory,
): RaftWorld {
  const world = new RaftWorld(seed, size, faults, late);
  const { random } = world;
  const any = (): number => [...world.nodes.keys()][random.below(world.nodes.size)]!;
  const anyMember = (): number => world.members[random.below(world.members.length)]!;
  for (let step = 0; step < steps; step++) {
    world.step();
    const dice = random.next();
    if (dice < 0.3) world.tick(any());
    else if (dice < 0.5) world.write(world.leader() ?? any());
    else if (dice < 0.6) world.write(any());
    else if (dice < 0.7) {
      const asked = any();
      world.read(asked);
      if (pauses > 0 && world.leads(asked) && random.next() < PAUSE_AFTER_READ_SHARE) world.pause(asked);
    } else if (dice < 0.71) world.crash(any(), random.next() < 0.5);
    else if (dice < 0.74) world.start(any());
    else if (dice < 0.75) world.setLink(any(), any(), false);
    else if (dice < 0.77) world.setLink(any(), any(), true);
    else if (dice < 0.775) world.heal();
    else if (dice < 0.78) world.transfer(any(), any());
    else if (dice < 0.79) world.campaign(any());
    if (pauses > 0 && random.next() < pauses) world.pause(random.next() < 0.6 ? (world.leader() ?? any()) : any());
    if (pauses > 0 && random.next() < RESUME_SHARE) world.resume();
    if (isolations > 0 && random.next() < isolations)
      world.isolate(random.next() < 0.6 ? (world.leader() ?? any()) : any());
    if (revivals > 0 && random.next() < revivals) world.revive();
    if (losses > 0 && random.next() < losses && world.isWhole && world.canLoseOne)
      world.loseDisk(anyMember(), random.next() < 0.5);
    if (losses > 0 || changes > 0) {
      const leader = random.next() < 0.8 ? world.leader() : any();
      if (leader !== undefined) {
        world.replaceLost(leader);
        world.promoteDue(leader);
      }
      if (leader !== undefined && changes > 0 && random.next() < changes && (losses === 0 || world.isWhole))
        world.changeGroup(leader);
    }
  }
  world.settleAndCheck();
  return world;
}
