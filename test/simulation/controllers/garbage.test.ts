import { expect, it } from "vitest";
import type { Resource } from "../../../actors/client/resources.ts";
import { configMaps, deployments, replicaSets } from "../../../actors/client/resources.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, podsOf, web } from "./objects.ts";

async function withDeployment(seed: number): Promise<ControlPlane> {
  const plane = new ControlPlane({ seed, workers: 1 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(3)));
  await plane.until("3 replicas", () => isSettled(plane.client, 3));
  return plane;
}

it.each(["Background", "Foreground"] as const)(
  "removes what a Deployment owns, deleted in the %s",
  async (propagationPolicy) => {
    const plane = await withDeployment(1);
    await plane.do((client) => client.delete(deployments, "web", "default", { propagationPolicy }));
    await plane.until("everything gone", async () => {
      const sets = await plane.client.list(replicaSets, { namespace: "default" });
      const left = [...sets.items, ...(await podsOf(plane.client))];
      return left.length === 0 && (await plane.client.find(deployments, "web", "default")) === undefined;
    });
  },
);

it("keeps the owner until its dependents are gone, in the foreground", async () => {
  const plane = await withDeployment(2);
  plane.host.partition(["worker-0/kubelet"], ["api-server-0"]);
  await plane.do((client) => client.delete(deployments, "web", "default", { propagationPolicy: "Foreground" }));
  await plane.host.run(1_000);
  expect(await plane.do((client) => client.find(deployments, "web", "default"))).toBeDefined();
  plane.host.heal(["worker-0/kubelet"], ["api-server-0"]);
  await plane.until(
    "the owner gone",
    async () => (await plane.client.find(deployments, "web", "default")) === undefined,
  );
  expect(await plane.do(podsOf)).toEqual([]);
});

it("leaves orphans without their owner, and alive", async () => {
  const plane = await withDeployment(3);
  await plane.do((client) => client.delete(deployments, "web", "default", { propagationPolicy: "Orphan" }));
  await plane.until(
    "the owner gone",
    async () => (await plane.client.find(deployments, "web", "default")) === undefined,
  );
  await plane.host.run(1_000);
  const sets = await plane.do((client) => client.list(replicaSets, { namespace: "default" }));
  expect(sets.items.map(({ metadata }) => metadata?.ownerReferences ?? [])).toEqual([[]]);
  expect((await plane.do(podsOf)).length).toBe(3);
});

it("follows owners of kinds that no controller works on", async () => {
  const plane = new ControlPlane({ seed: 5, workers: 0 });
  await plane.start();
  const jobs: Resource = { group: "batch", version: "v1", resource: "jobs", kind: "Job", namespaced: true };
  const spec = { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "busybox" }] } } };
  const given = { metadata: { name: "sum", namespace: "default" }, spec };
  const job = await plane.do((client) => client.create(jobs, given));
  const owner = { apiVersion: "batch/v1", kind: "Job", name: "sum", uid: job.metadata?.uid ?? "" };
  const metadata = { name: "result", namespace: "default", ownerReferences: [owner] };
  await plane.do((client) => client.create(configMaps, { metadata }));
  await plane.host.run(1_000);
  expect(await plane.do((client) => client.find(configMaps, "result", "default"))).toBeDefined();
  await plane.do((client) => client.delete(jobs, "sum", "default", { propagationPolicy: "Background" }));
  await plane.until(
    "what it owned gone",
    async () => (await plane.client.find(configMaps, "result", "default")) === undefined,
  );
});

it("removes an object whose owner was never there, but not one whose owner's kind it does not know", async () => {
  const plane = new ControlPlane({ seed: 4, workers: 0 });
  await plane.start();
  const owned = (name: string, kind: string): Promise<unknown> =>
    plane.do((client) =>
      client.create(configMaps, {
        metadata: {
          name,
          namespace: "default",
          ownerReferences: [
            { apiVersion: kind === "Pod" ? "v1" : "example.com/v1", kind, name: "x", uid: "no-such-uid" },
          ],
        },
      }),
    );
  await owned("lost", "Pod");
  await owned("foreign", "Widget");
  await plane.until(
    "the lost one gone",
    async () => (await plane.client.find(configMaps, "lost", "default")) === undefined,
  );
  expect(await plane.do((client) => client.find(configMaps, "foreign", "default"))).toBeDefined();
});
