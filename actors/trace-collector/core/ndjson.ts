/**
 * A record as text: one JSON object a line. An event stands as it is, as `inkube trace --json` prints it; what else there is
 * stands under its name: `{"gap":{…}}`, `{"change":{…}}`.
 */
import { InkubeError } from "../../../protocols/errors.ts";
import type { RecordLine, TraceEvent } from "../../../protocols/trace-collector.ts";
import type { ObjectChange, TraceContents, TraceGap, TraceRecord } from "./record.ts";

/** @param name of the file, for errors. Errors: TRACE_DAMAGED. */
export function contentsOfNdjson(text: string, name: string): TraceContents {
  const found: RecordLine[] = [];
  const lines = text.split("\n");
  lines.forEach((line, index) => {
    if (line.trim() === "") return;
    const parsed = parseLine(line);
    if (parsed !== undefined) found.push(parsed);
    // Whoever wrote it ended before the line did.
    else if (index < lines.length - 1) {
      throw new InkubeError("TRACE_DAMAGED", `line ${index + 1} of ${name} is neither an event nor a gap nor a change`);
    }
  });
  return contentsOfLines(found);
}

export function contentsOfLines(lines: readonly RecordLine[]): TraceContents {
  const events: TraceEvent[] = [];
  const gaps: TraceGap[] = [];
  const changes: ObjectChange[] = [];
  for (const line of lines) {
    if ("gap" in line) gaps.push(line.gap);
    else if ("change" in line) changes.push({ object: undefined, ...line.change });
    else events.push(line);
  }
  return { events, gaps, changes };
}

export function ndjsonOf(record: TraceRecord): string {
  return [...linesOf(record)].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** One by one: as many are made as are taken. */
export function* linesOf(record: TraceRecord): Iterable<RecordLine> {
  for (const gap of record.gaps) yield { gap };
  yield* record.inOrder();
  for (const { revision, subject, object } of record.changes) {
    yield { change: { revision, subject, ...(object === undefined ? {} : { object }) } };
  }
}

function parseLine(line: string): RecordLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  if ("gap" in parsed || "change" in parsed) return parsed as RecordLine;
  const { actor, sequence, lamport, timeMs, kind, subject } = parsed as Readonly<Record<string, unknown>>;
  const isEvent =
    [actor, kind, subject].every((field) => typeof field === "string") &&
    [sequence, lamport, timeMs].every((field) => typeof field === "number");
  return isEvent
    ? { peer: "", cause: "", detail: "", ...(parsed as Omit<TraceEvent, "peer" | "cause" | "detail">) }
    : undefined;
}
