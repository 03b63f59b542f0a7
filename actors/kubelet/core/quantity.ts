/** Resource quantities as numbers, for limits and the downward API. Follows the grammar of apimachinery's Quantity. */
import type { Container, Pod, PodQOSClass } from "../../../protocols/kubernetes/types/core-v1.ts";

const SCALES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `500m` -> 0.5; undefined for what is no quantity. The API takes plain numbers, too. */
export function parseQuantity(quantity: string | number | undefined): number | undefined {
  if (quantity === undefined) return undefined;
  if (typeof quantity === "number") return quantity;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([a-zA-Z]{0,2}))$/.exec(quantity);
  const scale = match === null ? undefined : match[2] === undefined ? SCALES[match[3] ?? ""] : 10 ** Number(match[2]);
  return match === null || scale === undefined ? undefined : Number(match[1]) * scale;
}

/** Bytes, as Kubernetes prints quantities of memory: with the greatest unit that divides them. */
export function formatBinary(bytes: number): string {
  const unit = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"].find((each) => bytes > 0 && bytes % (SCALES[each] ?? 1) === 0);
  return unit === undefined ? String(bytes) : `${bytes / SCALES[unit]!}${unit}`;
}

/**
 * The quality of service of a pod.
 * @see k8s.io/kubernetes/pkg/apis/core/helper/qos
 */
export function qosClassOf(pod: Pod): PodQOSClass {
  const containers: readonly Container[] = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of ["cpu", "memory"]) {
      const limit = parseQuantity(resources?.limits?.[name]) ?? 0;
      const request = parseQuantity(resources?.requests?.[name]) ?? limit;
      if (limit > 0 || request > 0) any = true;
      if (limit <= 0 || request !== limit) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}
