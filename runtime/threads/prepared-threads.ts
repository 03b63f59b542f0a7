/**
 * Threads that have loaded the code of one actor's next incarnation while the present one still works: what can't be
 * loaded is known before anything is stopped.
 */
import type { TransferListItem } from "node:worker_threads";
import { Worker } from "node:worker_threads";
import type { BootData } from "./boot-data.ts";
import type { ThreadStart } from "./hosted-actor.ts";
import { resourceLimitsOf } from "./resource-limits.ts";
import { forgetListeners } from "./spare-threads.ts";

export interface PreparedOptions {
  readonly name: string;
  /** With the one bundle to load. */
  readonly data: BootData;
  readonly heapLimitMb: number | undefined;
}

interface Prepared {
  readonly worker: Worker;
  readonly bundle: string;
}

export class PreparedThreads {
  private readonly boot: string;
  private readonly prepared = new Map<string, Prepared>();

  /** `boot`: the built `boot.cjs`. */
  constructor(boot: string) {
    this.boot = boot;
  }

  /** Resolves when the thread waits to become the actor; rejects with what its code threw. */
  async prepare(bundle: string, { name, data, heapLimitMb }: PreparedOptions): Promise<void> {
    this.discard(name);
    const worker = new Worker(this.boot, {
      name,
      workerData: data,
      resourceLimits: resourceLimitsOf(heapLimitMb),
    });
    await new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`its thread ended with code ${code} while it loaded`)));
    });
    worker.unref();
    this.prepared.set(name, { worker, bundle });
  }

  /** The thread that was prepared for the actor, now the actor's; undefined when there is none with this code. */
  take(start: ThreadStart, transferList: readonly TransferListItem[]): Worker | undefined {
    const prepared = this.prepared.get(start.name);
    if (prepared === undefined) return undefined;
    if (prepared.bundle !== start.bundle) {
      this.discard(start.name);
      return undefined;
    }
    const { worker } = prepared;
    // First: one that can't be sent its actor goes on waiting.
    worker.postMessage(start, transferList);
    this.prepared.delete(start.name);
    forgetListeners(worker);
    worker.ref();
    return worker;
  }

  get ready(): number {
    return this.prepared.size;
  }

  discard(name: string): void {
    void this.prepared.get(name)?.worker.terminate();
    this.prepared.delete(name);
  }

  async close(): Promise<void> {
    await Promise.all([...this.prepared.values()].map(({ worker }) => worker.terminate()));
    this.prepared.clear();
  }
}
