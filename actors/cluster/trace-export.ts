/** A record in the formats that others open, and as a page of its own. */
import { InkubeError } from "../../protocols/errors.ts";
import { didYouMean } from "../../protocols/nearest-name.ts";
import type { TraceFilter } from "../../protocols/trace-collector.ts";
import { mermaidOf } from "../trace-collector/core/exports/mermaid.ts";
import { otlpOf } from "../trace-collector/core/exports/otlp.ts";
import { perfettoOf } from "../trace-collector/core/exports/perfetto.ts";
import { shivizOf } from "../trace-collector/core/exports/shiviz.ts";
import { checkFilter, matches } from "../trace-collector/core/filter.ts";
import { linesOf } from "../trace-collector/core/ndjson.ts";
import { TraceRecord } from "../trace-collector/core/record.ts";
import { pageOf } from "../trace-collector/io/page.ts";

export const EXPORT_FORMATS = ["html", "perfetto", "otlp", "shiviz", "mermaid", "ndjson"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions {
  /** Which events; all when absent. */
  readonly where?: TraceFilter;
  /** What the page is called. */
  readonly title?: string;
}

/** The text in parts. Errors: INVALID_ARGUMENT, which names the formats; NO_SUCH_ACTOR, NO_SUCH_KIND, INVALID_WHERE. */
export function exported(record: TraceRecord, format: ExportFormat, options: ExportOptions = {}): Iterable<string> {
  const { where, title = "trace" } = options;
  const told = where === undefined || Object.keys(where).length === 0 ? record : filtered(record, where);
  switch (format) {
    case "html":
      return pageOf(told, title);
    case "perfetto":
      return perfettoOf(told);
    case "otlp":
      return otlpOf(told);
    case "shiviz":
      return shivizOf(told);
    case "mermaid":
      return mermaidOf(told);
    case "ndjson":
      return textLines(told);
  }
  const hint = didYouMean(String(format), EXPORT_FORMATS);
  throw new InkubeError(
    "INVALID_ARGUMENT",
    `nothing is exported as ${String(format)}${hint} There are ${EXPORT_FORMATS.join(", ")}`,
  );
}

function* textLines(record: TraceRecord): Iterable<string> {
  for (const line of linesOf(record)) yield `${JSON.stringify(line)}\n`;
}

/** Objects stand in it as before: what is asked for is which events. Errors: NO_SUCH_ACTOR, NO_SUCH_KIND, INVALID_WHERE. */
function filtered(record: TraceRecord, where: TraceFilter): TraceRecord {
  const { events, gaps } = record;
  checkFilter(where, [...new Set(events.map(({ actor }) => actor))]);
  return new TraceRecord({
    events: events.filter((event) => matches(where, event)),
    gaps,
    changes: () => record.changes,
  });
}
