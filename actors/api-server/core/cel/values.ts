/**
 * The values of CEL: `bigint` for int, `number` for double, and texts, booleans, null, bytes and lists as JavaScript has them; the rest
 * are the classes below. Source: the CEL specification, `doc/langdef.md`.
 */
import type { IpAddress, IpRange } from "./addresses.ts";
import type { GoUrl } from "./urls.ts";

/** An evaluation that has no value. Its text is Kubernetes'. */
export class CelError extends Error {}

/** The budget is spent: nothing absorbs it. */
export class CelBudgetError extends Error {}

export type CelMapKey = string | bigint | boolean;

export class CelMap {
  readonly entries: Map<CelMapKey, unknown>;

  constructor(entries: Map<CelMapKey, unknown>) {
    this.entries = entries;
  }
}

/** An object whose fields a schema names. */
export class CelStruct {
  readonly fields: ReadonlyMap<string, unknown>;

  constructor(fields: ReadonlyMap<string, unknown>) {
    this.fields = fields;
  }
}

/** A list in which the order of items means nothing. */
export class CelSet extends Array<unknown> {}

export class CelUint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

export class CelTimestamp {
  /** Since 1970. */
  readonly nanos: bigint;
  /** In which it is shown: `Z`, `+02:00`. */
  readonly zone: string;

  constructor(nanos: bigint, zone: string = "Z") {
    this.nanos = nanos;
    this.zone = zone;
  }
}

export class CelDuration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class CelOptional {
  /** undefined: there is none. */
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** The names of the types that values of expressions have. */
export const BASE_TYPES: readonly string[] = [
  "bool",
  "bytes",
  "double",
  "google.protobuf.Duration",
  "google.protobuf.Timestamp",
  "int",
  "list",
  "map",
  "null_type",
  "string",
  "type",
  "uint",
];

export class CelType {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export class CelQuantity {
  /** Of a unit. */
  readonly nano: bigint;
  readonly text: string;

  constructor(nano: bigint, text: string) {
    this.nano = nano;
    this.text = text;
  }
}

export class CelIp {
  readonly address: IpAddress;

  constructor(address: IpAddress) {
    this.address = address;
  }
}

export class CelCidr {
  readonly range: IpRange;

  constructor(range: IpRange) {
    this.range = range;
  }
}

export class CelUrl {
  readonly url: GoUrl;

  constructor(url: GoUrl) {
    this.url = url;
  }
}

export class CelSemver {
  readonly parts: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];

