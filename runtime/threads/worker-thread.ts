/**
 * One worker thread and its end. Whatever ends it is known by one reason, told once. To end a thread that does not end by
 * itself there is a ladder: for one that hangs, its stack is taken first (by the host); then it is terminated; one that is not gone
 * within the deadline is given up: it counts as down, and lives on as a zombie until its native call returns, if ever.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { DownDetails, DownReason } from "../actor.ts";
import { clearTimeout, setImmediate, setTimeout } from "./machine-clock.ts";

/** A worker, or an actor's share of one. */
export interface Endable {
  on(event: "error", listener: (error: Error) => void): unknown;
  once(event: "exit", listener: (code: number) => void): unknown;
  terminate(): unknown;
}

/** How a thread ended; `error` has the stack of the throw or hang. */
export interface ThreadEnd {
  readonly reason: DownReason;
  readonly error: Error | undefined;
  readonly details: DownDetails;
}

export interface WorkerThreadOptions {
  readonly name: string;
  /** Ends a thread that runs, where that is not the source's `terminate()`. */
  readonly terminate?: () => void;
  /** Ends a thread that hangs, where that is not the source's `terminate()`. */
  readonly terminateHung?: () => void;
  /** A thread that V8 can stop is gone within a few ms; on a busy machine within some 100. */
  readonly terminateMs?: number;
  /** Whether far more threads want to run than there are cores: one that ends late then is no zombie yet. */
  readonly isCrowded?: () => boolean;
  /** It has been asked to stop, or is about to be terminated, and why; again when something worse comes of it. */
  readonly onEnding?: (reason: DownReason, details: DownDetails) => void;
  /** Called once, at the exit, or when the thread is given up. */
  readonly onEnd: (end: ThreadEnd) => void;
  /** The thread was given up, and is gone after all. */
  readonly onZombieGone?: () => void;
}

export const TERMINATE_MS = 1_000;
/** While hundreds of threads start, everything takes many times as long: such a thread is waited for so many times longer. */
export const CROWDED_PATIENCE = 20;

export class WorkerThread {
  /** Resolves with the end, after `onEnd`. */
  readonly ended: Promise<ThreadEnd>;
  private readonly source: Endable;
  private readonly options: WorkerThreadOptions;
  private readonly resolveEnded: (end: ThreadEnd) => void;
  /** Why it is being ended, once that is decided. A graceful stop may still turn into something worse. */
  private ending: DownReason | undefined;
  private graceful = false;
  private hangStack: string | undefined;
  private busyMs = 0;
  private failure: Error | undefined;
  private terminating: NodeJS.Timeout | undefined;
  private waited = 0;
  private over = false;

  constructor(source: Endable, options: WorkerThreadOptions) {
    this.source = source;
    this.options = options;
    let resolveEnded: (end: ThreadEnd) => void = () => undefined;
    this.ended = new Promise((resolve) => (resolveEnded = resolve));
    this.resolveEnded = resolveEnded;
    source.on("error", (error: Error) => void (this.failure ??= error));
    source.once("exit", (code) => {
      if (this.over) options.onZombieGone?.();
      else this.finish(this.exitReason(code), code);
    });
  }

  /** It has ended, or is asked or made to. */
  get isEnding(): boolean {
    return this.over || this.ending !== undefined;
  }

  /** It has been asked to stop by itself, for this reason. */
  asked(reason: "normal" | "heap-guard"): void {
    this.ending ??= reason;
    this.graceful = true;
    this.options.onEnding?.(this.ending, {});
  }

  /** Ends it at once; `error` says why, where it has said so. The first reason stands, unless that was a graceful stop. */
  end(reason: DownReason, error?: Error): void {
    if (this.over) return;
    if (error !== undefined) this.failure ??= error;
    if (this.ending === undefined || this.graceful) this.ending = reason;
    this.graceful = false;
    this.terminate(this.options.terminate);
  }

  /** Ends it as hung; `stack`, when it is known, says where. */
  endHung(busyMs: number, stack: string | undefined): void {
    if (this.over) return;
    if (this.ending === undefined || this.graceful) this.ending = "hang";
    this.graceful = false;
    this.busyMs = busyMs;
    this.hangStack = stack;
    this.terminate(this.options.terminateHung);
  }

  private terminate(how: () => unknown = () => this.source.terminate()): void {
    if (this.over || this.terminating !== undefined) return;
    // Before it ends, so that most who see a port of it close have heard it; of another port, so not surely all.
    if (this.ending !== undefined)
      this.options.onEnding?.(this.ending, detailsOf(this.errorOf(this.ending), undefined));
    this.awaitExit();
    how();
  }

  private awaitExit(): void {
    this.terminating = setTimeout(() => {
      this.waited++;
      if (this.options.isCrowded?.() === true && this.waited < CROWDED_PATIENCE) return this.awaitExit();
      // A host that was late itself hears of the exit now, after its timers.
      setImmediate(() => this.giveUp());
    }, this.options.terminateMs ?? TERMINATE_MS);
  }

  private giveUp(): void {
    if (!this.over) this.finish("unkillable", undefined);
  }

  private exitReason(code: number): DownReason {
    // What it threw while it stopped is no normal end.
    if (this.ending !== undefined && !(this.graceful && this.failure !== undefined)) return this.ending;
    if (this.failure === undefined) return code === 0 ? "normal" : "exit";
    return (this.failure as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY" ? "out-of-memory" : "throw";
  }

  private finish(reason: DownReason, exitCode: number | undefined): void {
    this.over = true;
    clearTimeout(this.terminating);
    const error = this.errorOf(reason);
    const end: ThreadEnd = { reason, error, details: detailsOf(error, reason === "exit" ? exitCode : undefined) };
    this.options.onEnd(end);
    this.resolveEnded(end);
  }

  private errorOf(reason: DownReason): Error | undefined {
    const { name } = this.options;
    if (reason !== "hang" && reason !== "unkillable") return this.failure;
    const what =
      reason === "hang"
        ? `${name} did not come back to its event loop for ${this.busyMs} ms`
        : `${name} could not be ended within ${this.options.terminateMs ?? TERMINATE_MS} ms; its thread goes on, cut off`;
    const error = new InkubeError(reason === "hang" ? "ACTOR_HUNG" : "ACTOR_UNKILLABLE", what);
    error.stack = `${error.name}: ${what}${this.hangStack === undefined ? "" : `\n${this.hangStack}`}`;
    return error;
  }
}

export function detailsOf(error: Error | undefined, exitCode: number | undefined): DownDetails {
  if (error === undefined) return exitCode === undefined ? {} : { exitCode };
  const { code } = error as NodeJS.ErrnoException;
  return {
    message: error.message,
    ...(typeof code === "string" ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined
      ? {}
      : { cause: error.cause instanceof Error ? error.cause.message : JSON.stringify(error.cause) }),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}
