/**
 * When leases end. Only the leader counts: a new leader gives every lease its whole time again, so no lease ends before
 * its last acknowledged renewal says, whatever the clocks of the members do. A lease whose time is over can't be renewed
 * any more: its end may be under way already.
 * Source: etcd `server/lease/lessor.go`.
 */
import type { Lease } from "./store.ts";

interface Deadline {
  readonly atMs: number;
  /** When its end is asked for, the next time. */
  askMs: number;
}

export class LeaseClock {
  private readonly deadlines: Map<string, Deadline> = new Map();

  /** Becoming leader. */
  promote(leases: Iterable<Lease>, nowMs: number): void {
    this.deadlines.clear();
    for (const lease of leases) this.begin(lease, nowMs);
  }

  /** Gives a lease its whole time. */
  begin(lease: Lease, nowMs: number): void {
    const atMs = nowMs + lease.ttlSeconds * 1_000;
    this.deadlines.set(lease.id, { atMs, askMs: atMs });
  }

  /** The same, unless its time is over: then false. */
  renew(lease: Lease, nowMs: number): boolean {
    const deadline = this.deadlines.get(lease.id);
    if (deadline !== undefined && deadline.atMs <= nowMs) return false;
    this.begin(lease, nowMs);
    return true;
  }

  /** Until it ends; 0 when its time is over. */
  leftMs(lease: Lease, nowMs: number): number {
    const deadline = this.deadlines.get(lease.id);
    return deadline === undefined ? lease.ttlSeconds * 1_000 : Math.max(0, deadline.atMs - nowMs);
  }

  forget(id: string): void {
    this.deadlines.delete(id);
  }

  clear(): void {
    this.deadlines.clear();
  }

  /** Leases whose time is over, `max` at most; each is named again after a while should its end not be agreed. */
  takeExpired(nowMs: number, max: number, againAfterMs: number): readonly string[] {
    const expired: string[] = [];
    for (const [id, deadline] of this.deadlines) {
      if (deadline.askMs > nowMs) continue;
      expired.push(id);
      deadline.askMs = nowMs + againAfterMs;
      if (expired.length >= max) break;
    }
    return expired;
  }
}
