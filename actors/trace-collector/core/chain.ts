/** A chain of causes as a person reads it: what was sent is told by what it wrote, what repeats itself once. */
import type { ExplainedLine, TraceEvent } from "../../../protocols/trace-collector.ts";
import { isRequest, lineOf, writtenBy } from "./phrases.ts";
import { nameOf } from "../../../protocols/trace-events.ts";
import { fieldOf, isSent } from "./event-fields.ts";
import type { TraceRecord } from "./record.ts";

/** The first cause first, `last` last. */
export function chainTo(record: TraceRecord, last: TraceEvent): readonly TraceEvent[] {
  const whole = record.chainOf(last);
  const first = whole.at(-1)!;
  const chain = new Set<TraceEvent>([first]);
  for (const event of [...whole].reverse().slice(1)) {
    if (event === last) continue;
    if (isRequest(event)) {
      const written = writtenBy(record, event);
      if (written !== undefined && written !== last) chain.add(written);
    } else if (!isSent(event)) chain.add(event);
  }
  chain.delete(last);
  return [...chain, last];
}

export function linesOf(record: TraceRecord, chain: readonly TraceEvent[]): readonly ExplainedLine[] {
  const repeated = repeatsIn(chain);
  const [first, second] = chain;
  // A request is told by what it wrote.
  const isTwice = first !== undefined && second !== undefined && record.writesOf(first).includes(second);
  const told = isTwice ? chain.slice(1) : chain;
  return told.map((event, index) => ({
    timeMs: event.timeMs,
    actor: event.actor,
    text: lineOf(record, event),
    event: nameOf(event),
    weight: index === 0 || index === told.length - 1 ? WEIGHT_MAX : repeated.has(event) ? 0 : weightOf(event),
  }));
}

const WEIGHT_MAX = 100;

/** What happened says more than who then looked, and that more than what was stored. */
function weightOf({ kind, detail }: TraceEvent): number {
  if (kind.startsWith("log.") || kind === "linked" || kind === "pod.status" || kind === "pod.admitted") return 5;
  if (kind === "container.created" || kind === "container.listening") return 4;
  if (kind === "write") return detail.includes("action=remove") ? 20 : 10;
  if (kind === "reconcile") return 15;
  return 50;
}

/** Of what happens again and again to one object, those between the first time and the last. */
function repeatsIn(chain: readonly TraceEvent[]): ReadonlySet<TraceEvent> {
  const places = new Map<string, TraceEvent[]>();
  for (const event of chain) {
    const key = `${event.kind} ${event.subject} ${fieldOf(event, "container")}`;
    const same = places.get(key);
    if (same === undefined) places.set(key, [event]);
    else same.push(event);
  }
  return new Set([...places.values()].flatMap((same) => same.slice(1, -1)));
}

/** The lines that say most, at most so many, in their order. */
export function tellingLines(lines: readonly ExplainedLine[], most: number): readonly ExplainedLine[] {
  if (lines.length <= most) return lines;
  const chosen = [...lines.keys()].sort((one, other) => lines[other]!.weight - lines[one]!.weight || one - other);
  const kept = new Set(chosen.slice(0, most));
  return lines.filter((_, index) => kept.has(index));
}
