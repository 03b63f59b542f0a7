/** Clients of etcd itself: they write, compare and swap, read and hold leases, and note what they were told. */
import { hasCode } from "../../../protocols/errors.ts";
import type { EtcdMethods, KeyValue } from "../../../protocols/etcd.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { Ref } from "../../../runtime/actor.ts";
import type { Random } from "../../../runtime/random.ts";
import { broken } from "./checks/broken.ts";
import type { Answer, Request } from "./checks/etcd-history.ts";
import { EtcdHistory } from "./checks/etcd-history.ts";
import { linearize, stepsByKey } from "./checks/linearize.ts";
import type { EtcdGroup } from "./etcd-group.ts";
import type { Observer } from "./observer.ts";
import { one } from "./swarm.ts";

const CLIENTS = 3;
const PREFIX = "/history/";
const KEYS = ["a", "b", "c"].map((name) => PREFIX + name);
const TIMEOUT_MS = 3_000;
const PACE: Pace = { pauseMs: 700, leaseTtlSeconds: [2, 5, 12] };
/** How long after the time of a lease its keys may be there yet, once nothing is broken: it takes a housekeeping and a write. */
const LEASE_END_MS = 5_000;
const LEASE_LOOK_MS = 50;
/** How far back a list of the past goes. */
const BACK_MAX = 30;
/** Nothing was written. */
const REFUSED = ["ETCD_NO_LEADER", "MAILBOX_FULL", "ETCD_TOO_MANY_REQUESTS", "CIRCUIT_OPEN"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Pace {
  /** The longest between two requests of a client. */
  readonly pauseMs: number;
  readonly leaseTtlSeconds: readonly number[];
  /** Keys of leases are written anew without them. Default: none. */
  readonly isReleasing?: boolean;
}

export class EtcdClients {
  readonly history: EtcdHistory = new EtcdHistory();
  private readonly cluster: EtcdGroup;
  private readonly pace: Pace;
  private readonly observer: Observer;
  private readonly random: Random;
  private isOver = false;
  private written = 0;
  private leased = 0;
  /** Keys that have lost their lease by a write, which was acknowledged. */
  private readonly released: string[] = [];
  private readonly working = new Set<Promise<void>>();

  constructor(cluster: EtcdGroup, observer: Observer, pace: Pace = PACE) {
    this.cluster = cluster;
    this.observer = observer;
    this.pace = pace;
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
    const put = { key, value: encoder.encode(value) };
    const answer = await this.note(client, { type: "put", key, value }, async () => {
      const { header } = await this.ref(member).call("put", put, { timeoutMs });
      return { type: "written", revision: header.revision };
    });
    return answer.type === "written";
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

  /** Nobody keeps the leases alive any more, and nothing is broken. Errors: PROMISE_BROKEN for one that goes on. */
  async nothingOutlivesItsLease(): Promise<void> {
    const { host } = this.cluster;
    const limitMs = Math.max(...this.pace.leaseTtlSeconds) * 1_000 + LEASE_END_MS;
    const endMs = host.nowMs + limitMs;
    while (!(await this.hasNoLeases())) {
      if (host.nowMs > endMs)
        throw broken(`keys of leases of ${limitMs - LEASE_END_MS} ms are there after ${limitMs} ms`);
      await host.context.clock.sleep(LEASE_LOOK_MS);
    }
  }

  /** Nothing is broken, and the leases are over. Errors: PROMISE_BROKEN for a key that went with a lease that it had no more. */
  async whatWasReleasedStays(): Promise<void> {
    const member = one(this.random, this.cluster.members);
    for (const key of this.released) {
      const { count } = await this.ref(member).call("range", { key, countOnly: true }, { timeoutMs: TIMEOUT_MS });
      if (count !== 1) throw broken(`${key} is gone, which was written anew without its lease`);
    }
  }

  /** Errors: PROMISE_BROKEN. */
  check(): void {
    this.history.check(this.observer.log);
    for (const [key, steps] of stepsByKey(this.history.operations)) {
      const verdict = linearize(steps);
      if (verdict.type === "impossible") throw broken(`no order of what was done to ${key} explains ${verdict.at}`);
    }
  }

  /** Writes down a request and what came of it. */
  private async note(client: string, request: Request, ask: () => Promise<Answer>): Promise<Answer> {
    const end = this.history.begins(client, request, this.observer.log.revision);
    let answer: Answer;
    try {
      answer = await ask();
    } catch (error) {
      answer = { type: outcomeOf(error) };
    }
    end(answer);
    return answer;
  }

  private goOn(step: () => Promise<void>): void {
    const work = (async () => {
      while (!this.isOver) {
        await step();
        await this.cluster.host.context.clock.sleep(this.random.below(this.pace.pauseMs));
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
    if (draw >= 0.9) {
      await this.list(client, member);
      return;
    }
    const read = await this.read(client, member, key);
    if (draw < 0.6 && read !== undefined) await this.swap(client, one(this.random, this.cluster.members), key, read);
  }

  /** The key as it was found, or null when there is none; undefined when there was no answer. */
  private async read(client: string, member: string, key: string): Promise<KeyValue | null | undefined> {
    const answer = await this.note(client, { type: "get", key }, async () => {
      const { header, kvs } = await this.ref(member).call("range", { key }, { timeoutMs: TIMEOUT_MS });
      return { type: "found", revision: header.revision, kvs };
    });
    if (answer.type !== "found") return undefined;
    const [found] = answer.kvs;
    return found ?? null;
  }

  /** The newest, or what was: as of an older revision, or as the member knows it by itself. */
  private async list(client: string, member: string): Promise<void> {
    const range = { key: PREFIX, rangeEnd: `${PREFIX.slice(0, -1)}0` };
    const known = this.observer.log.revision;
    const revision = Math.max(1, known - this.random.below(BACK_MAX));
    const [request, options] = one(this.random, [
      [{ type: "list", prefix: PREFIX }, {}],
      [{ type: "past", prefix: PREFIX, revision }, { revision }],
      [{ type: "past", prefix: PREFIX }, { serializable: true }],
    ] as const);
    await this.note(client, request, async () => {
      const { header, kvs } = await this.ref(member).call("range", { ...range, ...options }, { timeoutMs: TIMEOUT_MS });
      return { type: "found", revision: header.revision, kvs };
    });
  }

  private async swap(client: string, member: string, key: string, found: KeyValue | null): Promise<void> {
    const expected = found?.modRevision ?? 0;
    const expectedValue = found === null ? undefined : decoder.decode(found.value);
    const value = this.random.below(8) === 0 && found !== null ? undefined : this.nextValue();
    await this.note(client, { type: "swap", key, expected, expectedValue, value }, async () => {
      const { header, succeeded } = await this.ref(member).call(
        "txn",
        {
          compare: [{ key, target: "mod", result: "equal", value: expected }],
          success: [value === undefined ? { deleteRange: { key } } : { put: { key, value: encoder.encode(value) } }],
          failure: [],
        },
        { timeoutMs: TIMEOUT_MS },
      );
      return { type: succeeded ? "written" : "differs", revision: header.revision };
    });
  }

  /** Grants a lease, keeps it alive for a while with two keys on it, then lets it run out or revokes it. */
  private async holdLease(): Promise<void> {
    const { host } = this.cluster;
    const { clock } = host.context;
    const { leases } = this.observer;
    const ref = (): Ref<EtcdMethods> => this.ref(one(this.random, this.cluster.members));
    const id = String(1_000_000 + this.leased++);
    const askedSeconds = one(this.random, this.pace.leaseTtlSeconds);
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
      if (this.pace.isReleasing === true) await this.release(ref, id);
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

  private async release(ref: () => Ref<EtcdMethods>, lease: string): Promise<void> {
    const key = `/released/${lease}`;
    const value = encoder.encode(lease);
    await ref().call("put", { key, value, lease }, { timeoutMs: TIMEOUT_MS });
    await ref().call("put", { key, value }, { timeoutMs: TIMEOUT_MS });
    this.released.push(key);
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
