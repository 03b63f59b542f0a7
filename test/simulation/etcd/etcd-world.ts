/** Three etcd actors in the simulation, clients that write and read through any of them, and what must hold of it all. */
import { expect } from "vitest";
import { etcdActor } from "../../../actors/etcd/etcd.ts";
import type { EtcdOptions } from "../../../actors/etcd/spec.ts";
import { ETCD_DEFAULTS } from "../../../actors/etcd/spec.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { EtcdMethods, MemberStatus, WatchEvent } from "../../../protocols/etcd.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { Ref } from "../../../runtime/actor.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array): string => new TextDecoder().decode(value);

/** With these nothing was written. */
const REFUSED = [
  "ETCD_NO_LEADER",
  "ETCD_NO_SPACE",
  "ETCD_OUT_OF_SERVICE",
  "ETCD_TOO_MANY_REQUESTS",
  "MAILBOX_FULL",
] as const;

interface Write {
  readonly key: string;
  /** Undefined: nobody knows whether it was carried out. */
  readonly revision: number | undefined;
}

export class EtcdWorld {
  readonly host: SimulationHost;
  readonly names: readonly string[];
  readonly writes: Write[] = [];
  readonly seen: WatchEvent[] = [];
  readonly errors: Map<string, number> = new Map();
  readCount = 0;
  leases = 0;
  compactions = 0;
  /** Revisions up to here were seen by the watcher; all, where there is none. */
  private watched = Infinity;
  private ackedRevision = 0;
  private working = 0;
  private nextKey = 0;

  /** `others`: so many actors more, which are no members at first. */
  constructor(seed: number, options: Partial<EtcdOptions> = {}, size: number = 3, others: number = 0) {
    this.names = Array.from({ length: size + others }, (_, index) => `etcd-${index}`);
    const founders = this.names.slice(0, size);
    const optionsOf = (name: string): EtcdOptions => {
      const isFounder = founders.includes(name);
      const members = isFounder ? founders : this.names;
      return { ...ETCD_DEFAULTS, ...options, ...(isFounder ? {} : { established: true }), name, members };
    };
    // A disk that fails ends its member; nothing else may.
    this.host = watchCrashes(
      new SimulationHost({
        seed,
        spec: {
          name: "root",
          strategy: "one_for_one",
          intensity: { restarts: 1_000, periodMs: 10_000 },
          backoff: BACKOFF,
          startInParallel: true,
          children: this.names.map((name) => ({
            name,
            actor: "etcd",
            options: optionsOf(name),
            links: this.names.filter((other) => other !== name),
            restart: "permanent" as const,
            shutdownMs: 2_000,
            startTimeoutMs: 10_000,
          })),
        },
        definitions: { etcd: etcdActor },
        embedder: { name: "cluster", links: this.names },
      }),
      { crash: ({ error }) => hasCode(error, "DISK_FULL", "DISK_FAILED") },
    );
  }

  ref(index: number): Ref<EtcdMethods> {
    return this.host.context.ref(etcdProtocol, this.names[index]!);
  }

  /** Runs until a member leads and the others know it; its index. */
  async leader(): Promise<number> {
    for (let tries = 0; tries < 200; tries++) {
      for (const [index] of this.names.entries()) {
        const status = await this.status(index);
        const leader = this.names.indexOf(status?.leader ?? "");
        if (leader >= 0 && (await this.status(leader))?.leader === this.names[leader]) return leader;
      }
      await this.host.run(10);
    }
    throw new Error("no leader within two simulated seconds");
  }

  /** Whether all members are up, and nothing is wrong with any. */
  async isWhole(): Promise<boolean> {
    for (const [index] of this.names.entries()) {
      if ((await this.status(index))?.errors.length !== 0) return false;
    }
    return true;
  }

  private async status(index: number): Promise<MemberStatus | undefined> {
    try {
      return await this.host.settle(() => this.ref(index).call("status", null, { timeoutMs: 20 }));
    } catch (error) {
      if (hasCode(error)) return undefined;
      throw error;
    }
  }

  put(index: number, key: string, value: string): Promise<{ readonly header: { readonly revision: number } }> {
    return this.host.settle(() => this.ref(index).call("put", { key, value: bytes(value) }));
  }

  async get(index: number, key: string): Promise<string | undefined> {
    const { kvs } = await this.host.settle(() => this.ref(index).call("range", { key }));
    return kvs[0] === undefined ? undefined : text(kvs[0].value);
  }

  /** A client that writes and reads through members in turn until `untilMs`. */
  startClient(untilMs: number): void {
    const { host } = this;
    this.working++;
    host.context.spawn(async () => {
      for (let turn = host.context.random.below(3); host.nowMs < untilMs; turn++) {
        const ref = this.ref(turn % this.names.length);
        const dice = host.context.random.next();
        if (dice < 0.6) await this.writeOne(ref);
        else if (dice < 0.7) await this.leaseOne(ref);
        else if (dice < 0.72) await this.compactOne(ref);
        else await this.readOne(ref);
        await host.context.clock.sleep(host.context.random.below(10));
      }
      this.working--;
    });
  }

