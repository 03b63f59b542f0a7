/**
 * Leases at the leader: counts their time, has those ended whose time is over, and answers renewals. A renewal of a lease
 * that is being ended waits for the end: whoever was told of more time must have it.
 * Source: etcd `server/lease/lessor.go`, `Renew`, and its bug 15247.
 */
import type { LeaseTimeToLive } from "../../protocols/etcd.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Command } from "./core/mvcc/command.ts";
import { etcdError } from "../../protocols/etcd-errors.ts";
import { orderKey } from "./core/mvcc/key-order.ts";
import { LeaseClock } from "./core/mvcc/lease-clock.ts";
import type { StateMachine } from "./core/mvcc/state-machine.ts";
import type { Read } from "./requests.ts";
import { LeaseMetrics } from "./etcd-metrics.ts";
import type { EtcdOptions } from "./spec.ts";

/** Leases ended in one go, and how long until one is tried again that is still there. As in etcd. */
const EXPIRED_MAX = 1_000;
const RETRY_MS = 2_000;

type KeepAlive = Extract<Read, { readonly type: "keepAlive" }>;
export interface LeaseAnswer {
  readonly id: string;
  readonly ttlSeconds: number;
}

export class Leases {
  private readonly ctx: Context<EtcdOptions>;
  private readonly machine: StateMachine;
  private readonly metrics: LeaseMetrics;
  private readonly clock: LeaseClock = new LeaseClock();
  private leading = false;
  /** Renewals that wait for the end of their lease. */
  private ending: KeepAlive[] = [];

  constructor(ctx: Context<EtcdOptions>, machine: StateMachine) {
    this.ctx = ctx;
    this.machine = machine;
    this.metrics = new LeaseMetrics(ctx.metrics);
  }

  /** Another leader, or another term of this one. */
  leaderChanged(leading: boolean): void {
    this.leading = leading;
    if (leading) this.clock.promote(this.machine.store.leases.values(), this.nowMs);
    else this.clock.clear();
    const waiting = this.ending;
    this.ending = [];
    for (const read of waiting) read.reject(etcdError("ETCD_LEADER_CHANGED"));
  }

  /** A command was carried out. */
  applied(command: Command): void {
    switch (command.type) {
      case "leaseGrant": {
        const lease = this.machine.store.leases.get(command.id);
        if (lease !== undefined) this.metrics.granted.inc();
        if (this.leading && lease !== undefined) this.clock.begin(lease, this.nowMs);
        return;
      }
      case "leaseRevoke":
        this.metrics.revoked.inc();
        this.clock.forget(command.id);
        return this.ended(command.id);
      case "put":
      case "deleteRange":
      case "txn":
      case "compact":
        return;
    }
  }

  private ended(id: string): void {
    if (this.ending.length === 0) return;
    const waiting = this.ending;
    this.ending = [];
    for (const read of waiting) {
      if (read.id === id) read.resolve({ id, ttlSeconds: 0 } satisfies LeaseAnswer as never);
      else this.ending.push(read);
    }
  }

  /** Everything that was agreed on before the read is applied. */
  keepAlive(read: KeepAlive): void {
    const { id } = read;
    const lease = this.machine.store.leases.get(id);
    if (lease === undefined) return read.resolve({ id, ttlSeconds: 0 } satisfies LeaseAnswer as never);
    if (!this.leading) return read.reject(etcdError("ETCD_LEADER_CHANGED"));
    if (this.clock.renew(lease, this.nowMs)) {
      this.metrics.renewed.inc();
      return read.resolve({ id, ttlSeconds: lease.ttlSeconds } satisfies LeaseAnswer as never);
    }
    if (this.ending.length >= this.ctx.options.requestsMax) return read.reject(etcdError("ETCD_TOO_MANY_REQUESTS"));
    this.ending.push(read);
  }

  /** Everything that was agreed on before is applied. Errors: ETCD_LEADER_CHANGED. */
  timeToLive({ id, keys }: { readonly id: string; readonly keys?: boolean }): LeaseTimeToLive {
    const lease = this.machine.store.leases.get(id);
    if (lease === undefined) return { id, ttlSeconds: -1, grantedTtlSeconds: 0, keys: [] };
    if (!this.leading) throw etcdError("ETCD_LEADER_CHANGED");
    const ttlSeconds = Math.ceil(this.clock.leftMs(lease, this.nowMs) / 1_000);
    const named = keys === true ? [...lease.keys].sort((a, b) => (orderKey(a) < orderKey(b) ? -1 : 1)) : [];
    return { id, ttlSeconds, grantedTtlSeconds: lease.ttlSeconds, keys: named };
  }

  /** The ends of leases whose time is over, for the leader to propose. */
  takeExpired(): readonly Command[] {
    if (!this.leading) return [];
    const expired = this.clock.takeExpired(this.nowMs, EXPIRED_MAX, RETRY_MS);
    this.metrics.expired.add(expired.length);
    return expired.map((id) => ({ type: "leaseRevoke", id }));
  }

  private get nowMs(): number {
    return this.ctx.clock.monotonicMs();
  }
}
