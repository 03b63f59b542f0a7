/** What etcd's leases promise: a key lives as long as whoever keeps its lease alive was told, and not for ever after. */
import { broken } from "./broken.ts";

interface Kept {
  /** Virtual time up to which the lease was promised to live. */
  untilMs: number;
  readonly ttlMs: number;
}

/** Of the promised time; the rest is for what the promise took to get here. */
const PROMISED_SHARE = 0.9;

export class LeasePromises {
  private readonly leases = new Map<string, Kept>();

  /** The lease was granted, or kept alive, by a request that began at `beganMs`. */
  kept(id: string, ttlSeconds: number, beganMs: number): void {
    const ttlMs = ttlSeconds * 1_000;
    const untilMs = beganMs + ttlMs * PROMISED_SHARE;
    const lease = this.leases.get(id);
    if (lease === undefined) this.leases.set(id, { untilMs, ttlMs });
    else lease.untilMs = Math.max(lease.untilMs, untilMs);
  }

  /** Its owner ends it, or has asked so. */
  given(id: string): void {
    this.leases.delete(id);
  }

  /** A key of the lease is gone. Errors: PROMISE_BROKEN. */
  lost(id: string, key: string, nowMs: number): void {
    const lease = this.leases.get(id);
    if (lease !== undefined && nowMs < lease.untilMs) {
      throw broken(`${key} went at ${nowMs} ms, though its lease ${id} was promised to live until ${lease.untilMs} ms`);
    }
  }
}
