/** What is said of an object or an actor, before it is said of what that came. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { phraseOf } from "./phrases.ts";
import type { TraceRecord } from "./record.ts";
import { tellingOf, toldOf } from "./telling.ts";

export interface Answer {
  readonly about: string;
  readonly event: TraceEvent;
  readonly what: string;
  /** Why that is so is not what `event` came of: who asked for a pod did not ask for its trouble. */
  readonly isTrouble: boolean;
  /** That it is not as the question has it. */
  readonly isDenied?: true;
}

/** How it stands now. Errors: NOT_RECORDED. */
export function nowAnswer(record: TraceRecord, subject: string): Answer {
  const telling = tellingOf(toldOf(record, subject), () => nowOf(record));
  if (telling === undefined) {
    const message = `nothing that happened to ${subject} is recorded, or not any more`;
    throw new InkubeError("NOT_RECORDED", message, { details: { subject } });
  }
  const { event, times, isAgain } = telling;
  return { about: subject, event, what: phraseOf(record, event, times, isAgain), isTrouble: TROUBLES.has(event.kind) };
}

const TROUBLES: ReadonlySet<string> = new Set([
  "unschedulable",
  "container.failed",
  "container.stopped",
  "probe.failed",
]);
/** About the time of the last that is recorded: somebody always writes something. */
export function nowOf(record: TraceRecord): number {
  return record.writes().at(-1)?.timeMs ?? 0;
}
