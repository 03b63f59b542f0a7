import { describe, expect, it } from "vitest";
import { unboundVolume } from "../../../../../actors/controller-manager/core/volumes/bound.ts";
import type { ClaimInput } from "../../../../../actors/controller-manager/core/volumes/claim.ts";
import { planClaim } from "../../../../../actors/controller-manager/core/volumes/claim.ts";
import { defaultClassOf } from "../../../../../actors/controller-manager/core/volumes/classes.ts";
import {
  begunStatus,
  finishedStatus,
  nextStep,
} from "../../../../../actors/controller-manager/core/volumes/expansion.ts";
import {
  isHeldInVain,
  isToDelete,
  isToProvision,
  refusal,
  volumeFor,
} from "../../../../../actors/controller-manager/core/volumes/provisioning.ts";
import { planVolume } from "../../../../../actors/controller-manager/core/volumes/volume.ts";
import { sumOfRules } from "../../../../../actors/controller-manager/core/role-aggregation.ts";
import { usedStatus } from "../../../../../actors/controller-manager/core/storage-use.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { StorageClass } from "../../../../../protocols/kubernetes/types/storage-v1.ts";

const DIRECTORY = "inkube.io/directory";
const ASKED = { "volume.kubernetes.io/storage-provisioner": DIRECTORY };
const classOf = (more: Partial<StorageClass> = {}): StorageClass => ({
  metadata: { name: "c" },
  provisioner: DIRECTORY,
  ...more,
});

function claim(
  spec: PersistentVolumeClaim["spec"] = {},
  annotations: Readonly<Record<string, string>> = ASKED,
): PersistentVolumeClaim {
  return {
    metadata: { namespace: "n", name: "a", uid: "u", annotations },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "c",
      resources: { requests: { storage: "2Gi" } },
      ...spec,
    },
    status: { phase: "Pending" },
  };
}

function ask(given: PersistentVolumeClaim, more: Partial<ClaimInput> = {}): ReturnType<typeof planClaim> {
  return planClaim({
    claim: given,
    volume: () => undefined,
    candidates: [],
    storageClass: () => undefined,
    defaultClass: undefined,
    waitingPod: undefined,
    ...more,
  });
}

describe("a claim without a volume", () => {
  it("takes the cluster's default class only where it has named none, and nothing suits it as it is", () => {
    const { storageClassName: _none, ...open } = claim().spec ?? {};
    const unnamed = { ...claim(), spec: open };
    expect(ask(unnamed, { defaultClass: "d" })).toEqual({ do: "take-class", name: "d" });
    expect(ask(claim({ storageClassName: "" }), { defaultClass: "d" })).toMatchObject({ do: "wait" });
    const free: PersistentVolume = {
      metadata: { name: "v" },
      spec: { capacity: { storage: "2Gi" }, accessModes: ["ReadWriteOnce"] },
      status: { phase: "Available" },
    };
    expect(ask(unnamed, { defaultClass: "d", candidates: [free] })).toEqual({ do: "bind", volume: free });
  });

  it("waits for its pod's node, and is provisioned once there is one", () => {
    const late = { storageClass: () => classOf({ volumeBindingMode: "WaitForFirstConsumer" as const }) };
    expect(ask(claim(), late)).toMatchObject({ told: { reason: "WaitForFirstConsumer" } });
    expect(ask(claim(), { ...late, waitingPod: "p" })).toMatchObject({
      told: { reason: "WaitForPodScheduled", message: "waiting for pod p to be scheduled" },
    });
    const placed = claim({}, { "volume.kubernetes.io/selected-node": "w" });
    expect(ask(placed, late)).toEqual({ do: "provision", provisioner: DIRECTORY });
  });

  it("that was bound once is lost, and not bound again", () => {
    const bound = claim({ volumeName: "v" }, { "pv.kubernetes.io/bind-completed": "yes" });
    expect(ask(bound)).toMatchObject({ do: "wait", phase: "Lost", told: { reason: "ClaimLost" } });
    const other: PersistentVolume = { metadata: { name: "v" }, spec: { claimRef: { uid: "other" } } };
    expect(ask(bound, { volume: () => other })).toMatchObject({ phase: "Lost", told: { reason: "ClaimMisbound" } });
  });
});

