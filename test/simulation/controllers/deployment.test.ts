import { expect, it } from "vitest";
import { deployments, nodes, pods, replicaSets } from "../../../actors/client/resources.ts";
import type { Deployment } from "../../../protocols/kubernetes/apps-v1.ts";
import { ControlPlane } from "./control-plane.ts";

function web(replicas: number, image: string = "nginx:1"): Deployment {
  return {
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image, resources: { requests: { cpu: "10m", memory: "16Mi" } } }] },
      },
    },
  };
}

it("brings a Deployment up, spreads it, rolls it over and scales it", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 3 });
  await plane.start();
  await plane.until("nodes", async () => (await plane.client.list(nodes)).items.length === 3);
  await plane.do((client) => client.create(deployments, web(6)));
  const settled = async (replicas: number): Promise<boolean> => {
    const { status, metadata } = await plane.client.get(deployments, "web", "default");
    return (
      status?.observedGeneration === metadata?.generation &&
      status?.availableReplicas === replicas &&
      status.updatedReplicas === replicas &&
      status.replicas === replicas
    );
  };
  const upMs = await plane.until("6 replicas", () => settled(6));
  const placed = await plane.do((client) => client.list(pods, { namespace: "default" }));
  const perNode = new Map<string, number>();
  for (const { spec } of placed.items) perNode.set(spec?.nodeName ?? "", (perNode.get(spec?.nodeName ?? "") ?? 0) + 1);
  expect([...perNode.values()]).toEqual([2, 2, 2]);

  const change = { spec: { template: { spec: { containers: [{ name: "web", image: "nginx:2" }] } } } };
  await plane.do((client) =>
    client.patch(deployments, "web", "default", change, { patchType: "application/strategic-merge-patch+json" }),
  );
  const rollMs = await plane.until("the rollout", () => settled(6));
  const sets = await plane.do((client) => client.list(replicaSets, { namespace: "default" }));
  expect(sets.items.map(({ spec }) => spec?.replicas).sort()).toEqual([0, 6]);
  const { status } = await plane.do((client) => client.get(deployments, "web", "default"));
  expect(status?.conditions?.find(({ type }) => type === "Progressing")).toMatchObject({
    status: "True",
    reason: "NewReplicaSetAvailable",
  });
  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 2 } }));
  await plane.until("2 replicas", () => settled(2));
  await plane.until(
    "the pods gone",
    async () => (await plane.client.list(pods, { namespace: "default" })).items.length === 2,
  );
  expect(plane.host.crashes).toEqual([]);
  expect(upMs).toBeLessThan(2_000);
  expect(rollMs).toBeLessThan(5_000);
  await plane.host.stop();
});
