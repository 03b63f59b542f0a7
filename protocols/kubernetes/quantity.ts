/**
 * Resource amounts: `500m`, `1.5`, `128Mi`, `1e3`. Held exactly, as nano-units in a bigint, as apimachinery's
 * `resource.Quantity` does; anything finer than a nano-unit is rounded up.
 */

export type QuantityFormat = "BinarySI" | "DecimalSI" | "DecimalExponent";

export interface ParsedQuantity {
  /** In 10^-9 of the unit. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

const NANO = 1_000_000_000n;
const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?([KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d+)$/;
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
/** Larger amounts with a binary suffix are cut to it, as by Kubernetes. */
const BINARY_LIMIT_NANO = (2n ** 63n - 1n) * NANO;
/** What has more digits, or a larger exponent, is taken for no quantity: computing it would take time for nothing. */
const DIGITS_MAX = 1_000;
const POWERS_MAX = 32;
/** Of ten, as most amounts need them: to raise it costs more than all the rest of reading one. */
const POWERS: readonly bigint[] = Array.from({ length: POWERS_MAX }, (_power, at) => 10n ** BigInt(at));

/** Of the suffixes with which no amount of `PLAIN_DIGITS_MAX` digits has to be rounded or cut. */
const PLAIN_SCALES: ReadonlyMap<string, ParsedQuantity> = new Map([
  ...["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].map((suffix) => [suffix, scaleOf(suffix, "DecimalSI")] as const),
  ...["Ki", "Mi", "Gi"].map((suffix) => [suffix, scaleOf(suffix, "BinarySI")] as const),
]);
const PLAIN_DIGITS_MAX = 9;
/** Plain amounts that are written as they would be anyhow. */
const PLAIN_CANONICAL = /^[1-9]\d{0,2}(?:[numkMGTPE]|[KMG]i)?$/;

function scaleOf(suffix: string, format: QuantityFormat): ParsedQuantity {
  const nano = format === "BinarySI" ? NANO << BigInt(BINARY[suffix] ?? 0) : power((DECIMAL[suffix] ?? 0) + 9);
  return { nano, format };
}

/** Nearly all amounts are digits and a suffix; the pattern takes several times as long. Undefined for others. */
function tryParsePlain(text: string): ParsedQuantity | undefined {
  let units = 0;
  let at = 0;
  for (; at < PLAIN_DIGITS_MAX; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    // Behind the end there is NaN.
    if (!(digit >= 0 && digit <= 9)) break;
    units = units * 10 + digit;
  }
  const scale = at === 0 ? undefined : PLAIN_SCALES.get(text.slice(at));
  return scale && { nano: BigInt(units) * scale.nano, format: scale.format };
}

/** undefined for what is not a quantity. */
export function tryParseQuantity(value: string | number): ParsedQuantity | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return tryParsePlain(text) ?? tryParseAny(text);
}

function tryParseAny(text: string): ParsedQuantity | undefined {
  const match = PATTERN.exec(text);
  const [, sign, whole = "", fraction = "", suffix = ""] = match ?? [];
  // As in Kubernetes, "-", "." and "e3" are nothing, and "" is no quantity.
  if (match === null || text === "") return undefined;
  const binary = BINARY[suffix];
  const decimal = DECIMAL[suffix];
  const exponent = decimal ?? (binary === undefined ? Number(suffix.slice(1)) : 0);
  if (whole.length + fraction.length > DIGITS_MAX || exponent > DIGITS_MAX) return undefined;
  const digits = BigInt(whole + fraction || "0");
  const tens = Math.max(-DIGITS_MAX, exponent) + 9 - fraction.length;
  const scaled = binary === undefined ? digits : digits << BigInt(binary);
  const nano = tens >= 0 ? scaled * power(tens) : ceilDivide(scaled, power(-tens));
  const limited = binary !== undefined && nano > BINARY_LIMIT_NANO ? BINARY_LIMIT_NANO : nano;
  const format = binary !== undefined ? "BinarySI" : decimal !== undefined ? "DecimalSI" : "DecimalExponent";
  return { nano: sign === "-" ? -limited : limited, format };
}

/** Like a quantity, but for the suffix. */
const FORM = /^[+-]?\d*(?:\.\d*)?[eEinumkKMGTP]*[+-]?\d*$/;

/** Why it is none. Source: apimachinery `api/resource/quantity.go`. */
export function quantityProblem(value: unknown): string {
  const isFormed = typeof value === "string" && value !== "" && FORM.test(value);
  if (isFormed) return "unable to parse quantity's suffix";
  return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
}

/**
 * @throws RangeError for what is not a quantity
 */
export function parseQuantity(value: string | number): ParsedQuantity {
  const parsed = tryParseQuantity(value);
  if (parsed === undefined) throw new RangeError(`not a quantity: ${JSON.stringify(value)}`);
  return parsed;
}

function power(tens: number): bigint {
  return POWERS[tens] ?? 10n ** BigInt(tens);
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** The amount in thousandths (milli-CPU), rounded up. */
export function quantityMilli(value: string | number): number {
  return Number(roundUp(parseQuantity(value).nano, 1_000_000n));
}

/** The amount in whole units (bytes, pods), rounded up. */
export function quantityValue(value: string | number): number {
  return Number(roundUp(parseQuantity(value).nano, NANO));
}

function roundUp(nano: bigint, unit: bigint): bigint {
  return nano >= 0n ? ceilDivide(nano, unit) : nano / unit;
}

/** -1, 0 or 1. */
export function compareQuantities(a: string | number, b: string | number): -1 | 0 | 1 {
  const [left, right] = [parseQuantity(a).nano, parseQuantity(b).nano];
  return left < right ? -1 : left > right ? 1 : 0;
}

export function addQuantities(a: string | number, b: string | number): string {
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  return formatQuantity({ nano: left.nano + right.nano, format: left.nano === 0n ? right.format : left.format });
}

export function subtractQuantities(a: string | number, b: string | number): string {
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  return formatQuantity({ nano: left.nano - right.nano, format: left.nano === 0n ? right.format : left.format });
}

/** The canonical text: the largest suffix that leaves a whole number, no fraction. */
export function formatQuantity({ nano, format }: ParsedQuantity): string {
  if (nano === 0n) return "0";
  if (format === "BinarySI" && nano % NANO === 0n && abs(nano) >= 1024n * NANO) return formatBinary(nano / NANO);
  let mantissa = nano;
  let exponent = -9;
  // There is no suffix above E.
  const exponentMax = format === "DecimalExponent" ? Infinity : 18;
  while (exponent < exponentMax && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (format === "DecimalExponent") return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  const suffix = Object.keys(DECIMAL).find((name) => DECIMAL[name] === exponent);
  return `${mantissa}${suffix}`;
}

function formatBinary(units: bigint): string {
  let mantissa = units;
  let suffix = "";
  for (const name of Object.keys(BINARY)) {
    if (mantissa % 1024n !== 0n) break;
    mantissa /= 1024n;
    suffix = name;
  }
  return `${mantissa}${suffix}`;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** A quantity in its canonical text, as the API answers it; undefined for what is not one. */
export function canonicalQuantity(value: string | number): string | undefined {
  if (typeof value === "string" && PLAIN_CANONICAL.test(value)) return value;
  const parsed = tryParseQuantity(value);
  return parsed === undefined ? undefined : formatQuantity(parsed);
}
