import fc from "fast-check";
import { expect, it } from "vitest";
import { claimPods } from "../../../../../actors/controller-manager/core/claims.ts";
import {
  BURST_REPLICAS,
  planReplicas,
  planStatus,
  podFromTemplate,
  rankForDeletion,
} from "../../../../../actors/controller-manager/core/replica-set.ts";
import type { ReplicaSet } from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");
const now = { epochMs: nowMs, text: "2026-01-01T01:00:00Z" };

function set(replicas: number, minReadySeconds: number = 0): ReplicaSet {
  return {
    metadata: { name: "rs", namespace: "n", uid: "rs", generation: 2 },
    spec: {
      replicas,
      minReadySeconds,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" }, annotations: { note: "x" } },
        spec: { containers: [{ name: "c" }] },
      },
    },
  };
}

interface PodTraits {
  readonly node?: string;
  readonly phase?: "Pending" | "Running" | "Failed";
  readonly ready?: string;
  readonly deleting?: boolean;
  readonly labels?: Record<string, string>;
  readonly owner?: string | null;
  readonly cost?: string;
  readonly restarts?: number;
  readonly created?: string;
}

function pod(name: string, traits: PodTraits = {}): Pod {
  const { owner = "rs", labels = { app: "web" }, phase = "Running" } = traits;
  return {
    metadata: {
      name,
      namespace: "n",
      uid: name,
      labels,
      creationTimestamp: traits.created ?? "2026-01-01T00:00:00Z",
      ...(traits.deleting === true ? { deletionTimestamp: now.text } : {}),
      ...(traits.cost === undefined
        ? {}
        : { annotations: { "controller.kubernetes.io/pod-deletion-cost": traits.cost } }),
      ...(owner === null
        ? {}
        : {
            ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }],
          }),
    },
    spec: { containers: [], ...(traits.node === undefined ? {} : { nodeName: traits.node }) },
    status: {
      phase,
      ...(traits.ready === undefined
        ? {}
        : { conditions: [{ type: "Ready", status: "True", lastTransitionTime: traits.ready }] }),
      ...(traits.restarts === undefined
        ? {}
        : { containerStatuses: [{ name: "c", ready: true, restartCount: traits.restarts, image: "", imageID: "" }] }),
    },
  };
}

const names = (pods: readonly Pod[]): readonly (string | undefined)[] => pods.map(({ metadata }) => metadata?.name);

it("tells its pods from orphans that match and from those that match no longer", () => {
  const pods = [
    pod("mine"),
    pod("relabelled", { labels: { app: "other" } }),
    pod("orphan", { owner: null }),
    pod("stranger", { owner: "other" }),
    pod("dying-orphan", { owner: null, deleting: true }),
  ];
  const claim = claimPods(set(1), pods);
  expect([names(claim.owned), names(claim.adopt), names(claim.release)]).toEqual([
    ["mine"],
    ["orphan"],
    ["relabelled"],
  ]);
});

it("replaces pods that have failed or are being deleted", () => {
  const owned = [pod("a"), pod("b", { phase: "Failed" }), pod("c", { deleting: true })];
  expect(planReplicas(set(3), owned, owned, nowMs)).toEqual({ create: 2, delete: [] });
});

it("creates no more than a burst in one go, and nothing while it is being deleted itself", () => {
  expect(planReplicas(set(2_000), [], [], nowMs).create).toBe(BURST_REPLICAS);
  const deleting = { ...set(3), metadata: { ...set(3).metadata, deletionTimestamp: now.text } };
  expect(planReplicas(deleting, [], [], nowMs)).toEqual({ create: 0, delete: [] });
});

it.each<[string, Pod, Pod]>([
  ["without a node", pod("first"), pod("second", { node: "n1" })],
  ["pending", pod("first", { node: "n", phase: "Pending" }), pod("second", { node: "n" })],
  ["not ready", pod("first", { node: "n" }), pod("second", { node: "n", ready: "2026-01-01T00:30:00Z" })],
  ["of lower cost", pod("first", { node: "n", cost: "-1" }), pod("second", { node: "n" })],
  [
    "ready for less time",
    pod("first", { node: "n", ready: "2026-01-01T00:59:00Z" }),
    pod("second", { node: "n", ready: "2026-01-01T00:10:00Z" }),
  ],
  ["restarted more often", pod("first", { node: "n", restarts: 3 }), pod("second", { node: "n", restarts: 0 })],
  ["younger", pod("first", { node: "n", created: "2026-01-01T00:59:30Z" }), pod("second", { node: "n" })],
])("deletes a pod first that is %s", (_trait, first, second) => {
  expect(names(rankForDeletion([second, first], [first, second], nowMs))).toEqual(["first", "second"]);
});

it("deletes first where several pods share a node", () => {
  const pods = [pod("a", { node: "n1" }), pod("b", { node: "n2" }), pod("c", { node: "n2" })];
  expect(names(rankForDeletion(pods, pods, nowMs)).slice(0, 2)).toEqual(["b", "c"]);
});

it("counts ready and available pods apart, and says when the next becomes available", () => {
  const owned = [
    pod("old", { ready: "2026-01-01T00:00:00Z" }),
    pod("new", { ready: "2026-01-01T00:59:55Z" }),
    pod("starting"),
    pod("ending", { deleting: true }),
  ];
  const plan = planStatus(set(3, 10), owned, undefined, now);
  expect(plan.status).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 2,
  });
  expect(plan.recheckAfterMs).toBe(5_000);
  const settled = { ...set(3, 10), status: plan.status! };
  expect(planStatus(settled, owned, undefined, now).status).toBeUndefined();
});

it("reports a failure as a condition, and takes it back", () => {
  const failed = planStatus(set(1), [], { reason: "FailedCreate", message: "no" }, now).status!;
  expect(failed.conditions).toEqual([
    { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "no", lastTransitionTime: now.text },
  ]);
  // Each try has another name for its pod in the message, and must not bring about the next try at once.
  const again = { reason: "FailedCreate", message: "no other" } as const;
  expect(planStatus({ ...set(1), status: failed }, [], again, now).status).toBeUndefined();
  expect(planStatus({ ...set(1), status: failed }, [], undefined, now).status?.conditions).toBeUndefined();
});

it("makes pods that carry the template's labels and annotations, and their owner", () => {
  expect(podFromTemplate(set(1)).metadata).toEqual({
    generateName: "rs-",
    namespace: "n",
    labels: { app: "web" },
    annotations: { note: "x" },
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs", uid: "rs", controller: true, blockOwnerDeletion: true },
    ],
  });
});

it("always brings the number of active pods to what is wanted", () => {
  const traits = fc.record({
    phase: fc.constantFrom("Pending" as const, "Running" as const, "Failed" as const),
    deleting: fc.boolean(),
    node: fc.constantFrom("n1", "n2"),
  });
  fc.assert(
    fc.property(fc.array(traits, { maxLength: 30 }), fc.integer({ min: 0, max: 30 }), (list, replicas) => {
      const owned = list.map((each, index) => pod(`p${index}`, each));
      const active = owned.filter(
        (each) => each.status?.phase !== "Failed" && each.metadata?.deletionTimestamp === undefined,
      );
      const plan = planReplicas(set(replicas), owned, owned, nowMs);
      expect(active.length + plan.create - plan.delete.length).toBe(replicas);
      expect(plan.delete.every((each) => active.includes(each))).toBe(true);
      expect(new Set(plan.delete).size).toBe(plan.delete.length);
    }),
  );
});
