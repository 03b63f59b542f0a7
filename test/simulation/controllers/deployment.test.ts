import { expect, it } from "vitest";
import { deployments, events, pods, replicaSets } from "../../../actors/client/resources.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, podsOf, web } from "./objects.ts";

it("brings a Deployment up, spreads it, rolls it over and scales it", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 3 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(6)));
  await plane.until("6 replicas", () => isSettled(plane.client, 6));
  const perNode = new Map<string, number>();
  for (const { spec } of await plane.do(podsOf)) {
    perNode.set(spec?.nodeName ?? "", (perNode.get(spec?.nodeName ?? "") ?? 0) + 1);
  }
  expect([...perNode.values()]).toEqual([2, 2, 2]);

  const change = { spec: { template: { spec: { containers: [{ name: "web", image: "nginx:2" }] } } } };
  await plane.do((client) =>
    client.patch(deployments, "web", "default", change, { patchType: "application/strategic-merge-patch+json" }),
  );
  await plane.until("the rollout", () => isSettled(plane.client, 6));
  const sets = await plane.do((client) => client.list(replicaSets, { namespace: "default" }));
  expect(sets.items.map(({ spec }) => `${spec?.replicas}`).sort()).toEqual(["0", "6"]);
  const { status } = await plane.do((client) => client.get(deployments, "web", "default"));
  expect(status?.conditions?.find(({ type }) => type === "Progressing")).toMatchObject({
    status: "True",
    reason: "NewReplicaSetAvailable",
  });

  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 2 } }));
  await plane.until("2 replicas", () => isSettled(plane.client, 2));
  await plane.until("the other pods gone", async () => (await podsOf(plane.client)).length === 2);
  await plane.host.stop();
});

it("replaces a pod that was deleted", async () => {
  const plane = new ControlPlane({ seed: 2, workers: 1 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(2)));
  await plane.until("2 replicas", () => isSettled(plane.client, 2));
  const [first] = await plane.do(podsOf);
  const name = first?.metadata?.name ?? "";
  await plane.do((client) => client.delete(pods, name, "default"));
  await plane.until("another in its place", async () => {
    const left = await podsOf(plane.client);
    return left.length === 2 && left.every(({ metadata }) => metadata?.name !== name);
  });
  await plane.until("2 replicas", () => isSettled(plane.client, 2));
});

it("adopts a pod that matches and has no owner, instead of making another", async () => {
  const plane = new ControlPlane({ seed: 3, workers: 1 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(1)));
  await plane.until("1 replica", () => isSettled(plane.client, 1));
  const [only] = await plane.do(podsOf);
  const { name = "", labels = {} } = only?.metadata ?? {};
  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 2 } }));
  await plane.until("2 replicas", () => isSettled(plane.client, 2));
  const spare = { metadata: { name: "spare", namespace: "default", labels }, spec: only?.spec ?? { containers: [] } };
  const { nodeName: _node, ...unplaced } = spare.spec;
  await plane.do((client) => client.create(pods, { ...spare, spec: unplaced }));
  await plane.until("one of three gone", async () => {
    const left = await podsOf(plane.client);
    return left.length === 2 && left.every(({ metadata }) => metadata?.ownerReferences?.length === 1);
  });
  expect(name).not.toBe("");
});

it("makes 999 pods with few writes besides theirs, and counts what repeats", async () => {
  const node = { cpu: "1000", memory: "2000Gi", pods: "1000" };
  const plane = new ControlPlane({ seed: 4, workers: 2, node });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(1)));
  await plane.until("1 replica", () => isSettled(plane.client, 1));
  const revision = async (): Promise<number> =>
    Number((await plane.do((client) => client.list(events, { limit: 1 }))).metadata.resourceVersion);
  const before = await revision();
  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 999 } }));
  await plane.until("999 replicas", () => isSettled(plane.client, 999), 60_000);
  await plane.host.run(3_000);
  // Each pod: created, bound, reported, and one event. The rest is for the two that own them.
  expect((await revision()) - before).toBeLessThan(998 * 4 + 150);
  const told = (await plane.do((client) => client.list(events))).items.filter(
    ({ involvedObject, reason }) => involvedObject.kind === "ReplicaSet" && reason === "SuccessfulCreate",
  );
  expect(told.reduce((sum, { count }) => sum + (count ?? 0), 0)).toBe(999);
  expect(told.length).toBe(11);
}, 60_000);

it("tells by an event and a condition that its pods are refused", async () => {
  const plane = new ControlPlane({ seed: 11, workers: 1 });
  await plane.start();
  const { metadata, spec } = web(1);
  const template = { ...spec?.template, spec: { containers: [], ...spec?.template?.spec, serviceAccountName: "nope" } };
  const refused = { metadata: metadata ?? {}, spec: { ...spec, template } } as Deployment;
  await plane.do((client) => client.create(deployments, refused));
  const why = 'error looking up service account default/nope: serviceaccount "nope" not found';
  await plane.until("the condition", async () => {
    const { status } = await plane.client.get(deployments, "web", "default");
    const failure = status?.conditions?.find(({ type }) => type === "ReplicaFailure");
    return failure?.reason === "FailedCreate" && (failure.message ?? "").includes(why);
  });
  await plane.until("the event", async () => {
    const { items } = await plane.client.list(events, { namespace: "default" });
    return items.some(({ reason, message }) => reason === "FailedCreate" && (message ?? "").includes(why));
  });
});
