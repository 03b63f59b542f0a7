import { BrokenInvariant } from "../broken-invariant.ts";

/** What the history looks at of an event. */
interface Dated {
  readonly revision: number;
  readonly atMs: number;
  readonly sizeBytes: number;
}

export interface HistoryBounds {
  /** Events kept, however old: as far as all of them take no more than `minBytes`. */
  readonly min: number;
  readonly minBytes: number;
  readonly max: number;
  readonly ageMs: number;
  readonly bytes: number;
}

/** The newest changes of a resource, bounded by number, age and size, so that a watch can resume where it broke off. */
export class EventHistory<E extends Dated> {
  private readonly bounds: HistoryBounds;
  private bytes = 0;
  private events: E[] = [];
  /** Index of the oldest event that is kept; those before it wait to be cut off together. */
  private start = 0;
  private floor = 0;
  private newest = 0;

  constructor(bounds: HistoryBounds) {
    this.bounds = bounds;
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

  get sizeBytes(): number {
    return this.bytes;
  }

  reset(revision: number): void {
    this.events = [];
    this.start = 0;
    this.bytes = 0;
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
    this.bytes += event.sizeBytes;
    this.age(event.atMs);
  }

  /** Forgets what has become too old, or too much. Called also while nothing changes: a quiet resource must not keep its storms. */
  age(nowMs: number): void {
    const { min, minBytes, max, ageMs, bytes } = this.bounds;
    while (this.size > min || this.bytes > minBytes) {
      const oldest = this.events[this.start] as E;
      if (this.size <= max && nowMs - oldest.atMs <= ageMs && this.bytes <= bytes) break;
      this.floor = oldest.revision;
      this.bytes -= oldest.sizeBytes;
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
