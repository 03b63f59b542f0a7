/** A cluster of 300 workers, in both placements: start, memory, idle cost. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterOptions } from "../../../actors/cluster/options.ts";
import { startClusterProcess } from "../cluster-process.ts";
import type { Suite } from "../report.ts";

const WORKERS = 300;
const NODES_PER_THREAD = 25;
const SETTLE_MS = 5_000;
const IDLE_MS = 10_000;
/** 912 threads on two cores take a minute and more. */
const START_TIMEOUT_MS = 300_000;
const PLACEMENTS: readonly { readonly name: string; readonly options: ClusterOptions }[] = [
  { name: `${NODES_PER_THREAD} nodes a thread`, options: { placement: { nodesPerThread: NODES_PER_THREAD } } },
  { name: "a thread per actor", options: { placement: "thread-per-actor" } },
];

export const scale: Suite = {
  name: "scale",
  about: `3 masters and ${WORKERS} workers (${WORKERS * 3} actors) with simulated pods, each placement in a process of its own`,
  run: async (report) => {
    for (const { name, options } of PLACEMENTS) {
      const cluster = await startClusterProcess({
        masters: 3,
        workers: WORKERS,
        pods: "simulated",
        startTimeoutMs: START_TIMEOUT_MS,
        ...options,
      });
      await sleep(SETTLE_MS);
      const before = cluster.cpuMs();
      await sleep(IDLE_MS);
      const idlePercent = ((cluster.cpuMs() - before) / IDLE_MS) * 100;
      const ready = await cluster.evaluate<number>(`(async () => {
        const { nodes } = await import("inkube");
        const { items } = await cluster.client.list(nodes);
        return items.filter(({ status }) => status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")).length;
      })()`);
      report({ name: `start to all nodes Ready, ${name}`, value: cluster.startMs, unit: "ms" });
      report({ name: `memory idle, ${name}`, value: cluster.residentBytes() / 1e6, unit: "MB" });
      report({ name: `CPU idle, ${name}`, value: idlePercent, unit: "% of a core" });
      report({
        name: `nodes Ready after ${(SETTLE_MS + IDLE_MS) / 1_000} s, ${name}`,
        value: ready,
        unit: "nodes",
        target: `= ${WORKERS}`,
      });
      await cluster.stop();
    }
  },
};
