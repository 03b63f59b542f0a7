/** What all who have events of the trace in hand need to know of them. */
import type { TraceEvent } from "./trace-collector.ts";

/** The name under which a host's own events stand in the record. */
export const SUPERVISOR = "supervisor";

/** The name by which other events tell of an event as their cause. */
export function nameOf({ actor, sequence }: Pick<TraceEvent, "actor" | "sequence">): string {
  return `${actor}#${sequence}`;
}

/**
 * Orders the events of several actors so that causes come before effects, whatever their wall clocks said; of those that
 * are equal none caused the other, and they go by name.
 */
export function compareEvents(left: TraceEvent, right: TraceEvent): number {
  return (
    left.lamport - right.lamport ||
    (left.actor < right.actor ? -1 : left.actor > right.actor ? 1 : left.sequence - right.sequence)
  );
}

/** One line for a person: `12:34:56.789 scheduler-0#42 scheduler.bound pods/default/web-1 node=worker-2 <- api-server-0#17`. */
export function formatEvent(event: TraceEvent): string {
  const time = new Date(event.timeMs).toISOString().slice(11, 23);
  const parts = [time, nameOf(event), event.kind, event.subject];
  if (event.peer !== "") parts.push(`from=${event.peer}`);
  if (event.detail !== "") parts.push(event.detail);
  if (event.cause !== "") parts.push(`<- ${event.cause}`);
  return parts.join(" ");
}
