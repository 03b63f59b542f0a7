/** Lists and objects in the shape `kubectl get` asks for (`as=Table`), or with their metadata only. */
import type { KubernetesList, KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ListMeta } from "../../../../protocols/kubernetes/meta-v1.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableOptions {
  /** Of `includeObject`; Kubernetes' default is Metadata. */
  readonly includeObject: IncludeObject;
  /** Now, in milliseconds since 1970: ages are counted from it. */
  readonly nowMs: number;
  /** In a watch only the first event carries the column definitions. */
  readonly columns: boolean;
}

export interface Table extends KubernetesObject {
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly unknown[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: unknown }[];
}

/** A Table of `objects`; `metadata` is the list's, or `{ resourceVersion }` of the one object. */
export function toTable(
  resource: ResourceInfo,
  objects: readonly KubernetesObject[],
  metadata: ListMeta,
  options: TableOptions,
): Table {
  void options;
  void resource;
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: metadata as Table["metadata"],
    columnDefinitions: [],
    rows: objects.map((object) => ({ cells: [object.metadata?.name], object })),
  };
}

export function toPartialObjectMetadata(object: KubernetesObject): KubernetesObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata ?? {} };
}

export function toPartialObjectMetadataList(list: KubernetesList): KubernetesList {
  return {
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
    metadata: list.metadata,
    items: list.items.map(toPartialObjectMetadata),
  };
}
