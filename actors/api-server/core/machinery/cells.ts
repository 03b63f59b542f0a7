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
