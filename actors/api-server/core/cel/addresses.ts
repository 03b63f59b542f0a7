/** IP addresses and ranges of them, as the functions of CEL have them. Source: Go's `net/netip`, RFC 4291. */
import { formatIpValue, parseIp as parsedIp } from "../machinery/validation/ip.ts";

export interface IpAddress {
  readonly family: 4 | 6;
  /** The bits as a number. */
  readonly value: bigint;
}

export interface IpRange {
  readonly address: IpAddress;
  readonly prefixBits: number;
}

/** Kubernetes takes longer texts for no address, whatever stands in them. */
const CHARS_MAX = 45;
/** An octet of more digits is none, however many of them are zeros. */
const TOO_MANY_DIGITS = /\d{11}/;

/** @param leadingZeros whether `010.0.0.1` is taken, with the zeros for nothing */
export function parseIp(text: string, leadingZeros: boolean): IpAddress | undefined {
  if (text.length > CHARS_MAX || TOO_MANY_DIGITS.test(text)) return undefined;
  const ip = parsedIp(text);
  if (ip === undefined || (ip.leadingZeros && !(leadingZeros && ip.bits === 32))) return undefined;
  return { family: ip.bits === 32 ? 4 : 6, value: ip.value };
}

export function parseCidr(text: string, leadingZeros: boolean): IpRange | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const bits = text.slice(slash + 1);
  const address = parseIp(text.slice(0, slash), leadingZeros);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  const prefixBits = Number(bits);
  return prefixBits > bitsOf(address) ? undefined : { address, prefixBits };
}

export function bitsOf({ family }: IpAddress): 32 | 128 {
  return family === 4 ? 32 : 128;
}

export function formatIp(address: IpAddress): string {
  return formatIpValue(bitsOf(address), address.value);
}

/** The range without the bits of the host. */
export function maskedOf({ address, prefixBits }: IpRange): IpRange {
  const host = BigInt(bitsOf(address) - prefixBits);
  return { address: { ...address, value: (address.value >> host) << host }, prefixBits };
}

export function containsIp(range: IpRange, address: IpAddress): boolean {
  if (range.address.family !== address.family) return false;
  const host = BigInt(bitsOf(address) - range.prefixBits);
  return range.address.value >> host === address.value >> host;
}

/** What is wrong with an address in the words of Go's `netip.ParseAddr`; undefined: it can be read, be it in a form that is not taken. */
export function ipProblem(text: string): string | undefined {
  const problem = (why: string): string => `ParseAddr(${JSON.stringify(text)}): ${why}`;
  const first = /[.:%]/.exec(text)?.[0];
  if (first === undefined) return problem("unable to parse IP");
  if (first === "%") return problem("missing IPv6 address");
  if (first === ".") {
    const why = ipv4Problem(text);
    return why === undefined ? undefined : problem(why);
  }
  const [address = "", zone] = text.split(/%(.*)/s);
  if (zone === "") return problem("zone must be a non-empty string");
  return parsedIp(address) === undefined ? problem("unable to parse IP") : undefined;
}

function ipv4Problem(text: string): string | undefined {
  let [fields, value, digits] = [0, 0, 0];
  for (const [at, char] of Array.from(text).entries()) {
    if (char >= "0" && char <= "9") {
      if (digits === 1 && value === 0) return "IPv4 field has octet with leading zero";
      value = value * 10 + Number(char);
      digits++;
      if (value > 255) return "IPv4 field has value >255";
      continue;
    }
    const shown = JSON.stringify(text.slice(at));
    if (char !== ".") return `unexpected character (at ${shown})`;
    if (at === 0 || at === text.length - 1 || text[at - 1] === ".") {
      return `IPv4 field must have at least one digit (at ${shown})`;
    }
    if (fields === 3) return "IPv4 address too long";
    fields++;
    [value, digits] = [0, 0];
  }
  return fields < 3 ? "IPv4 address too short" : undefined;
}

/** As `ipProblem`, of `netip.ParsePrefix`. */
export function cidrProblem(text: string): string | undefined {
  const problem = (why: string): string => `netip.ParsePrefix(${JSON.stringify(text)}): ${why}`;
  const slash = text.lastIndexOf("/");
  if (slash < 0) return problem("no '/'");
  const [address, bits] = [text.slice(0, slash), text.slice(slash + 1)];
  const wrong = ipProblem(address);
  if (wrong !== undefined) return problem(wrong);
  if (address.includes("%")) return problem("IPv6 zones cannot be present in a prefix");
  if (!/^(0|[1-9]\d*)$/.test(bits)) return problem(`bad bits after slash: ${JSON.stringify(bits)}`);
  return Number(bits) > (address.includes(":") ? 128 : 32) ? problem("prefix length out of range") : undefined;
}
