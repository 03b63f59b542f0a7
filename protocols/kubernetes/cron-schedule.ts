/**
 * A CronJob's schedule and time zone: read in the words of those that read them in Kubernetes, and when it is due next.
 *
 * A schedule is due at each minute whose reading of the clock in its zone matches: one that the clock leaps over is not due at
 * all, one that it shows twice is due twice. Libraries for cron do otherwise, and read other languages than this one.
 *
 * Source: github.com/robfig/cron v3 `ParseStandard` and `SpecSchedule.Next`, Go's `time.ParseDuration` and `time.LoadLocation`.
 */
import { parseGoDurationMs } from "./go-duration.ts";

type Names = Readonly<Record<string, number>>;

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: Names;
}

/** When something is due, again and again. */
export type CronSchedule = EverySchedule | FieldSchedule;

/** So long after each time. */
interface EverySchedule {
  readonly everyMs: number;
}

interface FieldSchedule {
  /** Of the text's own `TZ=`; undefined: as whoever asks says. */
  readonly zone: string | undefined;
  readonly minutes: Field;
  readonly hours: Field;
  readonly days: Field;
  readonly months: Field;
  /** 0: Sunday. */
  readonly weekdays: Field;
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as a star: of days and weekdays one that is must not match for the other. */
  readonly isAny: boolean;
}

function numbered(names: string, first: number): Names {
  return Object.fromEntries(names.split(" ").map((name, i) => [name, i + first]));
}

const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1) },
  { min: 0, max: 6, names: numbered("sun mon tue wed thu fri sat", 0) },
];
const DESCRIPTORS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const EVERY = "@every ";
const ZONE = /^(TZ|CRON_TZ)=/;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** The schedule, or what is wrong with it. */
export function parseSchedule(schedule: string): CronSchedule | string {
  let spec = schedule;
  let zone: string | undefined;
  if (ZONE.test(spec)) {
    const space = spec.indexOf(" ");
    const from = spec.indexOf("=") + 1;
    if (space < 0) return `invalid schedule format: runtime error: slice bounds out of range [:-1]`;
    zone = spec.slice(from, space);
    const problem = zone === "" ? undefined : zoneProblem(zone);
    if (problem !== undefined) return `provided bad location ${zone}: ${problem}`;
    spec = spec.slice(space).trim();
  }
  if (spec.startsWith("@")) return parseDescriptor(spec, zone);
  return parseFields(spec, zone);
}

function parseFields(spec: string, zone: string | undefined): CronSchedule | string {
  const fields = spec.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== FIELDS.length) {
    return `expected exactly ${FIELDS.length} fields, found ${fields.length}: [${fields.join(" ")}]`;
  }
  const parsed: Field[] = [];
  for (const [i, bounds] of FIELDS.entries()) {
    const field = parseField(fields[i] ?? "", bounds);
    if (typeof field === "string") return field;
    parsed.push(field);
  }
  const [minutes, hours, days, months, weekdays] = parsed as [Field, Field, Field, Field, Field];
  return { zone: zone === "" ? undefined : zone, minutes, hours, days, months, weekdays };
}

function parseDescriptor(spec: string, zone: string | undefined): CronSchedule | string {
  if (Object.hasOwn(DESCRIPTORS, spec)) return parseFields(DESCRIPTORS[spec] ?? "", zone);
  if (!spec.startsWith(EVERY)) return `unrecognized descriptor: ${spec}`;
  const parsed = parseGoDurationMs(spec.slice(EVERY.length));
  if (typeof parsed !== "number") return `failed to parse duration ${spec}: ${parsed}`;
  return { everyMs: Math.max(SECOND_MS, Math.trunc(parsed / SECOND_MS) * SECOND_MS) };
}

function parseField(text: string, bounds: Bounds): Field | string {
  const values = new Set<number>();
  let isAny = false;
  for (const range of text.split(",").filter((one) => one !== "")) {
    const parsed = parseRange(range, bounds);
    if (typeof parsed === "string") return parsed;
    for (let value = parsed.start; value <= parsed.end; value += parsed.step) values.add(value);
    isAny ||= parsed.isAny;
  }
  return { values, isAny };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly isAny: boolean;
}

