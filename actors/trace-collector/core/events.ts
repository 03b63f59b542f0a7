/** The events of a record, and the ways to find one without a look at all of them. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { compareEvents, nameOf } from "../../../protocols/trace-events.ts";

/** All that is given is in causal order. A record of a million events is in hand as bytes, and only what is asked for is made of them. */
export interface EventIndex {
  /** All of them: for who needs each. */
  readonly events: readonly TraceEvent[];
  /** All one by one: as many are made as are taken. `wanted`: whose. */
  inOrder(wanted?: (actor: string) => boolean): Iterable<TraceEvent>;
  /** By `actor#sequence`. */
  named(name: string): TraceEvent | undefined;
  /** The events about an object, or about an actor. Messages are about neither. */
  about(subject: string): readonly TraceEvent[];
  /** What an actor recorded; only of those kinds, when they are given. */
  of(actor: string, kinds?: ReadonlySet<string>): readonly TraceEvent[];
  /** All of those kinds. */
  ofKind(kinds: ReadonlySet<string>): readonly TraceEvent[];
  /** Of which the event of that name was the first cause, directly. */
  causedBy(name: string): readonly TraceEvent[];
  /** What events that are no messages are about. */
  subjects(): readonly string[];
}

const NONE: readonly TraceEvent[] = [];
export const MESSAGES: ReadonlySet<string> = new Set(["call", "cast", "stream"]);

/** Events as they are, for records that are small or made in this process. Each way is made when it is first taken. */
export class EventList implements EventIndex {
  readonly events: readonly TraceEvent[];
  private names: ReadonlyMap<string, TraceEvent> | undefined;
  private bySubject: ReadonlyMap<string, readonly TraceEvent[]> | undefined;
  private byActor: ReadonlyMap<string, readonly TraceEvent[]> | undefined;
  private byCause: ReadonlyMap<string, readonly TraceEvent[]> | undefined;

  /** @param events in any order */
  constructor(events: readonly TraceEvent[]) {
    this.events = [...events].sort(compareEvents);
  }

  inOrder(wanted?: (actor: string) => boolean): Iterable<TraceEvent> {
    return wanted === undefined ? this.events : this.events.filter(({ actor }) => wanted(actor));
  }

  named(name: string): TraceEvent | undefined {
    this.names ??= new Map(this.events.map((event) => [nameOf(event), event]));
    return this.names.get(name);
  }

  about(subject: string): readonly TraceEvent[] {
    this.bySubject ??= grouped(
      this.events.filter(({ kind }) => !MESSAGES.has(kind)),
      (event) => event.subject,
    );
    return this.bySubject.get(subject) ?? NONE;
  }

  of(actor: string, kinds?: ReadonlySet<string>): readonly TraceEvent[] {
    this.byActor ??= grouped(this.events, (event) => event.actor);
    const all = this.byActor.get(actor) ?? NONE;
    return kinds === undefined ? all : all.filter(({ kind }) => kinds.has(kind));
  }

  ofKind(kinds: ReadonlySet<string>): readonly TraceEvent[] {
    return this.events.filter(({ kind }) => kinds.has(kind));
  }

  causedBy(name: string): readonly TraceEvent[] {
    this.byCause ??= grouped(this.events, (event) => event.cause);
    return this.byCause.get(name) ?? NONE;
  }

  subjects(): readonly string[] {
    return [...new Set(this.events.filter(({ kind }) => !MESSAGES.has(kind)).map(({ subject }) => subject))];
  }
}

export function grouped<T>(items: readonly T[], by: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = by(item);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [item]);
    else known.push(item);
  }
  return groups;
}
