/** Timestamps and durations, to the nanosecond. Source: the CEL specification; RFC 3339. */
import { parseGoDuration } from "../../../../protocols/kubernetes/go-duration.ts";
import { CelDuration, CelError, CelTimestamp } from "./values.ts";

const SECOND = 1_000_000_000n;
/** The first and last second that there is: of the years 1 and 9999. */
const FIRST = -62_135_596_800n * SECOND;
const BEHIND_LAST = 253_402_300_800n * SECOND;
const DURATION_LIMIT = 2n ** 63n;

/** @throws CelError when there is no such time */
export function checkedTimestamp(nanos: bigint, zone?: string): CelTimestamp {
  if (nanos < FIRST || nanos >= BEHIND_LAST) throw new CelError("timestamp overflow");
  return new CelTimestamp(nanos, zone);
}

/** @throws CelError when it is longer than some 292 years */
export function checkedDuration(nanos: bigint): CelDuration {
  if (nanos >= DURATION_LIMIT || nanos < -DURATION_LIMIT) throw new CelError("duration overflow");
  return new CelDuration(nanos);
}
const TIME = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)$/;

/** @throws CelError */
export function timestampOf(value: unknown): CelTimestamp {
  if (typeof value === "bigint") return checkedTimestamp(value * SECOND);
  if (typeof value !== "string") throw new CelError("no such overload");
  const parts = TIME.exec(value);
  const ms = parts === null ? Number.NaN : Date.parse(`${parts[1]}T${parts[2]}${(parts[4] ?? "Z").toUpperCase()}`);
  if (parts === null || Number.isNaN(ms) || !isDay(parts[1] ?? "")) {
    throw new CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  }
  const zone = parts[4]?.toUpperCase();
  return checkedTimestamp(BigInt(ms) * 1_000_000n + BigInt((parts[3] ?? "").padEnd(9, "0")), zone);
}

/** Whether the month has the day. */
function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.split("-").map(Number);
  return day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** @throws CelError */
export function durationOf(value: unknown): CelDuration {
  if (typeof value === "bigint") return new CelDuration(value);
  if (typeof value !== "string") throw new CelError("no such overload");
  const nanos = parseGoDuration(value);
  if (typeof nanos === "bigint") return new CelDuration(nanos);
  throw new CelError("type conversion error from 'string' to 'google.protobuf.Duration'");
}

export function timeMethod(name: string, value: CelTimestamp | CelDuration, args: readonly unknown[]): unknown {
  return value instanceof CelDuration ? durationMethod(name, value) : timestampMethod(name, value, args[0]);
}

function durationMethod(name: string, { nanos }: CelDuration): unknown {
  switch (name) {
    case "getHours":
      return nanos / (3600n * SECOND);
    case "getMinutes":
      return nanos / (60n * SECOND);
    case "getSeconds":
      return nanos / SECOND;
    case "getMilliseconds":
      return nanos / 1_000_000n;
    case "string":
      return `${secondsText(nanos)}s`;
  }
  throw new CelError("no such overload");
}

function secondsText(nanos: bigint): string {
  const [sign, size] = nanos < 0n ? ["-", -nanos] : ["", nanos];
  const fraction = String(size % SECOND)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${sign}${size / SECOND}${fraction === "" ? "" : `.${fraction}`}`;
}

/** RFC 3339, in the zone in which it was written. */
function timeText({ nanos, zone }: CelTimestamp): string {
  const at = new Date(Number(floorDiv(nanos, 1_000_000n)) + (zone === "Z" ? 0 : offsetMs(zone, 0)));
  const fraction = String(((nanos % SECOND) + SECOND) % SECOND)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${at.toISOString().slice(0, 19)}${fraction === "" ? "" : `.${fraction}`}${zone}`;
}

function timestampMethod(name: string, time: CelTimestamp, zone: unknown): unknown {
  if (name === "string") return timeText(time);
  const ms = Number(floorDiv(time.nanos, 1_000_000n));
  const date = new Date(ms + offsetMs(zone, ms));
  const startOfYear = Date.UTC(date.getUTCFullYear(), 0, 1);
  switch (name) {
    case "getFullYear":
      return BigInt(date.getUTCFullYear());
    case "getMonth":
      return BigInt(date.getUTCMonth());
    case "getDate":
      return BigInt(date.getUTCDate());
    case "getDayOfMonth":
      return BigInt(date.getUTCDate() - 1);
    case "getDayOfWeek":
      return BigInt(date.getUTCDay());
    case "getDayOfYear":
      return BigInt(Math.floor((date.getTime() - startOfYear) / 86_400_000));
    case "getHours":
      return BigInt(date.getUTCHours());
    case "getMinutes":
      return BigInt(date.getUTCMinutes());
    case "getSeconds":
      return BigInt(date.getUTCSeconds());
    case "getMilliseconds":
      return BigInt(date.getUTCMilliseconds());
  }
  throw new CelError("no such overload");
}

function floorDiv(a: bigint, b: bigint): bigint {
  return a >= 0n || a % b === 0n ? a / b : a / b - 1n;
}

/** `UTC`, fixed offsets, and zones by their names, which the engine knows. */
function offsetMs(zone: unknown, atMs: number): number {
  if (zone === undefined || zone === "UTC" || zone === "") return 0;
  if (typeof zone !== "string") throw new CelError("no such overload");
  const parts = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (parts === null) return namedOffsetMs(zone, atMs);
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return (parts[1] === "-" ? -minutes : minutes) * 60_000;
}

function namedOffsetMs(timeZone: string, atMs: number): number {
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    const name = format.formatToParts(atMs).find(({ type }) => type === "timeZoneName")?.value ?? "";
    const [, sign = "+", hours = "0", minutes = "0", seconds = "0"] =
      /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(name) ?? [];
    const size = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
    return sign === "-" ? -size : size;
  } catch (error) {
    if (error instanceof RangeError) throw new CelError(`unknown time zone ${timeZone}`);
    throw error;
  }
}
