/**
 * Where two records part: the first event, by causal order, that an actor recorded in one and not, or otherwise, in the other.
 * What only says when or in which revision something happened is no difference.
 */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { MESSAGES } from "../core/events.ts";
import type { TraceRecord } from "../core/record.ts";

export interface Divergence {
  readonly actor: string;
  /** Undefined: it has no more. */
  readonly left: TraceEvent | undefined;
  readonly right: TraceEvent | undefined;
}

/** Undefined: both tell the same. */
export function divergenceOf(left: TraceRecord, right: TraceRecord): Divergence | undefined {
  const others = byActor(right);
  let first: Divergence | undefined;
  let firstAt = Infinity;
  const own = byActor(left);
  for (const actor of new Set([...own.keys(), ...others.keys()])) {
    const [lefts, rights] = [own.get(actor) ?? [], others.get(actor) ?? []];
    const at = lefts.findIndex(
      (event, index) => rights[index] === undefined || saidBy(event) !== saidBy(rights[index]),
    );
    const index = at < 0 ? lefts.length : at;
    const [one, other] = [lefts[index], rights[index]];
    const since = Math.min(sinceBegin(left, one), sinceBegin(right, other));
    if (since < firstAt) [first, firstAt] = [{ actor, left: one, right: other }, since];
  }
  return first;
}

function byActor({ events }: TraceRecord): ReadonlyMap<string, readonly TraceEvent[]> {
  const found = new Map<string, TraceEvent[]>();
  for (const event of events) {
    // Which of two messages comes first is chance; what comes of them tells.
    if (MESSAGES.has(event.kind) || event.kind === "timer") continue;
    const known = found.get(event.actor);
    if (known === undefined) found.set(event.actor, [event]);
    else known.push(event);
  }
  return found;
}

function saidBy({ kind, subject, detail }: TraceEvent): string {
  return `${kind} ${subject} ${detail.replaceAll(/(?:^| )(?:incarnation|revision|also|more)=\S*/g, "")}`;
}

function sinceBegin({ events }: TraceRecord, event: TraceEvent | undefined): number {
  return event === undefined ? Infinity : event.lamport - (events[0]?.lamport ?? 0);
}