/** `number | number "-" number [ "/" number ]`, or a star; or what is wrong with it. */
function parseRange(text: string, bounds: Bounds): Range | string {
  const [range = "", step, ...more] = text.split("/");
  const [low = "", high, ...ends] = range.split("-");
  let [start, end]: [number | string, number | string] = [bounds.min, bounds.max];
  const isStar = low === "*" || low === "?";
  if (!isStar) {
    start = numberOf(low, bounds.names);
    if (typeof start === "string") return start;
    end = high === undefined ? start : numberOf(high, bounds.names);
    if (ends.length > 0) return `too many hyphens: ${text}`;
    if (typeof end === "string") return end;
  }
  if (more.length > 0) return `too many slashes: ${text}`;
  const width = step === undefined ? 1 : numberOf(step, undefined);
  if (typeof width === "string") return width;
  if (step !== undefined && high === undefined) end = bounds.max;
  if (start < bounds.min) return `beginning of range (${start}) below minimum (${bounds.min}): ${text}`;
  if (end > bounds.max) return `end of range (${end}) above maximum (${bounds.max}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  if (width === 0) return `step of range should be a positive number: ${text}`;
  return { start, end, step: width, isAny: isStar && width === 1 };
}

/** The number, or what is wrong with it. */
function numberOf(text: string, names: Names | undefined): number | string {
  const name = text.toLowerCase();
  if (names !== undefined && Object.hasOwn(names, name)) return names[name] ?? 0;
  if (!/^[+-]?\d+$/.test(text)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  }
  const value = Number(text);
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}

/** No schedule that is ever due is not due for longer: 29 February, over a year that is no leap year. */
const YEARS_MAX = 8;

/**
 * The first time after `afterMs` at which it is due, in epoch milliseconds; undefined when it never is.
 *
 * @param zone where the schedule names none
 */
export function nextDueMs(schedule: CronSchedule, afterMs: number, zone: string): number | undefined {
  if ("everyMs" in schedule) return Math.floor(afterMs / SECOND_MS) * SECOND_MS + schedule.everyMs;
  const clock = new WallClock(schedule.zone ?? zone);
  let atMs = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS;
  for (const endMs = atMs + YEARS_MAX * 366 * DAY_MS; atMs < endMs;) {
    const wallMs = clock.at(atMs);
    if (!isDay(schedule, wallMs)) atMs += clock.untilMidnight(atMs, wallMs);
    else if (!schedule.hours.values.has(mod(wallMs, DAY_MS, HOUR_MS))) atMs += HOUR_MS - (wallMs % HOUR_MS);
    else if (!schedule.minutes.values.has(mod(wallMs, HOUR_MS, MINUTE_MS))) atMs += MINUTE_MS;
    else return atMs;
  }
  return undefined;
}

/** Of days and weekdays both must match where one is a star, else either. */
function isDay({ months, days, weekdays }: FieldSchedule, wallMs: number): boolean {
  const wall = new Date(wallMs);
  if (!months.values.has(wall.getUTCMonth() + 1)) return false;
  const isOfMonth = days.values.has(wall.getUTCDate());
  const isOfWeek = weekdays.values.has(wall.getUTCDay());
  return days.isAny || weekdays.isAny ? isOfMonth && isOfWeek : isOfMonth || isOfWeek;
}

/** How many `unit`s there are in what is left over `whole`s. */
function mod(ms: number, whole: number, unit: number): number {
  return Math.floor((ms % whole) / unit);
}

/** What the clocks of a time zone show. */
class WallClock {
  private readonly format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    const numeric = "numeric";
    this.format = new Intl.DateTimeFormat("en-US", {
      // The machine's own zone is nobody's: the same cluster would run its jobs at another time on another machine.
      timeZone: timeZone === "Local" ? "UTC" : timeZone,
      hourCycle: "h23",
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
  }

  /** As if the zone were UTC. */
  at(ms: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.format.formatToParts(ms)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  }

  /** Until the next day begins; on days with a change of the clock no further than to the next hour. */
  untilMidnight(ms: number, wallMs: number): number {
    const leftMs = DAY_MS - (wallMs % DAY_MS);
    const isPlain = this.at(ms + leftMs) - wallMs === leftMs;
    return isPlain ? leftMs : HOUR_MS - (wallMs % HOUR_MS);
  }
}

/** In RFC 3339, as the clocks of a zone show it: `2026-11-29T14:45:00+01:00`. */
export function formatTimeIn(zone: string, ms: number): string {
  const wallMs = new WallClock(zone).at(ms);
  const minutes = Math.round((wallMs - ms) / MINUTE_MS);
  const text = new Date(wallMs).toISOString().slice(0, "2026-11-29T14:45:00".length);
  if (minutes === 0) return `${text}Z`;
  const two = (number: number): string => `${number}`.padStart(2, "0");
  const ahead = Math.abs(minutes);
  return `${text}${minutes < 0 ? "-" : "+"}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}

/** Regions are written so, and only so. */
const ZONE_PART = /^[A-Z][A-Za-z0-9._+-]*$/;

function zoneProblem(zone: string): string | undefined {
  if (zone === "UTC" || zone === "Local") return undefined;
  try {
    if (zone.split("/").every((part) => ZONE_PART.test(part))) {
      const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions();
      return timeZone === "" ? `unknown time zone ${zone}` : undefined;
    }
  } catch {
    // A zone that is not known is a RangeError.
  }
  return `unknown time zone ${zone}`;
}

const ZONE_CHARS = /^[A-Za-z._0-9+-]{1,14}$/;

/** Source: Kubernetes `validateTimeZone`. */
export function timeZoneProblems(zone: string): readonly string[] {
  if (zone === "") return ["timeZone must be nil or non-empty string"];
  const parts = zone.split("/");
  if (parts.some((part) => part === "." || part === ".." || part.startsWith("-") || !ZONE_CHARS.test(part))) {
    return [`unknown time zone ${zone}`];
  }
  const problems: string[] = [];
  if (zone.toLowerCase() === "local") {
    problems.push("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  }
  const unknown = zoneProblem(zone);
  return unknown === undefined ? problems : [...problems, unknown];
}
