/** What happened in a simulated run as a record of the trace: every event of every actor, and what was written of each object. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { TraceContents, TraceGap } from "../../trace-collector/core/record.ts";
import type { Hash } from "../../trace-collector/core/sealed.ts";
import { sealed } from "../../trace-collector/core/sealed.ts";
import { newHash } from "../../trace-collector/io/pack.ts";
import type { Change, History } from "./history.ts";

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
    changes: () => {
      const hash = newHash();
      return changes.map((change) => ({
        revision: change.revision,
        subject: change.place,
        object: shown(change, hash),
      }));
    },
  };
}

/** Data of Secrets enter no record. */
function shown({ type, place, object, revision }: Change, hash: Hash): KubernetesObject | undefined {
  if (type === "deleted") return undefined;
  if (!place.startsWith("secrets/")) return object;
  const stored = { key: `/registry/${place}`, value: Buffer.from(JSON.stringify(object)), revision };
  return JSON.parse(Buffer.from(sealed(stored, hash).value!).toString()) as KubernetesObject;
}
