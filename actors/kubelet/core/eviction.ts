/**
 * Whom a node that is short of memory evicts, and whom it does not take.
 * @see k8s.io/kubernetes/pkg/kubelet/eviction (rankMemoryPressure, evictionMessage, Admit) and
 * https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
 */
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { formatBinary, parseQuantity, qosClassOf } from "./quantity.ts";
import { containersOf } from "./sources.ts";

/** What a container of a pod holds. */
export interface MemoryUse {
  readonly uid: string;
  readonly container: string;
  readonly memoryBytes: number;
}

export const EVICTED = "Evicted";
const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000;
const PRESSURE_TAINT = "node.kubernetes.io/memory-pressure";

/** Pods without which a node or a cluster does not work stay, whatever happens. */
export function isCritical({ spec }: Pod): boolean {
  return (spec?.priority ?? 0) >= SYSTEM_CRITICAL_PRIORITY;
}

/**
 * Those that may be evicted, in this order: who uses more than it has asked for, as all do that have asked for nothing; among them
 * who has the lower priority; then who is the furthest above what it has asked for. Ties go to the earlier pod of `pods`.
 */
export function evictionOrder(pods: readonly Pod[], uses: readonly MemoryUse[]): readonly Pod[] {
  const ranked = pods
    .filter((pod) => !isCritical(pod))
    .map((pod) => {
      const requested = requestOf(pod);
      const used = sumOf(uses.filter(({ uid }) => uid === pod.metadata?.uid).map(({ memoryBytes }) => memoryBytes));
      const exceeds = requested === 0 || used > requested;
      return { pod, exceeds, priority: pod.spec?.priority ?? 0, above: used - requested };
    });
  ranked.sort(
    (one, other) =>
      Number(other.exceeds) - Number(one.exceeds) || one.priority - other.priority || other.above - one.above,
  );
  return ranked.map(({ pod }) => pod);
}

/** In the words of Kubernetes' kubelet, which clients take apart. */
export function evictionMessage(pod: Pod, uses: readonly MemoryUse[]): string {
  const parts = ["The node was low on resource: memory. "];
  for (const { name, resources } of containersOf(pod)) {
    const used = uses.find(({ uid, container }) => uid === pod.metadata?.uid && container === name)?.memoryBytes ?? 0;
    const request = resources?.requests?.["memory"];
    if (used <= (parseQuantity(request) ?? 0)) continue;
    const asked = request ?? "0";
    parts.push(
      `Container ${name} was using ${formatBinary(used)}, request is ${asked}, has larger consumption of memory. `,
    );
  }
  return parts.join("");
}

/** The emptyDir volumes of a pod that may not grow beyond a size. */
export function limitedVolumes({ spec }: Pod): readonly {
  readonly name: string;
  readonly limit: string;
  readonly limitBytes: number;
}[] {
  return (spec?.volumes ?? []).flatMap(({ name, emptyDir }) => {
    const limit = emptyDir?.sizeLimit;
    const limitBytes = parseQuantity(limit);
    return limit === undefined || limitBytes === undefined || limitBytes <= 0 ? [] : [{ name, limit, limitBytes }];
  });
}

/** In the words of Kubernetes' kubelet. */
export function sizeLimitMessage(volume: string, limit: string): string {
  return `Usage of EmptyDir volume "${volume}" exceeds the limit "${limit}". `;
}

/** Why a node under memory pressure does not take a pod that is new to it; undefined: it does. */
export function refusalUnderPressure(pod: Pod): string | undefined {
  if (isCritical(pod) || qosClassOf(pod) !== "BestEffort" || toleratesPressure(pod)) return undefined;
  return "Pod was rejected: The node had condition: [MemoryPressure]. ";
}

function toleratesPressure({ spec }: Pod): boolean {
  return (spec?.tolerations ?? []).some(({ key = "", operator = "Equal", value = "", effect = "" }) => {
    if (effect !== "" && effect !== "NoSchedule") return false;
    if (operator === "Exists") return key === "" || key === PRESSURE_TAINT;
    return key === PRESSURE_TAINT && value === "";
  });
}

/** Init containers that go on beside the others are counted as these are; the rest is over by then. */
function requestOf({ spec }: Pod): number {
  const own = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return sumOf(
    [...own, ...(spec?.containers ?? [])].map(({ resources }) => parseQuantity(resources?.requests?.["memory"]) ?? 0),
  );
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
