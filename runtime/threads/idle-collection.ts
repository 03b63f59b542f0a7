/**
 * Has the garbage of a thread collected when it has come to rest. V8 collects when memory is asked for, so a thread that
 * has worked hard and then has little to do keeps what it made for hours; a cluster has dozens of such threads.
 */
import { performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { threadId } from "node:worker_threads";
import { setTimeout } from "./machine-clock.ts";

/** How often a thread is looked at: a storm is over for a while, and a thread at rest is hardly woken. */
const PERIOD_MS = 30_000;
/** Threads that began together are looked at one after the other, in so many steps of a period. */
const STEPS = 16;
/** A thread that is busier than this, of 1, collects by itself, and is not held up. */
const REST_SHARE = 0.05;
/** Less garbage than the larger of these is not worth the 10 to 50 ms. */
const WORTH_BYTES = 3 * 1_048_576;
const WORTH_SHARE = 0.25;

export interface HeapSight {
  /** Share of the time since the last look that the thread was busy. */
  readonly busyShare: number;
  readonly usedBytes: number;
  /** What was in use after the last collection at rest; 0 before the first. */
  readonly keptBytes: number;
}

export function isWorthCollecting({ busyShare, usedBytes, keptBytes }: HeapSight): boolean {
  if (busyShare > REST_SHARE) return false;
  return usedBytes - keptBytes >= Math.max(WORTH_BYTES, keptBytes * WORTH_SHARE);
}

/** From now on, on the calling thread. */
export function collectAtRest(): void {
  let keptBytes = 0;
  let last = performance.eventLoopUtilization();
  const look = async (): Promise<void> => {
    const now = performance.eventLoopUtilization();
    const busyShare = performance.eventLoopUtilization(now, last).utilization;
    last = now;
    const usedBytes = getHeapStatistics().used_heap_size;
    if (isWorthCollecting({ busyShare, usedBytes, keptBytes })) {
      await collectGarbage();
      keptBytes = getHeapStatistics().used_heap_size;
    }
    again(PERIOD_MS);
  };
  const again = (delayMs: number): void => void setTimeout(() => void look(), delayMs).unref();
  again(PERIOD_MS * (1 + (threadId % STEPS) / STEPS));
}

/**
 * Collects all garbage of the calling thread and gives free memory back to the system. By the inspector, whose command is
 * what V8 does when memory is low (`gc()` leaves the free pages where they are). Does nothing in a Node.js without it.
 */
export async function collectGarbage(): Promise<void> {
  const { Session } = process.getBuiltinModule("node:inspector") ?? {};
  if (Session === undefined) return;
  const session = new Session();
  session.connect();
  await new Promise<void>((resolve) => session.post("HeapProfiler.collectGarbage", () => resolve()));
  session.disconnect();
}
