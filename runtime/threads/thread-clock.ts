/** The machine's clock. A timer whose action throws takes its thread down with it, as any uncaught error does. */
import type { Clock, Timer } from "../clock.ts";
import { clearInterval, clearTimeout, monotonicNowMs, setInterval, setTimeout, wallNowMs } from "./machine-clock.ts";

/** Node fires longer timers at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** `skew`: what the wall clock is off by, at each reading: a fault of a plan. */
export function threadClock(options: { readonly unref: boolean; readonly skew?: { readonly skewMs: number } }): Clock {
  const skew = options.skew ?? { skewMs: 0 };
  const hold = (timer: NodeJS.Timeout): NodeJS.Timeout => (options.unref ? timer.unref() : timer);
  const after = (delayMs: number, action: () => void): Timer => {
    const timer = hold(setTimeout(action, Math.min(delayMs, TIMER_MS_MAX)));
    return { cancel: () => clearTimeout(timer) };
  };
  return {
    nowMs: () => wallNowMs() + skew.skewMs,
    monotonicMs: () => monotonicNowMs(),
    after,
    every: (periodMs, action) => {
      const timer = hold(setInterval(action, Math.min(periodMs, TIMER_MS_MAX)));
      return { cancel: () => clearInterval(timer) };
    },
    sleep: (delayMs) => new Promise((resolve) => void after(delayMs, resolve)),
  };
}
