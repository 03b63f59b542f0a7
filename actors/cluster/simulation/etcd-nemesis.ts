/** What goes wrong with the members of etcd and their disks, beyond their deaths. */
import type { Random } from "../../../runtime/random.ts";
import { broken } from "./checks/broken.ts";
import type { EtcdClients } from "./etcd-clients.ts";
import type { EtcdGroup } from "./etcd-group.ts";
import { leaderOf, statusOf } from "./etcd-group.ts";
import { one } from "./swarm.ts";

const PARTITION_MS = 3_000;
/** Through a member that reaches a majority: an election, which takes 2 s at most, a lost message or two and the write. */
const WRITE_MS = 4_000;
const WRITE_TIMEOUT_MS = 8_000;
/** Writes that a leader takes while no other member hears it, in as short a time as makes each an entry of its own. */
const BURST_MAX = 450;
const BURST_PAUSE_MS = 2;
/** A leader that hears nobody steps down within so long: what it has taken by then is its tail. */
const CUT_OFF_MS = 2_000;
const FOLLOWER_PAUSE_MS = 100;
/** How long a leader's snapshot is waited for, and how closely. */
const SNAPSHOT_WAIT_MS = 3_000;
const SNAPSHOT_LOOK_MS = 0.2;
const SLOW_DISK = 10;
const ELECTION_WAIT_MS = 5_000;
const ELECTION_LOOK_MS = 100;
/** After so long with all members there, one whose disk was lost has what the others have. */
const RECOVERY_MS = 10_000;
const LATE_WRITES_MAX = 60;
const LATE_PAUSE_MS = 5;
/** Deaths of the leader after another member's disk was lost, each within that time after the one before. */
const CRASHES_MAX = 4;
const CRASH_EVERY_MS = 60;

export class EtcdNemesis {
  /** When a member's disk was lost or damaged. One at a time is all that three can bear. */
  private lostAtMs = -Infinity;
  /** Cut off since before the start. */
  private late: string | undefined;
  private readonly cluster: EtcdGroup;
  private readonly clients: EtcdClients;
  private readonly random: Random;
  private readonly tell: (line: string) => void;

  constructor(cluster: EtcdGroup, clients: EtcdClients, random: Random, tell: (line: string) => void) {
    this.cluster = cluster;
    this.clients = clients;
    this.random = random;
    this.tell = tell;
  }

  /** Before the cluster starts: now and then one member hears nothing from the others, and begins with an empty log. */
  begin(): void {
    if (this.random.below(2) === 0) return;
    this.late = one(this.random, this.cluster.members);
    this.cluster.host.partition([this.late], this.others(this.late));
  }

  /**
   * The member that was late from the beginning is there when the leader is not any more. Together with the third one it
   * is a majority; if that one's disk is lost just then, it is none. Errors: PROMISE_BROKEN.
   */
  async joinLate(): Promise<void> {
    const { late } = this;
    if (late === undefined) return;
    const { host } = this.cluster;
    const { clock } = host.context;
    const others = this.others(late);
    const leader = await this.waitForLeader(others);
    if (leader === undefined) return host.heal([late], others);
    const third = others.find((member) => member !== leader)!;
    if (this.random.below(2) === 0) {
      this.tell(`${late} was cut off from the beginning; ${third} loses its disk as it joins, and ${leader} hangs`);
      this.lostAtMs = host.nowMs;
      host.hang(leader);
      host.kill(third, { disk: "lost" });
      host.heal([late], others);
      await clock.sleep(2 * PARTITION_MS);
      return;
    }
    this.tell(`${late} was cut off from the beginning; as it joins, ${leader} is cut off`);
    host.partition([leader], [third]);
    host.heal([late], [third]);
    const endMs = host.nowMs + WRITE_MS + PARTITION_MS;
    await Promise.all([late, third].map((member) => this.writeThrough(member, endMs)));
    host.heal([leader], this.others(leader));
  }

  async partition(): Promise<void> {
    const member = one(this.random, this.cluster.members);
    const others = this.others(member);
    this.tell(`${member} is cut off from the other members for ${PARTITION_MS} ms`);
    this.cluster.host.partition([member], others);
    await this.cluster.host.context.clock.sleep(PARTITION_MS);
    this.cluster.host.heal([member], others);
  }

  /**
   * The leader lives, and clients go on to write through it, but no other member hears it. The others must elect one of
   * their own and serve in time; when the old one is back, its tail is overwritten: by what its successor sent first, which
   * the links have held, or when they broke meanwhile, by a snapshot that may end before the tail does.
   * Errors: PROMISE_BROKEN.
   */
  async cutOffLeader(): Promise<void> {
    const leader = await this.healthyLeader();
    if (leader === undefined) return;
    const { host } = this.cluster;
    const { clock } = host.context;
    const others = this.others(leader);
    const forMs = CUT_OFF_MS + this.random.below(4_000);
    const burst = 50 + this.random.below(BURST_MAX);
    const dies = this.random.below(4) > 0;
    const breaks = this.random.below(2) === 0;
    const how = `${breaks ? ", its links break" : ""} with ${burst} writes under way`;
    this.tell(`${leader} leads, and is cut off from the other members for ${forMs} ms${how}`);
    const endMs = host.nowMs + FOLLOWER_PAUSE_MS + forMs;
    const writing = others.map((follower) => this.writeThrough(follower, endMs));
    await clock.sleep(FOLLOWER_PAUSE_MS);
    host.partition([leader], others, breaks ? { breakAfterMs: CUT_OFF_MS } : {});
    const lost: Promise<boolean>[] = [];
    for (let count = 0; count < burst; count++) {
      lost.push(this.clients.write("burst", leader, `/burst/${count}`, WRITE_TIMEOUT_MS));
      await clock.sleep(BURST_PAUSE_MS);
    }
    await Promise.all(writing);
    await clock.sleep(Math.max(0, endMs - host.nowMs));
    if (dies) host.disk(leader).setFault({ kind: "slow", factor: SLOW_DISK });
    host.heal([leader], others);
    if (dies) await this.powerFailsAtSnapshot(leader);
    host.disk(leader).setFault(undefined);
    await Promise.all(lost);
  }

