import fc from "fast-check";
import { expect, it } from "vitest";
import { SchedulerCache } from "../../../../../actors/scheduler/core/cache.ts";
import { podInfo } from "../../../../../actors/scheduler/core/pod-info.ts";
import type { Decision } from "../../../../../actors/scheduler/core/schedule.ts";
import { feasibleNodesWanted } from "../../../../../actors/scheduler/core/schedule.ts";
import { SchedulingWorld } from "../../../../fixtures/scheduling.ts";
import type { Container, Node, NodeSpec, Pod, PodSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";

interface NodeOptions {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Record<string, string>;
  readonly spec?: NodeSpec;
}

function node(
  name: string,
  { cpu = "4", memory = "8Gi", pods = "110", labels = {}, spec = {} }: NodeOptions = {},
): Node {
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } },
    spec,
    status: { allocatable: { cpu, memory, pods } },
  };
}

function pod(name: string, cpu: string, memory: string, rest: Partial<PodSpec> = {}, owner?: string): Pod {
  return {
    metadata: {
      name,
      namespace: "default",
      uid: name,
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }],
          }),
    },
    spec: { containers: [{ name: "c", resources: { requests: { cpu, memory } } }], ...rest },
  };
}

function decide(nodes: readonly Node[], wanted: Pod, placed: readonly Pod[] = []): Decision {
  const world = new SchedulingWorld();
  for (const each of nodes) world.cache.setNode(each);
  for (const each of placed) world.cache.setPod(each);
  return world.decide(wanted);
}

function on(nodeName: string, base: Pod): Pod {
  return { ...base, spec: { containers: [], ...base.spec, nodeName } };
}

it("says in Kubernetes' words why no node takes a pod", () => {
  const nodes = [
    node("a", { cpu: "1" }),
    node("b", { cpu: "1", memory: "1Gi" }),
    node("c", { spec: { taints: [{ key: "k", effect: "NoSchedule" }] } }),
  ];
  expect(decide(nodes, pod("p", "2", "2Gi"))).toMatchObject({
    node: undefined,
    message:
      "0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 2 Insufficient cpu. " +
      "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
  });
  expect(decide([], pod("p", "1", "1Gi"))).toMatchObject({ message: "no nodes available to schedule pods" });
});

it("says in Kubernetes' words that a claim is missing, which no node can help", () => {
  const claim = { name: "v", persistentVolumeClaim: { claimName: "nope" } };
  const template = { name: "v", ephemeral: { volumeClaimTemplate: { spec: {} } } };
  const messageOf = (volume: object): unknown =>
    (decide([node("a", {})], pod("p", "1", "1Gi", { volumes: [volume as never] })) as { message?: string }).message;
  expect(messageOf(claim)).toBe('0/1 nodes are available: persistentvolumeclaim "nope" not found. not found');
  expect(messageOf(template)).toBe(
    '0/1 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "p-v". not found',
  );
});

it.each<[string, Partial<PodSpec>, NodeOptions, string | undefined]>([
  ["a cordoned node", {}, { spec: { unschedulable: true } }, "NodeUnschedulable"],
  [
    "a cordoned node that is tolerated",
    { tolerations: [{ operator: "Exists" }] },
    { spec: { unschedulable: true } },
    undefined,
  ],
  ["another node than the one named", { nodeName: "other" }, {}, "NodeName"],
  ["a node without the selected label", { nodeSelector: { disk: "ssd" } }, {}, "NodeAffinity"],
  ["a node with the selected label", { nodeSelector: { disk: "ssd" } }, { labels: { disk: "ssd" } }, undefined],
  ["a full node", {}, { pods: "0" }, "NodeResourcesFit"],
  [
    "a tainted node, tolerated for another value",
    { tolerations: [{ key: "k", value: "w", effect: "NoSchedule" }] },
    { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } },
    "TaintToleration",
  ],
  [
    "a node that is only better avoided",
    {},
    { spec: { taints: [{ key: "k", effect: "PreferNoSchedule" }] } },
    undefined,
  ],
  [
    "a node in none of the wanted zones",
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["b"] }] }, {}],
          },
        },
      },
    },
    { labels: { zone: "a" } },
    "NodeAffinity",
  ],
  [
    "a node whose number is high enough",
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: "gen", operator: "Gt", values: ["3"] }] }],
          },
        },
      },
    },
    { labels: { gen: "4" } },
    undefined,
  ],
])("judges %s", (_name, spec, options, plugin) => {
  const decision = decide([node("a", options)], pod("p", "1", "1Gi", spec));
  expect(decision.rejections.get("a")?.plugin).toBe(plugin);
  expect(decision.node).toBe(plugin === undefined ? "a" : undefined);
});

it("gives a host port to one pod of a node only", () => {
  const withPort: Partial<PodSpec> = { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 8080 }] }] };
  const decision = decide([node("a")], pod("p", "1", "1Gi", withPort), [on("a", pod("q", "1", "1Gi", withPort))]);
  expect(decision.rejections.get("a")?.reasons).toEqual(["node(s) didn't have free ports for the requested pod ports"]);
});

