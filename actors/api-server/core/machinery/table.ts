/** Lists and objects in the shape `kubectl get` asks for (`as=Table`), or with their metadata only. */
import type { KubernetesList, KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ListMeta, ObjectMeta } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { ColumnInfo, ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { Served } from "../catalog/catalog.ts";
import type { RowCondition } from "../kinds/rules.ts";
import type { Cell } from "./cells.ts";
import { ageOf, nameOf } from "./cells.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableOptions {
  /** The parameter `includeObject`; Kubernetes' default is Metadata. */
  readonly includeObject: IncludeObject;
  /** Now, in milliseconds since 1970: ages are counted from it. */
  readonly nowMs: number;
  /** In a watch only the first event carries the column definitions. */
  readonly columns: boolean;
}

export interface TableColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly RowCondition[];
  readonly object: KubernetesObject | null;
}

export interface Table extends KubernetesObject {
  readonly metadata: ListMeta & NonNullable<KubernetesObject["metadata"]>;
  readonly columnDefinitions: readonly TableColumnDefinition[] | null;
  readonly rows: readonly TableRow[];
}

/** A Table of `objects`; `metadata` is the list's, or `{ resourceVersion }` of the one object. */
/** What rows are made of. */
export type RowSource = Pick<Served, "info" | "rules">;

export function toTable(
  served: RowSource,
  objects: readonly KubernetesObject[],
  metadata: ListMeta,
  options: TableOptions,
): Table {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: metadata,
    columnDefinitions: options.columns ? columnsOf(served.info) : null,
    rows: objects.map((object) => toRow(served, object, options)),
  };
}

export function toRow(served: RowSource, object: KubernetesObject, options: TableOptions): TableRow {
  const { info, rules } = served;
  const conditions = rules.rowConditions?.(object as never) ?? [];
  return {
    cells: rules.cells?.(object as never, options.nowMs) ?? plainCells(info, object, options.nowMs),
    ...(conditions.length === 0 ? {} : { conditions }),
    object: rowObject(served, object, options.includeObject),
  };
}

/** What every kind has. The other columns of a kind without a printer stay empty. */
function plainCells({ columns }: ResourceInfo, object: KubernetesObject, nowMs: number): readonly Cell[] {
  return (columns.length === 0 ? STANDARD : columns).map(({ name }) => {
    switch (name) {
      case "Name":
        return nameOf(object);
      case "Age":
        return ageOf(object, nowMs);
      case "Created At":
        return object.metadata?.creationTimestamp ?? "";
    }
    return "<none>";
  });
}

function rowObject(served: RowSource, object: KubernetesObject, include: IncludeObject): KubernetesObject | null {
  switch (include) {
    case "None":
      return null;
    case "Metadata":
      return toPartialObjectMetadata(served, object);
    case "Object":
      return object;
  }
}

const COLUMNS = new WeakMap<ResourceInfo, readonly TableColumnDefinition[]>();

/** Kinds without columns of their own show name and age. */
const STANDARD: readonly ColumnInfo[] = [
  { name: "Name", type: "string", format: "name", priority: 0 },
  { name: "Age", type: "string", format: "", priority: 0 },
];

function columnsOf(resource: ResourceInfo): readonly TableColumnDefinition[] {
  let definitions = COLUMNS.get(resource);
  if (definitions === undefined) {
    const columns = resource.columns.length === 0 ? STANDARD : resource.columns;
    definitions = columns.map(({ name, type, format, description = "", priority }) => ({
      name,
      type,
      format,
      description,
      priority,
    }));
    COLUMNS.set(resource, definitions);
  }
  return definitions;
}

export function toPartialObjectMetadata({ rules }: RowSource, object: KubernetesObject): KubernetesObject {
  const metadata = withoutAnnotations(object.metadata ?? {}, rules.shownAnnotations ?? []);
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}

function withoutAnnotations(metadata: ObjectMeta, names: readonly string[]): ObjectMeta {
  const { annotations = {}, ...rest } = metadata;
  if (!names.some((name) => name in annotations)) return metadata;
  const own = Object.entries(annotations).filter(([name]) => !names.includes(name));
  return own.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(own) };
}

export function toPartialObjectMetadataList(served: RowSource, list: KubernetesList): KubernetesList {
  return {
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
    metadata: list.metadata,
    items: list.items.map((object) => toPartialObjectMetadata(served, object)),
  };
}
