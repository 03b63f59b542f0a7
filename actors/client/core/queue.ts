/**
 * A work queue of keys. A key that is waiting is there once; a key that is being worked on and added again is worked on
 * again afterwards, never twice at a time. Failures of a key are counted for its back-off.
 *
 * @see k8s.io/client-go/util/workqueue, whose guarantees these are
 */
import type { BackoffOptions } from "./backoff.ts";
import { backoffMs } from "./backoff.ts";

interface Delayed {
  readonly key: string;
  readonly readyAtMs: number;
  readonly order: number;
}

export class KeyQueue {
  private readonly backoff: BackoffOptions;
  /** Since when. */
  private readonly waiting = new Map<string, number>();
  private readonly working = new Set<string>();
  /** Added again while being worked on, and when. */
  private readonly again = new Map<string, number>();
  private readonly failures = new Map<string, number>();
  private readonly delayed = new Heap();
  /** The earliest time that each delayed key is due; heap entries that differ are out of date. */
  private readonly dueAtMs = new Map<string, number>();
  private orders = 0;
  private added = 0;

  constructor(backoff: BackoffOptions) {
    this.backoff = backoff;
  }

  /** Keys that could be taken now. */
  get ready(): number {
    return this.waiting.size;
  }

  /** Keys that are waiting, delayed or being worked on. */
  get size(): number {
    return this.waiting.size + this.working.size + this.dueAtMs.size;
  }

  /** How often a key has come to wait. */
  get adds(): number {
    return this.added;
  }

  add(key: string, nowMs: number): void {
    const to = this.working.has(key) ? this.again : this.waiting;
    if (to.has(key)) return;
    to.set(key, nowMs);
    this.added++;
  }

  /** The earlier of two times for one key holds. */
  addAt(key: string, readyAtMs: number): void {
    const present = this.dueAtMs.get(key);
    if (present !== undefined && present <= readyAtMs) return;
    this.dueAtMs.set(key, readyAtMs);
    this.delayed.push({ key, readyAtMs, order: this.orders++ });
  }

  /** Delays a key that failed, longer each time until `forget`. */
  addRateLimited(key: string, nowMs: number): void {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    this.addAt(key, nowMs + backoffMs(failures, this.backoff));
  }

  /** Whether a time is set for it that has not come. */
  isDelayed(key: string): boolean {
    return this.dueAtMs.has(key);
  }

  forget(key: string): void {
    this.failures.delete(key);
  }

  failuresOf(key: string): number {
    return this.failures.get(key) ?? 0;
  }

  /** Makes due keys ready; answers with the time of the next one, if any. */
  advance(nowMs: number): number | undefined {
    for (let first = this.delayed.peek(); first !== undefined; first = this.delayed.peek()) {
      const current = this.dueAtMs.get(first.key) === first.readyAtMs;
      if (current && first.readyAtMs > nowMs) return first.readyAtMs;
      this.delayed.pop();
      if (!current) continue;
      this.dueAtMs.delete(first.key);
      this.add(first.key, nowMs);
    }
    return undefined;
  }

  /** The key that waits longest, and since when; call `done` when its work is over. */
  take(): { readonly key: string; readonly sinceMs: number } | undefined {
    for (const [key, sinceMs] of this.waiting) {
      this.waiting.delete(key);
      this.working.add(key);
      return { key, sinceMs };
    }
    return undefined;
  }

  done(key: string): void {
    this.working.delete(key);
    const sinceMs = this.again.get(key);
    if (sinceMs === undefined) return;
    this.again.delete(key);
    this.waiting.set(key, sinceMs);
  }
}

/** A binary heap by time, then by order of arrival. */
class Heap {
  private readonly items: Delayed[] = [];

  peek(): Delayed | undefined {
    return this.items[0];
  }

  push(item: Delayed): void {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, items[parent])) break;
      items[at] = items[parent] as Delayed;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Delayed | undefined {
    const { items } = this;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1] as Delayed, items[child])) child++;
      if (!before(items[child] as Delayed, last)) break;
      items[at] = items[child] as Delayed;
      at = child;
    }
    items[at] = last;
    return first;
  }
}

function before(left: Delayed, right: Delayed | undefined): boolean {
  if (right === undefined) return false;
  return left.readyAtMs < right.readyAtMs || (left.readyAtMs === right.readyAtMs && left.order < right.order);
}
