import type { ThreadStart } from "./hosted-actor.ts";

/** What a thread of one actor is given when it is made. */
export interface BootData {
  readonly start: ThreadStart;
  /** @see guardHeap */
  readonly heapGuardShare: number;
}
