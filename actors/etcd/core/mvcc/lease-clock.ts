/**
 * When leases end. Only the leader counts: a new leader gives every lease its whole time again, so no lease ends before
 * its last acknowledged renewal says, whatever the clocks of the members do.
 * Source: etcd `server/lease/lessor.go`.
 */
import type { Lease } from "./store.ts";

export class LeaseClock {
  private readonly deadlines: Map<string, number> = new Map();

  /** Becoming leader. */
  promote(leases: Iterable<Lease>, nowMs: number): void {
    this.deadlines.clear();
    for (const lease of leases) this.renew(lease, nowMs);
  }

  renew(lease: Lease, nowMs: number): void {
    this.deadlines.set(lease.id, nowMs + lease.ttlSeconds * 1_000);
  }

  forget(id: string): void {
    this.deadlines.delete(id);
  }

  clear(): void {
    this.deadlines.clear();
  }

  /** Leases whose time is over, `max` at most; each is named once, and counts anew should its end not be agreed. */
  takeExpired(nowMs: number, max: number, againAfterMs: number): readonly string[] {
    const expired: string[] = [];
    for (const [id, deadlineMs] of this.deadlines) {
      if (deadlineMs > nowMs) continue;
      expired.push(id);
      this.deadlines.set(id, nowMs + againAfterMs);
      if (expired.length >= max) break;
    }
    return expired;
  }
}
