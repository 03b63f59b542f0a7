/** What the trace's answers look like in a terminal. */
import type { Difference, Divergence, Explanation, Story, TraceEvent } from "../../../protocols/trace-collector.ts";
import { formatEvent } from "../../../protocols/trace-events.ts";
import { tellingLines } from "../../trace-collector/core/chain.ts";
import { shown } from "../../trace-collector/core/differences.ts";
import type { QueryResult } from "../../trace-collector/io/sql.ts";

/** With the sentence, what one sees at a glance. */
const CHAIN_LINES = 9;
/** Differences of one write; a status that is there for the first time has dozens. */
const DIFFERENCES_MAX = 6;
const CELL_MAX = 80;

/** `all`: every line of the chain, and not only those that say most. */
export function whyText(explanation: Explanation, all: boolean): string {
  const { sentence, lines, notes, isWhole, confidence } = explanation;
  const told = all ? lines : tellingLines(lines, CHAIN_LINES);
  const actors = Math.max(...told.map(({ actor }) => actor.length));
  const chain = told.map(({ timeMs, actor, text }, index) => {
    const mark = index === 0 && isWhole ? "   <- first cause" : "";
    return `  ${clock(timeMs)} ${actor.padEnd(actors)} ${text}${mark}`;
  });
  const left = lines.length - told.length;
  const more = left === 0 ? [] : [`  ${left} more lines: --all`];
  const doubts = notes.map((note) => `  ${confidence === "likely" ? "likely, for" : "note:"} ${note}`);
  return [sentence, ...chain, ...more, ...doubts].join("\n");
}

export function storyText({ about, entries, isWhole }: Story): string {
  const others = new Set(entries.map(({ subject }) => subject)).size > 1;
  const lines = entries.flatMap(({ timeMs, actor, text, differences, subject }) => [
    `${clock(timeMs)} ${actor} ${text}${others && !subject.startsWith("events/") && !text.includes(subject) ? ` [${subject}]` : ""}`,
    ...differences.slice(0, DIFFERENCES_MAX).map((difference) => `    ${differenceText(difference)}`),
    ...(differences.length > DIFFERENCES_MAX ? [`    and ${differences.length - DIFFERENCES_MAX} more`] : []),
  ]);
  const head = `${about}: ${entries.length} events${isWhole ? "" : "; some may be missing, for the record has gaps"}`;
  return [head, ...lines].join("\n");
}

export function differenceText({ path, before, after }: Difference): string {
  return `${path}: ${shown(before)} -> ${shown(after)}`;
}

export function divergenceText({ sentence, causes, first, objects }: Divergence): string {
  const lines = [sentence];
  for (const { side, text } of causes) lines.push(`  ${signOf(side)} ${text}`);
  for (const side of ["left", "right"] as const) {
    const event = first[side];
    if (event !== null) lines.push(`  ${signOf(side)} ${clock(event.timeMs)} ${event.actor} ${event.text}`);
  }
  for (const { subject, only, differences } of objects) {
    if (only !== null) lines.push(`  ${signOf(only)} ${subject}`);
    else lines.push(`  ~ ${subject}`, ...differences.map((difference) => `      ${differenceText(difference)}`));
  }
  return lines.join("\n");
}

function signOf(side: "left" | "right"): string {
  return side === "left" ? "<" : ">";
}

/** One line; what was lost is told as such. */
export function eventText(event: TraceEvent): string {
  if (event.kind !== "gap") return formatEvent(event);
  return `${clock(event.timeMs)} -- ${event.detail.replace("lost=", "")} events of ${event.actor} are lost`;
}

export function rowsText({ columns, rows, isCut }: QueryResult): string {
  const cells = [columns, ...rows.map((row) => row.map((cell) => cut(cell === null ? "" : String(cell))))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...(isCut ? [`and more than these ${rows.length} rows`] : [])].join("\n");
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= CELL_MAX ? line : `${line.slice(0, CELL_MAX - 1)}…`;
}

/** In UTC, as `--at` takes it. */
function clock(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 23);
}
