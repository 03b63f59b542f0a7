/**
 * What lists of the API told: all that was there at the revision that the list names, in the order of the keys and each once;
 * and a revision that is what was asked for: the newest, not older than one, or exactly one.
 */
import { broken } from "./broken.ts";
import type { Replay } from "./replay.ts";
import { differenceFrom } from "./watch-history.ts";

export interface List {
  readonly client: string;
  readonly server: string;
  /** As it was asked for, in words. */
  readonly asked: string;
  /** The revision may not be older. */
  readonly floor: number;
  /** The revision may be no other. */
  readonly exact?: number;
  /** Of each page. */
  readonly revisions: readonly number[];
  /** Keys in etcd, and revisions, as they came. */
  readonly items: readonly (readonly [string, number])[];
}

/** Errors: PROMISE_BROKEN. `prefix`: of the keys of what was listed. */
export function checkList(list: List, prefix: string, replay: Replay): void {
  const { client, server, asked, floor, exact, revisions, items } = list;
  const [revision = 0] = revisions;
  const what = `${client}'s list (${asked}) at ${server}, of revision ${revision},`;
  const other = revisions.find((each) => each !== revision);
  if (other !== undefined) throw broken(`${what} has a page of revision ${other}`);
  if (revision < floor) throw broken(`${what} is older than ${floor}`);
  if (exact !== undefined && revision !== exact) throw broken(`${what} is not of revision ${exact}`);
  if (revision > replay.newest) throw broken(`${what} is of a revision that there is not`);
  for (const [at, [key]] of items.entries()) {
    const before = items[at - 1]?.[0];
    if (before !== undefined && before >= key) throw broken(`${what} has ${key} after ${before}`);
  }
  const difference = differenceFrom(prefix, new Map(items), revision, replay);
  if (difference !== undefined) throw broken(`${what} has ${difference}`);
}
