/** Time as a module of Node knows it, on the virtual clock of one incarnation. */
import * as timers from "node:timers/promises";
import { promisify } from "node:util";
import type { Clock } from "../../../../runtime/clock.ts";

type Callback = (...args: readonly unknown[]) => unknown;
type Millis = number | undefined;

const DELAY_MS_MAX = 2 ** 31 - 1;
const NS_PER_MS = 1_000_000;
const MS_PER_SECOND = 1_000;

/** As Node's `Timeout`. */
class Timeout {
  readonly id: number;
  private readonly owner: VirtualTimers;

  constructor(owner: VirtualTimers, id: number) {
    this.owner = owner;
    this.id = id;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  refresh(): this {
    this.owner.refresh(this.id);
    return this;
  }

  close(): this {
    this.owner.clear(this);
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }
}

interface Armed {
  readonly delayMs: number;
  readonly run: () => void;
  readonly repeats: boolean;
  dueMs: number;
  /** What is due at the same moment runs in the order in which it was asked for. */
  order: number;
}

/** Timers of one incarnation: those that are due at one moment run in their order, as those of one process do. */
export class VirtualTimers {
  private readonly clock: Clock;
  private readonly armed = new Map<number, Armed>();
  private count = 0;
  private wake: { readonly atMs: number; cancel(): void } | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  setTimeout = (callback: Callback, delayMs?: Millis, ...args: readonly unknown[]): Timeout =>
    this.add(callback, delayMs, args, false);

  setInterval = (callback: Callback, delayMs?: Millis, ...args: readonly unknown[]): Timeout =>
    this.add(callback, delayMs, args, true);

  setImmediate = (callback: Callback, ...args: readonly unknown[]): Timeout => this.add(callback, 0, args, false);

  clear = (timer: unknown): void => {
    const id = timer instanceof Timeout ? timer.id : Number(timer);
    this.armed.delete(id);
  };

  refresh(id: number): void {
    const timer = this.armed.get(id);
    if (timer === undefined) return;
    timer.dueMs = this.clock.monotonicMs() + timer.delayMs;
    timer.order = ++this.count;
    this.arm();
  }

  private add(callback: Callback, delayMs: unknown, args: readonly unknown[], repeats: boolean): Timeout {
    if (typeof callback !== "function") {
      const message = `The "callback" argument must be of type function. Received ${String(callback)}`;
      throw Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
    }
    const asked = Number(delayMs ?? 1);
    // As Node takes it: whatever is no delay is the shortest one.
    const delay = asked >= 1 && asked <= DELAY_MS_MAX ? Math.trunc(asked) : 1;
    const id = ++this.count;
    const run = (): void => void callback(...args);
    this.armed.set(id, { delayMs: delay, run, repeats, dueMs: this.clock.monotonicMs() + delay, order: id });
    this.arm();
    return new Timeout(this, id);
  }

  private arm(): void {
    const next = this.first();
    if (next === undefined || (this.wake !== undefined && this.wake.atMs <= next[1].dueMs)) return;
    this.wake?.cancel();
    const atMs = next[1].dueMs;
    const timer = this.clock.after(Math.max(0, atMs - this.clock.monotonicMs()), () => this.woken());
    this.wake = { atMs, cancel: () => timer.cancel() };
  }

  /** One callback a turn: what it wakes runs before the next one, as in Node. */
  private woken(): void {
    this.wake = undefined;
    const next = this.first();
    if (next === undefined || next[1].dueMs > this.clock.monotonicMs()) return this.arm();
    const [id, timer] = next;
    if (timer.repeats) {
      timer.dueMs = this.clock.monotonicMs() + timer.delayMs;
      timer.order = ++this.count;
    } else this.armed.delete(id);
    this.arm();
    timer.run();
  }

