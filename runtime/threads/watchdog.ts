/**
 * Finds threads that spin or block. It asks each thread's event-loop utilisation, which wakes nobody and costs
 * microseconds: a thread that was never idle since the last look and has handled no message meanwhile has not come back
 * to its event loop. Message heartbeats would lie under a flood and cost several times as much.
 */
import type { EventLoopUtilization } from "node:perf_hooks";
import type { Worker } from "node:worker_threads";

export interface WatchdogOptions {
  /** How often to look. A hang is found at most one period after the limit. */
  readonly periodMs: number;
  /** How long a thread may stay away from its event loop. Long garbage collections and large lists stay far below it. */
  readonly hangAfterMs: number;
}

export const WATCHDOG: WatchdogOptions = { periodMs: 100, hangAfterMs: 3_000 };

interface Watched {
  readonly worker: Worker;
  readonly progress: Int32Array;
  last: EventLoopUtilization;
  lastProgress: number;
  busySinceMs: number | undefined;
}

export class Watchdog {
  private readonly options: WatchdogOptions;
  private readonly onHang: (name: string, busyMs: number) => void;
  private readonly watched = new Map<string, Watched>();
  private timer: NodeJS.Timeout | undefined;

  constructor(options: WatchdogOptions, onHang: (name: string, busyMs: number) => void) {
    this.options = options;
    this.onHang = onHang;
  }

  watch(name: string, worker: Worker, progress: SharedArrayBuffer): void {
    this.watched.set(name, {
      worker,
      progress: new Int32Array(progress),
      last: worker.performance.eventLoopUtilization(),
      lastProgress: -1,
      busySinceMs: undefined,
    });
    this.timer ??= setInterval(() => this.look(), this.options.periodMs).unref();
  }

  unwatch(name: string): void {
    this.watched.delete(name);
    if (this.watched.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    const nowMs = performance.now();
    for (const [name, watched] of this.watched) {
      const now = watched.worker.performance.eventLoopUtilization();
      const progress = Atomics.load(watched.progress, 0);
      const stuck = now.idle === watched.last.idle && now.active > 0 && progress === watched.lastProgress;
      watched.last = now;
      watched.lastProgress = progress;
      if (!stuck) watched.busySinceMs = undefined;
      else watched.busySinceMs ??= nowMs - this.options.periodMs;
      const busyMs = watched.busySinceMs === undefined ? 0 : nowMs - watched.busySinceMs;
      if (busyMs < this.options.hangAfterMs) continue;
      this.unwatch(name);
      this.onHang(name, Math.round(busyMs));
    }
  }
}
