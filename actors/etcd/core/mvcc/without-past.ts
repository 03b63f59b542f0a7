/**
 * The state of one revision, as another group of members may begin with it. Whoever asks for what was before is told that it is
 * compacted, and reads anew: a watch that went on across a restore would mix two histories.
 * Source: `etcdutl snapshot restore --mark-compacted`.
 */
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import type { Revision } from "./store.ts";
import { Store } from "./store.ts";
import type { Change, Version } from "./version.ts";

const EVERYTHING = { start: "", end: undefined };

/** Takes `store` over: it is not to be used any more. */
export function withoutPast(store: Store): Store {
  if (store.revision > store.compactRevision && store.revision > 1) store.compact(store.revision);
  return store;
}

/** The same with other text in keys and values, each of them given as text of one character a byte. Of a store without past. */
export function reworded(store: Store, reword: (text: string) => string): Store {
  const result = new Store();
  result.restoreBounds(store.compactRevision, store.historyFrom);
  for (const { id, ttlSeconds } of store.leases.values()) result.grantLease(id, ttlSeconds);
  const versionOf = (kv: Version): Version => ({
    ...kv,
    key: reword(kv.key),
    value: reword(kv.value) as KeptBytes,
  });
  store.index.scan(EVERYTHING, ({ versions }) => {
    for (const kv of versions) if (kv.modRevision < store.historyFrom) result.restoreVersion(versionOf(kv));
    return true;
  });
  for (const { events } of historyOf(store)) {
    result.restoreRevision(
      events.map((event): Change => ({
        ...event,
        kv: versionOf(event.kv),
        ...(event.prevKv === undefined ? {} : { prevKv: versionOf(event.prevKv) }),
      })),
    );
  }
  result.finishRestore();
  return result;
}

function historyOf(store: Store): readonly Revision[] {
  return store.revisions(store.historyFrom);
}