describe("the built-in provisioner", () => {
  it("makes a volume for a claim that asks it, once its class lets it", () => {
    expect(isToProvision(claim(), classOf())).toBe(true);
    expect(isToProvision(claim({}, {}), classOf())).toBe(false);
    expect(isToProvision(claim({ volumeName: "v" }), classOf())).toBe(false);
    expect(isToProvision(claim(), classOf({ provisioner: "example.com/x" }))).toBe(false);
    const late = classOf({ volumeBindingMode: "WaitForFirstConsumer" });
    expect(isToProvision(claim(), late)).toBe(false);
    expect(isToProvision(claim({}, { ...ASKED, "volume.kubernetes.io/selected-node": "w" }), late)).toBe(true);
  });

  it("names it by the claim's uid, so that there are never two", () => {
    const made = volumeFor(claim(), classOf());
    expect(made).toEqual(volumeFor(claim(), classOf()));
    expect(made).toMatchObject({
      metadata: { name: "pvc-u", finalizers: ["external-provisioner.volume.kubernetes.io/finalizer"] },
      spec: {
        capacity: { storage: "2Gi" },
        csi: { driver: "directory.inkube.io", volumeHandle: "pvc-u" },
        claimRef: { namespace: "n", name: "a", uid: "u" },
        persistentVolumeReclaimPolicy: "Delete",
      },
    });
    expect(volumeFor(claim(), classOf({ reclaimPolicy: "Retain" })).metadata?.finalizers).toBeUndefined();
  });

  it.each([
    ["a selector", { selector: {} }, {}],
    ["block devices", { volumeMode: "Block" as const }, {}],
    ["a source of data", { dataSource: { kind: "PersistentVolumeClaim", name: "b" } }, {}],
    ["parameters", {}, { parameters: { type: "ssd" } }],
    ["mount options", {}, { mountOptions: ["ro"] }],
  ])("refuses %s", (_what, spec, of) => {
    expect(refusal(claim(spec), classOf(of))).toMatch(/not supported|unknown/);
    expect(refusal(claim(), classOf())).toBeUndefined();
  });

  it("takes away only what nobody claims and whose policy says so", () => {
    const made = volumeFor(claim(), classOf());
    const at = (phase: "Bound" | "Released" | "Failed", policy: "Delete" | "Retain" = "Delete"): PersistentVolume => ({
      ...made,
      spec: { ...made.spec, persistentVolumeReclaimPolicy: policy },
      status: { phase },
    });
    expect([at("Bound"), at("Released"), at("Failed"), at("Released", "Retain")].map(isToDelete)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(isToDelete({ ...at("Released"), metadata: { name: "pvc-u" } })).toBe(false);
    expect([at("Bound", "Retain"), at("Bound")].map(isHeldInVain)).toEqual([true, false]);
  });
});

it("lets go of a volume as it was before the binder, and leaves what the user has named", () => {
  const claimRef = { namespace: "n", name: "a", uid: "u", resourceVersion: "7" };
  const chosen = {
    metadata: { annotations: { "pv.kubernetes.io/bound-by-controller": "yes", own: "x" } },
    spec: { claimRef },
  };
  expect(unboundVolume(chosen)).toEqual({ metadata: { annotations: { own: "x" } }, spec: {} });
  expect(unboundVolume({ spec: { claimRef } })).toEqual({ spec: { claimRef: { namespace: "n", name: "a" } } });
});

it("releases a volume that was made for a claim that has another, and unbinds one that was there", () => {
  const bound: PersistentVolume = {
    metadata: { name: "v", annotations: { "pv.kubernetes.io/bound-by-controller": "yes" } },
    spec: { claimRef: { uid: "u" }, persistentVolumeReclaimPolicy: "Delete" },
    status: { phase: "Bound" },
  };
  const elsewhere = claim({ volumeName: "w" });
  expect(planVolume(bound, elsewhere)).toEqual({ do: "unbind" });
  const made = {
    ...bound,
    metadata: {
      ...bound.metadata,
      annotations: { ...bound.metadata?.annotations, "pv.kubernetes.io/provisioned-by": DIRECTORY },
    },
  };
  expect(planVolume(made, elsewhere)).toEqual({ do: "show", phase: "Released" });
  expect(
    planVolume({ ...bound, spec: { ...bound.spec, persistentVolumeReclaimPolicy: "Recycle" } }, undefined),
  ).toMatchObject({ phase: "Failed" });
});

it("grows a claim step by step, and only a directory by itself", () => {
  const made = volumeFor(claim(), classOf());
  let now: PersistentVolumeClaim = {
    ...claim({ volumeName: "pvc-u" }, { "pv.kubernetes.io/bind-completed": "yes" }),
    status: { phase: "Bound", capacity: { storage: "1Gi" }, conditions: [{ type: "Unused", status: "True" }] },
  };
  const small = { ...made, spec: { ...made.spec, capacity: { storage: "1Gi" } } };
  expect(nextStep(now, { ...small, spec: { capacity: { storage: "1Gi" }, nfs: { server: "s", path: "/" } } })).toBe(
    "tell",
  );
  expect(nextStep(now, small)).toBe("begin");
  now = { ...now, status: begunStatus(now, "2026-01-01T00:00:00Z") };
  expect(nextStep(now, small)).toBe("grow-volume");
  expect(nextStep(now, made)).toBe("finish");
  now = { ...now, status: finishedStatus(now) };
  expect(now.status).toEqual({
    phase: "Bound",
    capacity: { storage: "2Gi" },
    allocatedResources: { storage: "2Gi" },
    conditions: [{ type: "Unused", status: "True" }],
  });
  expect(nextStep(now, made)).toBe("nothing");
});

it("takes the newest of the default classes", () => {
  const marked = (name: string, creationTimestamp: string): StorageClass =>
    classOf({
      metadata: { name, creationTimestamp, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    });
  const [old, b, a] = [
    marked("old", "2025-01-01T00:00:00Z"),
    marked("b", "2026-01-01T00:00:00Z"),
    marked("a", "2026-01-01T00:00:00Z"),
  ];
  for (const order of [
    [old, b, a],
    [a, b, old],
  ])
    expect(defaultClassOf(order)).toBe("a");
  expect(defaultClassOf([classOf()])).toBeUndefined();
});

it("says of bound claims whether a pod that has not ended names them", () => {
  const bound: PersistentVolumeClaim = { ...claim(), status: { phase: "Bound" } };
  const user = (phase: "Pending" | "Succeeded"): object => ({
    metadata: { name: "p", namespace: "n" },
    spec: { containers: [], volumes: [{ name: "v", persistentVolumeClaim: { claimName: "a" } }] },
    status: { phase },
  });
  expect(usedStatus(bound, [user("Succeeded")], "t")?.conditions).toMatchObject([
    { status: "True", reason: "NoPodsUsingPVC" },
  ]);
  expect(usedStatus(bound, [user("Pending")], "t")?.conditions).toMatchObject([
    { status: "False", reason: "PodUsingPVC" },
  ]);
  expect(usedStatus(claim(), [], "t")).toBeUndefined();
  expect(usedStatus({ ...bound, status: usedStatus(bound, [], "t") ?? {} }, [], "later")).toBeUndefined();
});

it("sums roles up by selector and name, each rule once, itself left out", () => {
  const rule = (resource: string) => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
  const labels = { to: "sum" };
  const sum = {
    metadata: { name: "sum", labels },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: labels }] },
    rules: [rule("old")],
  };
  const roles = [
    { metadata: { name: "b", labels }, rules: [rule("pods"), rule("nodes")] },
    { metadata: { name: "a", labels }, rules: [rule("secrets"), rule("pods")] },
    { metadata: { name: "c" }, rules: [rule("none")] },
    sum,
  ];
  expect(sumOfRules(sum, roles)).toEqual([rule("secrets"), rule("pods"), rule("nodes")]);
});
