/** What holds of where pods are, whatever is asked and whoever dies meanwhile. */
import { expect, it } from "vitest";
import type { Client } from "../../../actors/client/client.ts";
import type { Resource } from "../../../actors/client/resources.ts";
import { events, nodes, pods } from "../../../actors/client/resources.ts";
import type { Pod, PodSpec } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { PriorityClass } from "../../../protocols/kubernetes/types/scheduling-v1.ts";
import { SchedulingWorld } from "../../fixtures/scheduling.ts";
import { ControlPlane } from "./control-plane.ts";
import { leaderOf, podsOf } from "./objects.ts";

const priorityClasses: Resource<PriorityClass> = {
  group: "scheduling.k8s.io",
  version: "v1",
  resource: "priorityclasses",
  kind: "PriorityClass",
  namespaced: false,
};
const ZONE = "topology.kubernetes.io/zone";
const HOST = "kubernetes.io/hostname";
const PRIORITIES = { low: 10, middle: 100, high: 1_000 } as const;
type Priority = keyof typeof PRIORITIES;

function pod(name: string, cpuMilli: number, priority: Priority, app: string, more: Partial<PodSpec> = {}): Pod {
  const resources = { requests: { cpu: `${cpuMilli}m`, memory: "16Mi" } };
  return {
    metadata: { name, namespace: "default", labels: { app } },
    spec: { containers: [{ name: "c", image: "pause", resources }], priorityClassName: priority, ...more },
  };
}

async function prepare(plane: ControlPlane, workers: number): Promise<void> {
  await plane.start();
  await plane.do(async (client) => {
    for (const [name, value] of Object.entries(PRIORITIES)) {
      await client.create(priorityClasses, { metadata: { name }, value });
    }
  });
  await plane.until("nodes", async () => (await plane.client.list(nodes)).items.length === workers);
  await plane.do(async (client) => {
    for (let index = 0; index < workers; index++) {
      const labels = { [ZONE]: `z${index % 2}` };
      await client.patch(nodes, `worker-${index}`, undefined, { metadata: { labels } });
    }
  });
}

it("makes room for a more urgent pod, says so, and lets the others go", async () => {
  const plane = new ControlPlane({ seed: 4, workers: 1, node: { cpu: "1" } });
  await prepare(plane, 1);
  await plane.do((client) => client.create(pods, pod("old", 800, "low", "a")));
  const isOn = async (name: string): Promise<boolean> =>
    (await plane.client.get(pods, name, "default")).spec?.nodeName === "worker-0";
  await plane.until("the old one", () => isOn("old"));
  await plane.do((client) => client.create(pods, pod("new", 800, "high", "b")));
  await plane.until("the new one in its place", () => isOn("new"), 2_000);
  const uid = (await plane.do((client) => client.get(pods, "new", "default"))).metadata?.uid ?? "";
  expect((await plane.do(podsOf)).map(({ metadata }) => metadata?.name)).toEqual(["new"]);
  const told = async (reason: string): Promise<readonly unknown[]> =>
    (await plane.client.list(events, { namespace: "default" })).items
      .filter((event) => event.reason === reason)
      .map(({ type, message, involvedObject }) => [involvedObject.name, type, message]);
  expect(await plane.do(() => told("Preempted"))).toEqual([
    ["old", "Normal", `Preempted by pod ${uid} on node worker-0`],
  ]);
  expect(await plane.do(() => told("FailedScheduling"))).toContainEqual([
    "new",
    "Warning",
    "0/1 nodes are available: 1 Insufficient cpu. " +
      "preemption: found a potential placement for pod on node worker-0, preempting 1 victims",
  ]);
});

const WORKERS = 4;
const NODE_CPU_MILLI = 2_000;
const apart = (app: string): NonNullable<PodSpec["affinity"]> => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOST, labelSelector: { matchLabels: { app } } }],
  },
});
const spread = (app: string): NonNullable<PodSpec["topologySpreadConstraints"]> => [
  { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app } } },
];

