/** Durations as Go reads and writes them, and ages as kubectl shows them. */
import { parseTimeMs } from "./time.ts";

/** At most two units, coarser with age. Source: apimachinery `duration.HumanDuration`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return twoUnits(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return twoUnits(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return twoUnits(days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return hours < 24 * 365 * 8 ? twoUnits(years, "y", days % 365, "d") : `${years}y`;
}

const NANO_PER_SECOND = 1_000_000_000;

/** `1h0m0.5s`, `15.25s`, `3.5ms`. Source: Go's `time.Duration.String`. */
export function goDuration(nanos: number): string {
  if (nanos < 0) return `-${goDuration(-nanos)}`;
  if (nanos === 0) return "0s";
  if (nanos < 1_000) return `${nanos}ns`;
  if (nanos < 1_000_000) return `${nanos / 1_000}µs`;
  if (nanos < NANO_PER_SECOND) return `${nanos / 1_000_000}ms`;
  const minutes = Math.floor(nanos / (60 * NANO_PER_SECOND));
  const seconds = `${inSeconds(nanos % (60 * NANO_PER_SECOND))}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** With all its digits: a number of its own would be written as `1e-9`. */
function inSeconds(nanos: number): string {
  const fraction = String(nanos % NANO_PER_SECOND)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${Math.floor(nanos / NANO_PER_SECOND)}${fraction === "" ? "" : `.${fraction}`}`;
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** How long ago `time` was; `<unknown>` when it is not set. */
export function age(time: string | null | undefined, nowMs: number): string {
  const ms = time === null || time === undefined ? undefined : parseTimeMs(time);
  return ms === undefined ? "<unknown>" : humanDuration(nowMs - ms);
}
