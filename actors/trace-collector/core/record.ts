/**
 * A record of what a cluster's actors did, wherever it was read from (their recorders, files, a simulation): what every question
 * is answered from. Immutable; each index is made when it is first asked for.
 */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { compareEvents } from "../../../runtime/trace/event.ts";
import { TRACEPARENT } from "../../../runtime/trace/traceparent.ts";
import { fieldOf, isSent, nameOf, revisionOf } from "./event-fields.ts";
import { inferredCause } from "./inferred.ts";

/** What an object became by one write. Data of Secrets are hashed, tokens absent. */
export interface ObjectChange {
  /** Of the whole store: 1, 2, 3 … Changes of one transaction have the same. */
  readonly revision: number;
  /** As events name it: `pods/default/web-1`, of another group `deployments/default/web`. */
  readonly subject: string;
  /** Undefined when it was removed. */
  readonly object: KubernetesObject | undefined;
}

/** What an actor recorded and the record has not. */
export interface TraceGap {
  readonly actor: string;
  /** Sequence of the last event before it; 0 where the beginning is missing. */
  readonly after: number;
  readonly lost: number;
}

export interface TraceContents {
  /** In any order. */
  readonly events: readonly TraceEvent[];
  readonly gaps?: readonly TraceGap[];
  /** By revision. The first of each object may be older than all events: what stood when the record begins. */
  readonly changes?: readonly ObjectChange[];
}

/** What nothing in the cluster need have caused. */
const ROOTS = /^(request\..*|kill|fault|asked|timer)$/;
/** Of these, what begins outside whatever stands behind it. */
const FROM_OUTSIDE = /^(kill|fault|asked)$/;
const NONE: readonly never[] = [];

export { nameOf };

export class TraceRecord {
  /** Causes before effects. */
  readonly events: readonly TraceEvent[];
  readonly gaps: readonly TraceGap[];
  readonly changes: readonly ObjectChange[];
  private domain: readonly TraceEvent[] | undefined;
  private subjects: ReadonlyMap<string, readonly TraceEvent[]> | undefined;
  private actors: ReadonlyMap<string, readonly TraceEvent[]> | undefined;
  private effects: ReadonlyMap<string, readonly TraceEvent[]> | undefined;
  private written: ReadonlyMap<string, readonly TraceEvent[]> | undefined;
  private writes: ReadonlyMap<number, TraceEvent> | undefined;
  private versions: ReadonlyMap<string, readonly ObjectChange[]> | undefined;

  constructor({ events, gaps = [], changes = [] }: TraceContents) {
    this.events = isOrdered(events) ? events : [...events].sort(compareEvents);
    this.gaps = gaps;
    this.changes = changes;
  }

  /** What happened, without the messages: one in ten of all. */
  get happened(): readonly TraceEvent[] {
    return (this.domain ??= this.events.filter((event) => !isSent(event)));
  }

  /** By `actor#sequence`. */
  named(name: string): TraceEvent | undefined {
    const mark = name.lastIndexOf("#");
    if (mark < 0) return undefined;
    const sequence = Number(name.slice(mark + 1));
    const of = this.of(name.slice(0, mark));
    // An actor counts its events, and few are lost.
    let [low, high] = [0, of.length - 1];
    while (low <= high) {
      const first = of[low]!.sequence;
      const last = of[high]!.sequence;
      if (sequence < first || sequence > last) return undefined;
      const at = last === first ? low : low + Math.floor(((sequence - first) * (high - low)) / (last - first));
      const found = of[at]!;
      if (found.sequence === sequence) return found;
      if (found.sequence < sequence) low = at + 1;
      else high = at - 1;
    }
    return undefined;
  }

  /** What happened to an object, or to an actor. */
  about(subject: string): readonly TraceEvent[] {
    this.subjects ??= grouped(this.happened, ({ subject: of }) => of);
    return this.subjects.get(subject) ?? NONE;
  }

  /** Whatever something happened to. */
  get names(): readonly string[] {
    this.subjects ??= grouped(this.happened, ({ subject }) => subject);
    return [...this.subjects.keys()];
  }

  /** What an actor recorded, by sequence. */
  of(actor: string): readonly TraceEvent[] {
    return this.byActor().get(actor) ?? NONE;
  }

  get actorNames(): readonly string[] {
    return [...this.byActor().keys()];
  }

  /** What an event was the first cause of, directly. */
  effectsOf(event: TraceEvent): readonly TraceEvent[] {
    this.effects ??= grouped(this.events, ({ cause }) => cause);
    return this.effects.get(nameOf(event)) ?? NONE;
  }

  /** What was written because of an event, at once. */
  writesOf(event: TraceEvent): readonly TraceEvent[] {
    this.written ??= grouped(
      this.happened.filter(({ kind }) => kind === "write"),
      ({ cause }) => cause,
    );
    return this.written.get(nameOf(event)) ?? NONE;
  }

  /** The write that made a revision. */
  writeOf(revision: number): TraceEvent | undefined {
    this.writes ??= new Map(
      this.happened.filter(({ kind }) => kind === "write").map((event) => [revisionOf(event), event]),
    );
    return this.writes.get(revision);
  }

  /** What an object was, the oldest first. */
  versionsOf(subject: string): readonly ObjectChange[] {
    this.versions ??= grouped(this.changes, ({ subject: of }) => of);
    return this.versions.get(subject) ?? NONE;
  }

  isRoot({ kind, cause }: TraceEvent): boolean {
    if (cause !== "" && !TRACEPARENT.test(cause)) return FROM_OUTSIDE.test(kind);
    return kind === "call" || ROOTS.test(kind);
  }

  /** The event and what it came of, back to the first that is known. */
  chainOf(last: TraceEvent): readonly TraceEvent[] {
    const chain = [last];
    for (let cause = this.causeOf(last); cause !== undefined; cause = this.causeOf(cause)) {
      // No effect stands before its cause; a record that was mended by hand could have a ring.
      if (cause.lamport >= chain.at(-1)!.lamport) break;
      chain.push(cause);
    }
    return chain;
  }

  /** What it came of in the first place, as far as is recorded. */
  firstOf(event: TraceEvent): TraceEvent {
    return this.chainOf(event).at(-1)!;
  }

  causeOf(event: TraceEvent): TraceEvent | undefined {
    return inferredCause(this, event) ?? this.named(event.cause);
  }

  /** Whether its cause is not the one that it names, but what must have been. */
  isInferred(event: TraceEvent): boolean {
    return inferredCause(this, event) !== undefined;
  }

  /** Its causes beside the first: of several changes that were seen to at once. */
  othersOf(event: TraceEvent): readonly TraceEvent[] {
    const others = fieldOf(event, "also");
    if (others === "") return NONE;
    return others.split(",").flatMap((name) => this.named(name) ?? []);
  }

  private byActor(): ReadonlyMap<string, readonly TraceEvent[]> {
    return (this.actors ??= grouped(this.events, ({ actor }) => actor));
  }
}

function isOrdered(events: readonly TraceEvent[]): boolean {
  for (let at = 1; at < events.length; at++) if (compareEvents(events[at - 1]!, events[at]!) > 0) return false;
  return true;
}

function grouped<T>(items: readonly T[], by: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = by(item);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [item]);
    else known.push(item);
  }
  return groups;
}
