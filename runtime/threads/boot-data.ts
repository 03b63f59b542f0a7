import type { ThreadStart } from "./hosted-actor.ts";

/** What a thread of one actor is given when it is made. */
export interface BootData {
  /** The actor; or the files that a spare loads, before it is sent its actor. */
  readonly start: ThreadStart | { readonly preload: readonly string[] };
  /** @see guardHeap */
  readonly heapGuardShare: number;
}
