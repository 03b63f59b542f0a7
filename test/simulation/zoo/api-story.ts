/**
 * Three API servers in front of three members of etcd, clients that write, list and watch through any of them and compete
 * for addresses, and servers, members and links that go wrong. No controllers, no nodes: a seed takes a second or two.
 */
import { addressesOf } from "../../../actors/cluster/addresses.ts";
import { judged } from "./judged.ts";
import type { ApiGroup } from "../../../actors/cluster/simulation/api-clients.ts";
import { ApiClients } from "../../../actors/cluster/simulation/api-clients.ts";
import { leaderOf } from "../../../actors/cluster/simulation/etcd-group.ts";
import { Observer } from "../../../actors/cluster/simulation/observer.ts";
import { ServiceRace } from "../../../actors/cluster/simulation/service-race.ts";
import { one } from "../../../actors/cluster/simulation/swarm.ts";
import { apiServerActor } from "../../../actors/api-server/api-server.ts";
import { noDoor } from "../../../actors/api-server/backend.ts";
import type { ApiServerOptions } from "../../../actors/api-server/spec.ts";
import { API_SERVER_DEFAULTS } from "../../../actors/api-server/spec.ts";
import { Client } from "../../../actors/client/client.ts";
import { etcdActor } from "../../../actors/etcd/etcd.ts";
import type { EtcdOptions } from "../../../actors/etcd/spec.ts";
import { ETCD_DEFAULTS } from "../../../actors/etcd/spec.ts";
import { apiServerProtocol } from "../../../protocols/api-server.ts";
import { hasCode } from "../../../protocols/errors.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { Random } from "../../../runtime/random.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { BACKOFF, SHUTDOWN_MS, START_TIMEOUT_MS } from "../../../runtime/supervisor/spec.ts";

const MEMBERS = ["etcd-0", "etcd-1", "etcd-2"];
const SERVERS = ["api-server-0", "api-server-1", "api-server-2"];
/** Virtual time in which things are broken. */
const TROUBLE_MS = 4_000;
const FAULT_EVERY_MS = { least: 50, spread: 900 };
const RACE_PAUSE_MS = 300;
const HISTORY_MIN = 8;
/** Long enough for more changes than any server keeps. */
const AWAY_MS = 2_000;
/** After the last fault: the longest pause before a restart, an election, and time to load. */
const HEALED_MS = 2 * BACKOFF.maxMs + 10_000;
const LOOK_MS = 100;
/** After so long a link that is cut counts as broken. */
const BREAK_MS = 50;
const NEVER_MS = 86_400_000;

const FAULTS = [
  "killServer",
  "killMember",
  "stallServer",
  "stallMember",
  "partServer",
  "partMember",
  "slowLink",
  "compactBehind",
] as const;
type Fault = (typeof FAULTS)[number];

export async function apiStory(seed: number): Promise<void> {
  const random = new SeededRandom(seed, "api-story");
  await new ApiStory(seed, random).tell();
}

class ApiStory implements ApiGroup {
  readonly host: SimulationHost;
  readonly members: readonly string[] = MEMBERS;
  readonly apiServers: readonly string[] = SERVERS;
  readonly client: Client;
  private readonly random: Random;
  private readonly faults: readonly Fault[];
  private readonly observer: Observer;
  private readonly clients: ApiClients;
  private readonly race: ServiceRace;

  constructor(seed: number, random: Random) {
    this.random = random;
    const chosen = FAULTS.filter(() => random.below(2) === 0);
    this.faults = random.below(2) === 0 || chosen.length === 0 ? FAULTS : chosen;
    this.host = hostOf(seed, random);
    this.client = new Client(this.host.context, SERVERS);
    this.observer = new Observer(this);
    this.clients = new ApiClients(this, this.observer, {
      pauseMs: 60,
      historyMin: HISTORY_MIN,
      awayMs: AWAY_MS,
      deleteEach: 3,
    });
    this.race = new ServiceRace(this, this.observer, RACE_PAUSE_MS);
  }

  tell(): Promise<void> {
    return judged(this.host, () => this.play(), TROUBLE_MS + 10 * HEALED_MS);
  }

  private async play(): Promise<void> {
    const { host, random } = this;
    const { context } = host;
    this.observer.start();
    await context.ref(apiServerProtocol, SERVERS[0]!).call("ready", null, { timeoutMs: HEALED_MS });
    this.clients.start();
    this.race.start();
    const endMs = host.nowMs + TROUBLE_MS;
    while (host.nowMs < endMs && host.crashes.length === 0) {
      await context.clock.sleep(FAULT_EVERY_MS.least + random.below(FAULT_EVERY_MS.spread));
      await this.strike(one(random, this.faults));
    }
    await Promise.all([this.clients.stop(), this.race.stop()]);
    await this.allReady();
    await this.clients.check();
  }

