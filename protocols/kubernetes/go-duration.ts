/** Durations as Go reads them. */

const UNITS_NANO: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);
const NANO_PER_MS = 1_000_000;
const NANOS_MAX = 2n ** 63n;
/** Digits behind the point that can count. */
const FRACTION_MAX = 18;
/** Digits before it, beyond which it is none. */
const WHOLE_MAX = 19;

/** `1m30s` in nanoseconds, or why it is no duration. Source: Go's `time.ParseDuration`, whose words these are. */
export function parseGoDuration(text: string): bigint | string {
  const quoted = JSON.stringify(text);
  const invalid = `time: invalid duration ${quoted}`;
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0n;
  if (rest === "") return invalid;
  let nanos = 0n;
  while (rest !== "") {
    const [amount = "", whole = "", digits = ""] = /^(\d*)(?:\.(\d*))?/.exec(rest) ?? [];
    if (whole === "" && digits === "") return invalid;
    rest = rest.slice(amount.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? "";
    if (unit === "") return `time: missing unit in duration ${quoted}`;
    const scale = UNITS_NANO.get(unit);
    if (scale === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`;
    if (whole.replace(/^0+/, "").length > WHOLE_MAX) return invalid;
    const fraction = digits.slice(0, FRACTION_MAX);
    // In floating point, as Go.
    const part = Math.trunc(Number(fraction) * (Number(scale) / 10 ** fraction.length));
    nanos += BigInt(whole || "0") * scale + BigInt(part);
    if (nanos > NANOS_MAX) return invalid;
    rest = rest.slice(unit.length);
  }
  if (text.startsWith("-")) return -nanos;
  return nanos === NANOS_MAX ? invalid : nanos;
}

/** As `parseGoDuration`, in milliseconds. */
export function parseGoDurationMs(text: string): number | string {
  const nanos = parseGoDuration(text);
  return typeof nanos === "string" ? nanos : Number(nanos) / NANO_PER_MS;
}
