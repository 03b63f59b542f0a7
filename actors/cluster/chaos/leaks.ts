/** What is left of those that are gone. */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Finding, Oracle } from "./oracles.ts";

/**
 * In the end no object has only owners that are gone, and none that was to be deleted is kept by a finalizer. What the garbage
 * collector takes it has taken by then: everything has come to rest.
 */
export function noLeakedObjects(): Oracle {
  return {
    name: "noLeakedObjects",
    judge: ({ history, isQuiet }) => {
      if (!isQuiet) return [];
      const changes = [...history.stateAt().changes()];
      const uids = new Set(changes.map(({ object }) => object.metadata?.uid));
      return changes.flatMap(({ subject, object }): readonly Finding[] => {
        const { ownerReferences = [], finalizers = [], deletionTimestamp } = object.metadata ?? {};
        if (deletionTimestamp !== undefined && finalizers.length > 0) {
          return [leak(object, `${subject} was deleted, and is kept by ${finalizers.join(", ")}`)];
        }
        if (ownerReferences.length === 0 || ownerReferences.some(({ uid }) => uids.has(uid))) return [];
        const owners = ownerReferences.map(({ kind, name }) => `${kind} ${name}`).join(", ");
        return [leak(object, `${subject} belongs to ${owners}, which is not there`)];
      });
    },
  };
}

function leak({ kind = "" }: KubernetesObject, text: string): Finding {
  return { cause: kind, text };
}
