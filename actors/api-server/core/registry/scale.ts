/** The `scale` subresource of workloads. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ReplicationController } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector, StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Fields } from "../kinds/rules.ts";

interface Scalable extends KubernetesObject {
  readonly spec?: { readonly replicas?: number; readonly selector?: LabelSelector };
  readonly status?: { readonly replicas?: number };
}

export function toScale(object: KubernetesObject): KubernetesObject {
  const { metadata = {}, spec, status } = object as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const selector = selectorText(selectorOf(object));
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: present({ name, namespace, uid, resourceVersion, creationTimestamp }),
    spec: spec?.replicas ? { replicas: spec.replicas } : {},
    status: { replicas: status?.replicas ?? 0, ...(selector === "" ? {} : { selector }) },
  } as KubernetesObject;
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

export function withReplicas(object: Fields, replicas: number): Fields {
  return { ...object, spec: { ...(object["spec"] as object | undefined), replicas } };
}