  private async writeOne(ref: Ref<EtcdMethods>): Promise<void> {
    const key = `/k/${this.nextKey++}`;
    try {
      const { header } = await ref.call("put", { key, value: bytes(key) }, { timeoutMs: 2_000 });
      this.writes.push({ key, revision: header.revision });
      this.ackedRevision = Math.max(this.ackedRevision, header.revision);
    } catch (error) {
      this.note(error);
      const refused = hasCode(error, ...REFUSED);
      if (!refused) this.writes.push({ key, revision: undefined });
    }
  }

  /** A key that goes with its lease, sooner or later; most leases are left to end by themselves. */
  private async leaseOne(ref: Ref<EtcdMethods>): Promise<void> {
    const { random } = this.host.context;
    const key = `/leased/${random.below(20)}`;
    try {
      const lease = await ref.call("leaseGrant", { ttlSeconds: 1 + random.below(2) }, { timeoutMs: 2_000 });
      await ref.call("put", { key, value: bytes(key), lease: lease.id }, { timeoutMs: 2_000 });
      if (random.next() < 0.3) await ref.call("leaseRevoke", { id: lease.id }, { timeoutMs: 2_000 });
      this.leases++;
    } catch (error) {
      this.note(error);
    }
  }

  /** Keeps what the watcher may still have to fetch. */
  private async compactOne(ref: Ref<EtcdMethods>): Promise<void> {
    const revision = Math.min(this.watched, this.ackedRevision) - this.host.context.random.below(20);
    if (revision < 1) return;
    try {
      await ref.call("compact", { revision }, { timeoutMs: 2_000 });
      this.compactions++;
    } catch (error) {
      this.note(error);
    }
  }

  private async readOne(ref: Ref<EtcdMethods>): Promise<void> {
    const floor = this.ackedRevision;
    try {
      const { header } = await ref.call("range", { key: "/k/0" }, { timeoutMs: 2_000 });
      if (header.revision < floor) throw new Error(`stale read: ${header.revision} after ${floor}`);
      this.readCount++;
    } catch (error) {
      this.note(error);
    }
  }

  private note(error: unknown): void {
    if (!hasCode(error)) throw error;
    this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
  }

  /** Watches everything from the first revision on, going on at another member wherever a stream breaks. */
  startWatch(): void {
    let next = 1;
    let turn = 0;
    this.watched = 0;
    const open = (): void => {
      this.ref(turn++ % this.names.length).stream(
        "watch",
        { key: "/k/", rangeEnd: "/k0", startRevision: next, prevKv: true, progressNotify: true },
        {
          next: ({ header, events }) => {
            for (const event of events) {
              if (event.kv.modRevision < next)
                throw new Error(`event ${event.kv.modRevision} again, after ${next - 1}`);
              this.seen.push(event);
            }
            const last = events[events.length - 1];
            if (last !== undefined && last.kv.modRevision > header.revision) {
              throw new Error("an event is ahead of its header");
            }
            // A header promises that nothing up to its revision is still to come.
            next = Math.max(next, header.revision + 1);
            this.watched = next - 1;
          },
          end: () => void this.host.context.clock.after(20, open),
        },
      );
    };
    open();
  }

  async finish(): Promise<void> {
    await this.host.runUntil(() => this.working === 0, 60_000);
    // The longest pause before a restart, and time to catch up.
    await this.host.run(BACKOFF.maxMs * 1.5);
    await this.host.runUntil(() => this.host.actors.length === this.names.length, 10_000);
    await this.host.run(3_000);
  }

  /** Nothing acknowledged is lost, nothing refused exists, watchers saw all of it once, and the members agree. */
  async check(): Promise<void> {
    const { kvs } = await this.host.settle(() => this.ref(0).call("range", { key: "/k/", rangeEnd: "/k0" }));
    const found = new Map(kvs.map((kv) => [kv.key, kv]));
    const attempted = new Set(this.writes.map(({ key }) => key));
    for (const { key, revision } of this.writes) {
      if (revision === undefined) continue;
      expect(found.get(key)?.modRevision, `acknowledged ${key}`).toBe(revision);
    }
    for (const { key, version } of kvs) {
      expect(version, key).toBe(1);
      expect(attempted.has(key), `${key} was refused, but exists`).toBe(true);
    }
    await this.host.run(500);
    const statuses = await this.host.settle(() =>
      Promise.all(this.names.map((_, index) => this.ref(index).call("status", null))),
    );
    expect(new Set(statuses.map(({ hash }) => hash)).size, "hashes").toBe(1);
    expect(new Set(statuses.map(({ header }) => header.revision)).size, "revisions").toBe(1);
    if (this.seen.length > 0) {
      expect(this.seen.map(({ kv }) => kv.modRevision)).toEqual(
        [...found.values()].map((kv) => kv.modRevision).sort((a, b) => a - b),
      );
    }
  }
}
