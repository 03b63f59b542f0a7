import { expect, it } from "vitest";
import { deployments, endpointSlices, nodes, pods, services } from "../../../actors/client/resources.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, podsOf, web, webService } from "./objects.ts";

const API_SERVERS = ["api-server-0"];

it("gives each node a range of its own", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 3 });
  await plane.start();
  await plane.until("three ranges", async () => {
    const ranges = (await plane.client.list(nodes)).items.map(({ spec }) => spec?.podCIDR);
    return ranges.length === 3 && new Set(ranges).size === 3 && !ranges.includes(undefined);
  });
});

it("marks a lost node, moves its pods within seconds, and takes everything back when it returns", async () => {
  const plane = new ControlPlane({ seed: 2, workers: 3 });
  await plane.start();
  await plane.do((client) => client.create(services, webService()));
  await plane.do((client) => client.create(deployments, web(6)));
  await plane.until("6 replicas", () => isSettled(plane.client, 6));
  // Past the first renewals, which a namespace that is still missing may delay.
  await plane.host.run(1_500);

  plane.host.partition(["worker-0/kubelet"], API_SERVERS);
  const lostMs = await plane.until("the node lost", async () => {
    const { status, spec } = await plane.client.get(nodes, "worker-0");
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    return ready?.status === "Unknown" && spec?.taints?.some(({ effect }) => effect === "NoExecute") === true;
  });
  expect(lostMs).toBeGreaterThan(1_900);
  expect(lostMs).toBeLessThan(3_500);
  await plane.until("its endpoints out", async () => {
    const { items } = await plane.client.list(endpointSlices, { namespace: "default" });
    const ready = items
      .flatMap((slice) => slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready === true);
    return ready.every(({ nodeName }) => nodeName !== "worker-0");
  });
  const movedMs = await plane.until("6 pods elsewhere", async () => {
    const left = (await podsOf(plane.client)).filter(
      ({ spec, metadata }) => spec?.nodeName !== "worker-0" && metadata?.deletionTimestamp === undefined,
    );
    return left.filter(({ status }) => status?.phase === "Running").length === 6;
  });
  expect(movedMs).toBeLessThan(2_000);

  plane.host.heal(["worker-0/kubelet"], API_SERVERS);
  await plane.until("the node back", async () => {
    const { status, spec } = await plane.client.get(nodes, "worker-0");
    return (
      status?.conditions?.find(({ type }) => type === "Ready")?.status === "True" && (spec?.taints ?? []).length === 0
    );
  });
  await plane.until("the old pods gone", async () => (await podsOf(plane.client)).length === 6);
});

it("removes pods without the kubelet's word from a node that stays lost, and from one that was deleted", async () => {
  const plane = new ControlPlane({
    seed: 3,
    workers: 2,
    controllerManager: { lostPodDeleteMs: 1_000, podGcQuarantineMs: 500 },
  });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(2)));
  await plane.until("2 replicas", () => isSettled(plane.client, 2));
  plane.host.partition(["worker-0/kubelet"], API_SERVERS);
  await plane.until(
    "none on the lost node",
    async () => (await podsOf(plane.client)).every(({ spec }) => spec?.nodeName === "worker-1"),
    60_000,
  );
  plane.host.partition(["worker-1/kubelet"], API_SERVERS);
  await plane.do((client) => client.delete(nodes, "worker-1"));
  await plane.until("none on the deleted node", async () =>
    (await podsOf(plane.client)).every(({ spec }) => spec?.nodeName !== "worker-1"),
  );
});

it("does not take all nodes for lost when it is itself the one that heard nothing", async () => {
  const plane = new ControlPlane({ seed: 4, workers: 3 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(3)));
  await plane.until("3 replicas", () => isSettled(plane.client, 3));
  const before = (await plane.do(podsOf)).map(({ metadata }) => metadata?.uid ?? "").sort();
  plane.host.stall("etcd-0", 2_500);
  await plane.host.run(8_000);
  expect((await plane.do(podsOf)).map(({ metadata }) => metadata?.uid ?? "").sort()).toEqual(before);
});

it("writes nothing but Leases when nothing happens", async () => {
  const plane = new ControlPlane({ seed: 5, workers: 3 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(3)));
  await plane.until("3 replicas", () => isSettled(plane.client, 3));
  await plane.host.run(3_000);
  const revision = async (): Promise<number> =>
    Number((await plane.do((client) => client.list(pods, { limit: 1 }))).metadata.resourceVersion);
  const before = await revision();
  await plane.host.run(10_000);
  // Three nodes and two leaders, each second.
  expect((await revision()) - before).toBeLessThanOrEqual(52);
});
