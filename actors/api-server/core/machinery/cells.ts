/** What the cells of many kinds are made of. Source: Kubernetes `pkg/printers/internalversion/printers.go`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { PodTemplateSpec } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { age } from "./duration.ts";

/** null: there is nothing to show. */
export type Cell = string | number | boolean | null;

export function nameOf(object: KubernetesObject): string {
  return object.metadata?.name ?? "";
}

export function ageOf(object: KubernetesObject, nowMs: number): string {
  return age(object.metadata?.creationTimestamp, nowMs);
}

export function containerCells(template: PodTemplateSpec | undefined): readonly [names: string, images: string] {
  const containers = template?.spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(","), containers.map(({ image }) => image ?? "").join(",")];
}

/** More than this many addresses or ports are only counted. */
const LISTED_MAX = 3;

export function listed(items: readonly string[]): string {
  if (items.length === 0) return "<unset>";
  const shown = items.slice(0, LISTED_MAX).join(",");
  return items.length > LISTED_MAX ? `${shown} + ${items.length - LISTED_MAX} more...` : shown;
}

/** `a=b,c=d`, keys in order. Source: apimachinery `labels.FormatLabels`. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.keys(labels ?? {}).sort();
  return pairs.map((key) => `${key}=${labels?.[key] ?? ""}`).join(",") || "<none>";
}

/** `statefulset.apps/web`: what an object is controlled by. */
export function ownerText({ metadata }: KubernetesObject): string {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return "<none>";
  const [group] = owner.apiVersion.includes("/") ? owner.apiVersion.split("/") : [];
  return `${owner.kind}${group === undefined ? "" : `.${group}`}`.toLowerCase() + `/${owner.name}`;
}
