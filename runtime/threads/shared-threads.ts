/**
 * Threads that several actors share, from the host's side. A `ThreadShare` is to one actor what a `Worker` is to an actor
 * with a thread of its own: it tells of an error and of the end, and can be ended alone. A thread begins with its first
 * actor and ends with its last.
 */
import { getHeapStatistics } from "node:v8";
import type { TransferListItem } from "node:worker_threads";
import { Worker } from "node:worker_threads";
import type { DownReason } from "../actor.ts";
import { heapLimitOfThread } from "../supervisor/core/thread-heap.ts";
import type { ChildSpec } from "../supervisor/spec.ts";
import type { HeapWarning } from "./heap-guard.ts";
import { isHeapWarning } from "./heap-guard.ts";
import type { ThreadStart } from "./hosted-actor.ts";
import { CROWDED_PATIENCE } from "./worker-thread.ts";
import { setTimeout } from "./machine-clock.ts";
import { resourceLimitsOf } from "./resource-limits.ts";

/** What a shared thread is given when it is made. */
export interface SharedBootData {
  readonly progress: SharedArrayBuffer;
  /** @see guardHeap */
  readonly heapGuardShare: number;
}

/** To the thread: start an actor, or end it at once. */
export interface SharedThreadOrder {
  readonly id: number;
  readonly start?: ThreadStart;
}

/** From the thread: an actor has ended, and everything it held is given back. */
export interface SharedThreadReport {
  readonly id: number;
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly stack: string;
    readonly code?: string;
    readonly cause?: string;
  };
}

const MB = 1024 * 1024;

/** Ending one actor takes a turn of its thread, and what it has under way on its disk; longer means that the thread hangs. */
export const RELEASE_MS_MAX = 1_000;

type Planned = Pick<ChildSpec, "name" | "thread" | "heapLimitMb">;

export interface SharedThreadsOptions {
  /** The built `shared-boot.cjs`. */
  readonly boot: string;
  readonly heapGuardShare: number;
  /** Being late means nothing now. */
  readonly isCrowded: () => boolean;
}

export class SharedThreads {
  private readonly options: SharedThreadsOptions;
  private readonly threads = new Map<string, SharedThread>();
  /** By actor. */
  private readonly planned = new Map<string, Planned>();

  constructor(options: SharedThreadsOptions) {
    this.options = options;
  }

  /** What an actor asks of its thread counts from the next one of that name on. */
  plan(spec: Planned): void {
    if (spec.thread !== undefined) this.planned.set(spec.name, spec);
  }

  forget(actor: string): void {
    this.planned.delete(actor);
  }

  /** The thread of that name; a new one when there is none, or the one there was takes no actor any more. */
  open(name: string): SharedThread {
    const known = this.threads.get(name);
    if (known !== undefined && !known.ending) return known;
    const limits = [...this.planned.values()].filter(({ thread }) => thread === name);
    const heapLimitMb = heapLimitOfThread(
      limits.map((spec) => spec.heapLimitMb),
      getHeapStatistics().heap_size_limit / MB,
    );
    const thread = new SharedThread({ ...this.options, name, heapLimitMb }, () => {
      if (this.threads.get(name) === thread) this.threads.delete(name);
    });
    this.threads.set(name, thread);
    return thread;
  }
}

interface SharedThreadOptions extends SharedThreadsOptions {
  readonly name: string;
  /** Undefined: Node's default. */
  readonly heapLimitMb: number | undefined;
}

export class SharedThread {
  readonly worker: Worker;
  /** Moves with every message that any of its actors handles. */
  readonly progress: SharedArrayBuffer = new SharedArrayBuffer(4);
  private readonly shares = new Map<number, ThreadShare>();
  private readonly isCrowded: () => boolean;
  private nextId = 1;
  private closed = false;

