/** Numbers by which etcd's clients know groups and members: 64 bits, in decimal digits. */
import { crc32c } from "./wal/crc32c.ts";

const MASK = (1n << 64n) - 1n;

/** Tells a group of members from every other set of members: their disks and messages carry it. */
export function groupId(names: readonly string[]): string {
  const sorted = [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
  return String(crc32c(new TextEncoder().encode(sorted.join("\n"))));
}

/**
 * Of the member with `id` in the group. One-to-one for the members of one group, so none is given twice either. Mixed as by
 * splitmix64 (G. Steele et al., "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
 */
export function memberIdOf(clusterId: string, id: number): string {
  let mixed = (BigInt(clusterId) + BigInt(id) * 0x9e3779b97f4a7c15n) & MASK;
  mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return String(mixed ^ (mixed >> 31n));
}
