/** Virtual time for one owner of events, with the faults of a real clock. */
import type { Clock, Timer } from "../clock.ts";
import type { Random } from "../random.ts";
import type { EventOwner, SimEvent } from "./event-queue.ts";
import type { World } from "./world.ts";

/** Node's timers fire no sooner. */
const TIMER_US_MIN = 1_000;
/** A timer is late by up to this: so those of several actors don't fire in step. */
const LATENESS_US = 200;

export class SimClock implements Clock {
  /** What `nowMs` is off by: a clock that was set wrong, or jumped. `monotonicMs` and timers are not affected. */
  skewMs = 0;
  private readonly world: World;
  private readonly owner: EventOwner;
  private readonly random: Random;

  constructor(world: World, owner: EventOwner, random: Random) {
    this.world = world;
    this.owner = owner;
    this.random = random;
  }

  nowMs(): number {
    return this.world.epochMs + Math.floor(this.world.nowUs / 1_000) + this.skewMs;
  }

  monotonicMs(): number {
    return this.world.nowUs / 1_000;
  }

  after(delayMs: number, action: () => void): Timer {
    const event = this.arm(this.world.nowUs + Math.max(TIMER_US_MIN, delayMs * 1_000), action);
    return { cancel: () => void (event.action = undefined) };
  }

  every(periodMs: number, action: () => void): Timer {
    const periodUs = Math.max(TIMER_US_MIN, Math.round(periodMs * 1_000));
    let dueUs = this.world.nowUs;
    let event: SimEvent;
    let canceled = false;
    const next = (): void => {
      // One that hung catches up once, as Node's intervals do.
      dueUs = Math.max(dueUs + periodUs, this.world.nowUs);
      event = this.arm(dueUs, () => {
        action();
        if (!canceled) next();
      });
    };
    next();
    return {
      cancel: () => {
        canceled = true;
        event.action = undefined;
      },
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  private arm(dueUs: number, action: () => void): SimEvent {
    return this.world.scheduleAt(Math.round(dueUs) + this.random.below(LATENESS_US), this.owner, action);
  }
}
