/**
 * A record of what a cluster's actors did, wherever it was read from (their recorders, files, a simulation): what every question
 * is answered from. Immutable.
 */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { SUPERVISOR, nameOf } from "../../../protocols/trace-events.ts";
import type { EventIndex } from "./events.ts";
import { EventList } from "./events.ts";

export { nameOf };

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
  /** In any order; or where they are found. */
  readonly events: readonly TraceEvent[] | EventIndex;
  readonly gaps?: readonly TraceGap[];
  /** By revision, or how to get at them. The first of each object may be older than all events: what stood when the record begins. */
  readonly changes?: readonly ObjectChange[] | (() => readonly ObjectChange[]);
}

/** What nothing in the cluster caused. */
const ROOTS = /^(request\..*|kill|fault|asked|timer)$/;

export class TraceRecord {
  readonly gaps: readonly TraceGap[];
  private readonly index: EventIndex;
  private readonly givenChanges: NonNullable<TraceContents["changes"]>;
  private readChanges: readonly ObjectChange[] | undefined;

  constructor({ events, gaps = [], changes = [] }: TraceContents) {
    this.index = "named" in events ? events : new EventList(events);
    this.gaps = gaps;
    this.givenChanges = changes;
  }

  /** What objects became, by revision. */
  get changes(): readonly ObjectChange[] {
    const given = this.givenChanges;
    return (this.readChanges ??= typeof given === "function" ? given() : given);
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
    return this.index.named(name);
  }

  /** The events about an object, or about an actor. Messages are about neither. */
  about(subject: string): readonly TraceEvent[] {
    return this.index.about(subject);
  }

  /** What an actor recorded; only of those kinds, when they are given. */
  of(actor: string, kinds?: ReadonlySet<string>): readonly TraceEvent[] {
    return this.index.of(actor, kinds);
  }

  /** All events of those kinds. */
  ofKind(kinds: ReadonlySet<string>): readonly TraceEvent[] {
    return this.index.ofKind(kinds);
  }

  /** What an event was the first cause of, directly. */
  effectsOf(event: TraceEvent): readonly TraceEvent[] {
    return this.index.causedBy(nameOf(event));
  }

  /** What events that are no messages are about: objects, actors, timers. */
  subjects(): readonly string[] {
    return this.index.subjects();
  }

  isRoot({ kind, cause }: TraceEvent): boolean {
    return ROOTS.test(kind) || (kind === "call" && cause === "");
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

  /** Nobody is told why a Lease is not renewed: it is because its kubelet has ended, where that has. */
  causeOf(event: TraceEvent): TraceEvent | undefined {
    if (event.kind === "node-lost") {
      const ends = this.about(`${event.subject.slice("nodes/".length)}/kubelet`);
      const isEnd = ({ actor, kind, lamport }: TraceEvent): boolean =>
        actor === SUPERVISOR && kind === "down" && lamport < event.lamport;
      const end = ends.findLast(isEnd);
      if (end !== undefined) return end;
    }
    return this.named(event.cause);
  }
}
