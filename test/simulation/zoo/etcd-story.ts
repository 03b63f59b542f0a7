/**
 * Three members of etcd and nothing else, clients that write, read, watch and hold leases at the pace of milliseconds, and
 * every kind of fault: a seed of it takes a fraction of a second, where one of the whole cluster takes ten.
 */
import { broken } from "../../../actors/cluster/simulation/checks/broken.ts";
import { judged } from "./judged.ts";
import { EtcdClients } from "../../../actors/cluster/simulation/etcd-clients.ts";
import type { EtcdGroup } from "../../../actors/cluster/simulation/etcd-group.ts";
import { leaderOf, statusOf } from "../../../actors/cluster/simulation/etcd-group.ts";
import { EtcdWatchers } from "../../../actors/cluster/simulation/etcd-watchers.ts";
import { MemberHashes } from "../../../actors/cluster/simulation/checks/member-hashes.ts";
import { Observer } from "../../../actors/cluster/simulation/observer.ts";
import { one } from "../../../actors/cluster/simulation/swarm.ts";
import { etcdActor } from "../../../actors/etcd/etcd.ts";
import type { EtcdOptions } from "../../../actors/etcd/spec.ts";
import { ETCD_DEFAULTS } from "../../../actors/etcd/spec.ts";
import { hasCode } from "../../../protocols/errors.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { Random } from "../../../runtime/random.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";

const MEMBERS = ["etcd-0", "etcd-1", "etcd-2"];
/** Virtual time in which things are broken. */
const TROUBLE_MS = 4_000;
const FAULT_EVERY_MS = { least: 30, spread: 600 };
const PACE = { pauseMs: 30, leaseTtlSeconds: [1, 2], isReleasing: true };
/** The program around the group, where clients and watchers are. */
const CLUSTER = "cluster";
const WATCH_LIFE_MS = 1_000;
const LOOK_MS = 100;
/** After the last fault: the longest pause before a restart, an election, and time to catch up. */
const HEALED_MS = 2 * BACKOFF.maxMs + 10_000;
const COMPACT_BACK = 20;
/** One story of so many has a burst. */
const BURST_IN = 3;
const BURST_WRITES = 400;
const BURST_TIMEOUT_MS = 2_000;
/** One story of so many has values that make a snapshot take several steps, with writes in between. */
const FAT_IN = 8;
const FAT_KEYS = 40;
const FAT_BYTES = 16_384;
const FAT_EVERY_MS = 4;

const FAULTS = [
  "kill",
  "killAll",
  "stall",
  "hang",
  "partition",
  "oneWay",
  "badLink",
  "badDisk",
  "lostDisk",
  "flippedBit",
  "exchange",
  "handOver",
  "slowClients",
] as const;
type Fault = (typeof FAULTS)[number];

export async function etcdStory(seed: number): Promise<void> {
  const random = new SeededRandom(seed, "etcd-story");
  const story = new EtcdStory(seed, random);
  await story.tell();
}

/** A disk that fails ends its member; nothing else may. */
function isOfItsDisk(error: unknown): boolean {
  return hasCode(error, "DISK_FULL", "DISK_FAILED");
}

class EtcdStory implements EtcdGroup {
  readonly host: SimulationHost;
  readonly members: readonly string[] = MEMBERS;
  private readonly random: Random;
  private readonly faults: readonly Fault[];
  private readonly observer: Observer;
  private readonly clients: EtcdClients;
  private readonly watchers: EtcdWatchers;
  private readonly hashes = new MemberHashes();
  private isOver = false;
  private isExchanging = false;

  constructor(seed: number, random: Random) {
    this.random = random;
    const chosen = FAULTS.filter(() => random.below(2) === 0);
    this.faults = random.below(2) === 0 || chosen.length === 0 ? FAULTS : chosen;
    this.host = hostOf(seed, drawOptions(random));
    this.observer = new Observer(this);
    this.clients = new EtcdClients(this, this.observer, PACE);
    this.watchers = new EtcdWatchers(this, this.observer, WATCH_LIFE_MS);
  }

  tell(): Promise<void> {
    return judged(this.host, () => this.play(), TROUBLE_MS + 10 * HEALED_MS, isOfItsDisk);
  }

  private async play(): Promise<void> {
    const { host, random } = this;
    const { clock } = host.context;
    this.observer.start();
    this.clients.start({ history: true, leases: true });
    this.watchers.start();
    host.context.spawn(() => this.lookAtHashes());
    host.context.spawn(() => this.compactNowAndThen());
    host.context.spawn(() => this.burst());
    host.context.spawn(() => this.fatWrites());
    const endMs = host.nowMs + TROUBLE_MS;
    while (host.nowMs < endMs) {
      await clock.sleep(FAULT_EVERY_MS.least + random.below(FAULT_EVERY_MS.spread));
      await this.strike(one(random, this.faults));
      if (host.crashes.some(({ error }) => !isOfItsDisk(error))) return;
    }
    for (const member of MEMBERS) {
      host.disk(member).setFault(undefined);
      host.heal(
        [member],
        MEMBERS.filter((other) => other !== member),
      );
    }
    await this.until("all members are there and one leads", () => this.isWhole());
    await this.clients.stop();
    await this.until("the observer comes to what clients were told", () =>
      Promise.resolve(this.observer.log.revision >= this.clients.history.floor),
    );
    await this.clients.nothingOutlivesItsLease();
    await this.clients.whatWasReleasedStays();
    await this.until("the observer comes to what every member has", () => this.isAllSeen());
    this.watchers.stop();
    this.isOver = true;
    this.clients.check();
    this.watchers.check();
  }

