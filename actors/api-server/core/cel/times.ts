/** Timestamps and durations, to the nanosecond. Source: the CEL specification; RFC 3339. */
import { parseGoDuration } from "../machinery/duration.ts";
import { CelDuration, CelError, CelTimestamp } from "./values.ts";

const SECOND = 1_000_000_000n;
const TIME = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)$/;

/** @throws CelError */
export function timestampOf(value: unknown): CelTimestamp {
  if (typeof value === "bigint") return new CelTimestamp(value * SECOND);
  if (typeof value !== "string") throw new CelError("no such overload");
  const parts = TIME.exec(value);
  const ms = parts === null ? Number.NaN : Date.parse(`${parts[1]}T${parts[2]}${(parts[4] ?? "Z").toUpperCase()}`);
  if (parts === null || Number.isNaN(ms)) {
    throw new CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  }
  return new CelTimestamp(BigInt(ms) * 1_000_000n + BigInt((parts[3] ?? "").padEnd(9, "0")));
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
      return `${Number(nanos) / 1e9}s`;
  }
  throw new CelError("no such overload");
}

function timestampMethod(name: string, { nanos }: CelTimestamp, zone: unknown): unknown {
  const ms = Number(floorDiv(nanos, 1_000_000n));
  if (name === "string") return `${new Date(ms).toISOString().replace(/\.?0*Z$/, "")}Z`;
  const date = new Date(ms + offsetMs(zone));
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

/** `UTC` and fixed offsets; zones by name would need their tables. */
function offsetMs(zone: unknown): number {
  if (zone === undefined || zone === "UTC" || zone === "") return 0;
  const parts = typeof zone === "string" ? /^([+-]?)(\d\d):(\d\d)$/.exec(zone) : null;
  if (parts === null) throw new CelError(`unknown time zone ${typeof zone === "string" ? zone : ""}`);
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return (parts[1] === "-" ? -minutes : minutes) * 60_000;
}
