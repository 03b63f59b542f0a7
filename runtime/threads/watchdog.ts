/**
 * Finds threads that spin or block. It asks each thread's event-loop utilisation, which wakes nobody and costs
 * microseconds: a thread that was never idle since the last look and has handled no message meanwhile has not come back
 * to its event loop. Message heartbeats would lie under a flood and cost several times as much. Only a thread that looks
 * stuck for half of its limit is asked to move its counter: one that is merely busy with timers and sockets then does.
 *
 * A hang starts at most one period before the first look that sees the thread busy throughout, and from then on the
 * thread is looked at exactly when its limit is reached: it is found at most two periods after the limit.
 */
import type { EventLoopUtilization } from "node:perf_hooks";
import { clearTimeout, monotonicNowMs, setTimeout } from "./machine-clock.ts";

export interface WatchdogOptions {
  /** How often to look, while there are few threads. */
  readonly periodMs: number;
  /** How long a thread may stay away from its event loop. Long garbage collections and large lists stay far below it. */
  readonly hangAfterMs: number;
}

export const WATCHDOG: WatchdogOptions = { periodMs: 100, hangAfterMs: 3_000 };

/**
 * A look costs about 2 µs a thread: with this pause for each, 900 threads cost 8 ms a second and a hang is still found
 * within 300 ms of its limit, because the second period is cut short by the exact look.
 */
const PERIOD_MS_PER_THREAD = 0.25;

/** What is asked of a worker. */
export interface Watchable {
  readonly performance: { eventLoopUtilization(): EventLoopUtilization };
}

interface Watched {
  readonly progress: Int32Array;
  readonly hangAfterMs: number;
  last: EventLoopUtilization;
  lastProgress: number;
  lastLookMs: number;
  busySinceMs: number | undefined;
  asked: boolean;
  /** Questions under way that it stands still for. */
  excuses: number;
}

export class Watchdog {
  private readonly options: WatchdogOptions;
  private readonly onSuspect: (worker: Watchable) => void;
  private readonly onHang: (worker: Watchable, busyMs: number) => void;
  private readonly isCrowded: () => boolean;
  /** By thread and not by name: a thread that ends late has a successor of its name by then. */
  private readonly watched = new Map<Watchable, Watched>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * `onSuspect`: makes the thread move its counter when it comes back to its event loop. `isCrowded`: far more threads
   * want to run than there are cores, so that a thread that waits for its turn looks like one that spins; nobody is
   * called hung then.
   */
  constructor(
    options: WatchdogOptions,
    onSuspect: (worker: Watchable) => void,
    onHang: (worker: Watchable, busyMs: number) => void,
    isCrowded: () => boolean = () => false,
  ) {
    this.isCrowded = isCrowded;
    this.options = options;
    this.onSuspect = onSuspect;
    this.onHang = onHang;
  }

  /** `hangAfterMs`: its own limit instead of everybody's. */
  watch(worker: Watchable, progress: SharedArrayBuffer, hangAfterMs?: number): void {
    // Another actor of a shared thread: the look goes on.
    if (this.watched.has(worker)) return;
    this.watched.set(worker, {
      progress: new Int32Array(progress),
      hangAfterMs: hangAfterMs ?? this.options.hangAfterMs,
      last: worker.performance.eventLoopUtilization(),
      lastProgress: -1,
      lastLookMs: monotonicNowMs(),
      busySinceMs: undefined,
      asked: false,
      excuses: 0,
    });
    if (this.timer === undefined) this.arm(this.periodMs);
  }

  unwatch(worker: Watchable): void {
    this.watched.delete(worker);
    if (this.watched.size > 0) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** It stands still because it was told to, until what this gives is called. */
  excuse(worker: Watchable): () => void {
    const watched = this.watched.get(worker);
    if (watched === undefined) return () => undefined;
    watched.excuses++;
    return () => void watched.excuses--;
  }

  get periodMs(): number {
    return Math.max(this.options.periodMs, this.watched.size * PERIOD_MS_PER_THREAD);
  }

  private arm(delayMs: number): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const nextMs = this.look();
      if (this.watched.size > 0) this.arm(nextMs);
    }, delayMs).unref();
  }

  /** How long until the next look: a period, or less when a thread that looks stuck reaches its limit before. */
  private look(): number {
    let nextMs = this.periodMs;
    for (const [worker, watched] of this.watched) {
      const busyMs = busyFor(worker, watched);
      if (busyMs === undefined) continue;
      if (this.isCrowded() || watched.excuses > 0) {
        watched.busySinceMs = undefined;
        watched.asked = false;
        continue;
      }
      const askAtMs = watched.hangAfterMs / 2;
      if (busyMs >= askAtMs && !watched.asked) {
        watched.asked = true;
        this.onSuspect(worker);
      } else if (busyMs >= watched.hangAfterMs) {
        this.watched.delete(worker);
        this.onHang(worker, Math.round(busyMs));
        continue;
      }
      const limitMs = watched.asked ? watched.hangAfterMs : askAtMs;
      nextMs = Math.min(nextMs, Math.max(1, Math.ceil(limitMs - busyMs)));
    }
    return nextMs;
  }
}

/** How long the thread has certainly been away from its event loop; undefined when it has been there since the last look. */
function busyFor(worker: Watchable, watched: Watched): number | undefined {
  const nowMs = monotonicNowMs();
  const now = worker.performance.eventLoopUtilization();
  const progress = Atomics.load(watched.progress, 0);
  // `active` is 0 before the thread's event loop has begun; it can be below where a program fakes its `performance`, for
  // Node.js takes the time of it from there, while `idle` is the thread's own.
  const stuck = now.idle === watched.last.idle && now.active !== 0 && progress === watched.lastProgress;
  if (stuck) watched.busySinceMs ??= watched.lastLookMs;
  else {
    watched.busySinceMs = undefined;
    watched.asked = false;
  }
  watched.last = now;
  watched.lastProgress = progress;
  watched.lastLookMs = nowMs;
  return watched.busySinceMs === undefined ? undefined : nowMs - watched.busySinceMs;
}
