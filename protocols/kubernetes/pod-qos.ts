/** How much a pod is promised. */
import type { PodSpec, ResourceRequirements } from "./types/core-v1.ts";
import { compareQuantities, parseQuantity } from "./quantity.ts";

/**
 * Guaranteed: every container limits cpu and memory, and requests just that. BestEffort: none asks for either.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClass(spec: PodSpec | undefined): "Guaranteed" | "Burstable" | "BestEffort" {
  // What the pod says as a whole counts instead of what its containers say.
  const containers: readonly { readonly resources?: ResourceRequirements }[] =
    spec?.resources === undefined
      ? [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
      : [{ resources: spec.resources }];
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of ["cpu", "memory"]) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (positive(limit) || positive(request)) any = true;
      if (!positive(limit) || compareQuantities(limit ?? "0", request ?? "0") !== 0) guaranteed = false;
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

function positive(quantity: string | undefined): boolean {
  return quantity !== undefined && parseQuantity(quantity).nano > 0n;
}
