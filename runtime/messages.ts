/** What a handler is given: the message it handles, and, for a stream, the producer's end of it. */
import { InkubeError } from "../protocols/errors.ts";
import type { Cause, Incoming, Sink } from "./actor.ts";

export class IncomingMessage implements Incoming {
  readonly from: string;
  readonly method: string;
  readonly timeoutMs: number;
  readonly cause: Cause;
  private controller: AbortController | undefined;
  private abortReason: Error | undefined;

  constructor(from: string, method: string, timeoutMs: number, cause: Cause) {
    this.from = from;
    this.method = method;
    this.timeoutMs = timeoutMs;
    this.cause = cause;
  }

  /** Made when first asked for: most handlers never do, and an AbortSignal costs more than the message. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortReason !== undefined) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  abort(reason: Error): void {
    this.abortReason = reason;
    this.controller?.abort(reason);
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

  constructor(from: string, method: string, credits: number, cause: Cause, output: StreamOutput, bufferMax: number) {
    super(from, method, Infinity, cause);
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
