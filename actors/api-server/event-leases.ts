/**
 * Events expire. One etcd lease serves all Events of a minute, as in kube-apiserver's lease manager: each lives for its time
 * to live and up to that minute longer.
 */
import type { Context } from "../../runtime/actor.ts";
import { SharedWork } from "../../runtime/shared-work.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** How long one lease is given out, and to how many Events. */
const REUSE_MS = 60_000;
const USES_MAX = 1_000;

export class EventLeases {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  /** What is being granted, or has been. */
  private lease: SharedWork<string> | undefined;
  private sinceMs = 0;
  private uses = 0;

  constructor(ctx: Context<ApiServerOptions>, store: Store) {
    this.ctx = ctx;
    this.store = store;
  }

  /** The lease to write an object of this resource with; undefined for what lives on. */
  forWrite({ stored }: Served, deadlineMs: number): Promise<string> | undefined {
    if (stored.rules.expires !== true) return undefined;
    const nowMs = this.ctx.clock.monotonicMs();
    if (this.lease === undefined || nowMs - this.sinceMs >= REUSE_MS || this.uses >= USES_MAX) {
      this.sinceMs = nowMs;
      this.uses = 0;
      this.lease = this.grant();
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
        return (await this.store.etcd.call("leaseGrant", { ttlSeconds }, deadlineMs)).id;
      } catch (error) {
        // The next Event asks anew.
        if (this.lease === granting) this.lease = undefined;
        throw error;
      }
    });
    return granting;
  }
}
