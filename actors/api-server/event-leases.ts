/**
 * Events expire. One etcd lease serves all Events of a minute, as in kube-apiserver's lease manager: each lives for its time
 * to live and up to that minute longer.
 */
import type { ResourceInfo } from "../../protocols/kubernetes/resources.ts";
import type { Context } from "../../runtime/actor.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** How long one lease is given out, and to how many Events. */
const REUSE_MS = 60_000;
const USES_MAX = 1_000;

export class EventLeases {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private lease: Promise<string> | undefined;
  private sinceMs = 0;
  private uses = 0;

  constructor(ctx: Context<ApiServerOptions>, store: Store) {
    this.ctx = ctx;
    this.store = store;
  }

  /** The lease to write an object of this resource with; undefined for what lives on. */
  forWrite(info: ResourceInfo, deadlineMs: number): Promise<string> | undefined {
    if (info.storagePrefix !== "/registry/events") return undefined;
    const nowMs = this.ctx.clock.monotonicMs();
    if (this.lease === undefined || nowMs - this.sinceMs >= REUSE_MS || this.uses >= USES_MAX) {
      this.sinceMs = nowMs;
      this.uses = 0;
      this.lease = this.grant(deadlineMs);
    }
    this.uses++;
    return this.lease;
  }

  private async grant(deadlineMs: number): Promise<string> {
    const ttlSeconds = this.ctx.options.eventTtlSeconds + REUSE_MS / 1_000;
    try {
      return (await this.store.etcd.call("leaseGrant", { ttlSeconds }, deadlineMs)).id;
    } catch (error) {
      this.lease = undefined;
      throw error;
    }
  }
}