it("prefers the emptier node, the preferred label, and the node without a soft taint", () => {
  expect(decide([node("a"), node("b")], pod("p", "1", "1Gi"), [on("a", pod("q", "2", "4Gi"))]).node).toBe("b");
  const prefers: Partial<PodSpec> = {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 5, preference: { matchExpressions: [{ key: "zone", operator: "In", values: ["z"] }] } },
        ],
      },
    },
  };
  expect(decide([node("a"), node("b", { labels: { zone: "z" } })], pod("p", "1", "1Gi", prefers)).node).toBe("b");
  const soft = node("a", { spec: { taints: [{ key: "k", effect: "PreferNoSchedule" }] } });
  expect(decide([soft, node("b")], pod("p", "1", "1Gi")).node).toBe("b");
});

it("counts the sum of containers and sidecars, or the hungriest init container", () => {
  const cpu = (amount: string, more: Partial<Container> = {}): Container => ({
    name: "c",
    resources: { requests: { cpu: amount } },
    ...more,
  });
  const info = podInfo({
    metadata: { name: "p", namespace: "n" },
    spec: {
      containers: [cpu("100m"), cpu("200m")],
      initContainers: [cpu("150m", { restartPolicy: "Always" }), cpu("1")],
      overhead: { cpu: "10m" },
    },
  });
  expect(info.requests.cpuMilli).toBe(1_160);
});

it("spreads the replicas of one owner evenly over like nodes", () => {
  const world = new SchedulingWorld();
  const { cache } = world;
  for (const name of ["a", "b", "c"]) cache.setNode(node(name));
  world.objects.setController("ReplicaSet", "default", "rs", { matchLabels: { app: "web" } });
  const counts = new Map<string, number>();
  for (let index = 0; index < 9; index++) {
    const replica = pod(`p${index}`, "10m", "1Mi", {}, "rs");
    const info = podInfo({ ...replica, metadata: { ...replica.metadata, labels: { app: "web" } } });
    const { node: chosen } = world.decide(info, 0.5);
    if (chosen === undefined) throw new Error("no node");
    cache.assume(info, chosen);
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  expect([...counts.values()]).toEqual([3, 3, 3]);
});

it("never places more on a node than it can hold, and refuses only when no node has room", () => {
  const amounts = fc.record({ cpu: fc.integer({ min: 0, max: 2_000 }), memory: fc.integer({ min: 0, max: 2_048 }) });
  fc.assert(
    fc.property(fc.array(amounts, { maxLength: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (wanted, tie) => {
      const world = new SchedulingWorld();
      const { cache } = world;
      for (const name of ["a", "b", "c"]) cache.setNode(node(name, { cpu: "3", memory: "3Gi", pods: "6" }));
      for (const [index, { cpu, memory }] of wanted.entries()) {
        const info = podInfo(pod(`p${index}`, `${cpu}m`, `${memory}Mi`));
        const decision = world.decide(info, tie);
        const fits = cache.nodes.some(
          (each) =>
            each.pods.size < 6 &&
            each.requested.cpuMilli + cpu <= 3_000 &&
            each.requested.memoryBytes + memory * 2 ** 20 <= 3 * 2 ** 30,
        );
        expect(decision.node !== undefined).toBe(fits);
        if (decision.node !== undefined) cache.assume(info, decision.node);
      }
      for (const each of cache.nodes) {
        expect(each.requested.cpuMilli).toBeLessThanOrEqual(3_000);
        expect(each.requested.memoryBytes).toBeLessThanOrEqual(3 * 2 ** 30);
        expect(each.pods.size).toBeLessThanOrEqual(6);
      }
    }),
  );
});

it("gives back everything that a removed pod took", () => {
  const cache = new SchedulerCache();
  cache.setNode(node("a"));
  const info = podInfo(pod("p", "1", "1Gi", {}, "rs"));
  cache.assume(info, "a");
  cache.setPod(on("a", info.pod));
  expect(cache.removePod("default/p")?.node).toBe("a");
  const [left] = cache.nodes;
  expect(left).toMatchObject({ scoredCpuMilli: 0, scoredMemoryBytes: 0, requested: { cpuMilli: 0, memoryBytes: 0 } });
  expect(left?.pods.size).toBe(0);
});

it("forgets an assumption, but not a pod that was confirmed", () => {
  const cache = new SchedulerCache();
  cache.setNode(node("a"));
  const info = podInfo(pod("p", "1", "1Gi"));
  cache.assume(info, "a");
  cache.forget(info);
  expect(cache.isPlaced(info.key, info.uid)).toBe(false);
  cache.assume(info, "a");
  cache.setPod(on("a", info.pod));
  cache.forget(info);
  expect(cache.isPlaced(info.key, info.uid)).toBe(true);
});

it("looks at fewer nodes, in per cent, the more there are", () => {
  expect([3, 100, 200, 1_000, 10_000].map((nodes) => feasibleNodesWanted(nodes, 0))).toEqual([3, 100, 100, 420, 500]);
});
