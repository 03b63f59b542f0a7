/** The quotas of a namespace, and what a write takes of them. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { ResourceQuota } from "../../protocols/kubernetes/types/core-v1.ts";
import type { ResourceCache } from "./core/cache/resource-cache.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import type { Catalog, Served } from "./core/catalog/catalog.ts";
import type { Fields } from "./core/kinds/rules.ts";
import { charge, isCharged, limits } from "./core/quota/charge.ts";
import type { JointWrite } from "./mutation.ts";
import type { Store } from "./store.ts";

export class QuotaAdmission {
  private readonly store: Store;
  private readonly follower: { readonly current: Catalog };

  constructor(store: Store, follower: { readonly current: Catalog }) {
    this.store = store;
    this.follower = follower;
  }

  /**
   * What is to be written with the object.
   * @param old what an update replaces
   * @throws Status 403
   */
  charges(
    { info }: Served,
    subresource: string | undefined,
    object: KubernetesObject,
    old: KubernetesObject | undefined,
    nowMs: number,
  ): readonly JointWrite[] {
    const { namespace } = object.metadata ?? {};
    if (namespace === undefined || !isCharged(info, old === undefined, subresource)) return [];
    const { cache, quotas } = this.quotasOf(namespace);
    const of = { group: info.group, resource: info.resource };
    return quotas.flatMap((base): readonly JointWrite[] => {
      const charged = charge(base.object, { of, object, old, nowMs });
      return charged === undefined ? [] : [{ cache, key: base.key, base, object: charged as Fields }];
    });
  }

  /** Whether what is made there is charged, so that two writes would only make each other repeat. */
  isLimited({ info }: Served, namespace: string | undefined): boolean {
    if (namespace === undefined) return false;
    return this.quotasOf(namespace).quotas.some(({ object }) => limits(object as ResourceQuota, info));
  }

  private quotasOf(namespace: string): { readonly cache: ResourceCache; readonly quotas: readonly StoredObject[] } {
    const cache = this.store.cacheOf(this.follower.current.required("", "v1", "resourcequotas"));
    if (cache.size === 0) return { cache, quotas: [] };
    const { keys, from, to } = cache.range(namespace);
    const quotas = keys.slice(from, to).flatMap((key) => cache.newest(key) ?? []);
    return { cache, quotas };
  }
}
