import fc from "fast-check";
import { expect, it } from "vitest";
import { FailedPodBackoff } from "../../../../../actors/controller-manager/core/daemon-set/backoff.ts";
import type { DaemonInput } from "../../../../../actors/controller-manager/core/daemon-set/plan.ts";
import { planDaemonSet } from "../../../../../actors/controller-manager/core/daemon-set/plan.ts";
import { daemonNodes, daemonPod, targetNode } from "../../../../../actors/controller-manager/core/daemon-set/pods.ts";
import { planDaemonStatus } from "../../../../../actors/controller-manager/core/daemon-set/status.ts";
import type { DaemonSet, RollingUpdateDaemonSet } from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Node, Pod, PodSpec, Taint } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");

function set(rollingUpdate: RollingUpdateDaemonSet = {}, spec: Partial<PodSpec> = {}, generation = 1): DaemonSet {
  return {
    metadata: {
      name: "agent",
      namespace: "n",
      uid: "u",
      generation,
      annotations: { "deprecated.daemonset.template.generation": String(generation) },
    },
    spec: {
      selector: { matchLabels: { app: "agent" } },
      template: { metadata: { labels: { app: "agent" } }, spec: { containers: [{ name: "c" }], ...spec } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate },
    },
  };
}

function node(name: string, taints: readonly Taint[] = []): Node {
  return { metadata: { name, labels: { name } }, spec: { taints } };
}

interface Traits {
  readonly hash?: string;
  readonly phase?: "Pending" | "Running" | "Failed" | "Succeeded";
  readonly ready?: boolean;
  readonly leaving?: boolean;
  readonly unplaced?: boolean;
  readonly created?: string;
}

function pod(name: string, on: string, traits: Traits = {}): Pod {
  const { hash = "new", phase = "Running", ready = phase === "Running" } = traits;
  const made = daemonPod(set({}, {}, hash === "new" ? 1 : 0), on, hash);
  return {
    ...made,
    metadata: {
      ...made.metadata,
      name,
      uid: name,
      creationTimestamp: traits.created ?? "2026-01-01T00:00:00Z",
      ...(traits.leaving === true ? { deletionTimestamp: "2026-01-01T00:30:00Z" } : {}),
    },
    spec: { containers: [], ...made.spec, ...(traits.unplaced === true ? {} : { nodeName: on }) },
    status: {
      phase,
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: "2026-01-01T00:00:00Z" }],
    },
  };
}

function input(of: DaemonSet, nodes: readonly Node[], pods: readonly Pod[], failedMs = 0): DaemonInput {
  return { set: of, nodes: daemonNodes(of, nodes), pods, hash: "new", nowMs, failedBackoffMs: () => failedMs };
}

function planned(of: DaemonSet, nodes: readonly string[], pods: readonly Pod[]): readonly string[] {
  const { create, delete: gone } = planDaemonSet(input(of, nodes.map((name) => node(name)), pods)); // prettier-ignore
  return [...create.map((name) => `+${name}`), ...gone.map(({ metadata }) => `-${metadata?.name}`)];
}

it("makes a pod that only its node takes, and that tolerates what nodes suffer from", () => {
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "disk", operator: "Exists" as const }] }],
      },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }],
    },
  };
  const tolerations = [{ key: "own" }, { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }] as const; // prettier-ignore
  const made = daemonPod(set({}, { affinity, tolerations, hostNetwork: true }), "n1", "h");
  expect(targetNode(made)).toBe("n1");
  expect(made.spec?.affinity?.nodeAffinity).toEqual({
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }],
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }],
    },
  });
  expect(made.metadata?.labels).toEqual({
    app: "agent",
    "controller-revision-hash": "h",
    "pod-template-generation": "1",
  });
  expect(
    made.spec?.tolerations?.map(({ key, effect, tolerationSeconds }) => `${key} ${effect} ${tolerationSeconds}`),
  ).toEqual([
    "own undefined undefined",
    "node.kubernetes.io/not-ready NoExecute undefined",
    "node.kubernetes.io/unreachable NoExecute undefined",
    "node.kubernetes.io/disk-pressure NoSchedule undefined",
    "node.kubernetes.io/memory-pressure NoSchedule undefined",
    "node.kubernetes.io/pid-pressure NoSchedule undefined",
    "node.kubernetes.io/unschedulable NoSchedule undefined",
    "node.kubernetes.io/network-unavailable NoSchedule undefined",
  ]);
});

