/** Which events a filter lets through. */
import type { TraceEvent, TraceFilter } from "../../../protocols/trace-collector.ts";

/** Whether anything of `actor` can match: its recorder need not be read when not. */
export function wantsActor(filter: TraceFilter, actor: string): boolean {
  const wanted = filter.actor;
  if (wanted === undefined) return true;
  return wanted.endsWith("/") ? actor.startsWith(wanted) : actor === wanted;
}

export function matches(filter: TraceFilter, event: TraceEvent): boolean {
  const { object, kind } = filter;
  if (!wantsActor(filter, event.actor)) return false;
  if (object !== undefined && !event.subject.includes(object) && !event.detail.includes(object)) return false;
  return kind === undefined || event.kind === kind || event.kind.startsWith(`${kind}.`);
}
