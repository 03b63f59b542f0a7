/** What the store holds of a write, and how it is told: values are kept in the form of `kept-bytes.ts`. */
import type { KeyValue, WatchEvent } from "../../../../protocols/etcd.ts";
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { bytesOf } from "../../../../protocols/kept-bytes.ts";

export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** One version of a key. A tombstone is a version 0. */
export interface Version extends Omit<KeyValue, "value"> {
  readonly value: KeptBytes;
}

/** What a revision did to one key. */
export interface Change {
  readonly type: WatchEvent["type"];
  readonly kv: Version;
  readonly prevKv?: Version;
  readonly cause?: string;
}

/** What a version costs besides its key and value, for the size that the quota looks at. */
const OVERHEAD_BYTES = 96;

export function sizeOf({ key, value }: Version): number {
  return key.length + value.length + OVERHEAD_BYTES;
}

export function toKeyValue(version: Version): KeyValue {
  const { key, value, createRevision, modRevision, version: count, lease } = version;
  return { key, value: bytesOf(value), createRevision, modRevision, version: count, lease };
}

export function withoutValue(version: Version): KeyValue {
  return { ...version, value: NO_BYTES };
}

export function toEvent({ type, kv, prevKv, cause }: Change, wantsPrevious: boolean): WatchEvent {
  const event = cause === undefined ? { type, kv: toKeyValue(kv) } : { type, kv: toKeyValue(kv), cause };
  return wantsPrevious && prevKv !== undefined ? { ...event, prevKv: toKeyValue(prevKv) } : event;
}
