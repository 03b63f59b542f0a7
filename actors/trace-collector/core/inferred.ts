/** Causes that no event names, and that follow from the record all the same. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { SUPERVISOR } from "../../../protocols/trace-events.ts";
import { fieldOf } from "./event-fields.ts";
import type { TraceRecord } from "./record.ts";
import { pluralOf } from "./subjects.ts";

/** Why somebody looks at everything anew: that says nothing of what he then finds. */
const LOOKS_ANEW: ReadonlySet<string> = new Set(["leader-elected", "start"]);

/** What shows that a change was seen to. */
const RECONCILED: ReadonlySet<string> = new Set(["reconcile"]);
const PLACED: ReadonlySet<string> = new Set(["scheduled", "unschedulable"]);

/** Undefined where the event's own cause is to be believed. */
export function inferredCause(record: TraceRecord, event: TraceEvent): TraceEvent | undefined {
  switch (event.kind) {
    case "node-lost":
      return endOfKubelet(record, event);
    case "container.failed":
      return faultOf(record, event);
    case "reconcile":
      return writeNotSeenTo(record, event, objectOf(event.subject), RECONCILED);
    case "scheduled":
    case "unschedulable":
      return writeNotSeenTo(record, event, event.subject, PLACED);
    default:
      return undefined;
  }
}

/** Nobody is told why a Lease is not renewed: it is because its kubelet has ended, where that has and was not started again. */
function endOfKubelet(record: TraceRecord, { subject, lamport }: TraceEvent): TraceEvent | undefined {
  const kubelet = record.about(`${subject.slice("nodes/".length)}/kubelet`);
  const last = kubelet.findLast(
    ({ actor, kind, lamport: at }) => at < lamport && (kind === "start" || (kind === "down" && actor === SUPERVISOR)),
  );
  return last?.kind === "down" ? last : undefined;
}

/** A fault that makes things fail strikes nobody alone, so that nobody's failure comes of it by a message. */
function faultOf(record: TraceRecord, event: TraceEvent): TraceEvent | undefined {
  const fault = fieldOf(event, "fault");
  if (fault === "") return undefined;
  return record.about(fault).findLast(({ kind, lamport }) => kind === "fault" && lamport < event.lamport);
}

/** Who has just become the leader finds what was written while there was none: it is because of that write that he does something. */
function writeNotSeenTo(
  record: TraceRecord,
  event: TraceEvent,
  object: string,
  turns: ReadonlySet<string>,
): TraceEvent | undefined {
  const cause = record.named(event.cause);
  if (cause === undefined || !LOOKS_ANEW.has(cause.kind)) return undefined;
  const isBefore = ({ lamport }: TraceEvent): boolean => lamport < event.lamport;
  const written = record.about(object).findLast((of) => of.kind === "write" && isBefore(of));
  const turn = record.about(event.subject).findLast((of) => turns.has(of.kind) && isBefore(of));
  return written !== undefined && written.lamport > (turn?.lamport ?? 0) ? written : undefined;
}

/** The object that a queue is told of: `replica-set/default/web` is `replicasets/default/web`. */
export function objectOf(key: string): string {
  const mark = key.indexOf("/");
  return `${pluralOf(key.slice(0, mark).replaceAll("-", "").toLowerCase())}${key.slice(mark)}`;
}
