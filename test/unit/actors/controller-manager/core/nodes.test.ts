import { expect, it } from "vitest";
import { toleratedMs } from "../../../../../actors/controller-manager/core/eviction.ts";
import {
  lostConditions,
  NodeHealth,
  plannedTaints,
} from "../../../../../actors/controller-manager/core/node-health.ts";
import { nextRange } from "../../../../../actors/controller-manager/core/pod-cidr.ts";
import type { Node, Taint, Toleration } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const options = { graceMs: 3_000, startupGraceMs: 10_000 };

it("takes a node for lost when its Lease has not changed for the grace period", () => {
  const health = new NodeHealth(options);
  health.addNode("a", 0);
  expect(health.leftMs("a", 0)).toBe(10_000);
  expect(health.renewed("a", { renewTime: "t1" }, 500)).toBe(true);
  expect(health.renewed("a", { renewTime: "t1" }, 2_500)).toBe(false);
  expect(health.leftMs("a", 3_000)).toBe(500);
  expect(health.timeUp("a", 3_500)).toBe(true);
  expect(health.isLost("a")).toBe(true);
  expect(health.renewed("a", { renewTime: "t2" }, 9_000)).toBe(true);
  expect(health.isLost("a")).toBe(false);
});

it("doubts itself first when no node at all is heard of", () => {
  const health = new NodeHealth(options);
  for (const name of ["a", "b"]) {
    health.addNode(name, 0);
    health.renewed(name, { renewTime: "t1" }, 0);
  }
  expect(health.timeUp("a", 3_000)).toBe(false);
  expect(health.leftMs("b", 3_000)).toBe(3_000);
  expect(health.timeUp("a", 6_000)).toBe(true);
  expect(health.timeUp("b", 6_000)).toBe(true);
});

it("does not doubt itself while another node is heard of", () => {
  const health = new NodeHealth(options);
  for (const name of ["a", "b"]) {
    health.addNode(name, 0);
    health.renewed(name, { renewTime: "t1" }, 0);
  }
  health.renewed("b", { renewTime: "t2" }, 2_900);
  expect(health.timeUp("a", 3_000)).toBe(true);
});

function node(ready: string | undefined, taints: readonly Taint[] = [], unschedulable: boolean = false): Node {
  return {
    metadata: { name: "a" },
    spec: { taints, unschedulable },
    status: { conditions: ready === undefined ? [] : [{ type: "Ready", status: ready, reason: "KubeletReady" }] },
  };
}

const foreign: Taint = { key: "team", value: "x", effect: "NoSchedule" };

it.each<[string, Node, readonly string[] | undefined]>([
  [
    "unreachable",
    node("Unknown"),
    ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
  ],
  ["not ready", node("False"), ["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"]],
  ["new", node(undefined), ["node.kubernetes.io/not-ready:NoSchedule"]],
  ["healthy", node("True", [foreign]), undefined],
  [
    "back",
    node("True", [foreign, { key: "node.kubernetes.io/unreachable", effect: "NoExecute" }]),
    ["team:NoSchedule"],
  ],
  ["cordoned", node("True", [], true), ["node.kubernetes.io/unschedulable:NoSchedule"]],
])("taints a node that is %s", (_state, given, taints) => {
  expect(plannedTaints(given, "t")?.map(({ key, effect }) => `${key}:${effect}`)).toEqual(taints);
});

it("marks what the kubelet said as unknown, once", () => {
  const conditions = lostConditions(node("True"), "t");
  expect(conditions?.[0]).toMatchObject({ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" });
  expect(conditions?.[1]).toMatchObject({ type: "MemoryPressure", reason: "NodeStatusNeverUpdated" });
  expect(lostConditions({ status: { conditions: conditions ?? [] } }, "u")).toBeUndefined();
});

it.each<[string, readonly Toleration[], number]>([
  ["none", [], 0],
  ["all, for ever", [{ operator: "Exists" }], Infinity],
  ["it, for two seconds", [{ key: "k", operator: "Exists", tolerationSeconds: 2 }], 2_000],
  [
    "it twice: the shorter holds",
    [
      { key: "k", operator: "Exists", tolerationSeconds: 2 },
      { operator: "Exists", tolerationSeconds: 1 },
    ],
    1_000,
  ],
  ["another", [{ key: "other", operator: "Exists" }], 0],
  ["it, for another effect", [{ key: "k", operator: "Exists", effect: "NoSchedule" }], 0],
])("lets a pod stay that tolerates %s", (_what, tolerations, ms) => {
  expect(toleratedMs({ spec: { containers: [], tolerations } }, [{ key: "k", effect: "NoExecute" }])).toBe(ms);
});

it("cuts the cluster's range into one for each node, the first free one", () => {
  const used = new Set<string>();
  for (const expected of ["127.64.0.0/24", "127.64.1.0/24", "127.64.2.0/24"]) {
    expect(nextRange("127.64.0.0/11", 24, used)).toBe(expected);
    used.add(expected);
  }
  used.delete("127.64.1.0/24");
  expect(nextRange("127.64.0.0/11", 24, used)).toBe("127.64.1.0/24");
  expect(nextRange("10.0.0.0/24", 24, new Set(["10.0.0.0/24"]))).toBeUndefined();
  expect(nextRange("nonsense", 24, new Set())).toBeUndefined();
});

it("gives a node the time that its Lease is good for, and never less than the cluster's", () => {
  const health = new NodeHealth(options);
  health.addNode("slow", 0);
  health.renewed("slow", { renewTime: "t1", leaseDurationSeconds: 40 }, 0);
  expect(health.leftMs("slow", 0)).toBe(40_000);
  health.reported("slow", "h1", 1_000);
  health.reported("slow", "h2", 2_000);
  expect(health.leftMs("slow", 2_000)).toBe(40_000);
  health.renewed("slow", { renewTime: "t2" }, 3_000);
  expect(health.leftMs("slow", 3_000)).toBe(3_000);
});

it("takes the first report of a node that it sees for no news", () => {
  const health = new NodeHealth(options);
  health.addNode("a", 0);
  health.renewed("a", { renewTime: "t1" }, 0);
  health.reported("a", "h1", 2_000);
  expect(health.leftMs("a", 2_000)).toBe(1_000);
  health.reported("a", "h2", 2_500);
  expect(health.leftMs("a", 2_500)).toBe(3_000);
});

it("never brings the end of a node's time forward when it doubts itself", () => {
  const health = new NodeHealth(options);
  for (const [name, leaseDurationSeconds] of [
    ["a", 3],
    ["slow", 40],
  ] as const) {
    health.addNode(name, 0);
    health.renewed(name, { renewTime: "t1", leaseDurationSeconds }, 0);
  }
  expect(health.timeUp("a", 3_000)).toBe(false);
  expect(health.leftMs("slow", 3_000)).toBe(37_000);
});
