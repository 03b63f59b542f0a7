/**
 * Threads that have booted and loaded the actors' bundles already, and wait to be told which actor to be: a replacement
 * is up in the time of two messages instead of a thread's start. A spare serves any actor that has a thread of its own.
 * V8 takes a heap limit only when a thread is made, so a spare's is `heapLimitMb`; one that asks for less is held to it by
 * the heap guard, and one that asks for more gets a new thread.
 */
import type { TransferListItem } from "node:worker_threads";
import { Worker } from "node:worker_threads";
import type { BootData } from "./boot-data.ts";
import type { ThreadStart } from "./hosted-actor.ts";
import { resourceLimitsOf } from "./resource-limits.ts";
import { clearTimeout, setTimeout } from "./machine-clock.ts";

export interface SpareOptions {
  /** How many wait at any time. One serves single crashes; each costs its memory. */
  readonly count: number;
  /** Names of the actors whose bundles they load. Another is loaded when it is needed. */
  readonly actors: readonly string[];
  /** Heap limit of each; by default Node's. */
  readonly heapLimitMb?: number;
  /** How long after the last start new ones are made, so that they don't compete with what is starting. */
  readonly delayMs?: number;
}

export const SPARE_DELAY_MS = 1_000;

interface Spare {
  readonly worker: Worker;
  ready: boolean;
}

export class SpareThreads {
  private readonly boot: string;
  private readonly data: BootData;
  private readonly options: SpareOptions;
  private readonly spares = new Set<Spare>();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /** `boot`: the built `boot.cjs`. `data`: with the bundles to load. */
  constructor(boot: string, data: BootData, options: SpareOptions) {
    this.boot = boot;
    this.data = data;
    this.options = options;
  }

  /** Spares that could take an actor now. */
  get ready(): number {
    return [...this.spares].filter(({ ready }) => ready).length;
  }

  /** Makes a waiting thread the actor's; undefined when none is ready. */
  take(start: ThreadStart, transferList: readonly TransferListItem[]): Worker | undefined {
    if ((start.heapLimitMb ?? Infinity) > (this.options.heapLimitMb ?? Infinity)) return undefined;
    for (const spare of this.spares) {
      if (!spare.ready) continue;
      // First: one that can't be sent its actor goes on waiting.
      spare.worker.postMessage(start, transferList);
      this.spares.delete(spare);
      forgetListeners(spare.worker);
      spare.worker.ref();
      return spare.worker;
    }
    return undefined;
  }

  /** Something has started: what is missing is made once nothing has for a while. */
  refillLater(): void {
    if (this.closed || this.spares.size >= this.options.count) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      while (this.spares.size < this.options.count) this.add();
    }, this.options.delayMs ?? SPARE_DELAY_MS).unref();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await Promise.all([...this.spares].map(({ worker }) => worker.terminate()));
  }

  private add(): void {
    const worker = new Worker(this.boot, {
      name: "spare",
      workerData: this.data,
      resourceLimits: resourceLimitsOf(this.options.heapLimitMb),
    });
    const spare: Spare = { worker, ready: false };
    this.spares.add(spare);
    worker.once("message", () => void (spare.ready = true));
    // One that does not come up is no actor's failure: actors start on new threads then, and show it.
    worker.on("error", () => undefined);
    worker.once("exit", () => void this.spares.delete(spare));
    worker.unref();
  }
}

/**
 * Takes our own listeners off, so that the actor's host puts on its own. Not all of them: Node.js itself listens for
 * listeners to come, and a worker that it no longer hears of them tells its host nothing more.
 */
export function forgetListeners(worker: Worker): void {
  for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
}
