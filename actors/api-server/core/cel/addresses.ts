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
