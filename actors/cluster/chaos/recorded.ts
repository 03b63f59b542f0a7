/** What happened in a simulated run as a record of the trace: every event of every actor, and what was written of each object. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import type { TraceContents, TraceGap } from "../../trace-collector/core/record.ts";
import type { History } from "./history.ts";

/** @param events in the order in which they happened, of which the first may be missing */
export function contentsOf(events: readonly TraceEvent[], { changes }: History): TraceContents {
  const gaps: TraceGap[] = [];
  const known = new Set<string>();
  for (const { actor, sequence } of events) {
    if (known.has(actor)) continue;
    known.add(actor);
    if (sequence > 1) gaps.push({ actor, after: 0, lost: sequence - 1 });
  }
  return {
    events,
    gaps,
    changes: changes.map(({ revision, place, type, object }) => ({
      revision,
      subject: place,
      object: type === "deleted" ? undefined : object,
    })),
  };
}