  private first(): readonly [number, Armed] | undefined {
    let found: readonly [number, Armed] | undefined;
    for (const entry of this.armed) {
      const [, { dueMs, order }] = entry;
      if (found === undefined || dueMs < found[1].dueMs || (dueMs === found[1].dueMs && order < found[1].order)) {
        found = entry;
      }
    }
    return found;
  }
}

interface Waiting {
  readonly signal?: AbortSignal;
}

/** `node:timers/promises`. */
export function timersPromises(virtual: VirtualTimers): object {
  const wait = <T>(delayMs: Millis, value: T, { signal }: Waiting = {}): Promise<T> =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        virtual.clear(timer);
        reject(aborted(signal));
      };
      if (signal?.aborted === true) return reject(aborted(signal));
      const timer = virtual.setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve(value);
      }, delayMs);
      signal?.addEventListener("abort", abort, { once: true });
    });
  async function* setInterval<T>(delayMs: Millis, value: T, options: Waiting = {}): AsyncGenerator<T> {
    for (;;) yield await wait(delayMs, value, options);
  }
  return {
    ...timers,
    setTimeout: wait,
    setImmediate: <T>(value: T, options?: Waiting) => wait(0, value, options),
    setInterval,
    scheduler: {
      wait: (delayMs: number, options?: Waiting) => wait(delayMs, undefined, options),
      yield: () => wait(0, undefined),
    },
  };
}

function aborted(signal: AbortSignal | undefined): Error {
  const error = new Error("The operation was aborted", { cause: signal?.reason });
  return Object.assign(error, { name: "AbortError", code: "ABORT_ERR" });
}

/** The functions that are globals, and `node:timers`. */
export function timerFunctions(virtual: VirtualTimers): Record<string, unknown> {
  const promises = timersPromises(virtual) as Readonly<Record<string, unknown>>;
  const promised = (own: Callback, name: string): Callback =>
    Object.assign((...args: readonly unknown[]) => own(...args), { [promisify.custom]: promises[name] });
  return {
    setTimeout: promised(virtual.setTimeout as Callback, "setTimeout"),
    setInterval: virtual.setInterval,
    setImmediate: promised(virtual.setImmediate as Callback, "setImmediate"),
    clearTimeout: virtual.clear,
    clearInterval: virtual.clear,
    clearImmediate: virtual.clear,
  };
}

/** `Date` that reads the virtual clock where it reads one. */
export function virtualDate(clock: Clock): DateConstructor {
  return new Proxy(Date, {
    construct: (target, given: unknown[], newTarget) =>
      Reflect.construct(target, given.length === 0 ? [clock.nowMs()] : given, newTarget) as object,
    apply: () => new Date(clock.nowMs()).toString(),
    get: (target, key, receiver) =>
      key === "now" ? () => clock.nowMs() : (Reflect.get(target, key, receiver) as unknown),
  });
}

/** Since the incarnation's own start. */
export function virtualPerformance(clock: Clock): object {
  const originMs = clock.nowMs();
  const startMs = clock.monotonicMs();
  return {
    now: () => clock.monotonicMs() - startMs,
    timeOrigin: originMs,
    mark: () => undefined,
    measure: () => undefined,
    clearMarks: () => undefined,
    clearMeasures: () => undefined,
    getEntries: () => [],
    getEntriesByName: () => [],
    getEntriesByType: () => [],
    toJSON: () => ({ timeOrigin: originMs }),
  };
}

/** `process.hrtime`. */
export function virtualHrtime(clock: Clock): object {
  const nowNs = (): bigint => BigInt(Math.round(clock.monotonicMs() * NS_PER_MS));
  const perSecond = BigInt(NS_PER_MS * MS_PER_SECOND);
  const hrtime = (before?: readonly [number, number]): readonly [number, number] => {
    const since = before === undefined ? 0n : BigInt(before[0]) * perSecond + BigInt(before[1]);
    const ns = nowNs() - since;
    return [Number(ns / perSecond), Number(ns % perSecond)];
  };
  return Object.assign(hrtime, { bigint: nowNs });
}

/** `AbortSignal` whose time-outs are virtual. */
export function virtualAbortSignal(virtual: VirtualTimers): typeof AbortSignal {
  const timeout = (delayMs: number): AbortSignal => {
    const controller = new AbortController();
    const reason = new DOMException("The operation was aborted due to timeout", "TimeoutError");
    virtual.setTimeout(() => controller.abort(reason), delayMs);
    return controller.signal;
  };
  return new Proxy(AbortSignal, {
    get: (target, key) => (key === "timeout" ? timeout : (Reflect.get(target, key, target) as unknown)),
  });
}
