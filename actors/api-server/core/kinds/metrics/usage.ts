/**
 * NodeMetrics and PodMetrics, made of what kubelets tell when somebody reads them. Source: metrics-server `pkg/api`.
 */
import type { ContainerSummary, CpuStats, MemoryStats } from "../../../../../protocols/kubelet.ts";
import { addQuantities, formatQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type { Node, Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type {
  ContainerMetrics,
  NodeMetrics,
  PodMetrics,
} from "../../../../../protocols/kubernetes/types/metrics-v1beta1.ts";
import type { ObjectMeta } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { nameOf } from "../../machinery/cells.ts";
import { goDuration } from "../../machinery/duration.ts";
import { canonicalTime, formatTime } from "../../machinery/time.ts";
import type { KindRules } from "../rules.ts";

type Usage = ContainerMetrics["usage"];

export const nodeMetricsRules: KindRules = {
  live: "usage",
  cells: (object: NodeMetrics) => cellsOf(object, [object.usage]),
};
export const podMetricsRules: KindRules = {
  live: "usage",
  cells: (object: PodMetrics) =>
    cellsOf(
      object,
      object.containers.map(({ usage }) => usage),
    ),
};

const NANO_PER_SECOND = 1_000_000_000;
const NANO_PER_UNIT = 1_000_000_000n;

/** What a kubelet tells of a node, a pod or a container. */
interface Measured {
  readonly cpu: CpuStats;
  readonly memory: MemoryStats;
}

export function nodeMetrics(node: Node, measured: Measured, nowMs: number): NodeMetrics {
  return { ...headOf("NodeMetrics", node.metadata, measured, nowMs), usage: usageOf(measured) };
}

export function podMetrics(
  pod: Pod,
  measured: Measured & { readonly containers: readonly ContainerSummary[] },
  nowMs: number,
): PodMetrics {
  const containers = measured.containers.map((container) => ({ name: container.name, usage: usageOf(container) }));
  return { ...headOf("PodMetrics", pod.metadata, measured, nowMs), containers };
}

function headOf(
  kind: string,
  { name, namespace, labels }: ObjectMeta = {},
  { cpu }: Measured,
  nowMs: number,
): Omit<NodeMetrics, "usage"> {
  return {
    kind,
    apiVersion: "metrics.k8s.io/v1beta1",
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: formatTime(nowMs),
      ...(labels === undefined ? {} : { labels }),
    },
    timestamp: canonicalTime(cpu.time) ?? formatTime(nowMs),
    window: goDuration(Math.round(cpu.windowSeconds * NANO_PER_SECOND)),
  };
}

function usageOf({ cpu, memory }: Measured): Usage {
  return {
    cpu: formatQuantity({ nano: BigInt(Math.round(cpu.usageNanoCores)), format: "DecimalSI" }),
    memory: formatQuantity({
      nano: BigInt(Math.round(memory.workingSetBytes)) * NANO_PER_UNIT,
      format: "BinarySI",
    }),
  };
}

/** Name, cpu, memory, window. */
function cellsOf(object: Omit<NodeMetrics, "usage">, usages: readonly Usage[]): readonly Cell[] {
  const sum = (name: string): string => usages.reduce((total, usage) => addQuantities(total, usage[name] ?? "0"), "0");
  return [nameOf(object), sum("cpu"), sum("memory"), object.window];
}
