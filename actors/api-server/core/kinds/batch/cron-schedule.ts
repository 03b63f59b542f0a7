/**
 * What a CronJob's schedule and time zone may look like, in the words of those that read them.
 * Source: github.com/robfig/cron v3 `ParseStandard`, Go's `time.ParseDuration` and `time.LoadLocation`.
 */
import { parseGoDurationMs } from "../../machinery/duration.ts";

type Names = Readonly<Record<string, number>>;

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: Names;
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
const DESCRIPTORS = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const EVERY = "@every ";
const ZONE = /^(TZ|CRON_TZ)=/;

/** What is wrong with a schedule; undefined: nothing. */
export function scheduleProblem(schedule: string): string | undefined {
  let spec = schedule;
  if (ZONE.test(spec)) {
    const space = spec.indexOf(" ");
    const from = spec.indexOf("=") + 1;
    if (space < 0) return `invalid schedule format: runtime error: slice bounds out of range [:-1]`;
    const zone = spec.slice(from, space);
    const problem = zone === "" ? undefined : zoneProblem(zone);
    if (problem !== undefined) return `provided bad location ${zone}: ${problem}`;
    spec = spec.slice(space).trim();
  }
  if (spec.startsWith("@")) return descriptorProblem(spec);
  const fields = spec.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== FIELDS.length) {
    return `expected exactly ${FIELDS.length} fields, found ${fields.length}: [${fields.join(" ")}]`;
  }
  for (const [i, bounds] of FIELDS.entries()) {
    for (const range of (fields[i] ?? "").split(",").filter((one) => one !== "")) {
      const problem = rangeProblem(range, bounds);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function descriptorProblem(spec: string): string | undefined {
  if (DESCRIPTORS.includes(spec)) return undefined;
  if (!spec.startsWith(EVERY)) return `unrecognized descriptor: ${spec}`;
  const parsed = parseGoDurationMs(spec.slice(EVERY.length));
  return typeof parsed === "number" ? undefined : `failed to parse duration ${spec}: ${parsed}`;
}

/** `number | number "-" number [ "/" number ]`, or a star. */
function rangeProblem(text: string, bounds: Bounds): string | undefined {
  const [range = "", step, ...more] = text.split("/");
  const [low = "", high, ...ends] = range.split("-");
  let [start, end]: [number | string, number | string] = [bounds.min, bounds.max];
  if (low !== "*" && low !== "?") {
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
  return width === 0 ? `step of range should be a positive number: ${text}` : undefined;
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
