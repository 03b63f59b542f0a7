/** The clock of an actor on a shared thread: its timers end with it, and what a timer throws ends it alone. */
import type { Clock, Timer } from "../clock.ts";

const NEVER: Timer = { cancel: () => undefined };

export class OwnedClock implements Clock {
  private readonly clock: Clock;
  private readonly crash: (error: unknown) => void;
  private readonly timers = new Set<Timer>();
  private closed = false;

  private readonly progress: () => void;

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

  /** Never resolves once the actor has ended: what waits for it is never run again. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
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