  constructor(parts: readonly [bigint, bigint, bigint], pre: readonly string[]) {
    this.parts = parts;
    this.pre = pre;
  }
}

export class CelFormat {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export function typeName(value: unknown): string {
  if (value === null) return "null_type";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "double";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (value instanceof Uint8Array) return "bytes";
  if (Array.isArray(value)) return "list";
  if (value instanceof CelMap) return "map";
  if (value instanceof CelUint) return "uint";
  if (value instanceof CelTimestamp) return "google.protobuf.Timestamp";
  if (value instanceof CelDuration) return "google.protobuf.Duration";
  if (value instanceof CelOptional) return "optional_type";
  if (value instanceof CelType) return "type";
  if (value instanceof CelQuantity) return "kubernetes.Quantity";
  if (value instanceof CelIp) return "net.IP";
  if (value instanceof CelCidr) return "net.CIDR";
  if (value instanceof CelUrl) return "kubernetes.URL";
  if (value instanceof CelSemver) return "kubernetes.Semver";
  return "object";
}

/** Numbers are the same across their types; other values of different types are not. */
export function equalCel(a: unknown, b: unknown, spend: (cost: number) => void): boolean {
  spend(1);
  if (a === b) return true;
  const [left, right] = [numberOf(a), numberOf(b)];
  // oxlint-disable-next-line eqeqeq -- a bigint and a number of the same value
  if (left !== undefined && right !== undefined) return left == right;
  if (typeof a === "string" && typeof b === "string") {
    spend(Math.min(a.length, b.length) / 10);
    return false;
  }
  if (Array.isArray(a) && Array.isArray(b)) return equalLists(a, b, spend);
  const [one, two] = [fieldsOf(a), fieldsOf(b)];
  if (one !== undefined && two !== undefined) {
    if (one.size !== two.size) return false;
    for (const [key, value] of one) if (!two.has(key) || !equalCel(value, two.get(key), spend)) return false;
    return true;
  }
  return equalParts(a, b, spend);
}

function equalLists(a: readonly unknown[], b: readonly unknown[], spend: (cost: number) => void): boolean {
  if (a.length !== b.length) return false;
  if (!(a instanceof CelSet)) return a.every((item, i) => equalCel(item, b[i], spend));
  return a.every((item) => b.some((other) => equalCel(item, other, spend)));
}

function equalParts(a: unknown, b: unknown, spend: (cost: number) => void): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    spend(Math.min(a.length, b.length) / 10);
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  if (a instanceof CelTimestamp && b instanceof CelTimestamp) return a.nanos === b.nanos;
  if (a instanceof CelDuration && b instanceof CelDuration) return a.nanos === b.nanos;
  if (a instanceof CelQuantity && b instanceof CelQuantity) return a.nano === b.nano;
  if (a instanceof CelType && b instanceof CelType) return a.name === b.name;
  if (a instanceof CelFormat && b instanceof CelFormat) return a.name === b.name;
  if (a instanceof CelUrl && b instanceof CelUrl) return a.url.text === b.url.text;
  if (a instanceof CelSemver && b instanceof CelSemver) return compareSemver(a, b) === 0;
  if (a instanceof CelIp && b instanceof CelIp) return equalAddress(a.address, b.address);
  if (a instanceof CelCidr && b instanceof CelCidr) {
    return equalAddress(a.range.address, b.range.address) && a.range.prefixBits === b.range.prefixBits;
  }
  if (a instanceof CelOptional && b instanceof CelOptional) {
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equalCel(a.value, b.value, spend);
  }
  return false;
}

function equalAddress(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && a.value === b.value;
}

export function numberOf(value: unknown): bigint | number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return value;
  return value instanceof CelUint ? value.value : undefined;
}

/** Of a map or an object. */
export function fieldsOf(value: unknown): ReadonlyMap<unknown, unknown> | undefined {
  if (value instanceof CelMap) return value.entries;
  return value instanceof CelStruct ? value.fields : undefined;
}

/** By the rules of semver.org, section 11; what is built after `+` does not count. */
export function compareSemver(a: CelSemver, b: CelSemver): number {
  for (const [i, part] of a.parts.entries()) {
    const other = b.parts[i] ?? 0n;
    if (part !== other) return part < other ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (const [i, part] of a.pre.entries()) {
    const other = b.pre[i];
    if (other === undefined) return 1;
    if (part === other) continue;
    const numeric = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (numeric[0] && numeric[1]) return BigInt(part) < BigInt(other) ? -1 : 1;
    if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
    return part < other ? -1 : 1;
  }
  return a.pre.length < b.pre.length ? -1 : 0;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  if (at < 0) return a.length < b.length ? -1 : 0;
  return (a[at] ?? 0) < (b[at] ?? -1) ? -1 : 1;
}

/** -1, 0 or 1; undefined: values of such types have no order. */
export function compareCel(a: unknown, b: unknown): number | undefined {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : 0;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  const nanos = (value: unknown): bigint | undefined =>
    value instanceof CelTimestamp || value instanceof CelDuration ? value.nanos : undefined;
  const [one, two] = [nanos(a), nanos(b)];
  if (one === undefined || two === undefined || typeName(a) !== typeName(b)) return undefined;
  return one < two ? -1 : one > two ? 1 : 0;
}