  private async allReady(): Promise<void> {
    const { context } = this.host;
    for (const server of SERVERS) {
      while (!(await this.isReady(server))) await context.clock.sleep(LOOK_MS);
    }
  }

  /** A server that was cut off until just now refuses until it has heard of a quorum. */
  private async isReady(server: string): Promise<boolean> {
    if (!this.host.isActing(server)) return false;
    try {
      await this.host.context.ref(apiServerProtocol, server).call("ready", null, { timeoutMs: HEALED_MS });
      return true;
    } catch (error) {
      if (!hasCode(error)) throw error;
      return false;
    }
  }

  private async strike(fault: Fault): Promise<void> {
    const { host, random } = this;
    const server = one(random, SERVERS);
    const member = (random.below(2) === 0 ? await leaderOf(this) : undefined) ?? one(random, MEMBERS);
    switch (fault) {
      case "killServer":
        return host.kill(server);
      case "killMember":
        return host.kill(member);
      case "stallServer":
        return host.stall(server, 50 + random.below(2_000));
      case "stallMember":
        return host.stall(member, 50 + random.below(2_000));
      case "partServer":
        return this.part([server], random.below(2) === 0 ? MEMBERS : [member]);
      case "partMember":
        return this.part(
          [member],
          MEMBERS.filter((other) => other !== member),
        );
      case "slowLink":
        host.faultLink(member, server, { delayMs: random.below(800) });
        await host.context.clock.sleep(100 + random.below(1_000));
        return host.faultLink(member, server, undefined);
      case "compactBehind":
        return this.compactBehind(server);
    }
  }

  /** What happens while a server is cut off is forgotten before it is back: it has to load anew. */
  private async compactBehind(server: string): Promise<void> {
    const { host, random, observer } = this;
    // Were the links only slow, etcd would tell it all once they are healed.
    host.partition([server], MEMBERS, { breakAfterMs: BREAK_MS });
    await host.context.clock.sleep(BREAK_MS + 300 + random.below(1_000));
    const compact = { revision: Math.max(1, observer.log.revision) };
    const asked = host.context.ref(etcdProtocol, one(random, MEMBERS)).call("compact", compact, { timeoutMs: 500 });
    await asked.catch((error: unknown) => {
      if (!hasCode(error)) throw error;
    });
    host.heal([server], MEMBERS);
  }

  private async part(left: readonly string[], right: readonly string[]): Promise<void> {
    this.host.partition(left, right, { oneWay: this.random.below(3) === 0 });
    await this.host.context.clock.sleep(100 + this.random.below(2_000));
    this.host.heal(left, right);
  }
}

function hostOf(seed: number, random: Random): SimulationHost {
  const base = { restart: "permanent", shutdownMs: SHUTDOWN_MS, startTimeoutMs: START_TIMEOUT_MS } as const;
  const etcd: Partial<EtcdOptions> = {
    snapshotEntries: one(random, [20, 100]),
    catchUpEntries: one(random, [1, 30]),
    autoCompactionRevisions: one(random, [0, 30]),
    autoCompactionRevisionsMin: 10,
  };
  const server: Partial<ApiServerOptions> = {
    replayRevisions: one(random, [1, 20]),
    historyMin: HISTORY_MIN,
    historyMax: 2 * HISTORY_MIN,
    historyAgeMs: one(random, [500, 60_000]),
    bookmarkMs: one(random, [100, 1_000]),
    compactionMs: one(random, [1_000, 60_000]),
  };
  return new SimulationHost({
    seed,
    spec: {
      name: "root",
      strategy: "one_for_one",
      intensity: { restarts: 1_000, periodMs: 1_000 },
      backoff: BACKOFF,
      startInParallel: true,
      children: [
        ...MEMBERS.map((name) => ({
          ...base,
          name,
          actor: "etcd",
          options: { ...ETCD_DEFAULTS, ...etcd, name, members: MEMBERS } satisfies EtcdOptions,
          links: MEMBERS.filter((other) => other !== name),
        })),
        ...SERVERS.map((name, at) => ({
          ...base,
          name,
          actor: "api-server",
          options: {
            ...API_SERVER_DEFAULTS,
            ...server,
            serviceCidr: addressesOf(0).serviceRange,
            // Roles and bindings are of no interest here, and cost more than all the rest.
            initialObjectsAfterMs: NEVER_MS,
            members: [...MEMBERS.slice(at), ...MEMBERS.slice(0, at)],
            tokens: [],
            kubeletToken: "",
          },
          links: MEMBERS,
        })),
      ],
    },
    definitions: { etcd: etcdActor, "api-server": apiServerActor(noDoor) },
    embedder: { name: "cluster", links: [...SERVERS, ...MEMBERS] },
  });
}
