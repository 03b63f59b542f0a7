/**
 * Events expire. One etcd lease serves all Events of a minute, as in kube-apiserver's lease manager: each lives for its time
 * to live and up to that minute longer. When there are too many of them the oldest leases are ended early, whichever API
 * server wrote with them.
 */
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import { SharedWork } from "../../runtime/shared-work.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** How long one lease is given out, and to how many Events. */
const REUSE_MS = 60_000;
const USES_MAX = 256;
const EVENTS = "/registry/events";

export class EventLeases {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  /** What is being granted, or has been. */
  private lease: SharedWork<string> | undefined;
  /** The newest that has been granted. */
  private granted: string | undefined;
  private sinceMs = 0;
  private uses = 0;
  private shedding = false;

  constructor(ctx: Context<ApiServerOptions>, store: Store) {
    this.ctx = ctx;
    this.store = store;
  }

  /** Does `write` with the lease for an object of this resource; once more with another when it turns out to have ended. */
  async write<T>(served: Served, deadlineMs: number, write: (lease?: string) => Promise<T>): Promise<T> {
    const lease = await this.forWrite(served, deadlineMs);
    try {
      return await write(lease);
    } catch (error) {
      if (lease === undefined || !hasCode(error, "ETCD_LEASE_NOT_FOUND")) throw error;
      if (this.granted === lease) this.lease = undefined;
      return write(await this.forWrite(served, deadlineMs));
    }
  }

  /** The lease to write an object of this resource with; undefined for what lives on. */
  forWrite({ stored }: Served, deadlineMs: number): Promise<string> | undefined {
    if (stored.rules.expires !== true) return undefined;
    const nowMs = this.ctx.clock.monotonicMs();
    if (this.lease === undefined || nowMs - this.sinceMs >= REUSE_MS || this.uses >= USES_MAX) {
      this.sinceMs = nowMs;
      this.uses = 0;
      this.lease = this.grant();
      this.shedSoon();
    }
    this.uses++;
    return this.lease.outcome(deadlineMs);
  }

  private grant(): SharedWork<string> {
    const { clock, options } = this.ctx;
    const granting = new SharedWork(this.ctx, "a lease for Events", async () => {
      try {
        const ttlSeconds = options.eventTtlSeconds + REUSE_MS / 1_000;
        const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
        const { id } = await this.store.etcd.call("leaseGrant", { ttlSeconds }, deadlineMs);
        this.granted = id;
        return id;
      } catch (error) {
        // The next Event asks anew.
        if (this.lease === granting) this.lease = undefined;
        throw error;
      }
    });
    return granting;
  }

  private shedSoon(): void {
    if (this.shedding) return;
    this.shedding = true;
    this.ctx.spawn(async () => {
      try {
        await this.shed();
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        this.ctx.log.debug("too many Events stay for a while", { code: error.code, message: error.message });
      }
      this.shedding = false;
    });
  }

  /** Ends the oldest leases until the Events are few enough, or only the newest lease is left. */
  private async shed(): Promise<void> {
    const { store } = this;
    const { clock, options } = this.ctx;
    const { eventsMax, requestTimeoutMs } = options;
    while (store.cache(EVENTS).size > eventsMax) {
      const oldest = oldestOf(store.leases);
      if (oldest === undefined) return;
      const deadlineMs = clock.monotonicMs() + requestTimeoutMs;
      try {
        const { header } = await store.etcd.call("leaseRevoke", { id: oldest }, deadlineMs);
        await store.waitFor(header.revision, deadlineMs);
      } catch (error) {
        // It has expired, or another server was faster.
        if (!hasCode(error, "ETCD_LEASE_NOT_FOUND")) throw error;
      }
      store.leases.delete(oldest);
    }
  }
}

/** Undefined while there is one alone: it is being written with. */
function oldestOf(leases: ReadonlyMap<string, number>): string | undefined {
  if (leases.size < 2) return undefined;
  let oldest: string | undefined;
  let first = Infinity;
  for (const [id, revision] of leases) {
    if (revision >= first) continue;
    first = revision;
    oldest = id;
  }
  return oldest;
}
