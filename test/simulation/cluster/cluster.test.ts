import { describe, expect, it } from "vitest";
import { CLUSTER_FAULTS } from "../../../actors/cluster/simulation/fault-plan.ts";
import { DecisionLog } from "../../../runtime/simulation/decisions.ts";
import { runScenario } from "../../../actors/cluster/simulation/scenario.ts";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { deployments, pods } from "../../../actors/client/resources.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

/**
 * One of them has all features. Each is told twice, and only as long as it takes to break most of what it breaks. Others are run once,
 * and longer, in `kept-seeds.test.ts`.
 */
const SEEDS = [
  { seed: 3, minutes: 0.25 },
  { seed: 6, minutes: 0.23 },
  { seed: 7, minutes: 0.4 },
];

describe("the whole cluster in the simulation", () => {
  it.each(SEEDS)("with seed $seed comes to what was asked of it, and repeats itself to the byte", async (told) => {
    let first = "";
    let second = "";
    const result = await runScenario(told, (text) => void (first = text));
    const again = await runScenario(told, (text) => void (second = text));
    expect(result.events).toBeGreaterThan(1_000);
    expect(first).toBe(second);
    expect(again).toEqual(result);
  });

  it.each([2, 3])("with seed %i comes through bad links, disks and clocks, and repeats from its log", async (seed) => {
    const faults = CLUSTER_FAULTS;
    const record = new DecisionLog(seed, null);
    const result = await runScenario({ seed, minutes: 0.5, faults, record });
    expect(result.story.at(-1)).toContain("every node is Ready");
    expect(record.labels).toEqual(expect.arrayContaining(["fault/power", "fault/raft-drop/etcd-0>etcd-1"]));
    const replay = DecisionLog.fromBytes(record.toBytes());
    expect(await runScenario({ seed, minutes: 0.5, faults, replay })).toEqual(result);
  });

  it("tells different stories from different seeds", async () => {
    const digests = await Promise.all([11, 12].map(async (seed) => (await runScenario({ seed, minutes: 0.1 })).digest));
    expect(digests[0]).not.toBe(digests[1]);
  });

  it("does not keep a pod from running elsewhere when its node is lost", async () => {
    const cluster = new SimulatedCluster({ seed: 1 });
    watchCrashes(cluster.host);
    await cluster.start();
    await cluster.run(async () => {
      const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "a", image: "nginx" }] } };
      const spec = { replicas: 6, selector: { matchLabels: { app: "a" } }, template };
      await cluster.client.create(deployments, { metadata: { name: "a", namespace: "default" }, spec });
      await cluster.waitFor(deployments, "a", "default", "RolledOut", 10_000);
      await cluster.killNode("worker-1");
      const lost = (await cluster.client.list(pods)).items.filter((pod) => pod.spec?.nodeName === "worker-1");
      expect(lost.length).toBeGreaterThan(0);
      await cluster.waitFor(deployments, "a", "default", ({ status }) => (status?.availableReplicas ?? 0) < 6, 10_000);
      await cluster.waitFor(deployments, "a", "default", ({ status }) => status?.availableReplicas === 6, 10_000);
    }, 60_000);
    await cluster.host.stop();
  });
});
