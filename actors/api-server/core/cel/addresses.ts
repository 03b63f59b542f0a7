/** IP addresses and ranges of them. Source: Go's `net/netip`, RFC 4291. */

export interface IpAddress {
  readonly family: 4 | 6;
  /** The bits as a number. */
  readonly value: bigint;
}

export interface IpRange {
  readonly address: IpAddress;
  readonly prefixBits: number;
}

/** @param leadingZeros whether `010.0.0.1` is taken, with the zeros for nothing */
export function parseIp(text: string, leadingZeros: boolean): IpAddress | undefined {
  if (!text.includes(":")) {
    const value = parseIpv4(text, leadingZeros);
    return value === undefined ? undefined : { family: 4, value };
  }
  const value = parseIpv6(text);
  return value === undefined ? undefined : { family: 6, value };
}

function parseIpv4(text: string, leadingZeros: boolean): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!(leadingZeros ? /^\d{1,10}$/ : /^(0|[1-9]\d{0,2})$/).test(part) || Number(part) > 255) return undefined;
    value = value * 256n + BigInt(part);
  }
  return value;
}

function parseIpv6(text: string): bigint | undefined {
  if (text.length > 45 || !/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail] = halves.map(groupsOf);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const after = tail ?? [];
  const missing = 8 - head.length - after.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...after];
  return groups.reduce((value, group) => value * 65_536n + BigInt(group), 0n);
}

/** 16-bit groups of a part of an address; the last may be an IPv4 address. */
function groupsOf(text: string): readonly number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (part.includes(".")) {
      const ipv4 = i === parts.length - 1 ? parseIpv4(part, false) : undefined;
      if (ipv4 === undefined) return undefined;
      groups.push(Number(ipv4 / 65_536n), Number(ipv4 % 65_536n));
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
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

export function bitsOf({ family }: IpAddress): number {
  return family === 4 ? 32 : 128;
}

export function formatIp({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 65_535n));
  const { start, length } = longestZeros(groups);
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return length < 2 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}

/** The first of the longest runs of zeros (RFC 5952 section 4.2.3). */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
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
