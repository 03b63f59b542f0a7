/** What `GET /stats/summary` answers. Source: kubelet `pkg/kubelet/server/stats`. */
import type { ContainerSummary, CpuStats, MemoryStats, PodSummary, StatsSummary } from "../../../protocols/kubelet.ts";
import type { ContainerUsage } from "./usage-meter.ts";

export function statsSummary(nodeName: string, nowMs: number, usages: readonly ContainerUsage[]): StatsSummary {
  const pods = new Map<string, ContainerUsage[]>();
  for (const usage of usages) {
    const { uid } = usage.stats.pod;
    const containers = pods.get(uid);
    if (containers === undefined) pods.set(uid, [usage]);
    else containers.push(usage);
  }
  return { node: { nodeName, ...totalOf(usages, nowMs) }, pods: [...pods.values()].map((own) => podOf(own, nowMs)) };
}

function podOf(usages: readonly ContainerUsage[], nowMs: number): PodSummary {
  const { name = "", namespace = "", uid = "" } = usages[0]?.stats.pod ?? {};
  const containers = usages.map((usage): ContainerSummary => {
    const { metadata, startedAtMs } = usage.stats;
    return { name: metadata.name, startTime: timeOf(startedAtMs), ...totalOf([usage], nowMs) };
  });
  return { podRef: { name, namespace, uid }, containers, ...totalOf(usages, nowMs) };
}

/** The span of a sum is the longest of its parts'. Without any part it is now. */
function totalOf(
  usages: readonly ContainerUsage[],
  nowMs: number,
): { readonly cpu: CpuStats; readonly memory: MemoryStats } {
  const sum = (of: (usage: ContainerUsage) => number): number => usages.reduce((total, usage) => total + of(usage), 0);
  const most = (of: (usage: ContainerUsage) => number, none: number): number =>
    usages.reduce((max, usage) => Math.max(max, of(usage)), none);
  const time = timeOf(usages.length === 0 ? nowMs : most(({ stats }) => stats.sampledAtMs, 0));
  return {
    cpu: {
      time,
      windowSeconds: most(({ windowMs }) => windowMs, 0) / 1_000,
      usageNanoCores: sum(({ nanoCores }) => nanoCores),
      usageCoreNanoSeconds: sum(({ coreNanoSeconds }) => coreNanoSeconds),
    },
    memory: { time, workingSetBytes: sum(({ stats }) => stats.memoryBytes) },
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
