/** Which objects a quota is about. @see k8s.io/kubernetes/pkg/quota/v1/evaluator/core (podMatchesScopeFunc) */
import type { KubernetesObject } from "../../api-server.ts";
import { qosClass } from "../pod-qos.ts";
import type {
  PersistentVolumeClaim,
  Pod,
  PodAffinityTerm,
  ResourceQuotaSpec,
  ScopedResourceSelectorRequirement,
} from "../types/core-v1.ts";
import type { GroupResource } from "./usage.ts";

/** Whether the object is in all of the quota's scopes. */
export function isInScopes(spec: ResourceQuotaSpec | undefined, of: GroupResource, object: KubernetesObject): boolean {
  const scopes = (spec?.scopes ?? []).map((scopeName): ScopedResourceSelectorRequirement => ({
    scopeName,
    operator: "Exists",
  }));
  const all = [...scopes, ...(spec?.scopeSelector?.matchExpressions ?? [])];
  if (all.length === 0) return true;
  if (of.group !== "") return false;
  if (of.resource === "pods") return all.every((one) => isPodIn(object, one));
  return of.resource === "persistentvolumeclaims" && all.every((one) => isClaimIn(object, one));
}

function isPodIn({ spec }: Pod, requirement: ScopedResourceSelectorRequirement): boolean {
  const isEnding = spec?.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
  switch (requirement.scopeName) {
    case "Terminating":
      return isEnding;
    case "NotTerminating":
      return !isEnding;
    case "BestEffort":
      return qosClass(spec) === "BestEffort";
    case "NotBestEffort":
      return qosClass(spec) !== "BestEffort";
    case "PriorityClass":
      return meets(spec?.priorityClassName ?? "", requirement);
    case "CrossNamespacePodAffinity":
      return termsOf(spec).some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector);
    // Of claims only.
    case "VolumeAttributesClass":
      return false;
    default:
      return false;
  }
}

function isClaimIn({ spec, status }: PersistentVolumeClaim, requirement: ScopedResourceSelectorRequirement): boolean {
  if (requirement.scopeName !== "VolumeAttributesClass") return false;
  const names = [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName];
  return (
    names.some((name) => name !== undefined && meets(name, requirement)) ||
    (!names.some(Boolean) && meets("", requirement))
  );
}

function meets(value: string, { operator, values = [] }: ScopedResourceSelectorRequirement): boolean {
  switch (operator as string) {
    case "In":
      return values.includes(value);
    case "NotIn":
      return !values.includes(value);
    case "Exists":
      return value !== "";
    default:
      return value === "";
  }
}

function termsOf(spec: Pod["spec"]): readonly PodAffinityTerm[] {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
}
