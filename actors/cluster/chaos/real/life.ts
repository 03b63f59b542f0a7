/** The life of one replica of a controller under test: it is started, dies, is paused, and started again as a pod's container is. */
import type { InkubeError } from "../../../../protocols/errors.ts";
import type { Clock, Timer } from "../../../../runtime/clock.ts";
import type { Guest } from "../../../../runtime/threads/thread-faults.ts";
import { backoffMs } from "../../../client/core/backoff.ts";
import type { Body, Incarnation } from "./incarnation.ts";

/** Of one that ends by itself again and again. */
const RESTART = { baseMs: 50, capMs: 5_000 };

export interface LifeEvents {
  readonly printed: (by: string, line: string) => void;
  /** It has ended by itself; it is started again. */
  readonly ended: (by: string, error: InkubeError) => void;
  /** It can't be started at all. */
  readonly failed: (error: unknown) => void;
}

export class Life implements Guest {
  readonly name: string;
  private readonly body: Body;
  private readonly clock: Clock;
  private events: LifeEvents;
  private current: Incarnation | undefined;
  /** Of whatever has not gone yet. */
  private readonly going = new Set<Promise<void>>();
  private isWanted = false;
  private isPaused = false;
  /** Whether this incarnation has asked the API for anything. */
  private hasAsked = false;
  private ends = 0;
  private starting: Timer | undefined;
  private resuming: Timer | undefined;

  constructor(name: string, body: Body, clock: Clock, events: LifeEvents) {
    this.name = name;
    this.body = body;
    this.clock = clock;
    this.events = events;
  }

  /** Another run listens from now on. */
  listen(events: LifeEvents): void {
    this.events = events;
  }

  start(): void {
    this.isWanted = true;
    this.ends = 0;
    this.begin();
  }

  /** The API was asked for something by it. */
  asked(): void {
    if (this.current !== undefined) this.hasAsked = true;
  }

  /** Whether it runs and has begun to work; also of one that is not to run. */
  get isActing(): boolean {
    return !this.isWanted || (this.current !== undefined && this.hasAsked && !this.isPaused);
  }

  /** Why it is not acting. */
  get state(): string {
    if (this.current === undefined) return `${this.name} is down`;
    return this.isPaused ? `${this.name} is paused` : `${this.name} has asked the API for nothing since its start`;
  }

  crash(downMs: number): void {
    if (!this.isWanted) return;
    this.drop();
    this.beginAfter(downMs);
  }

  /** For ever when no time is given: until it is killed, or every fault ends. */
  pause(forMs: number | undefined): void {
    if (this.current === undefined) return;
    this.isPaused = true;
    this.current.pause();
    this.resuming?.cancel();
    if (forMs !== undefined) this.resuming = this.clock.after(forMs, () => this.resume());
  }

  resume(): void {
    this.resuming?.cancel();
    if (!this.isPaused) return;
    this.isPaused = false;
    this.current?.resume();
  }

  /** Until the next `start`. Resolves when nothing of it is left. */
  async end(): Promise<void> {
    this.isWanted = false;
    this.drop();
    await Promise.all(this.going);
  }

  async close(): Promise<void> {
    await this.end();
    await this.body.close();
  }

  private beginAfter(delayMs: number): void {
    this.starting?.cancel();
    this.starting = this.clock.after(delayMs, () => {
      void Promise.all(this.going).then(() => this.begin());
    });
  }

  private begin(): void {
    if (!this.isWanted || this.current !== undefined) return;
    this.hasAsked = false;
    let incarnation: Incarnation | undefined;
    const isOver = (): boolean => this.current !== incarnation;
    try {
      incarnation = this.body.begin({
        printed: (line) => this.events.printed(this.name, line),
        ended: (error) => {
          if (isOver()) return;
          this.drop();
          this.events.ended(this.name, error);
          this.beginAfter(backoffMs(this.ends++, RESTART));
        },
      });
    } catch (error) {
      this.isWanted = false;
      return this.events.failed(error);
    }
    this.current = incarnation;
    const gone = incarnation.gone.then(() => void this.going.delete(gone));
    this.going.add(gone);
  }

  private drop(): void {
    this.starting?.cancel();
    this.resuming?.cancel();
    this.isPaused = false;
    const { current } = this;
    this.current = undefined;
    current?.kill();
  }
}
