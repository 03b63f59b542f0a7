/** What names the same owner twice names it once. Source: apiserver `endpoints/handlers/create.go`, `dedupOwnerReferences`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { equalJson } from "../machinery/json-value.ts";

export interface OwnedOnce<T extends KubernetesObject> {
  readonly object: T;
  /** What its sender is told of it. */
  readonly warnings: readonly string[];
}

/** @param isPatched whether it is what a patch has made, and not what was sent */
export function ownedOnce<T extends KubernetesObject>(object: T, isPatched: boolean): OwnedOnce<T> {
  const owners = object.metadata?.ownerReferences ?? [];
  if (owners.length < 2) return { object, warnings: [] };
  const once: (typeof owners)[number][] = [];
  const repeated: string[] = [];
  const byUid = new Map<string, (typeof owners)[number][]>();
  for (const owner of owners) {
    const same = byUid.get(owner.uid) ?? [];
    if (same.some((other) => equalJson(other, owner))) {
      repeated.push(owner.uid);
      continue;
    }
    byUid.set(owner.uid, [...same, owner]);
    once.push(owner);
  }
  if (repeated.length === 0) return { object, warnings: [] };
  const when = isPatched ? " after mutating admission happens" : "";
  const why =
    "API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests";
  const uids = `duplicate UID(s) observed: ${repeated.join(", ")}`;
  return {
    object: { ...object, metadata: { ...object.metadata, ownerReferences: once } },
    warnings: [`.metadata.ownerReferences contains duplicate entries${when}; ${why}; ${uids}`],
  };
}
