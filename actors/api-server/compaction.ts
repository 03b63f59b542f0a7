/**
 * Compaction of etcd's history, once a period for all API servers together: who first raises the compaction key from the
 * value that it saw does it. Source: apiserver `storage/etcd3/compact.go`.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

const KEY = "compact_rev_key";

export class Compaction {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private seenVersion = 0;
  private seenRevision = 0;

  constructor(ctx: Context<ApiServerOptions>, store: Store) {
    this.ctx = ctx;
    this.store = store;
  }

  start(): void {
    const { clock, options, log } = this.ctx;
    clock.every(options.compactionMs, () => {
      this.ctx.spawn(async () => {
        try {
          await this.round();
        } catch (error) {
          if (!(error instanceof InkubeError)) throw error;
          log.warn("compaction is put off", { code: error.code, message: error.message });
        }
      });
    });
  }

  private async round(): Promise<void> {
    const { clock, options } = this.ctx;
    const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
    const value = new TextEncoder().encode(String(this.store.revision));
    const answer = await this.store.etcd.call(
      "txn",
      {
        compare: [{ key: KEY, target: "version", result: "equal", value: this.seenVersion }],
        success: [{ put: { key: KEY, value } }],
        failure: [{ range: { key: KEY } }],
      },
      deadlineMs,
    );
    const compactRevision = this.seenRevision;
    this.seenRevision = answer.header.revision;
    if (!answer.succeeded) {
      const [response] = answer.responses;
      const kv = response !== undefined && "range" in response ? response.range.kvs[0] : undefined;
      this.seenVersion = kv?.version ?? 0;
      return;
    }
    this.seenVersion++;
    if (compactRevision > 0) await this.store.etcd.call("compact", { revision: compactRevision }, deadlineMs);
  }
}
