import { describe, expect, it } from "vitest";
import type { Fault } from "../../../../runtime/faults/plan.ts";
import { checkPlan, namesAt } from "../../../../runtime/faults/plan.ts";

const NAMES = ["etcd-0", "etcd-1", "worker-0/kubelet", "worker-1/kubelet", "worker-1/kube-proxy", "a.b"];

describe("a place", () => {
  it.each([
    ["etcd-1", ["etcd-1"]],
    ["etcd-*", ["etcd-0", "etcd-1"]],
    ["worker-1/*", ["worker-1/kubelet", "worker-1/kube-proxy"]],
    ["*/kubelet", ["worker-0/kubelet", "worker-1/kubelet"]],
    ["*", ["etcd-0", "etcd-1", "a.b"]],
    ["**", NAMES],
    ["a?b", []],
    ["a.b", ["a.b"]],
    ["etcd", []],
  ])("%s stands for %j", (place, names) => {
    expect(namesAt(place, NAMES)).toEqual(names);
  });
});

describe("a plan", () => {
  it.each([
    [{ id: "a", kind: "link-drop", from: "*", to: "*", chance: 1.5 }, "chance is a number from 0 to 1"],
    [{ id: "a", kind: "link-delay", from: "*", to: "*", byMs: [5, 1] }, "byMs is a range"],
    [{ id: "a", kind: "clock-skew", at: "*", byMs: Number.NaN }, "byMs is a number"],
    [{ id: "a", kind: "actor-crash", at: "*", fromMs: -1 }, "fromMs is a number of milliseconds from 0"],
    [{ id: "a", kind: "actor-crash", at: "*", everyMs: 0 }, "everyMs is above 0"],
    [{ id: "a", kind: "partition", from: "*" } as unknown as Fault, "from and to are names"],
    [{ id: "a", kind: "disk-full" } as unknown as Fault, "at is a name"],
  ] as readonly (readonly [Fault, string])[])("with %j is refused", (fault, message) => {
    expect(() => checkPlan({ faults: [fault] })).toThrow(`fault a: ${message}`);
  });

  it("has an id for each fault", () => {
    const fault: Fault = { id: "a", kind: "disk-full", at: "*" };
    expect(() => checkPlan({ faults: [fault, fault] })).toThrow("its id is another's too");
  });
});
