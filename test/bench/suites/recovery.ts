/** From the death of an actor until the cluster does again what that actor did. */
import { startClusterProcess } from "../cluster-process.ts";
import type { Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 7;
/** What a user notices: each is tried anew until it succeeds. */
const write = `cluster.client.patch(namespaces, "default", undefined, { metadata: { annotations: { bench: String(Math.random()) } } })`;
const schedule = `(async () => {
  const name = "bench-" + Math.random().toString(36).slice(2);
  await cluster.client.create(pods, { metadata: { name, namespace: "default" }, spec: { containers: [{ name: "main", image: "nginx" }], terminationGracePeriodSeconds: 0 } });
  await cluster.waitFor("pod/" + name, (pod) => pod.spec.nodeName !== undefined);
})()`;
const COMPONENTS = [
  { name: "etcd leader → a write acknowledged", actor: `await cluster.leader("etcd")`, probe: write },
  {
    name: "API server at the address → a request answered",
    actor: `await cluster.leader("api-server")`,
    probe: `cluster.client.get(namespaces, "default")`,
  },
  { name: "leading scheduler → a new pod placed", actor: `await cluster.leader("scheduler")`, probe: schedule },
  {
    name: "leading controller-manager → a new namespace has its account",
    actor: `await cluster.leader("controller-manager")`,
    probe: `(async () => {
      const name = "bench-" + Math.random().toString(36).slice(2);
      await cluster.client.create(namespaces, { metadata: { name } });
      await cluster.waitFor("serviceaccount/default", () => true, { namespace: name });
    })()`,
  },
  {
    name: "kubelet → a pod runs on its node",
    actor: `"worker-" + (round % 3) + "/kubelet"`,
    probe: `(async () => {
      const name = "bench-" + Math.random().toString(36).slice(2);
      await cluster.client.create(pods, { metadata: { name, namespace: "default" }, spec: { nodeName: "worker-" + (round % 3), containers: [{ name: "main", image: "nginx" }], terminationGracePeriodSeconds: 0 } });
      await cluster.waitFor("pod/" + name, "Ready");
    })()`,
  },
] as const;

export const recovery: Suite = {
  name: "recovery",
  about: `3 + 3 nodes, simulated pods; an actor is killed, then the user's own request is made; medians of ${ROUNDS} kills`,
  run: async (report) => {
    const cluster = await startClusterProcess({ masters: 3, workers: 3, pods: "simulated" });
    for (const { name, actor, probe } of COMPONENTS) {
      const times = await cluster.evaluate<number[]>(`(async () => {
        const { namespaces, pods } = await import("inkube");
        const times = [];
        for (let round = 0; round < ${ROUNDS}; round++) {
          await ${probe};
          const victim = ${actor};
          const started = performance.now();
          await cluster.kill(victim);
          await ${probe};
          times.push(performance.now() - started);
          while (cluster.actors().some(({ state }) => state !== "up")) await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return times;
      })()`);
      report({ name, value: median(times), unit: "ms" });
    }
    await cluster.stop();
  },
};