  /**
   * A member's disk is replaced by an empty one, the third one has been cut off and knows less, and the leader is down for
   * moments. With what is left nobody can tell what was committed: the members must not decide anew.
   */
  async loseDisk(): Promise<void> {
    const { host } = this.cluster;
    const { clock } = host.context;
    if (host.nowMs - this.lostAtMs < RECOVERY_MS) return;
    const leader = await this.healthyLeader();
    if (leader === undefined) return;
    const [late, victim] = this.random.below(2) === 0 ? this.others(leader) : this.others(leader).toReversed();
    if (late === undefined || victim === undefined) return;
    const rest = this.others(late);
    this.tell(`${late} is cut off, ${victim} loses its disk, and ${leader} is killed`);
    host.partition([late], rest);
    if (this.random.below(2) === 0) {
      // The others go on to a term that the late one has not heard of.
      host.kill(leader);
      await this.waitForLeader(rest);
    }
    const writing: Promise<boolean>[] = [];
    for (let count = this.random.below(LATE_WRITES_MAX); count > 0; count--) {
      writing.push(this.clients.write("late", leader, "/late", WRITE_TIMEOUT_MS));
      await clock.sleep(LATE_PAUSE_MS);
    }
    this.lostAtMs = host.nowMs;
    if (this.random.below(2) === 0) host.hang(leader);
    else host.kill(leader);
    host.kill(victim, { disk: "lost" });
    host.heal([late], rest);
    for (let count = this.random.below(CRASHES_MAX); count > 0; count--) {
      await clock.sleep(this.random.next() * CRASH_EVERY_MS);
      host.kill(leader);
    }
    await clock.sleep(PARTITION_MS);
    await Promise.all(writing);
  }

  /** One bit of one file of a follower is another, and it is started anew. */
  async flipBit(): Promise<void> {
    const { host } = this.cluster;
    if (host.nowMs - this.lostAtMs < RECOVERY_MS) return;
    const leader = await this.healthyLeader();
    if (leader === undefined) return;
    const member = one(this.random, this.others(leader));
    const disk = host.disk(member);
    const file = one(this.random, disk.files());
    if (!disk.flipBit(file)) return;
    this.lostAtMs = host.nowMs;
    this.tell(`a bit of ${file} of ${member} flips, and it is killed`);
    host.kill(member, { disk: "kept" });
    await host.context.clock.sleep(PARTITION_MS);
  }

  /** Writes one after the other through a member that can reach a majority. Errors: PROMISE_BROKEN. */
  private async writeThrough(member: string, endMs: number): Promise<void> {
    const { host } = this.cluster;
    const { clock } = host.context;
    let succeededMs = host.nowMs;
    for (let count = 0; host.nowMs < endMs; count++) {
      const key = `/steady/${member}/${count % 8}`;
      const isWritten = await this.clients.write("steady", member, key, WRITE_TIMEOUT_MS);
      const sinceMs = host.nowMs - succeededMs;
      if (sinceMs > WRITE_MS) {
        throw broken(`no write through ${member}, which reaches a majority, succeeded for ${sinceMs.toFixed(0)} ms`);
      }
      if (isWritten) succeededMs = host.nowMs;
      await clock.sleep(FOLLOWER_PAUSE_MS);
    }
  }

  /** Waits until the member writes a snapshot, and cuts its power about then. */
  private async powerFailsAtSnapshot(member: string): Promise<void> {
    const { host } = this.cluster;
    const { clock } = host.context;
    const disk = host.disk(member);
    const snapshots = (): string =>
      disk
        .files()
        .filter((path) => path.startsWith("snap/"))
        .join();
    const before = snapshots();
    const endMs = host.nowMs + SNAPSHOT_WAIT_MS;
    while (snapshots() === before) {
      if (host.nowMs > endMs) return;
      await clock.sleep(SNAPSHOT_LOOK_MS);
    }
    await clock.sleep(this.random.next() * SLOW_DISK * 2);
    this.tell(`${member} is killed as it takes a snapshot`);
    host.kill(member);
  }

  /** Who leads, if all members are there and nothing is wrong with them. */
  private async healthyLeader(): Promise<string | undefined> {
    for (const member of this.cluster.members) {
      const status = await statusOf(this.cluster, member);
      if (status === undefined || status.errors.length > 0) return undefined;
    }
    return leaderOf(this.cluster);
  }

  /** Undefined when none of them leads within the limit. */
  private async waitForLeader(among: readonly string[]): Promise<string | undefined> {
    const { host } = this.cluster;
    const { clock } = host.context;
    const endMs = host.nowMs + ELECTION_WAIT_MS;
    while (host.nowMs < endMs) {
      const leader = await leaderOf(this.cluster);
      if (leader !== undefined && among.includes(leader)) return leader;
      await clock.sleep(ELECTION_LOOK_MS);
    }
    return undefined;
  }

  private others(member: string): readonly string[] {
    return this.cluster.members.filter((name) => name !== member);
  }
}
