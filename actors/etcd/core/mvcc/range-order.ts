/** Ranges that are more than keys in order: bounds of revisions, and orders of other kinds. Source: etcd `server/etcdserver/txn/range.go`. */
import type { RangeRequest, RangeSort } from "../../../../protocols/etcd.ts";
import { orderKey } from "./key-order.ts";
import type { Version } from "./version.ts";

/** Whether every key has to be looked at before the first can be told. */
export function isOrdered(request: RangeRequest): boolean {
  const { sort, minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request;
  if (sort !== undefined && (sort.target !== "key" || sort.isDescending)) return true;
  return minModRevision > 0 || maxModRevision > 0 || minCreateRevision > 0 || maxCreateRevision > 0;
}

/** Of `versions`, which are in the order of their keys, those within the bounds, in the order that is asked for. */
export function ordered(versions: readonly Version[], request: RangeRequest): readonly Version[] {
  const within = versions.filter((version) => isWithin(version, request));
  const { sort } = request;
  if (sort === undefined) return within;
  const compare = COMPARE[sort.target];
  return within.sort(sort.isDescending ? (a, b) => compare(b, a) : compare);
}

function isWithin({ modRevision, createRevision }: Version, request: RangeRequest): boolean {
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request;
  return (
    modRevision >= minModRevision &&
    (maxModRevision === 0 || modRevision <= maxModRevision) &&
    createRevision >= minCreateRevision &&
    (maxCreateRevision === 0 || createRevision <= maxCreateRevision)
  );
}

const COMPARE: { readonly [Target in RangeSort["target"]]: (a: Version, b: Version) => number } = {
  key: (a, b) => compareText(orderKey(a.key), orderKey(b.key)),
  version: (a, b) => a.version - b.version,
  create: (a, b) => a.createRevision - b.createRevision,
  mod: (a, b) => a.modRevision - b.modRevision,
  // One character a byte: the order of the text is that of the bytes.
  value: (a, b) => compareText(a.value, b.value),
};

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