it.each([
  ["a node", {}, [], { run: true, stay: true }],
  ["one that it asks for", { nodeSelector: { name: "n1" } }, [], { run: true, stay: true }],
  ["one that it does not ask for", { nodeSelector: { name: "n2" } }, [], { run: false, stay: false }],
  ["one that it is named after", { nodeName: "n1" }, [], { run: true, stay: true }],
  ["another than it is named after", { nodeName: "n2" }, [], { run: false, stay: false }],
  ["one that takes no more", {}, [{ key: "own", effect: "NoSchedule" }], { run: false, stay: true }],
  ["one that would rather not", {}, [{ key: "own", effect: "PreferNoSchedule" }], { run: true, stay: true }],
  ["one that sends all away", {}, [{ key: "own", effect: "NoExecute" }], { run: false, stay: false }],
  ["one that is lost", {}, [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }], { run: true, stay: true }],
  [
    "one that is cordoned",
    {},
    [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }],
    { run: true, stay: true },
  ],
] as const)("knows whether a pod belongs on %s", (_what, spec, taints, wanted) => {
  expect(daemonNodes(set({}, spec), [node("n1", taints)])).toEqual([{ name: "n1", ...wanted }]);
});

it.each<[string, RollingUpdateDaemonSet, readonly string[], readonly Pod[], readonly string[]]>([
  ["makes one on each node", {}, ["a", "b"], [pod("p", "a")], ["+b"]],
  ["waits for one that is on its way out", {}, ["a"], [pod("p", "a", { leaving: true })], []],
  ["waits no longer when it has ended", {}, ["a"], [pod("p", "a", { leaving: true, phase: "Failed" })], ["+a"]],
  [
    "keeps the oldest that has a node",
    {},
    ["a"],
    [
      pod("young", "a", { created: "2026-01-01T00:10:00Z" }),
      pod("old", "a"),
      pod("unplaced", "a", { created: "2025-01-01T00:00:00Z", unplaced: true }),
    ],
    ["-young", "-unplaced"],
  ],
  [
    "deletes what has ended",
    {},
    ["a", "b"],
    [pod("f", "a", { phase: "Failed" }), pod("s", "b", { phase: "Succeeded" })],
    ["-f", "-s"],
  ],
  [
    "deletes one that waits for a node that is gone",
    {},
    ["a"],
    [pod("p", "a"), pod("q", "b", { unplaced: true }), pod("r", "c")],
    ["-q"],
  ],
  ["replaces one at a time", {}, ["a", "b"], [pod("p", "a", { hash: "old" }), pod("q", "b", { hash: "old" })], ["-p"]],
  [
    "replaces none while a new one is not available",
    {},
    ["a", "b"],
    [pod("p", "a", { ready: false }), pod("q", "b", { hash: "old" })],
    [],
  ],
  [
    "replaces those that are not available at once",
    {},
    ["a", "b"],
    [pod("p", "a", { hash: "old", ready: false }), pod("q", "b", { hash: "old" })],
    ["-p"],
  ],
  [
    "rounds percentages up",
    { maxUnavailable: "30%" },
    ["a", "b", "c", "d"],
    ["a", "b", "c", "d"].map((on) => pod(on, on, { hash: "old" })),
    ["-a", "-b"],
  ],
  [
    "surges",
    { maxSurge: 1, maxUnavailable: 0 },
    ["a", "b"],
    ["a", "b"].map((on) => pod(on, on, { hash: "old" })),
    ["+a"],
  ],
  [
    "keeps the old one beside a new one that is not available",
    { maxSurge: 1, maxUnavailable: 0 },
    ["a"],
    [pod("o", "a", { hash: "old" }), pod("n", "a", { ready: false })],
    [],
  ],
  [
    "surges no further while a new one is not available",
    { maxSurge: 1, maxUnavailable: 0 },
    ["a", "b"],
    [pod("o", "a", { hash: "old" }), pod("n", "a", { ready: false }), pod("p", "b", { hash: "old" })],
    [],
  ],
  [
    "lets the old one go when the new one is available",
    { maxSurge: 1, maxUnavailable: 0 },
    ["a"],
    [pod("o", "a", { hash: "old" }), pod("n", "a")],
    ["-o"],
  ],
  [
    "surges at once where the old one is not available",
    { maxSurge: 1, maxUnavailable: 0 },
    ["a", "b"],
    [pod("o", "a", { hash: "old", ready: false }), pod("p", "b", { hash: "old" })],
    ["+a", "+b"],
  ],
])("%s", (_what, rolling, nodes, pods, expected) => {
  expect(planned(set(rolling), nodes, pods)).toEqual(expected);
});

it("leaves a failed pod for as long as the back-off says, and comes back then", () => {
  const failed = [pod("f", "a", { phase: "Failed" })];
  expect(planDaemonSet(input(set(), [node("a")], failed, 700))).toMatchObject({ delete: [], recheckAfterMs: 700 });
  expect(planDaemonSet(input(set(), [node("a")], failed)).ended).toMatchObject([{ node: "a" }]);
});

