/** What a handler is given: the message it handles, and, for a stream, the producer's end of it. */
import { InkubeError } from "../protocols/errors.ts";
import type { Cause, Incoming, Sink } from "./actor.ts";

/** Thrown by `stash()`: neither an answer nor a failure. */
export const STASHED: unique symbol = Symbol("stashed");

export class IncomingMessage implements Incoming {
  readonly from: string;
  readonly method: string;
  readonly timeoutMs: number;
  /** On the actor's monotonic clock; Infinity for casts and streams. */
  readonly deadlineMs: number;
  /** Names of those that wait for the answer, the first caller first; only of a call. */
  readonly waiting: readonly string[] | undefined;
  private readonly actor: string;
  private readonly sequence: number;
  private controller: AbortController | undefined;
  private abortReason: Error | undefined;
  private listeners: Set<(reason: Error) => void> | undefined;

  constructor(
    from: string,
    method: string,
    /** The message's own event in the flight recorder. */
    actor: string,
    sequence: number,
    timeoutMs: number = Infinity,
    deadlineMs: number = Infinity,
    waiting?: readonly string[],
  ) {
    this.from = from;
    this.method = method;
    this.actor = actor;
    this.sequence = sequence;
    this.timeoutMs = timeoutMs;
    this.deadlineMs = deadlineMs;
    this.waiting = waiting;
  }

  get cause(): Cause {
    return `${this.actor}#${this.sequence}`;
  }

  /** Made when first asked for: most handlers never do, and an AbortSignal costs more than the message. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortReason !== undefined) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  get aborted(): boolean {
    return this.abortReason !== undefined;
  }

  stash(): never {
    // oxlint-disable-next-line typescript/only-throw-error -- not an error: the cell takes it as "later"
    throw STASHED;
  }

  /** Calls `listener` when the caller gives up; the result ends that. */
  onAbort(listener: (reason: Error) => void): () => void {
    const listeners = (this.listeners ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  abort(reason: Error): void {
    if (this.abortReason !== undefined) return;
    this.abortReason = reason;
    this.controller?.abort(reason);
    for (const listener of [...(this.listeners ?? [])]) listener(reason);
  }
}

interface StreamOutput {
  item(item: unknown): void;
  end(error: InkubeError | undefined): void;
}

export class OutgoingStream extends IncomingMessage implements Sink<unknown> {
  private readonly output: StreamOutput;
  private readonly bufferMax: number;
  private credits: number;
  private kept: unknown[] = [];
  private keptFrom = 0;
  private ending: { readonly error: InkubeError | undefined } | undefined;
  private done = false;

  constructor(
    from: string,
    method: string,
    actor: string,
    sequence: number,
    credits: number,
    output: StreamOutput,
    bufferMax: number,
  ) {
    super(from, method, actor, sequence);
    this.credits = credits;
    this.output = output;
    this.bufferMax = bufferMax;
  }

  get buffered(): number {
    return this.kept.length - this.keptFrom;
  }

  push(item: unknown): void {
    if (this.done || this.ending !== undefined) return;
    if (this.credits > 0 && this.buffered === 0) {
      this.credits--;
      this.output.item(item);
    } else if (this.buffered < this.bufferMax) {
      this.kept.push(item);
    } else {
      this.kept = [];
      this.keptFrom = 0;
      const overrun = new InkubeError(
        "STREAM_OVERRUN",
        `${this.from} has not read ${this.bufferMax} items of ${this.method}; it must read faster, or start again`,
        { retryable: true },
      );
      this.close(overrun);
      this.abort(overrun);
    }
  }

  end(error?: Error): void {
    if (this.done || this.ending !== undefined) return;
    // A broken invariant is not an answer: it goes to whoever called end().
    if (error !== undefined && !(error instanceof InkubeError)) throw error;
    if (this.buffered > 0) this.ending = { error };
    else this.close(error);
  }

  credit(credits: number): void {
    this.credits += credits;
    while (this.credits > 0 && this.buffered > 0) {
      this.credits--;
      this.output.item(this.kept[this.keptFrom++]);
    }
    if (this.keptFrom * 2 > this.kept.length) {
      this.kept = this.kept.slice(this.keptFrom);
      this.keptFrom = 0;
    }
    if (this.ending !== undefined && this.buffered === 0) this.close(this.ending.error);
  }

  override abort(reason: Error): void {
    this.done = true;
    this.kept = [];
    this.keptFrom = 0;
    super.abort(reason);
  }

  private close(error: InkubeError | undefined): void {
    if (this.done) return;
    this.done = true;
    this.output.end(error);
  }
}
