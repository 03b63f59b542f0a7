/** Reads the flight recorders of many actors as one log, each event once; what was overwritten before is told as a gap. */
import type { TraceEvent, TraceFilter } from "../../protocols/trace-collector.ts";
import { compareEvents } from "../../protocols/trace-events.ts";
import { copyRing, eventsOf } from "../../runtime/trace/ring.ts";
import { checkFilter, matches, wantsActor } from "./core/filter.ts";

/** The recorder of each actor, by name. */
export type Rings = Readonly<Record<string, SharedArrayBuffer>>;

/** How often one read looks for the causes of what it has found; the first time finds them, but for a clock that is behind. */
const LOOKS_MAX = 4;

interface Seen {
  /** Where the next record is, as the ring's `head` counts. */
  readonly position: number;
  readonly sequence: number;
}

export class RingReader {
  private readonly rings: () => Rings;
  private readonly filter: TraceFilter;
  private readonly seen = new Map<string, Seen>();
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
      const before = this.seen.get(actor);
      const copy = copyRing(rings[actor]!, before?.position);
      if (copy === undefined) continue;
      const found = eventsOf(copy, actor);
      const first = found[0]!;
      this.seen.set(actor, { position: copy.end, sequence: found.at(-1)!.sequence });
      const lost = before === undefined ? 0 : first.sequence - before.sequence - 1;
      if (lost > 0) events.push(gapBefore(first, lost));
      for (const event of found) if (matches(this.filter, event)) events.push(event);
    }
    return events;
  }
}

/** In place of events that are lost; it stands where the last of them would. */
export function gapBefore(event: TraceEvent, lost: number): TraceEvent {
  const { actor, sequence, lamport, timeMs } = event;
  const place = { actor, sequence: sequence - 1, lamport, timeMs };
  return { ...place, kind: "gap", subject: actor, peer: "", cause: "", detail: `lost=${lost}` };
}

/** The newest `max` events, and what had to go before them as a gap of each actor. */
export function withinBound(events: TraceEvent[], max: number): TraceEvent[] {
  if (events.length <= max) return events;
  const kept = events.slice(events.length - max);
  const lost = new Map<string, { readonly last: TraceEvent; readonly count: number }>();
  for (const event of events.slice(0, events.length - max)) {
    const count = event.kind === "gap" ? Number(event.detail.slice("lost=".length)) : 1;
    lost.set(event.actor, { last: event, count: (lost.get(event.actor)?.count ?? 0) + count });
  }
  const gaps = [...lost.values()].map(({ last, count }) => gapBefore({ ...last, sequence: last.sequence + 1 }, count));
  return [...gaps, ...kept];
}
