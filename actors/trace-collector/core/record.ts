/**
 * A record of what a cluster's actors did, wherever it was read from (their recorders, files, a simulation): what every question
 * is answered from. Immutable; each index is made when it is first asked for.
 */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { SUPERVISOR } from "../../../runtime/trace/lives.ts";
import { compareEvents } from "../../../runtime/trace/event.ts";

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

/** What nothing in the cluster caused. */
const ROOTS = /^(request\..*|kill|fault|asked|timer)$/;
const NONE: readonly TraceEvent[] = [];

export class TraceRecord {
  /** Causes before effects. */
  readonly events: readonly TraceEvent[];
  readonly gaps: readonly TraceGap[];
  readonly changes: readonly ObjectChange[];
  private names: ReadonlyMap<string, TraceEvent> | undefined;
  private subjects: ReadonlyMap<string, readonly TraceEvent[]> | undefined;
  private actors: ReadonlyMap<string, readonly TraceEvent[]> | undefined;
  private effects: ReadonlyMap<string, readonly TraceEvent[]> | undefined;

  constructor({ events, gaps = [], changes = [] }: TraceContents) {
    this.events = [...events].sort(compareEvents);
    this.gaps = gaps;
    this.changes = changes;
  }

  /** By `actor#sequence`. */
  named(name: string): TraceEvent | undefined {
    this.names ??= new Map(this.events.map((event) => [nameOf(event), event]));
    return this.names.get(name);
  }

  /** The events about an object, or about an actor. */
  about(subject: string): readonly TraceEvent[] {
    this.subjects ??= grouped(this.events, (event) => event.subject);
    return this.subjects.get(subject) ?? NONE;
  }

  /** What an actor recorded. */
  of(actor: string): readonly TraceEvent[] {
    this.actors ??= grouped(this.events, (event) => event.actor);
    return this.actors.get(actor) ?? NONE;
  }

  /** What an event was the first cause of, directly. */
  effectsOf(event: TraceEvent): readonly TraceEvent[] {
    this.effects ??= grouped(this.events, (of) => of.cause);
    return this.effects.get(nameOf(event)) ?? NONE;
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

/** The name by which other events tell of an event as their cause. */
export function nameOf({ actor, sequence }: TraceEvent): string {
  return `${actor}#${sequence}`;
}

function grouped(
  events: readonly TraceEvent[],
  by: (event: TraceEvent) => string,
): ReadonlyMap<string, readonly TraceEvent[]> {
  const groups = new Map<string, TraceEvent[]>();
  for (const event of events) {
    const key = by(event);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [event]);
    else known.push(event);
  }
  return groups;
}
