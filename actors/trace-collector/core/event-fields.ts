/** What an event says of itself. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { MESSAGES } from "./events.ts";

/** Whether a cause is a W3C `traceparent`, with which a trace goes on that began outside, and no event of ours. */
export function isFromOutside(cause: string): boolean {
  return cause !== "" && !cause.includes("#");
}

/** A field of an event's details; empty when it has none of that name. */
export function fieldOf({ detail }: TraceEvent, name: string): string {
  const mark = `${name}=`;
  for (let at = detail.indexOf(mark); at >= 0; at = detail.indexOf(mark, at + 1)) {
    if (at > 0 && detail[at - 1] !== " ") continue;
    const end = detail.indexOf(" ", at);
    return detail.slice(at + mark.length, end < 0 ? undefined : end);
  }
  return "";
}

/** Of a write; 0 where it is not told. */
export function revisionOf(event: TraceEvent): number {
  return Number(fieldOf(event, "revision"));
}

/** What is only sent on the way from one thing that happened to the next. */
export function isSent({ kind }: TraceEvent): boolean {
  return MESSAGES.has(kind);
}

/** A clock may be so far from others without anybody's being misled. */
const CLOCKS_APART_MS = 50;

/**
 * Seconds from an event to one that comes after it in causal order, as a person is told. Where a clock is behind what its actor had heard
 * of, the order's own clock says more: it keeps up with the fastest (`Recorder.lamport`).
 */
export function secondsBetween(first: TraceEvent, last: TraceEvent): string {
  const isBehind = [first, last].some(({ lamport, timeMs }) => lamport / 1_000 - timeMs > CLOCKS_APART_MS);
  const ms = isBehind ? (last.lamport - first.lamport) / 1_000 : last.timeMs - first.timeMs;
  return (Math.max(0, ms) / 1_000).toFixed(1);
}
