/** Starts that wait for their turn. */
import { clearTimeout, monotonicNowMs, setTimeout } from "./machine-clock.ts";

/** How long what an actor does right after its start takes, with hundreds of others. */
const CROWD_SETTLE_MS = 15_000;

/**
 * When hundreds of threads boot at once on a few cores, none gets up within its
 * time-out; a few at a time, all do. A turn ends when the starter says so, and must not last until an actor is up that
 * may wait for another one in the queue.
 */
export class StartQueue {
  /** Starts at a time. */
  readonly bootsMax: number;
  private readonly waiting = new Map<string, { readonly begin: () => void; readonly cancel: (error: Error) => void }>();
  /** Of those that a plan of faults keeps down. */
  private readonly delayed = new Map<
    string,
    { readonly timer: NodeJS.Timeout; readonly cancel: (error: Error) => void }
  >();
  private booting = 0;
  private crowdedUntilMs = 0;

  constructor(bootsMax: number) {
    this.bootsMax = bootsMax;
  }

  /** Starts wait, or did a moment ago: what they began still wants more of the cores than there is. */
  get crowded(): boolean {
    return this.waiting.size > 0 || monotonicNowMs() < this.crowdedUntilMs;
  }

  has(name: string): boolean {
    return this.waiting.has(name) || this.delayed.has(name);
  }

  /** Calls `start` that much later. */
  later(name: string, delayMs: number, start: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.delayed.delete(name);
        start().then(resolve, reject);
      }, delayMs).unref();
      this.delayed.set(name, { timer, cancel: reject });
    });
  }

  /** Calls `start` at once when there is room, or when an earlier turn is over; `booted` ends its turn. */
  run(name: string, start: (booted: () => void) => Promise<void>): Promise<void> {
    if (this.booting < this.bootsMax) return this.begin(start);
    return new Promise((resolve, reject) => {
      this.waiting.set(name, {
        begin: () => void this.begin(start).then(resolve, reject),
        cancel: reject,
      });
    });
  }

  /** False when `name` does not wait. */
  cancel(name: string, error: Error): boolean {
    const entry = this.waiting.get(name);
    this.waiting.delete(name);
    entry?.cancel(error);
    const delayed = this.delayed.get(name);
    this.delayed.delete(name);
    clearTimeout(delayed?.timer);
    delayed?.cancel(error);
    return entry !== undefined || delayed !== undefined;
  }

  private begin(start: (booted: () => void) => Promise<void>): Promise<void> {
    this.booting++;
    let over = false;
    const booted = (): void => {
      if (over) return;
      over = true;
      this.booting--;
      const [next] = this.waiting;
      if (next === undefined) return;
      this.waiting.delete(next[0]);
      this.crowdedUntilMs = monotonicNowMs() + CROWD_SETTLE_MS;
      next[1].begin();
    };
    return start(booted).finally(booted);
  }
}
