/** Events of etcd for planted histories. */
import { RevisionLog } from "../../../../../../actors/cluster/simulation/checks/revision-log.ts";
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

/** All of them told by one member, with their versions counted as etcd does. */
export function logOf(events: readonly WatchEvent[]): RevisionLog {
  const log = new RevisionLog();
  const last = new Map<string, { createRevision: number; version: number }>();
  const counted = events.map((event): WatchEvent => {
    const { key, modRevision } = event.kv;
    if (event.type === "delete") {
      last.delete(key);
      return event;
    }
    const before = last.get(key) ?? { createRevision: modRevision, version: 0 };
    const now = { createRevision: before.createRevision, version: before.version + 1 };
    last.set(key, now);
    return { type: "put", kv: { ...event.kv, ...now } };
  });
  log.take("etcd-0", events.at(-1)?.kv.modRevision ?? 1, counted, 0);
  return log;
}
