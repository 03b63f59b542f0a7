/** Reads the flight recorders of many actors as one log, each event once. */
import type { TraceEvent, TraceFilter } from "../../protocols/trace-collector.ts";
import { compareEvents } from "../../runtime/trace/event.ts";
import { readRing } from "../../runtime/trace/ring.ts";
import { checkFilter, matches, wantsActor } from "./core/filter.ts";

/** The recorder of each actor, by name. */
export type Rings = Readonly<Record<string, SharedArrayBuffer>>;

/** How often one read looks for the causes of what it has found; the first time finds them, but for a clock that is behind. */
const LOOKS_MAX = 4;

export class RingReader {
  private readonly rings: () => Rings;
  private readonly filter: TraceFilter;
  private readonly seen = new Map<string, number>();
  /** Read while looking for causes, and newer than what was read before: for the next time. */
  private ahead: readonly TraceEvent[] = [];

  /** Errors: NO_SUCH_ACTOR, NO_SUCH_KIND. */
  constructor(rings: () => Rings, filter: TraceFilter) {
    checkFilter(filter, Object.keys(rings()));
    this.rings = rings;
    this.filter = filter;
  }

  /** What has been recorded since the last read and is still held, in causal order, also with what was read before. */
  read(): readonly TraceEvent[] {
    let events = [...this.ahead, ...this.readOnce()];
    this.ahead = [];
    const lastLamport = events.reduce((last, { lamport }) => Math.max(last, lamport), 0);
    // The recorders are read one after the other: what was read last can have causes in the first, younger than its reading.
    for (let looks = 1; events.length > 0 && looks < LOOKS_MAX; looks++) {
      const found = this.readOnce();
      const causes = found.filter(({ lamport }) => lamport <= lastLamport);
      this.ahead = [...this.ahead, ...found.filter(({ lamport }) => lamport > lastLamport)];
      if (causes.length === 0) break;
      events = [...events, ...causes];
    }
    return events.sort(compareEvents);
  }

  private readOnce(): readonly TraceEvent[] {
    const events: TraceEvent[] = [];
    const rings = this.rings();
    for (const actor of Object.keys(rings)) {
      if (!wantsActor(this.filter, actor)) continue;
      const found = readRing(rings[actor]!, actor, this.seen.get(actor) ?? 0);
      const last = found.at(-1);
      if (last !== undefined) this.seen.set(actor, last.sequence);
      for (const event of found) if (matches(this.filter, event)) events.push(event);
    }
    return events;
  }
}
