/**
 * A clock whose timers end with its owner: an actor on a shared thread, which what a timer throws ends alone; or the
 * embedding program's part in the cluster.
 */
import type { Clock, Timer } from "../clock.ts";

const NEVER: Timer = { cancel: () => undefined };

export class OwnedClock implements Clock {
  private readonly clock: Clock;
  private readonly crash: (error: unknown) => void;
  private readonly progress: () => void;
  private readonly timers = new Set<Timer>();
  private readonly sleepers = new Set<(error: Error) => void>();
  private closed = false;
  private closedWith: Error | undefined;

  /** `progress`: counts a timer that has fired, where the watchdog sees it. */
  constructor(clock: Clock, crash: (error: unknown) => void, progress: () => void) {
    this.progress = progress;
    this.clock = clock;
    this.crash = crash;
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  after(delayMs: number, action: () => void): Timer {
    return this.own((guarded) => {
      const timer = this.clock.after(delayMs, () => {
        this.timers.delete(timer);
        guarded();
      });
      return timer;
    }, action);
  }

  every(periodMs: number, action: () => void): Timer {
    return this.own((guarded) => this.clock.every(periodMs, guarded), action);
  }

  /** Settles as `close` says once the clock is closed. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closedWith !== undefined) return reject(this.closedWith);
      this.sleepers.add(reject);
      this.after(delayMs, () => {
        this.sleepers.delete(reject);
        resolve();
      });
    });
  }

  /** No timer fires any more. Who sleeps is rejected with `error`; without one it is never run again. */
  close(error?: Error): void {
    this.closed = true;
    this.closedWith = error;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    const sleepers = [...this.sleepers];
    this.sleepers.clear();
    if (error !== undefined) for (const reject of sleepers) reject(error);
  }

  private own(begin: (guarded: () => void) => Timer, action: () => void): Timer {
    if (this.closed) return NEVER;
    const timer = begin(() => {
      this.progress();
      try {
        action();
      } catch (error) {
        this.crash(error);
      }
    });
    this.timers.add(timer);
    return {
      cancel: () => {
        this.timers.delete(timer);
        timer.cancel();
      },
    };
  }
}
