/** The `scale` subresource of workloads. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ReplicationController } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector, StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Fields, ScalePaths } from "../kinds/rules.ts";
import { getOwn, isJsonObject, setOwn } from "../machinery/json-value.ts";

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

/** The object with a value at a path, and whatever is on the way to it. */
function withAt(object: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value;
  const copy = isJsonObject(object) ? { ...object } : {};
  setOwn(copy, step, withAt(getOwn(copy, step), rest, value));
  return copy;
}
