import { BrokenInvariant } from "../broken-invariant.ts";

/** The newest changes of a resource, bounded by number and age, so that a watch can resume where it broke off. */
export class EventHistory<E extends { readonly revision: number; readonly atMs: number }> {
  private readonly min: number;
  private readonly max: number;
  private readonly ageMs: number;
  private events: E[] = [];
  /** Index of the oldest event that is kept; those before it wait to be cut off together. */
  private start = 0;
  private floor = 0;
  private newest = 0;

  constructor(min: number, max: number, ageMs: number) {
    this.min = min;
    this.max = max;
    this.ageMs = ageMs;
  }

  /** Every event after this revision is kept. */
  get floorRevision(): number {
    return this.floor;
  }

  get newestRevision(): number {
    return this.newest;
  }

  get size(): number {
    return this.events.length - this.start;
  }

  reset(revision: number): void {
    this.events = [];
    this.start = 0;
    this.floor = revision;
    this.newest = 0;
  }

  /** A change is known to have been at `revision`, though its event is not kept. */
  noteRevision(revision: number): void {
    if (revision > this.newest) this.newest = revision;
  }

  push(event: E): void {
    if (event.revision < this.newest)
      throw new BrokenInvariant(`event of revision ${event.revision} after ${this.newest}`);
    this.events.push(event);
    this.newest = event.revision;
    while (this.size > this.min) {
      const oldest = this.events[this.start] as E;
      if (this.size <= this.max && event.atMs - oldest.atMs <= this.ageMs) break;
      this.floor = oldest.revision;
      this.start++;
    }
    if (this.start > 64 && this.start * 2 > this.events.length) {
      this.events = this.events.slice(this.start);
      this.start = 0;
    }
  }

  /** The events after `revision`, oldest first. */
  *after(revision: number): Generator<E, void, undefined> {
    let low = this.start;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.events[middle] as E).revision <= revision) low = middle + 1;
      else high = middle;
    }
    const { events } = this;
    for (let i = low; i < events.length; i++) yield events[i] as E;
  }
}
