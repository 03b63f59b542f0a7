/** Events of etcd for planted histories. */
import type { WatchEvent } from "../../../../../../protocols/etcd.ts";

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export function put(key: string, value: string, modRevision: number): WatchEvent {
  const bytes = new TextEncoder().encode(value);
  return { type: "put", kv: { key, value: bytes, createRevision: modRevision, modRevision, version: 1, lease: "0" } };
}

export function deleted(key: string, modRevision: number): WatchEvent {
  return {
    type: "delete",
    kv: { key, value: new Uint8Array(0), createRevision: 0, modRevision, version: 0, lease: "0" },
  };
}