it("doubles the back-off up to its cap, and forgets it after a long time without failures", () => {
  const backoff = new FailedPodBackoff();
  const lefts = Array.from({ length: 12 }, () => {
    backoff.next("a", 0);
    return backoff.leftMs("a", 0);
  });
  expect(lefts.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
  expect(lefts.at(-1)).toBe(900_000);
  expect(backoff.leftMs("a", 899_999)).toBe(1);
  backoff.next("a", 1_800_001);
  expect(backoff.leftMs("a", 1_800_001)).toBe(1_000);
});

it("counts what there is and what there should be", () => {
  const nodes = [node("a"), node("b"), node("c"), node("d", [{ key: "own", effect: "NoSchedule" }])];
  const pods = [pod("p", "a"), pod("q", "b", { hash: "old", ready: false }), pod("r", "d")];
  const { status } = planDaemonStatus(input(set(), nodes, pods), true, 0);
  expect(status).toEqual({
    desiredNumberScheduled: 3,
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    numberReady: 1,
    numberAvailable: 1,
    numberUnavailable: 2,
    updatedNumberScheduled: 1,
    observedGeneration: 1,
  });
  const again = { ...set(), status: status ?? { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 } }; // prettier-ignore
  expect(planDaemonStatus(input(again, nodes, pods), true, 0).status).toBeUndefined();
});

it("comes back when a ready pod has been ready for long enough", () => {
  const late = { ...set(), spec: { ...set().spec!, minReadySeconds: 3_605 } };
  const { status, recheckAfterMs } = planDaemonStatus(input(late, [node("a")], [pod("p", "a")]), true, 0);
  expect([status?.numberReady, status?.numberAvailable, recheckAfterMs]).toEqual([1, 0, 5_000]);
});

/** Nodes of a DaemonSet whose plans are carried out at once, and whose pods become ready one after the other. */
class Fleet {
  pods: readonly Pod[] = [];
  private made = 0;
  readonly of: DaemonSet;
  readonly nodes: readonly Node[];

  constructor(of: DaemonSet, nodes: readonly Node[]) {
    this.of = of;
    this.nodes = nodes;
  }

  /** Answers false when there is nothing to do. */
  turn(): boolean {
    const plan = planDaemonSet(input(this.of, this.nodes, this.pods));
    const gone = new Set(plan.delete);
    const left = this.pods.filter((one) => !gone.has(one));
    this.pods = [...left, ...plan.create.map((on) => pod(`p${this.made++}`, on, { ready: false }))];
    return plan.create.length + plan.delete.length > 0;
  }

  ready(name: string): void {
    this.pods = this.pods.map((one) =>
      one.metadata?.name === name ? pod(name, targetNode(one) ?? "", { ready: true, hash: hashOf(one) }) : one,
    );
  }

  available(): number {
    return this.pods.filter((one) => isReady(one)).length;
  }
}

const hashOf = ({ metadata }: Pod): string => metadata?.labels?.["controller-revision-hash"] ?? "";
const isReady = ({ status }: Pod): boolean => status?.conditions?.[0]?.status === "True";

it("gets each node to a new pod, with no more missing or beside each other than may be, in whatever order pods become ready", () => {
  const limits = fc.oneof(
    fc.record({ maxUnavailable: fc.integer({ min: 1, max: 4 }), maxSurge: fc.constant(0) }),
    fc.record({ maxUnavailable: fc.constant(0), maxSurge: fc.integer({ min: 1, max: 4 }) }),
  );
  fc.assert(
    fc.property(limits, fc.integer({ min: 1, max: 6 }), fc.infiniteStream(fc.nat()), (rolling, count, draws) => {
      const names = Array.from({ length: count }, (_, index) => `n${index}`);
      const fleet = new Fleet(set(rolling), names.map((name) => node(name))); // prettier-ignore
      fleet.pods = names.map((on) => pod(`old-${on}`, on, { hash: "old" }));
      for (let round = 0; round < 20 * count; round++) {
        const acted = fleet.turn();
        expect(fleet.available()).toBeGreaterThanOrEqual(count - rolling.maxUnavailable);
        expect(fleet.pods.length).toBeLessThanOrEqual(count + rolling.maxSurge);
        const waiting = fleet.pods.filter((one) => !isReady(one));
        if (waiting.length > 0) fleet.ready(waiting[draws.next().value % waiting.length]?.metadata?.name ?? "");
        else if (!acted) break;
      }
      expect(fleet.pods.map((one) => `${targetNode(one)} ${hashOf(one)}`).sort()).toEqual(
        names.map((on) => `${on} new`),
      );
    }),
  );
});
