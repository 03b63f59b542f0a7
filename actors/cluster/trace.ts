/** The flight recorders of a cluster as one log: merged, filtered, followed. */
import type { TraceEvent } from "../../runtime/trace/event.ts";
import { compareEvents } from "../../runtime/trace/event.ts";
import { readRing } from "../../runtime/trace/ring.ts";

export interface TraceFilter {
  /** An actor, or a prefix of its name that ends in a slash: `scheduler-0`, `worker-2/`. */
  readonly actor?: string;
  /** Part of the subject: `pods/default/web-1`, or `web`. */
  readonly object?: string;
  /** Kind of event, or its first part: `scheduler`, `scheduler.bound`, `call`. */
  readonly kind?: string;
}

export type Rings = Readonly<Record<string, SharedArrayBuffer>>;

export class ClusterTrace {
  private readonly rings: () => Rings;

  constructor(rings: () => Rings) {
    this.rings = rings;
  }

  /** What the recorders still hold, in causal order. */
  events(filter: TraceFilter = {}): readonly TraceEvent[] {
    return this.newer(filter, new Map());
  }

  /** Calls back with what is new, every `periodMs`. It costs nothing when nobody follows. */
  follow(filter: TraceFilter, onEvents: (events: readonly TraceEvent[]) => void, periodMs = 100): { stop(): void } {
    const seen = new Map<string, number>();
    const look = (): void => {
      const events = this.newer(filter, seen);
      if (events.length > 0) onEvents(events);
    };
    look();
    const timer = setInterval(look, periodMs);
    timer.unref();
    return { stop: () => clearInterval(timer) };
  }

  private newer(filter: TraceFilter, seen: Map<string, number>): readonly TraceEvent[] {
    const events: TraceEvent[] = [];
    for (const [actor, ring] of Object.entries(this.rings())) {
      if (!isActor(actor, filter.actor)) continue;
      const found = readRing(ring, actor, seen.get(actor) ?? 0);
      const last = found.at(-1);
      if (last !== undefined) seen.set(actor, last.sequence);
      for (const event of found) if (matches(event, filter)) events.push(event);
    }
    return events.sort(compareEvents);
  }
}

function isActor(actor: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  return wanted.endsWith("/") ? actor.startsWith(wanted) : actor === wanted;
}

export function matches(event: TraceEvent, filter: TraceFilter): boolean {
  if (filter.object !== undefined && !event.subject.includes(filter.object) && !event.detail.includes(filter.object))
    return false;
  if (filter.kind === undefined) return true;
  return event.kind === filter.kind || event.kind.startsWith(`${filter.kind}.`);
}
