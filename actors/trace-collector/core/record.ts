/**
 * A record of what a cluster's actors did, wherever it was read from (their recorders, files, a simulation): what every question
 * is answered from. Immutable.
 */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { nameOf } from "../../../protocols/trace-events.ts";
import { fieldOf, isFromOutside, revisionOf } from "./event-fields.ts";
import type { EventIndex } from "./events.ts";
import { EventList, grouped } from "./events.ts";
import { inferredCause } from "./inferred.ts";

export { nameOf };

/** What an object became by one write. Data of Secrets are hashed, tokens absent. */
export interface ObjectChange {
  /** Of the whole store: 1, 2, 3 … Changes of one transaction have the same. */
  readonly revision: number;
  /** As events name it: `pods/default/web-1`, of another group `deployments/default/web`. */
  readonly subject: string;
  /** Undefined when it was removed. */
  readonly object: KubernetesObject | undefined;
  /** The same as a text, where that is at hand without the object. */
  readonly json?: string | undefined;
}

/** What an actor recorded and the record has not. */
export interface TraceGap {
  readonly actor: string;
  /** Sequence of the last event before it; 0 where the beginning is missing. */
  readonly after: number;
  readonly lost: number;
}

export interface TraceContents {
  /** In any order; or where they are found. */
  readonly events: readonly TraceEvent[] | EventIndex;
  readonly gaps?: readonly TraceGap[];
  /** By revision, or how to get at them. The first of each object may be older than all events: what stood when the record begins. */
  readonly changes?: readonly ObjectChange[] | (() => readonly ObjectChange[]) | ChangeIndex;
}

/** Changes where they are found, for who asks about one object only. */
export interface ChangeIndex {
  /** By revision. */
  all(): readonly ObjectChange[];
  /** What an object was, the oldest first. */
  of(subject: string): readonly ObjectChange[];
}

/** What nothing in the cluster need have caused. */
const ROOTS = /^(request\..*|kill|fault|asked|timer)$/;
/** Of these, what begins outside whatever stands behind it. */
const OUTSIDE = /^(kill|fault|asked)$/;
const WRITES: ReadonlySet<string> = new Set(["write"]);
const NONE: readonly never[] = [];

export class TraceRecord {
  readonly gaps: readonly TraceGap[];
  private readonly index: EventIndex;
  private readonly given: NonNullable<TraceContents["changes"]>;
  private read: readonly ObjectChange[] | undefined;
  /** An index on a disk makes its events anew each time: here each is one object, however it was found. */
  private readonly known = new Map<string, TraceEvent>();
  private allWrites: readonly TraceEvent[] | undefined;
  private writesAt: ReadonlyMap<number, TraceEvent> | undefined;
  private versions: ReadonlyMap<string, readonly ObjectChange[]> | undefined;

  constructor({ events, gaps = [], changes = [] }: TraceContents) {
    this.index = "named" in events ? events : new EventList(events);
    this.gaps = gaps;
    this.given = changes;
  }

  /** What objects became, by revision. */
  get changes(): readonly ObjectChange[] {
    const { given } = this;
    return (this.read ??= typeof given === "function" ? given() : "all" in given ? given.all() : given);
  }

  /** What an object was, the oldest first. */
  versionsOf(subject: string): readonly ObjectChange[] {
    if (typeof this.given !== "function" && "all" in this.given) return this.given.of(subject);
    this.versions ??= grouped(this.changes, ({ subject: of }) => of);
    return this.versions.get(subject) ?? NONE;
  }

  /** All, causes before effects. Of a large record this takes seconds, and the other ways to events do not. */
  get events(): readonly TraceEvent[] {
    return this.index.events;
  }

  /** All one by one, causes before effects: as many are made as are taken. `wanted`: whose. */
  inOrder(wanted?: (actor: string) => boolean): Iterable<TraceEvent> {
    return this.index.inOrder(wanted);
  }

  /** By `actor#sequence`. */
  named(name: string): TraceEvent | undefined {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const found = this.index.named(name);
    return found === undefined ? undefined : this.one(found);
  }

  /** The events about an object, or about an actor. Messages are about neither. */
  about(subject: string): readonly TraceEvent[] {
    return this.ones(this.index.about(subject));
  }

  /** What an actor recorded; only of those kinds, when they are given. */
  of(actor: string, kinds?: ReadonlySet<string>): readonly TraceEvent[] {
    return this.ones(this.index.of(actor, kinds));
  }

  /** All events of those kinds. */
  ofKind(kinds: ReadonlySet<string>): readonly TraceEvent[] {
    return this.ones(this.index.ofKind(kinds));
  }

  /** What an event was the first cause of, directly. */
  effectsOf(event: TraceEvent): readonly TraceEvent[] {
    return this.ones(this.index.causedBy(nameOf(event)));
  }

  /** What events that are no messages are about: objects, actors, timers. */
  subjects(): readonly string[] {
    return this.index.subjects();
  }

  /** All writes of objects. */
  writes(): readonly TraceEvent[] {
    return (this.allWrites ??= this.ofKind(WRITES));
  }

  /** What was written because of an event, at once. */
  writesOf(event: TraceEvent): readonly TraceEvent[] {
    return this.effectsOf(event).filter(({ kind }) => kind === "write");
  }

  /** The write that made a revision of an object. */
  writeAt({ subject, revision }: ObjectChange): TraceEvent | undefined {
    return this.about(subject).findLast((event) => event.kind === "write" && revisionOf(event) === revision);
  }

  /** The write that made a revision. */
  writeOf(revision: number): TraceEvent | undefined {
    this.writesAt ??= new Map(this.writes().map((event) => [revisionOf(event), event]));
    return this.writesAt.get(revision);
  }

  isRoot({ kind, cause }: TraceEvent): boolean {
    if (cause !== "" && !isFromOutside(cause)) return OUTSIDE.test(kind);
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

  private one(event: TraceEvent): TraceEvent {
    const name = nameOf(event);
    const known = this.known.get(name);
    if (known === undefined) this.known.set(name, event);
    return known ?? event;
  }

  private ones(events: readonly TraceEvent[]): readonly TraceEvent[] {
    return events.map((event) => this.one(event));
  }
}
