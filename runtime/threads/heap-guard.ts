/**
 * Ends an actor gracefully before V8's heap limit does it abruptly: not every overflow is contained by `resourceLimits`,
 * and some abort the process. What fills the rest of its heap faster than its host can ask it to stop still ends by the limit.
 * It looks only after a collection, so an idle thread is never woken, and judges after a major one, when what is used is
 * what is live.
 */
import { PerformanceObserver, constants } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { parentPort, resourceLimits } from "node:worker_threads";
import { collectGarbage } from "./idle-collection.ts";

/** Above this share of its limit a heap is collected again and again, and the next large object overflows it. */
export const HEAP_GUARD_SHARE = 0.8;

/** What the thread tells its host, once. */
export interface HeapWarning {
  readonly type: "heap-guard";
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** `share`, 0 to 1, of `limitMb`, by default of the thread's own limit; 0 turns the guard off. */
export function guardHeap(share: number, limitMb: number = resourceLimits.maxOldGenerationSizeMb ?? 0): void {
  if (share === 0) return;
  const limitBytes = limitMb > 0 ? limitMb * 1024 * 1024 : getHeapStatistics().heap_size_limit;
  // V8 collects with its own limit in mind; below that the guard has it done, whenever a tenth more of the limit is used.
  const isOwnLimit = limitMb > 0 && limitMb < (resourceLimits.maxOldGenerationSizeMb ?? 0);
  let lookedBytes = 0;
  const observer = new PerformanceObserver((entries) => {
    const major = entries.getEntries().some((entry) => kindOf(entry) === constants.NODE_PERFORMANCE_GC_MAJOR);
    const usedBytes = getHeapStatistics().used_heap_size;
    if (!major) {
      if (!isOwnLimit || usedBytes < Math.max(limitBytes * share, lookedBytes + limitBytes / 10)) return;
      lookedBytes = usedBytes;
      void collectGarbage();
      return;
    }
    if (usedBytes < limitBytes * share) return;
    observer.disconnect();
    parentPort?.postMessage({ type: "heap-guard", usedBytes, limitBytes } satisfies HeapWarning);
  });
  observer.observe({ entryTypes: ["gc"] });
}

function kindOf(entry: unknown): number | undefined {
  return (entry as { readonly detail?: { readonly kind?: number } }).detail?.kind;
}

export function isHeapWarning(message: unknown): message is HeapWarning {
  return (message as Partial<HeapWarning> | null)?.type === "heap-guard";
}
