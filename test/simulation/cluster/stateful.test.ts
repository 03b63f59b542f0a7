/** StatefulSets and DaemonSets in the simulated cluster, whose nodes, containers and actors die: one identity runs once at most, and each comes back. */
import { expect, it } from "vitest";
import { daemonSets, pods, statefulSets } from "../../../actors/client/resources.ts";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { containerRuntimeProtocol } from "../../../protocols/container-runtime.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { DaemonSetSpec } from "../../../protocols/kubernetes/types/apps-v1.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

const NAMESPACE = "default";
const REPLICAS = 3;
const LIMIT_MS = 240_000;
const WAIT_MS = 60_000;

function specOf(app: string): DaemonSetSpec {
  const template = { metadata: { labels: { app } }, spec: { containers: [{ name: "c", image: "nginx:1" }] } };
  return { selector: { matchLabels: { app } }, template };
}

/** Names of pods whose container runs, one for each node that it runs on. */
async function running(cluster: SimulatedCluster): Promise<readonly string[]> {
  const names: string[] = [];
  for (const runtime of cluster.runtimes) {
    try {
      const ref = cluster.host.context.ref(containerRuntimeProtocol, runtime);
      const sandboxes = (await ref.call("listPodSandbox", null)).items;
      for (const { state, podSandboxId } of (await ref.call("listContainers", null)).items) {
        if (state !== "CONTAINER_RUNNING") continue;
        names.push(sandboxes.find(({ id }) => id === podSandboxId)?.metadata.name ?? "");
      }
    } catch (error) {
      if (!hasCode(error)) throw error;
    }
  }
  return names;
}

async function story(seed: number): Promise<void> {
  const cluster = new SimulatedCluster({ seed, masters: 3, workers: 3 });
  watchCrashes(cluster.host);
  const random = new SeededRandom(seed, "story");
  await cluster.start();
  const { client } = cluster;
  const once = async (): Promise<void> => {
    const names = await running(cluster);
    expect(new Set(names).size, names.join()).toBe(names.length);
  };
  const whole = async (): Promise<boolean> => {
    await once();
    const { status: web } = await client.get(statefulSets, "web", NAMESPACE);
    const { status: agent } = await client.get(daemonSets, "agent", NAMESPACE);
    return web?.availableReplicas === REPLICAS && agent?.numberAvailable === 3 && agent.updatedNumberScheduled === 3;
  };
  await cluster.run(async () => {
    const metadata = (name: string): object => ({ metadata: { name, namespace: NAMESPACE } });
    const podManagementPolicy = seed % 2 === 0 ? "Parallel" : "OrderedReady";
    const own = { replicas: REPLICAS, serviceName: "web", podManagementPolicy } as const;
    await client.create(statefulSets, { ...metadata("web"), spec: { ...specOf("web"), ...own } });
    await client.create(daemonSets, { ...metadata("agent"), spec: specOf("agent") });
    await cluster.until("both are there", WAIT_MS, whole);
    for (let act = 0; act < 2; act++) {
      const node = `worker-${random.below(3)}`;
      if (random.next() < 0.5) await client.delete(pods, `web-${random.below(REPLICAS)}`, NAMESPACE);
      cluster.host.kill(`controller-manager-${random.below(3)}`);
      await cluster.killNode(node);
      const hasLost = (pod: { readonly spec?: { readonly nodeName?: string } }): boolean => pod.spec?.nodeName !== node;
      await cluster.until(`web elsewhere than on ${node}`, WAIT_MS, async () => {
        await once();
        const { items } = await client.list(pods, { namespace: NAMESPACE, labelSelector: "app=web" });
        return (
          items.length === REPLICAS && items.every(hasLost) && items.every(({ status }) => status?.phase === "Running")
        );
      });
      await cluster.restoreNode(node);
      await cluster.until(`both are there again after ${node}`, WAIT_MS, whole);
    }
  }, LIMIT_MS);
  await cluster.host.stop();
}

it.each([1, 2])("comes through lost nodes and dead controllers (seed %i)", (seed) => story(seed), 60_000);
