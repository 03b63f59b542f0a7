/** Everybody evicts at once, and the budget holds. */
import { expect, it } from "vitest";
import { deployments, podDisruptionBudgets, pods } from "../../../actors/client/resources.ts";
import type { Resource } from "../../../actors/client/resources.ts";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

it.each([1, 2])("never fewer pods are ready than the budget wants (seed %i)", async (seed) => {
  const cluster = new SimulatedCluster({ seed });
  watchCrashes(cluster.host);
  await cluster.start();
  await cluster.run(async () => {
    const { client, clock } = cluster;
    const selector = { matchLabels: { app: "a" } };
    const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "a", image: "nginx" }] } };
    const metadata = { name: "a", namespace: "default" };
    await client.create(deployments, { metadata, spec: { replicas: 6, selector, template } });
    await cluster.waitFor(deployments, "a", "default", "RolledOut", 10_000);
    await client.create(podDisruptionBudgets, { metadata, spec: { maxUnavailable: 2, selector } });
    const allows = (count: number): Promise<unknown> =>
      cluster.waitFor(
        podDisruptionBudgets,
        "a",
        "default",
        ({ status }) => status?.disruptionsAllowed === count,
        10_000,
      );
    await allows(2);
    let evicted = 0;
    let refused = 0;
    for (let rounds = 0; rounds < 3; rounds++) {
      const { items } = await client.list(pods, { namespace: "default" });
      await Promise.all(
        items.map(async ({ metadata: { name = "" } = {} }) => {
          const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: "default" } };
          try {
            await client.create(pods as Resource<KubernetesObject>, eviction, { subresource: "eviction" });
            evicted++;
          } catch (error) {
            if (!hasReason(error, "TooManyRequests")) throw error;
            refused++;
          }
        }),
      );
      const left = (await client.list(pods, { namespace: "default" })).items;
      const stays = left.filter(({ metadata: of }) => of?.deletionTimestamp === undefined);
      expect(stays.length).toBeGreaterThanOrEqual(4);
      await clock.sleep(100);
      await allows(2);
    }
    expect([evicted, refused]).toEqual([6, 12]);
  }, 60_000);
  await cluster.host.stop();
});
