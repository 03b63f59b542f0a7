/** One entry of a flight recorder. */
export interface TraceEvent {
  readonly actor: string;
  /** 1, 2, 3 … within the actor, over its restarts. `actor#sequence` names the event. */
  readonly sequence: number;
  /** Lamport clock: an event that can have caused another has a smaller one. */
  readonly lamport: number;
  /** Milliseconds since the Unix epoch; virtual in the simulation. */
  readonly timeMs: number;
  /** `call`, `cast`, `stream`, `start`, `stop`, `down`, `log`, or a component's own domain event as `scheduler.bound`. */
  readonly kind: string;
  /** What it is about: a method of a protocol, or an object as `pods/default/web-1`. */
  readonly subject: string;
  /** The other actor of a message; empty for other events. */
  readonly peer: string;
  /** `actor#sequence` of what caused it; empty when nothing in the cluster did. */
  readonly cause: string;
  /** Fields as `name=value`, separated by blanks. */
  readonly detail: string;
}

/** Orders the events of several actors so that causes come before effects; ties go by time, then by name. */
export function compareEvents(left: TraceEvent, right: TraceEvent): number {
  return (
    left.timeMs - right.timeMs ||
    left.lamport - right.lamport ||
    (left.actor < right.actor ? -1 : left.actor > right.actor ? 1 : left.sequence - right.sequence)
  );
}

/** One line for a person: `12:34:56.789 scheduler-0#42 scheduler.bound pods/default/web-1 node=worker-2 <- api-server-0#17`. */
export function formatEvent(event: TraceEvent): string {
  const time = new Date(event.timeMs).toISOString().slice(11, 23);
  const parts = [time, `${event.actor}#${event.sequence}`, event.kind, event.subject];
  if (event.peer !== "") parts.push(`from=${event.peer}`);
  if (event.detail !== "") parts.push(event.detail);
  if (event.cause !== "") parts.push(`<- ${event.cause}`);
  return parts.join(" ");
}
