/**
 * Which API servers serve, where they are of several processes: each keeps a key in etcd that ends with it, and all of them write what
 * they find there to the Service `kubernetes`. Source: kube-apiserver's lease endpoint reconciler (`pkg/controlplane/reconcilers`).
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

const PREFIX = "/registry/masterleases/";
const PREFIX_END = "/registry/masterleases0";
/** As kube-apiserver's. */
const PERIOD_MS = 10_000;
const TTL_SECONDS = 15;
/** A server that stops does not wait for an etcd that is gone. */
const LEAVE_MS = 500;

export interface Place {
  readonly host: string;
  readonly port: number;
}

export class MasterLeases {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private readonly write: (places: readonly Place[]) => Promise<void>;
  private own: Place | undefined;

  /** `write` brings the Service into line. */
  constructor(ctx: Context<ApiServerOptions>, store: Store, write: (places: readonly Place[]) => Promise<void>) {
    this.ctx = ctx;
    this.store = store;
    this.write = write;
  }

  /** From now on, at this place. */
  async serve(own: Place): Promise<void> {
    const isFirst = this.own === undefined;
    this.own = own;
    await this.round();
    if (isFirst) this.ctx.clock.every(PERIOD_MS, () => this.ctx.spawn(() => this.again()));
  }

  /** Others need not wait for the key to end. */
  async leave(): Promise<void> {
    const { own } = this;
    this.own = undefined;
    if (own === undefined) return;
    const deletion = { deleteRange: { key: keyOf(own) } };
    try {
      const deadlineMs = this.ctx.clock.monotonicMs() + LEAVE_MS;
      await this.store.etcd.call("txn", { compare: [], success: [deletion], failure: [] }, deadlineMs);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
    }
  }

  private async again(): Promise<void> {
    try {
      await this.round();
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.warn("the kubernetes Service is not brought into line yet", { error: error.message });
    }
  }

  private async round(): Promise<void> {
    const { own } = this;
    if (own === undefined) return;
    const { etcd } = this.store;
    const deadlineMs = this.deadlineMs();
    // A new one each time: a lease that has ended meanwhile is no trouble then.
    const { id } = await etcd.call("leaseGrant", { ttlSeconds: TTL_SECONDS }, deadlineMs);
    const put = { put: { key: keyOf(own), value: new TextEncoder().encode(JSON.stringify(own)), lease: id } };
    await etcd.call("txn", { compare: [], success: [put], failure: [] }, deadlineMs);
    const { kvs } = await etcd.call("range", { key: PREFIX, rangeEnd: PREFIX_END }, deadlineMs);
    const decoder = new TextDecoder();
    await this.write(kvs.map(({ value }) => JSON.parse(decoder.decode(value)) as Place));
  }

  private deadlineMs(): number {
    return this.ctx.clock.monotonicMs() + this.ctx.options.requestTimeoutMs;
  }
}

function keyOf({ host, port }: Place): string {
  return `${PREFIX}${host}:${port}`;
}
