/** A record as lines of JSON: an event each, then `{"gap":…}` for each gap and `{"change":…}` for each change of an object. */
import type { TraceRecord } from "../record.ts";

export function* ndjsonOf({ events, gaps, changes }: TraceRecord): Iterable<string> {
  for (const event of events) yield `${JSON.stringify(event)}\n`;
  for (const gap of gaps) yield `${JSON.stringify({ gap })}\n`;
  for (const change of changes) yield `${JSON.stringify({ change })}\n`;
}