  private async isWhole(): Promise<boolean> {
    const statuses = await Promise.all(MEMBERS.map((member) => statusOf(this, member)));
    if (this.isExchanging) return false;
    const isFine = statuses.every((status) => status?.errors.length === 0 && status.leader !== "");
    const applied = new Set(statuses.map((status) => status?.raftAppliedIndex));
    return isFine && applied.size === 1;
  }

  private async isAllSeen(): Promise<boolean> {
    const statuses = await Promise.all(MEMBERS.map((member) => statusOf(this, member)));
    const { revision } = this.observer.log;
    return statuses.every((status) => status?.header.revision === revision);
  }

  private async until(what: string, isMet: () => Promise<boolean>): Promise<void> {
    const { host } = this;
    const endMs = host.nowMs + HEALED_MS;
    while (!(await isMet())) {
      if (host.nowMs > endMs) throw broken(`not within ${HEALED_MS} ms after the last fault: ${what}`);
      await host.context.clock.sleep(LOOK_MS);
    }
  }

  private async lookAtHashes(): Promise<void> {
    while (!this.isOver) {
      for (const member of MEMBERS) {
        const status = await statusOf(this, member);
        if (status !== undefined) this.hashes.take(member, status);
      }
      await this.host.context.clock.sleep(this.random.below(LOOK_MS));
    }
  }

  /** In some stories, once: more than a watcher that is slow takes, and than a log keeps for a member that is behind. */
  private async burst(): Promise<void> {
    const { clock } = this.host.context;
    const random = this.host.world.random("burst");
    if (random.below(BURST_IN) > 0) return;
    await clock.sleep(random.below(TROUBLE_MS));
    for (let count = 0; count < BURST_WRITES; count++) {
      void this.clients.write("burst", one(random, MEMBERS), `/history/burst/${count % 8}`, BURST_TIMEOUT_MS);
      await clock.sleep(1);
    }
  }

  /** In some stories, all the time. */
  private async fatWrites(): Promise<void> {
    const { context } = this.host;
    const random = this.host.world.random("fat");
    if (random.below(FAT_IN) > 0) return;
    const endMs = this.host.nowMs + TROUBLE_MS;
    for (let count = 0; this.host.nowMs < endMs; count++) {
      const put = { key: `/fat/${count % FAT_KEYS}`, value: new Uint8Array(FAT_BYTES).fill(count) };
      const asked = context.ref(etcdProtocol, one(random, MEMBERS)).call("put", put, { timeoutMs: BURST_TIMEOUT_MS });
      asked.catch((error: unknown) => {
        if (!hasCode(error)) throw error;
      });
      await context.clock.sleep(FAT_EVERY_MS);
    }
  }

  private async compactNowAndThen(): Promise<void> {
    const { context } = this.host;
    while (!this.isOver) {
      await context.clock.sleep(this.random.below(1_000));
      const revision = this.observer.log.revision - this.random.below(COMPACT_BACK);
      if (revision < 2) continue;
      try {
        await context.ref(etcdProtocol, one(this.random, MEMBERS)).call("compact", { revision }, { timeoutMs: 2_000 });
      } catch (error) {
        if (!hasCode(error)) throw error;
      }
    }
  }

  /** The leader as often as both others together: what it does wrong counts. */
  private async victim(): Promise<string> {
    const leader = this.random.below(2) === 0 ? await leaderOf(this) : undefined;
    return leader ?? one(this.random, MEMBERS);
  }

