import { expect, it } from "vitest";
import { deployments, events, nodes, pods } from "../../../actors/client/resources.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, podsOf, web } from "./objects.ts";

const MESSAGE =
  "0/2 nodes are available: 2 Insufficient cpu. " +
  "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";

it("says why a pod can't be placed, and places it when room is made", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 2, node: { cpu: "1" } });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(3, "default", "600m")));
  await plane.until(
    "2 of 3 running",
    async () => (await podsOf(plane.client)).filter(({ status }) => status?.phase === "Running").length === 2,
  );
  await plane.until("the reason", async () => {
    const waiting = (await podsOf(plane.client)).find(({ spec }) => spec?.nodeName === undefined);
    const condition = waiting?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    return condition?.reason === "Unschedulable" && condition.message === MESSAGE;
  });
  const told = await plane.do((client) => client.list(events, { namespace: "default" }));
  expect(told.items.find(({ reason }) => reason === "FailedScheduling")).toMatchObject({
    type: "Warning",
    message: MESSAGE,
    source: { component: "default-scheduler" },
  });
  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 2 } }));
  await plane.until("2 replicas", () => isSettled(plane.client, 2));
  const [victim] = await plane.do(podsOf);
  await plane.do((client) => client.delete(pods, victim?.metadata?.name ?? "", "default"));
  const replacedMs = await plane.until("2 replicas again", async () => {
    const left = await podsOf(plane.client);
    return (
      left.length === 2 &&
      left.every(({ status, metadata }) => status?.phase === "Running" && metadata?.uid !== victim?.metadata?.uid)
    );
  });
  expect(replacedMs).toBeLessThan(1_000);
});

it("keeps pods off a cordoned node, and uses it again when it is let in", async () => {
  const plane = new ControlPlane({ seed: 2, workers: 1 });
  await plane.start();
  await plane.until("the node", async () => (await plane.client.find(nodes, "worker-0")) !== undefined);
  await plane.do((client) => client.patch(nodes, "worker-0", undefined, { spec: { unschedulable: true } }));
  await plane.host.run(200);
  await plane.do((client) => client.create(deployments, web(1)));
  await plane.host.run(1_000);
  const [pod] = await plane.do(podsOf);
  expect(pod?.spec?.nodeName).toBeUndefined();
  await plane.do((client) => client.patch(nodes, "worker-0", undefined, { spec: { unschedulable: null } }));
  await plane.until("1 replica", () => isSettled(plane.client, 1));
});

it("does not touch pods of another scheduler, nor those that a gate holds back", async () => {
  const plane = new ControlPlane({ seed: 3, workers: 1 });
  await plane.start();
  const pod = (name: string, more: object): Promise<unknown> =>
    plane.do((client) =>
      client.create(pods, {
        metadata: { name, namespace: "default" },
        spec: { containers: [{ name: "c", image: "pause" }], ...more },
      }),
    );
  await pod("theirs", { schedulerName: "other" });
  await pod("gated", { schedulingGates: [{ name: "wait" }] });
  await plane.host.run(1_000);
  expect((await plane.do(podsOf)).map(({ spec }) => spec?.nodeName)).toEqual([undefined, undefined]);
  await plane.do((client) => client.patch(pods, "gated", "default", { spec: { schedulingGates: null } }));
  await plane.until(
    "the gated pod placed",
    async () => (await plane.client.get(pods, "gated", "default")).spec?.nodeName === "worker-0",
  );
});