it.each([11, 12, 14])("over-commits no node and breaks no rule while leaders die (seed %i)", async (seed) => {
  const plane = new ControlPlane({ seed, masters: 3, workers: WORKERS, node: { cpu: "2" } });
  await prepare(plane, WORKERS);
  const random = draws(seed);
  const asked = new Map<string, Priority>();
  for (let round = 0; round < 12; round++) {
    await plane.do(async (client) => {
      for (const made of drawnPods(round, random)) {
        const { metadata } = await client.create(pods, made);
        asked.set(metadata?.uid ?? "", (made.spec?.priorityClassName ?? "low") as Priority);
      }
    });
    await plane.host.run(random(60));
    judge(await plane.do(podsOf));
    if (round % 2 === 1) plane.host.kill(await plane.do((client) => leaderOf(client, "kube-scheduler")));
    await plane.host.run(random(60));
    judge(await plane.do(podsOf));
  }
  const idle = async (): Promise<boolean> => (await podsOf(plane.client)).every((one) => isPlaced(one) || isTold(one));
  await plane.until("all placed or told why not", idle);
  await plane.host.run(12_000);
  const left = await plane.do(podsOf);
  judge(left);
  await plane.do((client) => judgePreemptions(client, asked));
  // Who waits waits for good reason: on nodes as they are there is no place for it, and nobody to make one.
  const world = await plane.do((client) => worldOf(client, left));
  const waiting = left.filter((one) => !isPlaced(one));
  for (const one of waiting) {
    const decision = world.decide(one);
    expect(decision.node, one.metadata?.name).toBeUndefined();
    if (decision.node === undefined) expect(decision.postFilter?.victims, one.metadata?.name).toBeUndefined();
  }
  expect(waiting.length).toBeGreaterThan(0);
  expect(left.length - waiting.length).toBeGreaterThan(WORKERS);
});

function draws(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return 1 + (Math.floor(state / 2 ** 8) % most);
  };
}

function drawnPods(round: number, random: (most: number) => number): readonly Pod[] {
  const urgency = (): Priority => (["low", "middle", "high"] as const)[random(3) - 1]!;
  const names = Array.from({ length: random(6) }, (_, index) => `p${round}-${index}`);
  return names.map((name) => {
    switch (random(3)) {
      case 1:
        return pod(name, 100 * random(5), "high", "apart", { affinity: apart("apart") });
      case 2:
        return pod(name, 100, "high", "spread", { topologySpreadConstraints: spread("spread") });
      default:
        return pod(name, 150 * random(6), urgency(), "plain");
    }
  });
}

function isPlaced({ spec }: Pod): boolean {
  return (spec?.nodeName ?? "") !== "";
}

function isTold({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === "PodScheduled" && value === "False") ?? false;
}

function judge(all: readonly Pod[]): void {
  const placed = all.filter(isPlaced);
  const cpuMilli = new Map<string, number>();
  for (const { spec } of placed) {
    const cpu = Number.parseInt(spec?.containers[0]?.resources?.requests?.["cpu"] ?? "0", 10);
    cpuMilli.set(spec?.nodeName ?? "", (cpuMilli.get(spec?.nodeName ?? "") ?? 0) + cpu);
  }
  for (const [node, used] of cpuMilli) expect(used, node).toBeLessThanOrEqual(NODE_CPU_MILLI);
  const nodesOf = (app: string): readonly string[] =>
    placed.filter(({ metadata }) => metadata?.labels?.["app"] === app).map(({ spec }) => spec?.nodeName ?? "");
  expect(new Set(nodesOf("apart")).size).toBe(nodesOf("apart").length);
  const zones = [0, 0];
  for (const node of nodesOf("spread")) zones[Number(node.at(-1)) % 2]!++;
  expect(Math.abs(zones[0]! - zones[1]!)).toBeLessThanOrEqual(1);
}

/** Nobody has given way to an equal. */
async function judgePreemptions(client: Client, asked: ReadonlyMap<string, Priority>): Promise<void> {
  const told = (await client.list(events, { namespace: "default" })).items.filter(
    ({ reason }) => reason === "Preempted",
  );
  expect(told.length).toBeGreaterThan(0);
  for (const { message = "", involvedObject } of told) {
    const by = asked.get(/^Preempted by pod (\S+) /.exec(message)?.[1] ?? "");
    const victim = asked.get(involvedObject.uid ?? "");
    expect([by, victim]).not.toContain(undefined);
    expect(PRIORITIES[by!]).toBeGreaterThan(PRIORITIES[victim!]);
  }
}

async function worldOf(client: Client, all: readonly Pod[]): Promise<SchedulingWorld> {
  const world = new SchedulingWorld();
  for (const node of (await client.list(nodes)).items) world.cache.setNode(node);
  for (const one of all) if (isPlaced(one)) world.cache.setPod(one);
  return world;
}
