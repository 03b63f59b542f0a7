/** How a person names a moment of a record. */
import { InkubeError } from "../../../protocols/errors.ts";
import { nowOf } from "./standing.ts";
import type { TraceRecord } from "./record.ts";
import type { Moment } from "./state.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DAY_MS = 86_400_000;

/**
 * `revision 132` (or `rev:132`), `12:34:56.789` as lines of the trace have it, `2026-11-29T12:34:56Z`, `10s` before the record's end, an event as
 * `scheduler-0#42`. Errors: INVALID_ARGUMENT.
 */
export function momentOf(record: TraceRecord, text: string): Moment {
  const revision = /^rev(?:ision)?[ :=]?(\d+)$/.exec(text)?.[1];
  if (revision !== undefined) return { revision: Number(revision) };
  if (/^[^\s#]+#\d+$/.test(text)) return text;
  return timeOf(text, nowOf(record));
}

/** A time in milliseconds since 1970, as `momentOf` takes it; `nowMs` is what `10s` counts back from. Errors: INVALID_ARGUMENT. */
export function timeOf(text: string, nowMs: number): number {
  const ago = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * UNITS_MS[ago[2]!]!;
  const ofDay = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,3})?))?$/.exec(text);
  if (ofDay !== null) {
    const [, hours, minutes, seconds = "0"] = ofDay;
    const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
    const timeMs = today + Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Math.round(Number(seconds) * 1_000);
    return timeMs > nowMs ? timeMs - DAY_MS : timeMs;
  }
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  const forms = `"revision 132", 12:34:56.789, 2026-11-29T12:34:56Z, 10s ago as 10s, or an event as scheduler-0#42`;
  throw new InkubeError("INVALID_ARGUMENT", `${JSON.stringify(text)} is no moment: ${forms}`);
}
