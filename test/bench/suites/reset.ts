/** What a test pays for a clean cluster: a reset, against another start in the same run. */
import { startClusterProcess } from "../cluster-process.ts";
import type { Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 20;
/** The engine compiles what a reset and a rollout make hot. */
const WARM_UP = 5;
const SHAPE = { masters: 1, workers: 1, pods: "simulated", spareThreads: 0 } as const;
const DEPLOYMENT = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "nginx" }] } },
  },
};
const USE = `(await cluster.apply(${JSON.stringify(DEPLOYMENT)}), await cluster.waitFor("deployment/web", "RolledOut"), null)`;
const RESET = "(async () => { const at = performance.now(); await cluster.reset(); return performance.now() - at; })()";

export const reset: Suite = {
  name: "reset",
  about: `a Deployment of 3 pods is rolled out and taken back, ${ROUNDS} times, on 1 + 1 with simulated pods; medians`,
  run: async (report) => {
    const cluster = await startClusterProcess(SHAPE);
    try {
      const used: number[] = [];
      const unused: number[] = [];
      for (let round = 0; round < WARM_UP + ROUNDS; round++) {
        await cluster.evaluate(USE);
        const ms = await cluster.evaluate<number>(`await ${RESET}`);
        const again = await cluster.evaluate<number>(`await ${RESET}`);
        if (round < WARM_UP) continue;
        used.push(ms);
        unused.push(again);
      }
      const peer = { name: "Cluster.start, in this run", value: cluster.startMs };
      report({ name: "reset after a rollout", value: median(used), unit: "ms", peer, target: "≤ 50" });
      report({ name: "reset of a cluster that nobody has used", value: median(unused), unit: "ms", peer });
    } finally {
      await cluster.stop();
    }
  },
};
