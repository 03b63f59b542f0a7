/**
 * IP addresses and ranges as values: the same address has many texts, and Kubernetes wants the canonical one where it is a name.
 * Source: apimachinery `util/validation/ip.go`; RFC 4291 section 2.2, RFC 5952.
 */
import type { Problems } from "../../../../../protocols/kubernetes/labels.ts";

export interface Ip {
  readonly bits: 32 | 128;
  readonly value: bigint;
  /** An octet of the text began with a 0, which some read as octal. */
  readonly leadingZeros: boolean;
  /** An IPv4 address in the clothes of an IPv6 one: `::ffff:10.0.0.1`. */
  readonly mapped: boolean;
}

export interface IpRange {
  readonly ip: Ip;
  readonly prefix: number;
  readonly leadingZeros: boolean;
}

const OCTETS = /^\d{1,}(\.\d{1,}){3}$/;

function parseIpv4(text: string): Ip | undefined {
  if (!OCTETS.test(text)) return undefined;
  const octets = text.split(".");
  if (octets.some((octet) => Number(octet) > 255)) return undefined;
  const value = octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
  return { bits: 32, value, leadingZeros: octets.some((octet) => /^0\d/.test(octet)), mapped: false };
}

function groupsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(":");
}

export function parseIp(text: string): Ip | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  const colon = text.lastIndexOf(":");
  const tail = text.slice(colon + 1);
  const embedded = tail.includes(".") ? parseIpv4(tail) : undefined;
  if (tail.includes(".") && embedded === undefined) return undefined;
  const low = embedded === undefined ? 0n : embedded.value;
  const plain =
    embedded === undefined
      ? text
      : `${text.slice(0, colon + 1)}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  const halves = plain.split("::");
  if (halves.length > 2) return undefined;
  const [left, right] = [groupsOf(halves[0] ?? ""), groupsOf(halves[1] ?? "")];
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined;
  const value = groups.reduce((sum, group) => sum * 0x1_0000n + BigInt(`0x${group}`), 0n);
  return { bits: 128, value, leadingZeros: embedded?.leadingZeros === true, mapped: value >> 32n === 0xffffn };
}

export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (ip === undefined || !/^\d{1,4}$/.test(digits) || Number(digits) > ip.bits) return undefined;
  return { ip, prefix: Number(digits), leadingZeros: ip.leadingZeros || /^0\d/.test(digits) };
}

/** The address with the bits behind the prefix cleared. */
function networkOf({ ip, prefix }: IpRange): bigint {
  const rest = BigInt(ip.bits - prefix);
  return (ip.value >> rest) << rest;
}

export function containsRange(outer: IpRange, inner: IpRange): boolean {
  if (outer.ip.bits !== inner.ip.bits) return false;
  const rest = BigInt(outer.ip.bits - outer.prefix);
  return networkOf(inner) >> rest === networkOf(outer) >> rest;
}

/** RFC 5952: lower case, no leading zeros, the longest run of zeros left out. */
export function formatIpValue(bits: 32 | 128, value: bigint): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  let [start, length] = [0, 0];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (groups[end] === "0") end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

function strictIp(text: string): { readonly problems: Problems; readonly ip?: Ip } {
  const ip = parseIp(text);
  if (ip === undefined) return { problems: ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"] };
  if (ip.leadingZeros) return { problems: ["must not have leading 0s"], ip };
  return { problems: ip.mapped ? ["must not be an IPv4-mapped IPv6 address"] : [], ip };
}

/** An address in fields that are older than the demand for the canonical text. */
export function lenientIp(text: string): Problems {
  return strictIp(text).problems;
}

export function canonicalIp(text: string): Problems {
  const { problems, ip } = strictIp(text);
  if (problems.length > 0 || ip === undefined) return problems;
  const canonical = formatIpValue(ip.bits, ip.value);
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

function strictRange(text: string): { readonly problems: Problems; readonly range?: IpRange } {
  const range = parseIpRange(text);
  if (range === undefined) return { problems: ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"] };
  const { ip, leadingZeros } = range;
  if (leadingZeros) return { problems: ["must not have leading 0s in IP or prefix length"], range };
  if (ip.mapped) return { problems: ["must not have an IPv4-mapped IPv6 address"], range };
  if (networkOf(range) === ip.value) return { problems: [], range };
  return { problems: ["must not have bits set beyond the prefix length"], range };
}

/** A range in fields that are older than the demand for the canonical text. */
export function lenientRange(text: string): Problems {
  return strictRange(text).problems;
}

export function canonicalRange(text: string): Problems {
  const { problems, range } = strictRange(text);
  if (problems.length > 0 || range === undefined) return problems;
  const canonical = canonicalOf(range);
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

function canonicalOf(range: IpRange): string {
  return `${formatIpValue(range.ip.bits, networkOf(range))}/${range.prefix}`;
}

/** What is told about a range that is taken, in whatever form. */
export function rangeWarnings(field: string, text: string): readonly string[] {
  const range = parseIpRange(text);
  if (range === undefined) return [];
  const { ip } = range;
  const canonical = JSON.stringify(canonicalOf(range));
  const shown = JSON.stringify(text);
  const told: string[] = [];
  if (networkOf(range) !== ip.value) {
    const single = JSON.stringify(`${formatIpValue(ip.bits, ip.value)}/${ip.bits}`);
    told.push(`${field}: CIDR value ${shown} is ambiguous in this context (should be ${canonical} or ${single}?)`);
  }
  if (range.leadingZeros || ip.mapped)
    told.push(`${field}: non-standard CIDR value ${shown} is invalid: use ${canonical}`);
  if (told.length > 0 || ip.bits === 32) return told;
  const plain = `${formatIpValue(ip.bits, ip.value)}/${range.prefix}`;
  if (plain === text) return told;
  return [`${field}: IPv6 CIDR value ${shown} should be in RFC 5952 canonical format (${JSON.stringify(plain)})`];
}

export function ipWarnings(field: string, text: string): readonly string[] {
  const ip = parseIp(text);
  if (ip === undefined) return [];
  const canonical = formatIpValue(ip.bits, ip.value);
  const shown = JSON.stringify(text);
  if (ip.leadingZeros || ip.mapped) {
    return [`${field}: non-standard IP address ${shown} is invalid: use ${JSON.stringify(canonical)}`];
  }
  if (ip.bits === 32 || canonical === text) return [];
  return [`${field}: IPv6 address ${shown} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`];
}
