/** Tells a group of members from every other set of members: their disks and messages carry it. */
import { crc32c } from "./wal/crc32c.ts";

/** `names` of all members, sorted. */
export function groupId(names: readonly string[]): string {
  return String(crc32c(new TextEncoder().encode(names.join("\n"))));
}
