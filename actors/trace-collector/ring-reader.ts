/** Reads the flight recorders of many actors as one log, each event once. */
import type { TraceEvent, TraceFilter } from "../../protocols/trace-collector.ts";
import { compareEvents } from "../../runtime/trace/event.ts";
import { readRing } from "../../runtime/trace/ring.ts";
import { matches, wantsActor } from "./core/filter.ts";

/** The recorder of each actor, by name. */
export type Rings = Readonly<Record<string, SharedArrayBuffer>>;

export class RingReader {
  private readonly rings: () => Rings;
  private readonly filter: TraceFilter;
  private readonly seen = new Map<string, number>();

  constructor(rings: () => Rings, filter: TraceFilter) {
    this.rings = rings;
    this.filter = filter;
  }

  /** What has been recorded since the last read and is still held, in causal order. */
  read(): readonly TraceEvent[] {
    const events: TraceEvent[] = [];
    for (const [actor, ring] of Object.entries(this.rings())) {
      if (!wantsActor(this.filter, actor)) continue;
      const found = readRing(ring, actor, this.seen.get(actor) ?? 0);
      const last = found.at(-1);
      if (last !== undefined) this.seen.set(actor, last.sequence);
      for (const event of found) if (matches(this.filter, event)) events.push(event);
    }
    return events.sort(compareEvents);
  }
}
