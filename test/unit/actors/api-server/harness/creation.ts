/** A POST without a server: what it brings along besides the object. */
import type { Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import type { Creation } from "../../../../../actors/api-server/core/registry/write.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";

/** In an empty cluster, at the beginning of time. */
export function creationOf({ info }: Served, { metadata }: KubernetesObject, more: Partial<Creation> = {}): Creation {
  return {
    nowMs: 0,
    tolerationSeconds: 300,
    serviceAccounts: false,
    suffix: () => "00000",
    find: () => undefined,
    all: () => [],
    by: { user: "test", groups: [] },
    uid: "0",
    name: metadata?.name ?? "a",
    namespace: info.namespaced ? "default" : undefined,
    ...more,
  };
}