  constructor({ boot, heapGuardShare, isCrowded, name, heapLimitMb }: SharedThreadOptions, onExit: () => void) {
    this.isCrowded = isCrowded;
    const workerData: SharedBootData = { progress: this.progress, heapGuardShare };
    this.worker = new Worker(boot, {
      name,
      workerData,
      resourceLimits: resourceLimitsOf(heapLimitMb),
    });
    // Each of its actors listens, and there may be hundreds.
    this.worker.setMaxListeners(0);
    this.worker.on("message", (message: SharedThreadReport | HeapWarning) => {
      if (isHeapWarning(message)) return this.retire();
      const { id, error } = message;
      const share = this.shares.get(id);
      if (share === undefined) return;
      this.shares.delete(id);
      if (this.shares.size === 0) this.end();
      share.ended(error === undefined ? undefined : toError(error), error === undefined ? 0 : 1);
    });
    this.worker.on("error", (error: Error) => {
      this.close();
      for (const share of this.shares.values()) share.failed(error);
    });
    this.worker.once("exit", (code) => {
      this.close();
      onExit();
      const shares = [...this.shares.values()];
      this.shares.clear();
      for (const share of shares) share.ended(undefined, code);
    });
  }

  /** It takes no actor any more. */
  get ending(): boolean {
    return this.closed;
  }

  /** Lets no actor in any more: who ends on it is restarted on another thread of its name. */
  close(): void {
    this.closed = true;
  }

  start(start: ThreadStart, transfer: readonly TransferListItem[]): ThreadShare {
    const id = this.nextId++;
    const order: SharedThreadOrder = { id, start };
    try {
      this.worker.postMessage(order, transfer);
    } catch (error) {
      // What can't be sent starts nobody; a thread without actors has ended.
      if (this.shares.size === 0) this.end();
      throw error;
    }
    const share = new ThreadShare(this, () => this.release(id));
    this.shares.set(id, share);
    return share;
  }

  /** Ends the thread with all its actors; `reason`, unless an actor has one of its own already. */
  end(reason?: DownReason): void {
    this.close();
    for (const share of this.shares.values()) share.reason ??= reason;
    void this.worker.terminate();
  }

  /** Its heap is nearly full, and nobody can tell whose fault it is: all of its actors go, and the heap with them. */
  private retire(): void {
    this.close();
    for (const share of this.shares.values()) share.full();
  }

  private release(id: number): void {
    if (!this.shares.has(id)) return;
    const order: SharedThreadOrder = { id };
    this.worker.postMessage(order);
    const forMs = RELEASE_MS_MAX * (this.isCrowded() ? CROWDED_PATIENCE : 1);
    setTimeout(() => {
      if (this.shares.has(id)) this.end("hang");
    }, forMs).unref();
  }
}

export class ThreadShare {
  readonly thread: SharedThread;
  /** Why its thread is ended under it, when it is. */
  reason: DownReason | undefined;
  private readonly release: () => void;
  private readonly onError: ((error: Error) => void)[] = [];
  private readonly onExit: ((code: number) => void)[] = [];
  private readonly onFull: (() => void)[] = [];
  private releasing = false;

  constructor(thread: SharedThread, release: () => void) {
    this.thread = thread;
    this.release = release;
  }

  on(_event: "error", listener: (error: Error) => void): void {
    this.onError.push(listener);
  }

  once(_event: "exit", listener: (code: number) => void): void {
    this.onExit.push(listener);
  }

  /** The thread's heap guard warns: the actor has to go, gracefully. */
  whenFull(listener: () => void): void {
    this.onFull.push(listener);
  }

  /** Ends this actor alone; the whole thread when it does not come back to do so. */
  terminate(): void {
    if (this.releasing) return;
    this.releasing = true;
    this.release();
  }

  full(): void {
    for (const listener of this.onFull.splice(0)) listener();
  }

  failed(error: Error): void {
    for (const listener of this.onError) listener(error);
  }

  ended(error: Error | undefined, code: number): void {
    if (error !== undefined) this.failed(error);
    for (const listener of this.onExit.splice(0)) listener(code);
  }
}

function toError({ name, message, stack, code, cause }: NonNullable<SharedThreadReport["error"]>): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: new Error(cause) });
  return Object.assign(error, { name, stack }, code === undefined ? {} : { code });
}
