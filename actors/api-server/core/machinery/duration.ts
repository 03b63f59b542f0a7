/** Ages as kubectl shows them: at most two units, coarser with age. Source: apimachinery `duration.HumanDuration`. */
import { parseTimeMs } from "./time.ts";

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
  const seconds = `${(nanos % (60 * NANO_PER_SECOND)) / NANO_PER_SECOND}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** `1m30s` in milliseconds, or why it is no duration. Source: Go's `time.ParseDuration`, whose words these are. */
export function parseGoDurationMs(text: string): number | string {
  const quoted = JSON.stringify(text);
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  if (rest === "") return `time: invalid duration ${quoted}`;
  let ms = 0;
  while (rest !== "") {
    const amount = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (amount === undefined) return `time: invalid duration ${quoted}`;
    rest = rest.slice(amount.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? "";
    if (unit === "") return `time: missing unit in duration ${quoted}`;
    if (!Object.hasOwn(UNITS_MS, unit)) return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`;
    ms += Number(amount) * (UNITS_MS[unit] ?? 0);
    rest = rest.slice(unit.length);
  }
  return text.startsWith("-") ? -ms : ms;
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** How long ago `time` was; `<unknown>` when it is not set. */
export function age(time: string | null | undefined, nowMs: number): string {
  const ms = time === null || time === undefined ? undefined : parseTimeMs(time);
  return ms === undefined ? "<unknown>" : humanDuration(nowMs - ms);
}
