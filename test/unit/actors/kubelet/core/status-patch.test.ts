import { isEqual } from "../../../../../protocols/equality.ts";
import { expect, it } from "vitest";
import { hasNodeStatus, isNewerVersion, podStatusPatch } from "../../../../../actors/kubelet/core/status-patch.ts";
import type { PodStatus } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const TIME = "2026-01-01T00:00:00Z";
const ready = (status: "True" | "False") => ({ type: "Ready", status, lastTransitionTime: TIME });
const wanted: PodStatus = {
  phase: "Running",
  podIP: "127.64.0.1",
  podIPs: [{ ip: "127.64.0.1" }],
  conditions: [ready("True")],
};

it("nothing is written when the API server has it, with what it and others have added", () => {
  const served = {
    ...wanted,
    nominatedNodeName: "worker-1",
    resize: "Deferred",
    conditions: [
      { ...ready("True"), lastProbeTime: null as unknown as string },
      { type: "example.com/gate", status: "True" },
    ],
  };
  expect(podStatusPatch(served, wanted)).toBeUndefined();
});

it("a condition of the kubelet's own is set right, and one that says less loses its reason", () => {
  const served = { ...wanted, conditions: [{ ...ready("False"), reason: "NodeNotReady", message: "gone" }] };
  expect(podStatusPatch(served, wanted)).toEqual({
    conditions: [{ ...ready("True"), reason: null, message: null, observedGeneration: null }],
  });
});

it("a condition of others is never written, unless nobody has", () => {
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: TIME };
  const mine = { ...wanted, conditions: [ready("True"), scheduled] };
  const theirs = { ...scheduled, status: "False" };
  expect(podStatusPatch({ ...wanted, conditions: [ready("True"), theirs] }, mine)).toBeUndefined();
  expect(podStatusPatch(wanted, mine)).toMatchObject({ conditions: [{ type: "PodScheduled", status: "True" }] });
});

it("addresses are replaced, not merged, and a field that is over is taken away", () => {
  const served = { ...wanted, reason: "Evicted" };
  expect(podStatusPatch(served, { ...wanted, podIP: "127.64.0.2", podIPs: [{ ip: "127.64.0.2" }] })).toEqual({
    reason: null,
    podIP: "127.64.0.2",
    podIPs: [{ $patch: "replace" }, { ip: "127.64.0.2" }],
  });
});

it("a node's conditions and capacities by others, and the times of heartbeats, are no difference", () => {
  const mine = {
    capacity: { cpu: "8" },
    conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: TIME }],
    addresses: [{ type: "Hostname", address: "worker-0" }],
  };
  const served = {
    ...mine,
    capacity: { cpu: "8", "example.com/dongle": "4" },
    conditions: [
      { type: "NetworkUnavailable", status: "False" },
      { type: "Ready", status: "True", lastHeartbeatTime: "2026-01-01T00:05:00Z" },
    ],
  };
  expect(hasNodeStatus(served, mine)).toBe(true);
  expect(hasNodeStatus({ ...served, capacity: { cpu: "4" } }, mine)).toBe(false);
  expect(hasNodeStatus({ ...served, conditions: [{ type: "Ready", status: "Unknown" }] }, mine)).toBe(false);
});

it("a list is another one when an item has come or gone", () => {
  const one = { name: "a", ready: true };
  const other = { name: "b", ready: true };
  for (const [left, right] of [
    [[one], [one, other]],
    [[one, other], [one]],
    [[], [one]],
  ])
    expect(isEqual(left, right)).toBe(false);
  expect(isEqual([one, other], [{ ...one }, { ...other, message: undefined }])).toBe(true);
});

it("versions are ordered as the numbers that they are", () => {
  expect(isNewerVersion("10", "9")).toBe(true);
  expect(isNewerVersion("9", "10")).toBe(false);
  expect(isNewerVersion("12", "11")).toBe(true);
  expect(isNewerVersion("11", "11")).toBe(false);
});
