/** What a pod as a whole asks for. Source: k8s.io/component-helpers/resource, and `defaultPodRequests`. */
import type { Container, PodSpec, ResourceRequirements } from "./types/core-v1.ts";
import { addQuantities, compareQuantities } from "./quantity.ts";

type Amounts = Readonly<Record<string, string>>;

/** Resources that a pod can ask for as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

function added(to: Amounts, from: Amounts): Amounts {
  const sum: Record<string, string> = { ...to };
  for (const [name, amount] of Object.entries(from)) sum[name] = addQuantities(sum[name] ?? "0", amount);
  return sum;
}

function larger(a: Amounts, b: Amounts): Amounts {
  const most: Record<string, string> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    if (most[name] === undefined || compareQuantities(amount, most[name]) > 0) most[name] = amount;
  }
  return most;
}

/** The most that the containers need at any moment; an init container runs beside the sidecars before it. */
export function containerTotal(spec: PodSpec, which: "limits" | "requests"): Amounts {
  const of = (container: Container): Amounts => container.resources?.[which] ?? {};
  let total: Amounts = {};
  for (const container of spec.containers ?? []) total = added(total, of(container));
  let sidecars: Amounts = {};
  let peak: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === "Always") {
      total = added(total, of(container));
      sidecars = added(sidecars, of(container));
      peak = larger(peak, sidecars);
    } else peak = larger(peak, added(of(container), sidecars));
  }
  return larger(total, peak);
}

/** Requests of the pod that it does not name: what its containers ask for together, else its limits. */
export function withPodRequests(resources: ResourceRequirements, spec: PodSpec): ResourceRequirements {
  const limits = resources.limits ?? {};
  if (Object.keys(limits).length === 0) return resources;
  const requests: Record<string, string> = { ...resources.requests };
  for (const [name, amount] of Object.entries(containerTotal(spec, "requests"))) {
    // Huge pages can't be promised more often than there are.
    if (name === "cpu" || name === "memory") requests[name] ??= amount;
  }
  for (const [name, amount] of Object.entries(limits)) if (isPodLevelResource(name)) requests[name] ??= amount;
  return { ...resources, requests };
}
