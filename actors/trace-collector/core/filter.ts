/** Which events a filter lets through, and whether it can let any through. */
import { InkubeError } from "../../../protocols/errors.ts";
import { didYouMean } from "../../../protocols/nearest-name.ts";
import type { TraceEvent, TraceFilter } from "../../../protocols/trace-collector.ts";
import { TRACE_KINDS } from "../../../protocols/trace-collector.ts";

/** `actors`: everybody who has a recorder. Errors: NO_SUCH_ACTOR, NO_SUCH_KIND. */
export function checkFilter({ actor, kind }: TraceFilter, actors: readonly string[]): void {
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
}

/** Whether anything of `actor` can match: its recorder need not be read when not. */
export function wantsActor(filter: TraceFilter, actor: string): boolean {
  const wanted = filter.actor;
  if (wanted === undefined) return true;
  return wanted.endsWith("/") ? actor.startsWith(wanted) : actor === wanted;
}

export function matches(filter: TraceFilter, event: TraceEvent): boolean {
  const { object, kind } = filter;
  if (!wantsActor(filter, event.actor)) return false;
  if (object !== undefined && !event.subject.includes(object) && !event.detail.includes(object)) return false;
  return kind === undefined || isOfKind(kind, event.kind);
}

function isOfKind(wanted: string, kind: string): boolean {
  return kind === wanted || kind.startsWith(`${wanted}.`);
}
