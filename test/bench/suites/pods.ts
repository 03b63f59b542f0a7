/** How long a pod takes to run, by driver, and how long a Deployment takes to grow. */
import { startClusterProcess } from "../cluster-process.ts";
import type { Report, Suite } from "../report.ts";
import { median, percentile } from "../report.ts";

const SAMPLES = 40;
const REPLICAS = 999;
/** The peer's figures: KWOK, pod created until Ready on an idle cluster; Deployment 1 -> 999 replicas. */
const PEER_READY = { name: "KWOK", value: 16 };
const PEER_SCALE = { name: "KWOK", value: 8_000 };

const KINDS = [
  { name: "simulated", options: { pods: "simulated" }, container: { image: "nginx" }, target: "≤ 30" },
  { name: "thread", options: {}, container: { image: "nginx" }, target: "≤ 80" },
  { name: "process", options: {}, container: { image: "busybox", command: ["sleep", "600"] }, target: "≤ 150" },
] as const;

export const pods: Suite = {
  name: "pods",
  about: `3 + 3 nodes; ${SAMPLES} pods one after the other, then one Deployment to ${REPLICAS} replicas on 6 nodes that hold 250 pods each`,
  run: async (report) => {
    for (const { name, options, container, target } of KINDS) {
      const cluster = await startClusterProcess({ masters: 3, workers: 3, ...options });
      const program = `(async () => {
        const { pods } = await import("inkube");
        const times = [];
        for (let index = 0; index < ${SAMPLES + 5}; index++) {
          const name = "bench-" + index;
          const started = performance.now();
          await cluster.client.create(pods, { metadata: { name, namespace: "default" }, spec: { containers: [{ name: "main", ...${JSON.stringify(container)} }], terminationGracePeriodSeconds: 0 } });
          await cluster.waitFor("pod/" + name, "Ready");
          times.push(performance.now() - started);
          await cluster.client.delete(pods, name, "default");
          await cluster.waitFor("pod/" + name, "deleted");
        }
        return times.slice(5);
      })()`;
      const times = await cluster.evaluate<number[]>(program);
      await cluster.stop();
      report({ name: `pod created → Ready, ${name}`, value: median(times), unit: "ms", peer: PEER_READY, target });
      report({
        name: `pod created → Ready, ${name}, p99`,
        value: percentile(times, 0.99),
        unit: "ms",
        peer: { name: "KWOK", value: 68 },
      });
    }
    await scaling(report);
  },
};

async function scaling(report: Report): Promise<void> {
  const cluster = await startClusterProcess({
    masters: 3,
    workers: 6,
    pods: "simulated",
    capacity: { pods: "250", cpu: "1000" },
  });
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "bench" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "bench" } },
      template: { metadata: { labels: { app: "bench" } }, spec: { containers: [{ name: "main", image: "nginx" }] } },
    },
  };
  await cluster.evaluate(
    `cluster.apply(${JSON.stringify(deployment)}).then(() => cluster.waitFor("deployment/bench", "RolledOut")).then(() => null)`,
  );
  const before = cluster.cpuMs();
  const elapsed = await cluster.evaluate<number>(`(async () => {
    const started = performance.now();
    await cluster.apply(${JSON.stringify({ ...deployment, spec: { ...deployment.spec, replicas: REPLICAS } })});
    await cluster.waitFor("deployment/bench", "RolledOut", { timeoutMs: 120000 });
    return performance.now() - started;
  })()`);
  const cpuMs = cluster.cpuMs() - before;
  await cluster.stop();
  report({
    name: `Deployment 1 → ${REPLICAS} replicas, simulated`,
    value: elapsed,
    unit: "ms",
    peer: PEER_SCALE,
    target: "≤ 10,000",
  });
  report({
    name: `Deployment 1 → ${REPLICAS} replicas, CPU`,
    value: cpuMs,
    unit: "ms",
    peer: { name: "KWOK", value: 15_400 },
  });
}
