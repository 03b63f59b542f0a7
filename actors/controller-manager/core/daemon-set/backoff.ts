/** How long failed pods of a node stay: longer each time. @see k8s.io/client-go/util/flowcontrol Backoff */
import type { DaemonSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";

/** As in Kubernetes. */
const BASE_MS = 1_000;
const CAP_MS = 900_000;

interface Entry {
  pauseMs: number;
  sinceMs: number;
}

export class FailedPodBackoff {
  private readonly entries = new Map<string, Entry>();

  /** What is left of the pause since the last one went; 0 when it is over. */
  leftMs(key: string, nowMs: number): number {
    const entry = this.entries.get(key);
    return entry === undefined ? 0 : Math.max(0, entry.sinceMs + entry.pauseMs - nowMs);
  }

  /** One goes. After twice the longest pause without one it begins anew. */
  next(key: string, nowMs: number): void {
    for (const [old, { sinceMs }] of this.entries) if (nowMs - sinceMs > 2 * CAP_MS) this.entries.delete(old);
    const pauseMs = Math.min(CAP_MS, 2 * (this.entries.get(key)?.pauseMs ?? BASE_MS / 2));
    this.entries.set(key, { pauseMs, sinceMs: nowMs });
  }
}

/** Another template begins anew. */
export function backoffKey({ metadata, status }: DaemonSet, node: string): string {
  return `${metadata?.uid}/${status?.observedGeneration ?? 0}/${node}`;
}
