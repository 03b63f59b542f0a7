/** What is not stored: objects that are made whenever somebody reads them. */
import type { KubernetesObject, ListOptions } from "../../protocols/api-server.ts";
import { encodeStored, headOf, NOT_STORED, StoredObject } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { KindRules } from "./core/kinds/rules.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import type { ObjectList } from "./lists.ts";
import type { RequestScope } from "./registry.ts";

/** Who makes those of a kind. */
export interface LiveObjects {
  /** Whole, whatever `options` say of pages and revisions. */
  list(scope: RequestScope, served: Served, namespace: string | undefined, options: ListOptions): Promise<ObjectList>;
  /** @throws Status 404 */
  get(scope: RequestScope, place: ObjectPlace): Promise<KubernetesObject>;
}

/** By what the rules of their kinds call them. */
export type LiveKinds = Readonly<Record<NonNullable<KindRules["live"]>, LiveObjects>>;

export function liveList(served: Served, objects: readonly KubernetesObject[]): ObjectList {
  return { items: objects.map((object) => unstored(served, object)), metadata: {} };
}

/** As lists hold what is stored. */
function unstored({ info }: Served, object: KubernetesObject): StoredObject {
  const { name = "", namespace } = object.metadata ?? {};
  const head = headOf(info);
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  return new StoredObject(head, key, NOT_STORED, encodeStored(head, object), object);
}
