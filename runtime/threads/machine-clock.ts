/**
 * The machine's time, and what waits for it, as they were when this module was loaded. A program's tests fake the globals
 * (vitest's `useFakeTimers`, sinon), and so the time of the program; the actors around it live on in the machine's.
 */
/** Milliseconds since the Unix epoch. */
export const wallNowMs: () => number = Date.now.bind(Date);
/** Milliseconds since some fixed moment; never goes back. */
export const monotonicNowMs: () => number = performance.now.bind(performance);
export const setTimeout: typeof globalThis.setTimeout = globalThis.setTimeout;
export const clearTimeout: typeof globalThis.clearTimeout = globalThis.clearTimeout;
export const setInterval: typeof globalThis.setInterval = globalThis.setInterval;
export const clearInterval: typeof globalThis.clearInterval = globalThis.clearInterval;
export const setImmediate: typeof globalThis.setImmediate = globalThis.setImmediate;
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask;
export const nextTick: typeof process.nextTick = process.nextTick.bind(process);
