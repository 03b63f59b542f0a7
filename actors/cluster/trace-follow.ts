/** The trace of a running cluster as it grows, for `for await`. */
import type { TraceEvent } from "../../protocols/trace-collector.ts";
import { clearInterval, setInterval } from "../../runtime/threads/machine-clock.ts";
import type { RingReader } from "../trace-collector/ring-reader.ts";
import { withinBound } from "../trace-collector/ring-reader.ts";

export interface FollowOptions {
  /** How often the recorders are read. */
  readonly periodMs: number;
  /** Most events that wait for who takes them; what is older then is told as a gap. */
  readonly waitingMax: number;
}

/** A person sees no shorter delay; as many wait as in the trace collector. */
export const FOLLOW_DEFAULTS: FollowOptions = { periodMs: 100, waitingMax: 200_000 };

/** What follows one event after the other; it is itself what `for await` takes. */
export class TraceFollower implements AsyncIterableIterator<TraceEvent, undefined> {
  private readonly reader: RingReader;
  private readonly ended: AbortSignal;
  private readonly waitingMax: number;
  private readonly timer: NodeJS.Timeout;
  private waiting: readonly TraceEvent[] = [];
  /** Of `waiting`, how many have been taken. */
  private taken = 0;
  /** Who asked when there was nothing, the first in front. */
  private asking: ((result: IteratorResult<TraceEvent, undefined>) => void)[] = [];
  private isOver = false;

  /** @param ended aborts when there is nothing more to come: what was recorded until then is still told */
  constructor(reader: RingReader, ended: AbortSignal, { periodMs, waitingMax }: FollowOptions) {
    this.reader = reader;
    this.ended = ended;
    this.waitingMax = waitingMax;
    this.timer = setInterval(this.look, periodMs);
    this.timer.unref();
    ended.addEventListener("abort", this.end);
    if (ended.aborted) this.end();
    else this.look();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<TraceEvent, undefined>> {
    return new Promise((resolve) => {
      this.asking.push(resolve);
      this.tell();
    });
  }

  /** Nothing is read any more, and nothing waits. */
  return(): Promise<IteratorResult<TraceEvent, undefined>> {
    this.close();
    this.waiting = [];
    this.taken = 0;
    this.tell();
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  private readonly look = (): void => {
    const found = this.reader.read();
    if (found.length === 0) return;
    this.waiting = withinBound([...this.waiting.slice(this.taken), ...found], this.waitingMax);
    this.taken = 0;
    this.tell();
  };

  private readonly end = (): void => {
    if (this.isOver) return;
    this.look();
    this.close();
    this.tell();
  };

  private close(): void {
    this.isOver = true;
    clearInterval(this.timer);
    this.ended.removeEventListener("abort", this.end);
  }

  private tell(): void {
    while (this.asking.length > 0) {
      const value = this.waiting[this.taken];
      if (value === undefined && !this.isOver) return;
      const resolve = this.asking.shift()!;
      if (value === undefined) {
        resolve({ done: true, value: undefined });
        continue;
      }
      this.taken++;
      resolve({ done: false, value });
    }
  }
}
