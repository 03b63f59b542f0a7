import { expect, it } from "vitest";
import { checkCondition, meets } from "../../../../actors/cluster/conditions.ts";

const withConditions = (...types: string[]): object => ({
  status: { conditions: types.map((type) => ({ type, status: "True" })) },
});

it("is met by a condition that is True, and by nothing else", () => {
  expect(meets(withConditions("Ready"), "Ready")).toBe(true);
  expect(meets({ status: { conditions: [{ type: "Ready", status: "Unknown" }] } } as object, "Ready")).toBe(false);
  expect(meets({}, "Ready")).toBe(false);
});

it("sees a rollout as over when the newest generation is all there is", () => {
  const rolled = {
    metadata: { generation: 2 },
    spec: { replicas: 2 },
    status: { observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2, replicas: 2 },
  };
  expect(meets(rolled, "RolledOut")).toBe(true);
  for (const wrong of [{ observedGeneration: 1 }, { updatedReplicas: 1 }, { availableReplicas: 1 }, { replicas: 3 }])
    expect(meets({ ...rolled, status: { ...rolled.status, ...wrong } } as object, "RolledOut")).toBe(false);
});

it.each([
  ["Deployment", "Healthy", {}, "RolledOut, Available, Progressing, ReplicaFailure, deleted"],
  ["Pod", "ready", {}, "Ready"],
  ["ConfigMap", "Ready", {}, "there are deleted"],
  ["Pod", "RolledOut", {}, "pass a function"],
])("refuses to wait until a %s is %s, which nobody sets, and says what there is", (kind, condition, object, part) => {
  expect(() => checkCondition(kind, condition, object)).toThrow(part);
  expect(() => checkCondition(kind, condition, undefined)).toThrow(
    expect.objectContaining({ code: "UNKNOWN_CONDITION" }),
  );
});

it.each([
  ["Pod", "Ready", undefined],
  ["ConfigMap", "deleted", undefined],
  ["Pod", "example.com/warm", { spec: { readinessGates: [{ conditionType: "example.com/warm" }] } }],
  ["Node", "KernelDeadlock", withConditions("KernelDeadlock")],
  ["Gadget", "Polished", undefined],
])("waits until a %s is %s", (kind, condition, object) => {
  expect(() => checkCondition(kind, condition, object)).not.toThrow();
});
