/** The `scale` subresource of workloads. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ReplicationController } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { ColumnInfo, ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { LabelSelector, StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Fields, ScalePaths } from "../kinds/rules.ts";
import type { Cell } from "../machinery/cells.ts";
import { nameOf } from "../machinery/cells.ts";
import { age } from "../machinery/duration.ts";
import { getOwn, isJsonObject, setOwn } from "../machinery/json-value.ts";
import type { RowSource } from "../machinery/table.ts";

interface Scalable extends KubernetesObject {
  readonly spec?: { readonly replicas?: number; readonly selector?: LabelSelector };
  readonly status?: { readonly replicas?: number };
}

/** @param paths where a custom resource has its numbers */
export function toScale(object: KubernetesObject, paths?: ScalePaths): KubernetesObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  const { asked, found, selector } = paths === undefined ? numbersOf(object) : numbersAt(object, paths);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: present({ name, namespace, uid, resourceVersion, creationTimestamp }),
    spec: asked ? { replicas: asked } : {},
    status: { replicas: found, ...(selector === "" ? {} : { selector }) },
  } as KubernetesObject;
}

interface Numbers {
  readonly asked: number | undefined;
  readonly found: number;
  readonly selector: string;
}

function numbersOf(object: KubernetesObject): Numbers {
  const { spec, status } = object as Scalable;
  return { asked: spec?.replicas, found: status?.replicas ?? 0, selector: selectorText(selectorOf(object)) };
}

/** Whether a custom resource says how many it wants. */
export function asksReplicas(object: KubernetesObject, { specReplicas }: ScalePaths): boolean {
  return at(object, specReplicas) !== undefined;
}

function numbersAt(object: KubernetesObject, { specReplicas, statusReplicas, selector }: ScalePaths): Numbers {
  const asked = at(object, specReplicas);
  const found = at(object, statusReplicas);
  const text = selector === undefined ? "" : at(object, selector);
  return {
    asked: typeof asked === "number" ? asked : undefined,
    found: typeof found === "number" ? found : 0,
    selector: typeof text === "string" ? text : "",
  };
}

function at(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, step) => (isJsonObject(value) ? getOwn(value, step) : undefined), object);
}

/** That of a ReplicationController is the labels themselves. */
function selectorOf(object: KubernetesObject): LabelSelector | undefined {
  if (object.kind !== "ReplicationController") return (object as Scalable).spec?.selector;
  const labels = (object as ReplicationController).spec?.selector;
  return labels === undefined ? undefined : { matchLabels: labels };
}

function present(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** `a=b,c in (d,e)`, keys in order. */
function selectorText(selector: LabelSelector | undefined): string {
  const terms = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const set = `(${[...values].sort().join(",")})`;
    if (operator === "In") terms.push({ key, text: `${key} in ${set}` });
    else if (operator === "NotIn") terms.push({ key, text: `${key} notin ${set}` });
    else if (operator === "Exists") terms.push({ key, text: key });
    else terms.push({ key, text: `!${key}` });
  }
  return terms
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map((term) => term.text)
    .join(",");
}

export function replicasOf(scale: KubernetesObject): number {
  return (scale as Scalable).spec?.replicas ?? 0;
}

export function validateScale(scale: KubernetesObject): readonly StatusCause[] {
  const replicas = replicasOf(scale);
  if (Number.isInteger(replicas) && replicas >= 0) return [];
  const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
  return [{ reason: "FieldValueInvalid", field: "spec.replicas", message }];
}

export function withReplicas(object: Fields, replicas: number, paths?: ScalePaths): Fields {
  if (paths !== undefined) return withAt(object, paths.specReplicas, replicas) as Fields;
  return { ...object, spec: { ...(object["spec"] as object | undefined), replicas } };
}

/** What a Table shows of a scale. @param custom of a custom resource, whose columns are of other types */
export function scaleRows(custom: boolean): RowSource {
  return custom ? CUSTOM_ROWS : ROWS;
}

/** The object with a value at a path, and whatever is on the way to it. */
function withAt(object: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value;
  const copy = isJsonObject(object) ? { ...object } : {};
  setOwn(copy, step, withAt(getOwn(copy, step), rest, value));
  return copy;
}

function rowsOf(custom: boolean): RowSource {
  const column = (name: string, type: ColumnInfo["type"], format: string = ""): ColumnInfo => {
    return { name, type, format, description: "", priority: 0 };
  };
  const columns = [
    column("Name", "string", custom ? "name" : ""),
    column("Desired", "integer"),
    column("Available", "integer"),
    column("Age", custom ? "date" : "string"),
  ];
  const cells = (scale: KubernetesObject, nowMs: number): readonly Cell[] => [
    nameOf(scale),
    replicasOf(scale),
    (scale as Scalable).status?.replicas ?? 0,
    age(scale.metadata?.creationTimestamp, nowMs),
  ];
  return { info: { ...SCALE_INFO, columns }, rules: { cells } };
}

const SCALE_INFO: ResourceInfo = {
  group: "autoscaling",
  version: "v1",
  apiVersion: "autoscaling/v1",
  resource: "scale",
  singular: "",
  kind: "Scale",
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: [],
  subresources: [],
  columns: [],
  selectableFields: [],
  storagePrefix: undefined,
  createOnUpdate: false,
  unconditionalUpdate: false,
  generation: false,
};
const ROWS: RowSource = rowsOf(false);
const CUSTOM_ROWS: RowSource = rowsOf(true);
