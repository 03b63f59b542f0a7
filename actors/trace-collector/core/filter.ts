/** Which events a filter lets through, and whether it can let any through. */
import { InkubeError } from "../../../protocols/errors.ts";
import { didYouMean } from "../../../protocols/nearest-name.ts";
import type { TraceEvent, TraceFilter } from "../../../protocols/trace-collector.ts";
import { TRACE_KINDS } from "../../../protocols/trace-collector.ts";
import type { Condition } from "./where.ts";
import { conditionOf } from "./where.ts";

/** `actors`: everybody who has a recorder. Errors: NO_SUCH_ACTOR, NO_SUCH_KIND, INVALID_WHERE. */
export function checkFilter({ actor, kind, where }: TraceFilter, actors: readonly string[]): void {
  if (actor !== undefined && !actors.some((name) => wantsActor({ actor }, name))) {
    const nodes = [...new Set(actors.filter((name) => name.includes("/")).map((name) => name.replace(/\/.*/, "/")))];
    const known = [...actors, ...nodes];
    const hint = didYouMean(actor, known);
    throw new InkubeError("NO_SUCH_ACTOR", `there is no actor ${actor} here${hint} There are ${known.join(", ")}`);
  }
  if (kind !== undefined && !TRACE_KINDS.some((known) => isOfKind(kind, known))) {
    const families = TRACE_KINDS.filter((known) => known.includes(".")).map((known) => known.replace(/\..*/, ""));
    const known = [...new Set([...TRACE_KINDS, ...families])];
    const hint = didYouMean(kind, known);
    throw new InkubeError("NO_SUCH_KIND", `there is no kind of event ${kind}${hint} There are ${known.join(", ")}`);
  }
  if (where !== undefined) conditionOf(where);
}

/** Whether anything of `actor` can match: its recorder need not be read when not. */
export function wantsActor(filter: TraceFilter, actor: string): boolean {
  const wanted = filter.actor;
  if (wanted === undefined) return true;
  return wanted.endsWith("/") ? actor.startsWith(wanted) : actor === wanted;
}

/** Errors: INVALID_WHERE. */
export function matches(filter: TraceFilter, event: TraceEvent): boolean {
  const { object, kind, sinceMs, where } = filter;
  if (!wantsActor(filter, event.actor)) return false;
  if (sinceMs !== undefined && event.timeMs < sinceMs) return false;
  if (object !== undefined && !event.subject.includes(object) && !event.detail.includes(object)) return false;
  if (kind !== undefined && !isOfKind(kind, event.kind)) return false;
  return where === undefined || conditionIn(filter, where)(event);
}

/** A filter is asked of each event, and its condition read once. */
const conditions = new WeakMap<TraceFilter, Condition>();

function conditionIn(filter: TraceFilter, where: string): Condition {
  let condition = conditions.get(filter);
  if (condition === undefined) conditions.set(filter, (condition = conditionOf(where)));
  return condition;
}

function isOfKind(wanted: string, kind: string): boolean {
  return kind === wanted || kind.startsWith(`${wanted}.`);
}
