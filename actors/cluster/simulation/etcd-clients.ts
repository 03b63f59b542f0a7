/** Clients of etcd itself: they write, compare and swap, read and hold leases, and note what they were told. */
import { hasCode } from "../../../protocols/errors.ts";
import type { EtcdMethods } from "../../../protocols/etcd.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { Ref } from "../../../runtime/actor.ts";
import type { Random } from "../../../runtime/random.ts";
import { ClientHistory } from "./checks/client-history.ts";
import { PROMISE_BROKEN } from "./checks/broken.ts";
import type { Observer } from "./observer.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import { one } from "./swarm.ts";

const CLIENTS = 3;
const KEYS = ["/history/a", "/history/b", "/history/c"];
const PAUSE_MS = 700;
const TIMEOUT_MS = 3_000;
export const LEASE_TTL_SECONDS: readonly number[] = [2, 5, 12];
/** Nothing was written. */
const REFUSED = ["ETCD_NO_LEADER", "MAILBOX_FULL", "ETCD_TOO_MANY_REQUESTS", "CIRCUIT_OPEN"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class EtcdClients {
  readonly history: ClientHistory = new ClientHistory();
  private readonly cluster: SimulatedCluster;
  private readonly observer: Observer;
  private readonly random: Random;
  private isOver = false;
  private written = 0;
  private leased = 0;
  private readonly working = new Set<Promise<void>>();

  constructor(cluster: SimulatedCluster, observer: Observer) {
    this.cluster = cluster;
    this.observer = observer;
    this.random = cluster.host.world.random("etcd-clients");
  }

  start(what: { readonly history: boolean; readonly leases: boolean }): void {
    if (what.history) {
      for (let index = 0; index < CLIENTS; index++) this.goOn(() => this.step(`etcd-client-${index}`));
    }
    if (what.leases) for (let index = 0; index < CLIENTS; index++) this.goOn(() => this.holdLease());
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.working);
  }

  /** Writes one value through a member, and notes what came of it; true when it was acknowledged. */
  async write(client: string, member: string, key: string, timeoutMs: number): Promise<boolean> {
    const value = this.nextValue();
    const { floor } = this.history;
    try {
      const { header } = await this.ref(member).call("put", { key, value: encoder.encode(value) }, { timeoutMs });
      this.history.wrote({ client, key, value, floor, outcome: header.revision });
      return true;
    } catch (error) {
      this.history.wrote({ client, key, value, floor, outcome: outcomeOf(error) });
      return false;
    }
  }

  /** Whether no key of a lease is left; false also when nobody answers. */
  async hasNoLeases(): Promise<boolean> {
    try {
      const range = { key: "/leased/", rangeEnd: "/leased0", countOnly: true };
      const member = one(this.random, this.cluster.members);
      return (await this.ref(member).call("range", range, { timeoutMs: TIMEOUT_MS })).count === 0;
    } catch (error) {
      if (!hasCode(error)) throw error;
      return false;
    }
  }

  check(): void {
    this.history.check(this.observer.log, (bytes) => decoder.decode(bytes));
  }

  private goOn(step: () => Promise<void>): void {
    const work = (async () => {
      while (!this.isOver) {
        await step();
        await this.cluster.clock.sleep(this.random.below(PAUSE_MS));
      }
    })();
    this.working.add(work);
    this.cluster.host.context.spawn(() => work);
  }

  private async step(client: string): Promise<void> {
    const member = one(this.random, this.cluster.members);
    const key = one(this.random, KEYS);
    const draw = this.random.next();
    if (draw < 0.3) {
      await this.write(client, member, key, TIMEOUT_MS);
      return;
    }
    const read = await this.read(client, member, key);
    if (draw < 0.6 && read !== undefined) await this.swap(client, one(this.random, this.cluster.members), key, read);
  }

  /** The revision of the key's version; undefined when there was no answer. */
  private async read(client: string, member: string, key: string): Promise<number | undefined> {
    const { floor } = this.history;
    try {
      const { kvs } = await this.ref(member).call("range", { key }, { timeoutMs: TIMEOUT_MS });
      const [kv] = kvs;
      const revision = kv?.modRevision ?? 0;
      this.history.read({
        client,
        key,
        floor,
        revision,
        value: kv === undefined ? undefined : decoder.decode(kv.value),
      });
      return revision;
    } catch (error) {
      if (!hasCode(error) || hasCode(error, PROMISE_BROKEN)) throw error;
      return undefined;
    }
  }

  private async swap(client: string, member: string, key: string, expected: number): Promise<void> {
    const value = this.random.below(8) === 0 && expected !== 0 ? undefined : this.nextValue();
    const { floor } = this.history;
    const note = (outcome: number | "refused" | "unknown"): void =>
      this.history.wrote({ client, key, value, expected, floor, outcome });
    try {
      const answer = await this.ref(member).call(
        "txn",
        {
          compare: [{ key, target: "mod", result: "equal", value: expected }],
          success: [value === undefined ? { deleteRange: { key } } : { put: { key, value: encoder.encode(value) } }],
          failure: [],
        },
        { timeoutMs: TIMEOUT_MS },
      );
      note(answer.succeeded ? answer.header.revision : "refused");
    } catch (error) {
      note(outcomeOf(error));
    }
  }

  /** Grants a lease, keeps it alive for a while with two keys on it, then lets it run out or revokes it. */
  private async holdLease(): Promise<void> {
    const { clock, host } = this.cluster;
    const { leases } = this.observer;
    const ref = (): Ref<EtcdMethods> => this.ref(one(this.random, this.cluster.members));
    const id = String(1_000_000 + this.leased++);
    const askedSeconds = one(this.random, LEASE_TTL_SECONDS);
    try {
      let beganMs = host.nowMs;
      const { ttlSeconds } = await ref().call(
        "leaseGrant",
        { id, ttlSeconds: askedSeconds },
        { timeoutMs: TIMEOUT_MS },
      );
      leases.kept(id, ttlSeconds, beganMs);
      for (const name of ["a", "b"]) {
        const put = { key: `/leased/${id}/${name}`, value: encoder.encode(id), lease: id };
        await ref().call("put", put, { timeoutMs: TIMEOUT_MS });
      }
      for (let beats = this.random.below(6); beats > 0 && !this.isOver; beats--) {
        await clock.sleep(ttlSeconds * (300 + this.random.below(800)));
        beganMs = host.nowMs;
        const kept = await ref().call("leaseKeepAlive", { id }, { timeoutMs: TIMEOUT_MS });
        if (kept.ttlSeconds === 0) return;
        leases.kept(id, kept.ttlSeconds, beganMs);
      }
      if (this.random.below(4) !== 0) return;
      leases.given(id);
      await ref().call("leaseRevoke", { id }, { timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (!hasCode(error)) throw error;
    }
  }

  private nextValue(): string {
    return `v${this.written++}`;
  }

  private ref(member: string): Ref<EtcdMethods> {
    return this.cluster.host.context.ref(etcdProtocol, member);
  }
}

function outcomeOf(error: unknown): "refused" | "unknown" {
  if (!hasCode(error)) throw error;
  return hasCode(error, ...REFUSED) ? "refused" : "unknown";
}
