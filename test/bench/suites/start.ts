/** Start, memory and idle cost of whole clusters, each in a process of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { startClusterProcess } from "../cluster-process.ts";
import type { Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 3;
/** Before that the engine still compiles what the start has made hot, on threads of its own: twice the CPU. */
const SETTLE_MS = 30_000;
const IDLE_MS = 10_000;
const PEER = {
  startMs: { name: "etcd + kube-apiserver alone", value: 2_200 },
  memoryMb: { name: "etcd + apiserver + scheduler + controllers", value: 580 },
  idlePercent: { name: "the same, one master", value: 2.2 },
};
const SHAPES = [
  { masters: 3, workers: 3, startTarget: "≤ 1,500", memoryTarget: "≤ 400", idleTarget: "≤ 4" },
  { masters: 1, workers: 1, startTarget: "≤ 600", memoryTarget: "≤ 180" },
];

export const start: Suite = {
  name: "start",
  about: `from loading the package until all nodes are Ready, then, ${SETTLE_MS / 1_000} s later, ${IDLE_MS / 1_000} s idle; medians of ${ROUNDS} processes`,
  run: async (report) => {
    for (const { masters, workers, startTarget, memoryTarget, idleTarget } of SHAPES) {
      const starts: number[] = [];
      const memories: number[] = [];
      const idles: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const cluster = await startClusterProcess({ masters, workers });
        starts.push(cluster.startMs);
        await sleep(SETTLE_MS);
        const before = cluster.cpuMs();
        await sleep(IDLE_MS);
        idles.push(((cluster.cpuMs() - before) / IDLE_MS) * 100);
        memories.push(cluster.residentBytes() / 1e6);
        await cluster.stop();
      }
      const shape = `${masters} + ${workers}`;
      report({
        name: `start to all nodes Ready, ${shape}`,
        value: median(starts),
        unit: "ms",
        peer: PEER.startMs,
        target: startTarget,
      });
      report({
        name: `memory idle, ${shape}`,
        value: median(memories),
        unit: "MB",
        peer: PEER.memoryMb,
        target: memoryTarget,
      });
      report({
        name: `CPU idle, ${shape}`,
        value: median(idles),
        unit: "% of a core",
        peer: PEER.idlePercent,
        ...(idleTarget === undefined ? {} : { target: idleTarget }),
      });
    }
  },
};
