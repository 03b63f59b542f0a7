import { expect, it } from "vitest";
import { checkCondition, meets } from "../../../../actors/cluster/conditions.ts";

const withConditions = (...types: string[]): object => ({
  status: { conditions: types.map((type) => ({ type, status: "True" })) },
});

it("is met by a condition that is True, and by nothing else", () => {
  expect(meets(withConditions("Ready"), "Ready")).toBe(true);
  expect(meets({ status: { conditions: [{ type: "Ready", status: "Unknown" }] } } as object, "Ready")).toBe(false);
  expect(meets({}, "Ready")).toBe(false);
  expect([meets(undefined, "Ready"), meets(undefined, "deleted"), meets({}, "deleted")]).toEqual([false, true, false]);
});

// kubectl: strings.EqualFold of name and value; an older observedGeneration is no answer (`kubectl wait --help`).
it.each([
  ["ready", "True", true],
  ["READY", "True", true],
  ["Ready=true", "True", true],
  ["ready=FALSE", "False", true],
  ["Ready=Unknown", "Unknown", true],
  ["Ready", "False", false],
  ["Ready=False", "True", false],
])("judges %s of a condition that is %s as kubectl wait does, in any case", (condition, status, met) => {
  expect(meets({ status: { conditions: [{ type: "Ready", status }] } } as object, condition)).toBe(met);
});

it("takes what was said of an older generation for no answer, as kubectl wait does", () => {
  const said = (own: object, whole: object): object => ({
    metadata: { generation: 2 },
    status: { ...whole, conditions: [{ type: "Available", status: "True", ...own }] },
  });
  expect(meets(said({}, {}), "Available")).toBe(true);
  expect(meets(said({}, { observedGeneration: 1 }), "Available")).toBe(false);
  expect(meets(said({ observedGeneration: 2 }, { observedGeneration: 1 }), "Available")).toBe(true);
  expect(meets(said({ observedGeneration: 1 }, { observedGeneration: 2 }), "Available")).toBe(false);
});

it("sees a rollout as over when the newest generation is all there is", () => {
  const rolled = {
    metadata: { generation: 2 },
    spec: { replicas: 2 },
    status: { observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2, replicas: 2 },
  };
  expect([meets(rolled, "RolledOut"), meets(rolled, "rolledout")]).toEqual([true, true]);
  for (const wrong of [{ observedGeneration: 1 }, { updatedReplicas: 1 }, { availableReplicas: 1 }, { replicas: 3 }])
    expect(meets({ ...rolled, status: { ...rolled.status, ...wrong } } as object, "RolledOut")).toBe(false);
});

it.each([
  ["Deployment", "Healthy", {}, "RolledOut, Available, Progressing, ReplicaFailure, deleted"],
  ["Pod", "Raedy", {}, "Ready"],
  ["Pod", "Ready=maybe", {}, "True, False or Unknown"],
  ["Pod", "Ready=", {}, "True, False or Unknown"],
  ["Deployment", "RolledOut=False", {}, "stands alone"],
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
  ["Pod", "containersready=false", undefined],
  ["ConfigMap", "deleted", undefined],
  ["ConfigMap", "Deleted", undefined],
  ["Pod", "example.com/warm", { spec: { readinessGates: [{ conditionType: "example.com/warm" }] } }],
  ["Node", "KernelDeadlock", withConditions("KernelDeadlock")],
  ["Gadget", "Polished", undefined],
])("waits until a %s is %s", (kind, condition, object) => {
  expect(() => checkCondition(kind, condition, object)).not.toThrow();
});
