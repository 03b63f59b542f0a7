/** An object goes only when it is to be deleted and the last who holds it has let go. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { broken } from "./broken.ts";
import type { Replay } from "./replay.ts";

/**
 * Of objects whose finalizers are taken away one at a time. Errors: PROMISE_BROKEN. `prefix`: of their keys in etcd.
 */
export function checkFinalizers(
  prefix: string,
  replay: Replay,
  objectOf: (value: Uint8Array) => KubernetesObject | undefined,
): void {
  for (const key of replay.everyKey) {
    if (!key.startsWith(prefix)) continue;
    for (const { revision, version } of replay.changesOf(key)) {
      const before = version === undefined ? replay.at(key, revision - 1) : undefined;
      if (before === undefined || before === "unknown") continue;
      const { finalizers = [], deletionTimestamp } = objectOf(before.value)?.metadata ?? {};
      if (finalizers.length > 1 || (finalizers.length > 0 && deletionTimestamp === undefined)) {
        throw broken(`revision ${revision} deletes ${key}, which ${finalizers.join(" and ")} still held`);
      }
    }
  }
}