  private async strike(fault: Fault): Promise<void> {
    const { host, random } = this;
    const { clock } = host.context;
    const victim = await this.victim();
    const others = MEMBERS.filter((member) => member !== victim);
    const other = one(random, others);
    switch (fault) {
      case "kill":
        return host.kill(victim, random.below(3) === 0 ? { disk: "kept" } : {});
      case "killAll":
        for (const member of MEMBERS) host.kill(member);
        return;
      case "stall":
        return host.stall(victim, 50 + random.below(2_500));
      case "hang":
        return host.hang(victim);
      case "partition":
        host.partition([victim], others, random.below(2) === 0 ? {} : { breakAfterMs: 200 + random.below(1_000) });
        await clock.sleep(100 + random.below(2_500));
        return host.heal([victim], others);
      case "oneWay":
        host.partition([victim], random.below(2) === 0 ? others : [other], { oneWay: true });
        await clock.sleep(100 + random.below(2_500));
        return host.heal([victim], others);
      case "badLink":
        for (const [from, to] of [
          [victim, other],
          [other, victim],
        ] as const) {
          host.faultLink(from, to, { delayMs: random.below(60), dropCasts: 0.3, doubleCasts: 0.2 });
        }
        await clock.sleep(200 + random.below(1_500));
        for (const member of others) host.faultLink(victim, member, undefined);
        return others.forEach((member) => host.faultLink(member, victim, undefined));
      case "badDisk":
        return this.badDisk(victim);
      case "lostDisk":
        // A second disk may go once the first is made good: two of three at a time are more than a group survives.
        if (await this.isWhole()) host.kill(victim, { disk: "lost" });
        return;
      case "flippedBit":
        if (!(await this.isWhole())) return;
        host.disk(victim).flipBit(one(random, host.disk(victim).files()));
        return host.kill(victim, { disk: "kept" });
      case "exchange":
        host.context.spawn(() => this.exchange(victim));
        return;
      case "handOver":
        host.context.spawn(() => this.handOver(victim, other));
        return;
      case "slowClients":
        // What watches takes its time, and a member has to keep what it can't tell yet.
        for (const member of MEMBERS) host.faultLink(CLUSTER, member, { delayMs: 20 + random.below(400) });
        await clock.sleep(200 + random.below(1_500));
        return MEMBERS.forEach((member) => host.faultLink(CLUSTER, member, undefined));
    }
  }

  /** A member is removed, added again, and promoted as soon as it can be. */
  private async exchange(member: string): Promise<void> {
    const { context } = this.host;
    if (!(await this.isWhole()) || this.isExchanging) return;
    this.isExchanging = true;
    let removed = false;
    for (let isDone = false; !isDone;) {
      const asked = context.ref(etcdProtocol, one(this.random, MEMBERS));
      try {
        const { members } = await asked.call("memberList", {}, { timeoutMs: 2_000 });
        const known = members.find(({ name }) => name === member);
        if (known === undefined) {
          removed = true;
          const peerUrls = [`http://${member}:2380`];
          await asked.call("memberAdd", { peerUrls, isLearner: true }, { timeoutMs: 2_000 });
        } else if (known.isLearner) {
          await asked.call("memberPromote", { id: known.id }, { timeoutMs: 2_000 });
        } else if (removed) isDone = true;
        else await asked.call("memberRemove", { id: known.id }, { timeoutMs: 2_000 });
      } catch (error) {
        if (!hasCode(error)) throw error;
      }
      await context.clock.sleep(50);
    }
    this.isExchanging = false;
  }

  /** Every other time it leads again soon, and may remember too much. */
  private async handOver(from: string, to: string): Promise<void> {
    const { context } = this.host;
    const isBack = this.random.below(2) === 0;
    try {
      await context.ref(etcdProtocol, from).call("moveLeader", { to }, { timeoutMs: 2_000 });
      if (!isBack) return;
      await context.clock.sleep(this.random.below(500));
      await context.ref(etcdProtocol, to).call("moveLeader", { to: from }, { timeoutMs: 2_000 });
    } catch (error) {
      if (!hasCode(error)) throw error;
    }
  }

  private async badDisk(member: string): Promise<void> {
    const { host, random } = this;
    const disk = host.disk(member);
    const faults = [{ kind: "stall" }, { kind: "full" }, { kind: "slow", factor: 30 }] as const;
    disk.setFault(one(random, faults));
    await host.context.clock.sleep(100 + random.below(1_500));
    // What was written and not synced meanwhile goes with the power.
    if (random.below(2) === 0) host.kill(member);
    disk.setFault(undefined);
  }
}

function drawOptions(random: Random): Partial<EtcdOptions> {
  return {
    snapshotEntries: one(random, [5, 20, 100]),
    catchUpEntries: one(random, [1, 3, 30]),
    catchUpBytes: one(random, [1_024, 4_194_304]),
    batchBytesMax: one(random, [1, 1_024, 1_048_576]),
    segmentBytes: one(random, [4_096, 65_536]),
    watchBufferMax: one(random, [1, 2, 1_024]),
    autoCompactionRevisions: one(random, [0, 30, 500]),
    autoCompactionRevisionsMin: 10,
    progressMs: one(random, [50, 5_000]),
    inflightMax: one(random, [1, 4, 256]),
  };
}

function hostOf(seed: number, options: Partial<EtcdOptions>): SimulationHost {
  return new SimulationHost({
    seed,
    spec: {
      name: "root",
      strategy: "one_for_one",
      intensity: { restarts: 1_000, periodMs: 10_000 },
      backoff: BACKOFF,
      startInParallel: true,
      children: MEMBERS.map((name) => ({
        name,
        actor: "etcd",
        options: { ...ETCD_DEFAULTS, ...options, name, members: MEMBERS } satisfies EtcdOptions,
        links: MEMBERS.filter((other) => other !== name),
        restart: "permanent" as const,
        shutdownMs: 2_000,
        startTimeoutMs: 10_000,
      })),
    },
    definitions: { etcd: etcdActor },
    embedder: { name: CLUSTER, links: MEMBERS },
  });
}
