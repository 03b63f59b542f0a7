/**
 * A record as text: one JSON object a line. An event stands as it is, as `inkube trace --json` prints it; what else there is
 * stands under its name: `{"gap":{…}}`, `{"change":{…}}`.
 */
import { InkubeError } from "../../../protocols/errors.ts";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import type { ObjectChange, TraceContents, TraceGap, TraceRecord } from "./record.ts";

type Line = TraceEvent | { readonly gap: TraceGap } | { readonly change: ObjectChange };

/** @param name of the file, for errors. Errors: TRACE_DAMAGED. */
export function contentsOfNdjson(text: string, name: string): TraceContents {
  const events: TraceEvent[] = [];
  const gaps: TraceGap[] = [];
  const changes: ObjectChange[] = [];
  const lines = text.split("\n");
  lines.forEach((line, index) => {
    if (line.trim() === "") return;
    const parsed = parseLine(line);
    if (parsed === undefined) {
      // Whoever wrote it ended before the line did.
      if (index === lines.length - 1) return;
      throw new InkubeError("TRACE_DAMAGED", `line ${index + 1} of ${name} is neither an event nor a gap nor a change`);
    }
    if ("gap" in parsed) gaps.push(parsed.gap);
    else if ("change" in parsed) changes.push(parsed.change);
    else events.push(parsed);
  });
  return { events, gaps, changes };
}

export function ndjsonOf(record: TraceRecord): string {
  return [...linesOf(record)].join("");
}

/** Each with its end. */
export function* linesOf(record: TraceRecord): Iterable<string> {
  for (const gap of record.gaps) yield lineOf({ gap });
  for (const event of record.inOrder()) yield lineOf(event);
  for (const change of record.changes) yield lineOf({ change });
}

function lineOf(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

function parseLine(line: string): Line | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  if ("gap" in parsed || "change" in parsed) return parsed as Line;
  const { actor, sequence, lamport, timeMs, kind, subject } = parsed as Readonly<Record<string, unknown>>;
  const isEvent =
    [actor, kind, subject].every((field) => typeof field === "string") &&
    [sequence, lamport, timeMs].every((field) => typeof field === "number");
  return isEvent
    ? { peer: "", cause: "", detail: "", ...(parsed as Omit<TraceEvent, "peer" | "cause" | "detail">) }
    : undefined;
}
