import fc from "fast-check";
import { expect, it } from "vitest";
import { newRevision } from "../../../../../actors/controller-manager/core/controller-revisions.ts";
import {
  claimsOf,
  ordinalOf,
  revisionOfPod,
  statefulPod,
} from "../../../../../actors/controller-manager/core/stateful-set/identity.ts";
import type { StatefulInput, StatefulPlan } from "../../../../../actors/controller-manager/core/stateful-set/plan.ts";
import { planStatefulSet } from "../../../../../actors/controller-manager/core/stateful-set/plan.ts";
import type {
  ControllerRevision,
  StatefulSet,
  StatefulSetSpec,
} from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { OwnerReference } from "../../../../../protocols/kubernetes/types/meta-v1.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");
const style = { kind: "StatefulSet", hashLabel: "controller.kubernetes.io/hash" } as const;

function set(spec: Partial<StatefulSetSpec> = {}, image: string = "new"): StatefulSet {
  return {
    metadata: { name: "web", namespace: "n", uid: "u", generation: 1 },
    spec: {
      replicas: 3,
      serviceName: "svc",
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } },
      ...spec,
    },
  };
}

function revision(image: string): ControllerRevision {
  const made = newRevision(style, set({}, image), 1, 0);
  return { ...made, metadata: { ...made.metadata, name: image } };
}

type State = "ready" | "unready" | "pending" | "failed" | "leaving";

/** `0 ready new`: the pod of ordinal 0, of the revision `new`. */
function podsOf(of: StatefulSet, lines: readonly string[]): readonly Pod[] {
  return lines.map((line) => {
    const [ordinal = "", state = "", image = "new"] = line.split(" ");
    return inState(statefulPod(of, revision(image), Number(ordinal)), state as State);
  });
}

function inState(pod: Pod, state: State): Pod {
  const phase = state === "pending" ? "Pending" : state === "failed" ? "Failed" : "Running";
  const ready = state === "ready" || state === "leaving" ? "True" : "False";
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      uid: pod.metadata?.uid ?? `uid of ${pod.metadata?.name}`,
      ...(state === "leaving" ? { deletionTimestamp: "2026-01-01T00:30:00Z" } : {}),
    },
    status: { phase, conditions: [{ type: "Ready", status: ready, lastTransitionTime: "2026-01-01T00:00:00Z" }] },
  };
}

function plan(
  of: StatefulSet,
  pods: readonly Pod[],
  claims: readonly PersistentVolumeClaim[] = [],
  current: string = "old",
): StatefulPlan {
  const input: StatefulInput = {
    set: of,
    pods,
    current: revision(current),
    update: revision("new"),
    claim: (name) => claims.find(({ metadata }) => metadata?.name === name),
    nowMs,
  };
  return planStatefulSet(input, 0, false);
}

/** `create 0 new`, in order; what may happen together is joined by `+`. */
function told({ stages }: StatefulPlan): readonly string[] {
  return stages.map((stage) =>
    stage
      .map(({ verb, pod }) => `${verb} ${ordinalOf(set(), pod)}${verb === "create" ? ` ${revisionOfPod(pod)}` : ""}`)
      .join(" + "),
  );
}

const parallel = { podManagementPolicy: "Parallel" } as const;
const rolling = (rollingUpdate: object): Partial<StatefulSetSpec> => ({
  updateStrategy: { type: "RollingUpdate", rollingUpdate },
});

it("makes a pod with the name, host name and labels of its ordinal", () => {
  const pod = statefulPod(set(), revision("new"), 7);
  expect(pod.metadata).toMatchObject({
    name: "web-7",
    namespace: "n",
    labels: {
      app: "web",
      "controller-revision-hash": "new",
      "statefulset.kubernetes.io/pod-name": "web-7",
      "apps.kubernetes.io/pod-index": "7",
    },
    ownerReferences: [{ kind: "StatefulSet", uid: "u", controller: true }],
  });
  expect(pod.spec).toMatchObject({ hostname: "web-7", subdomain: "svc", containers: [{ image: "new" }] });
});

it.each([
  ["web-0", 0],
  ["web-12", 12],
  ["web-01", undefined],
  ["web-x", undefined],
  ["web", undefined],
  ["other-web-1", undefined],
  ["web-1-1", undefined],
  ["web-4294967296", undefined],
])("knows %s by its name", (name, ordinal) => {
  expect(ordinalOf(set(), { metadata: { name } })).toBe(ordinal);
});

it.each<[string, Partial<StatefulSetSpec>, readonly string[], readonly string[]]>([
  ["begins with the first", {}, [], ["create 0 new"]],
  ["waits for one that is not ready", {}, ["0 unready"], []],
  ["goes on with the next", {}, ["0 ready"], ["create 1 new"]],
  ["fills a gap before it goes on", {}, ["1 ready"], ["create 0 new"]],
  ["waits for one that is on its way out", {}, ["0 leaving", "1 ready", "2 ready"], []],
  ["deletes one that has ended", {}, ["0 failed", "1 ready", "2 ready"], ["delete 0"]],
  ["begins where its ordinals do", { ordinals: { start: 4 } }, ["4 ready"], ["create 5 new"]],
  ["takes the last away first", { replicas: 1 }, ["0 ready", "1 ready", "2 ready"], ["delete 2"]],
  ["takes none away before the last is gone", { replicas: 1 }, ["0 ready", "1 ready", "2 leaving"], []],
  ["takes none away while another is not ready", { replicas: 1 }, ["0 unready", "1 ready", "2 ready"], []],
  [
    "takes the last away before it updates any",
    { replicas: 2 },
    ["0 ready old", "1 ready old", "2 ready old"],
    ["delete 2"],
  ],
  ["updates none before the last is gone", { replicas: 2 }, ["0 ready old", "1 ready old", "2 leaving old"], []],
  ["takes the only one that is not ready away", { replicas: 2 }, ["0 ready", "1 ready", "2 unready"], ["delete 2"]],
  ["waits with one that is not ready for an earlier one", { replicas: 1 }, ["0 ready", "1 unready", "2 unready"], []],
  ["updates the last first", {}, ["0 ready old", "1 ready old", "2 ready old"], ["delete 2"]],
  ["updates the next when the last is ready", {}, ["0 ready old", "1 ready old", "2 ready"], ["delete 1"]],
  ["updates none while one is not ready", {}, ["0 ready old", "1 ready old", "2 unready"], []],
  ["updates from the partition on", rolling({ partition: 2 }), ["0 ready old", "1 ready old", "2 ready"], []],
  ["makes those below it as they were", rolling({ partition: 2 }), ["0 ready old"], ["create 1 old"]],
  ["makes those above it anew", rolling({ partition: 2 }), ["0 ready old", "1 ready old"], ["create 2 new"]],
  [
    "updates as many as may be missing",
    rolling({ maxUnavailable: 2 }),
    ["0 ready old", "1 ready old", "2 ready old"],
    ["delete 2 + delete 1"],
  ],
  [
    "rounds what may be missing down, to one at least",
    rolling({ maxUnavailable: "10%" }),
    ["0 ready old", "1 ready old", "2 ready old"],
    ["delete 2"],
  ],
  [
    "updates none by itself if told so",
    { updateStrategy: { type: "OnDelete" } },
    ["0 ready old", "1 ready old", "2 ready old"],
    [],
  ],
  ["makes what was deleted anew then", { updateStrategy: { type: "OnDelete" } }, ["0 ready old"], ["create 1 new"]],
  ["makes all at once", parallel, [], ["create 0 new + create 1 new + create 2 new"]],
  ["takes all away at once", { ...parallel, replicas: 0 }, ["0 unready", "1 ready"], ["delete 1 + delete 0"]],
  ["replaces all that have ended at once", parallel, ["0 failed", "2 failed"], ["delete 0 + create 1 new + delete 2"]],
  ["updates one at a time all the same", parallel, ["0 ready old", "1 ready old", "2 ready old"], ["delete 2"]],
  [
    "replaces old ones that are not ready besides",
    parallel,
    ["0 unready old", "1 ready old", "2 ready old"],
    ["delete 0"],
  ],
  [
    "and others as far as there is room",
    { ...parallel, ...rolling({ maxUnavailable: 2 }) },
    ["0 unready old", "1 ready old", "2 ready old"],
    ["delete 0 + delete 2"],
  ],
  ["does not update while it makes others", parallel, ["0 ready old", "1 ready old"], ["create 2 new"]],
])("%s", (_what, spec, lines, expected) => {
  const of = set(spec);
  expect(told(plan(of, podsOf(of, lines)))).toEqual(expected);
});

it("waits until a pod has been ready for long enough", () => {
  const of = set({ minReadySeconds: 3_605 });
  const { stages, status, recheckAfterMs } = plan(of, podsOf(of, ["0 ready"]));
  expect([stages, status?.readyReplicas, status?.availableReplicas, recheckAfterMs]).toEqual([[], 1, 0, 5_000]);
});

it("does nothing while what it has asked for is not seen, nor on its way out, but count", () => {
  const of = set();
  const input = { set: of, pods: podsOf(of, ["0 ready"]), current: revision("new"), update: revision("new"), claim: () => undefined, nowMs }; // prettier-ignore
  expect(planStatefulSet(input, 0, true)).toMatchObject({ stages: [], status: { readyReplicas: 1 } });
  const leaving = { ...of, metadata: { ...of.metadata, deletionTimestamp: "2026-01-01T00:30:00Z" } };
  expect(planStatefulSet({ ...input, set: leaving }, 0, false)).toMatchObject({ stages: [], status: { replicas: 1 } });
});

it("counts pods by revision, and takes the new one for the current one when all are of it", () => {
  const of = set();
  const before = plan(of, podsOf(of, ["0 ready old", "1 ready old", "2 ready"])).status;
  // The second one is on its way.
  expect(before).toMatchObject({
    currentReplicas: 1,
    updatedReplicas: 1,
    currentRevision: "old",
    updateRevision: "new",
  });
  const after = plan(of, podsOf(of, ["0 ready", "1 ready", "2 ready"])).status;
  expect(after).toMatchObject({
    currentReplicas: 3,
    updatedReplicas: 3,
    currentRevision: "new",
    updateRevision: "new",
  });
  const partly = plan(of, podsOf(of, ["0 ready", "1 ready", "2 unready"])).status;
  expect(partly).toMatchObject({ currentReplicas: 0, updatedReplicas: 3, currentRevision: "old" });
  expect(
    plan({ ...of, status: after ?? { replicas: 0 } }, podsOf(of, ["0 ready", "1 ready", "2 ready"])).status,
  ).toBeUndefined();
});

const template: PersistentVolumeClaim = {
  metadata: { name: "data", labels: { kept: "yes" } },
  spec: { accessModes: ["ReadWriteOnce"] },
};
const withClaims = (spec: Partial<StatefulSetSpec> = {}): StatefulSet =>
  set({ volumeClaimTemplates: [template], ...spec });
const keeps = (whenScaled: "Delete" | "Retain", whenDeleted: "Delete" | "Retain"): Partial<StatefulSetSpec> => ({
  persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
});

function claim(ordinal: number, owners: readonly OwnerReference[] = []): PersistentVolumeClaim {
  const [made] = claimsOf(withClaims(), ordinal);
  return { ...made?.claim, metadata: { ...made?.claim.metadata, ownerReferences: owners } };
}

const bySet = { apiVersion: "apps/v1", kind: "StatefulSet", name: "web", uid: "u", controller: true, blockOwnerDeletion: true }; // prettier-ignore
const byPod = (ordinal: number): OwnerReference => ({ apiVersion: "v1", kind: "Pod", name: `web-${ordinal}`, uid: `uid of web-${ordinal}`, controller: true, blockOwnerDeletion: true }); // prettier-ignore

it("makes a pod's claims before it, under names and labels of their own", () => {
  const [[step] = []] = plan(withClaims(), []).stages;
  expect(step?.claims).toMatchObject([
    {
      metadata: { name: "data-web-0", namespace: "n", labels: { kept: "yes", app: "web" } },
      spec: { accessModes: ["ReadWriteOnce"] },
    },
  ]);
  expect(step?.pod.spec?.volumes).toEqual([{ name: "data", persistentVolumeClaim: { claimName: "data-web-0" } }]);
  const [[again] = []] = plan(withClaims(), [], [claim(0)]).stages;
  expect(again?.claims).toEqual([]);
});

it("makes the lost claim of a pod that is not placed yet", () => {
  const of = withClaims();
  expect(plan(of, podsOf(of, ["0 pending"])).stages).toMatchObject([[{ verb: "none", claims: [{ metadata: { name: "data-web-0" } }] }]]); // prettier-ignore
  expect(plan(of, podsOf(of, ["0 unready"])).stages).toEqual([]);
});

it.each<
  [
    string,
    "Delete" | "Retain",
    "Delete" | "Retain",
    number,
    readonly OwnerReference[],
    readonly OwnerReference[] | undefined,
  ]
>([
  ["nobody's", "Retain", "Retain", 0, [], undefined],
  ["nobody's any more", "Retain", "Retain", 0, [bySet], []],
  ["the set's", "Retain", "Delete", 0, [], [bySet]],
  ["the set's, also where the pod is one too many", "Retain", "Delete", 3, [], [bySet]],
  ["nobody's while its pod is wanted", "Delete", "Retain", 0, [bySet], []],
  ["the pod's when that is one too many", "Delete", "Retain", 3, [], [byPod(3)]],
  ["the pod's, and no more the set's", "Delete", "Delete", 3, [bySet], [byPod(3)]],
  ["the set's again when its pod is wanted again", "Delete", "Delete", 0, [byPod(0)], [bySet]],
  [
    "not touched where another answers for it",
    "Delete",
    "Delete",
    0,
    [{ ...bySet, name: "other", uid: "o" }],
    undefined,
  ],
  ["not touched where an earlier set of this name does", "Delete", "Delete", 0, [{ ...bySet, uid: "o" }], undefined],
  [
    "left to a pod that is not its controller no more",
    "Delete",
    "Delete",
    3,
    [{ ...byPod(3), controller: false }],
    [byPod(3)],
  ],
])("a claim is %s", (_what, whenScaled, whenDeleted, ordinal, before, after) => {
  const of = withClaims(keeps(whenScaled, whenDeleted));
  const pods = podsOf(of, ["0 ready", "1 ready", "2 ready", "3 ready"]);
  const others = [0, 1, 2, 3].filter((other) => other !== ordinal).map((other) => claim(other, settled(whenScaled, whenDeleted, other))); // prettier-ignore
  const steps = plan(of, pods, [claim(ordinal, before), ...others], "new").stages.flat();
  const owned = steps.flatMap((step) => step.owned);
  expect(owned.map(({ metadata }) => metadata?.ownerReferences)).toEqual(after === undefined ? [] : [after]);
});

function settled(whenScaled: string, whenDeleted: string, ordinal: number): readonly OwnerReference[] {
  if (whenScaled === "Delete" && ordinal > 2) return [byPod(ordinal)];
  return whenDeleted === "Delete" ? [bySet] : [];
}

it("waits with a new pod until the claim of the one before it is gone", () => {
  const of = withClaims(keeps("Delete", "Retain"));
  expect(plan(of, [], [claim(0, [byPod(0)])]).stages).toEqual([]);
  const leaving = { ...claim(0), metadata: { ...claim(0).metadata, deletionTimestamp: "2026-01-01T00:30:00Z" } };
  expect(plan(of, [], [leaving]).stages).toMatchObject([[{ verb: "create", blockedBy: "data-web-0" }]]);
});

it("gives a pod that was adopted the labels of its ordinal", () => {
  const of = set({ replicas: 1 });
  const [pod = {}] = podsOf(of, ["0 ready"]);
  const adopted = { ...pod, metadata: { ...pod.metadata, labels: { app: "web" } } };
  const [[step] = []] = plan(of, [adopted], [], "new").stages;
  expect(step).toMatchObject({
    verb: "update",
    pod: { metadata: { labels: { "apps.kubernetes.io/pod-index": "0" } } },
  });
});

/** A set whose plans are carried out at once; pods become ready, end and go one by one, as is drawn. */
class Model {
  pods: readonly Pod[] = [];
  of: StatefulSet;

  constructor(of: StatefulSet, lines: readonly string[] = []) {
    this.of = of;
    this.pods = podsOf(of, lines);
  }

  /** Answers the steps. */
  turn(): StatefulPlan["stages"] {
    const { stages, status } = plan(this.of, this.pods);
    if (status !== undefined) this.of = { ...this.of, status };
    for (const { verb, pod } of stages.flat()) {
      if (verb === "create") this.pods = [...this.pods, inState(pod, "unready")];
      if (verb === "delete") this.put(pod, "leaving");
    }
    return stages;
  }

  put(pod: Pod, state: State): void {
    this.pods = this.pods.map((one) => (one === pod ? inState(one, state) : one));
  }

  /** What is not ready becomes so, and what is on its way out goes. */
  advance(draw: number): boolean {
    const moving = this.pods.filter((pod) => !isWell(pod));
    const pod = moving[draw % Math.max(1, moving.length)];
    if (pod === undefined) return false;
    if (pod.metadata?.deletionTimestamp === undefined) this.put(pod, "ready");
    else this.pods = this.pods.filter((one) => one !== pod);
    return true;
  }
}

function isWell(pod: Pod): boolean {
  return pod.metadata?.deletionTimestamp === undefined && pod.status?.conditions?.[0]?.status === "True";
}

it("gets to the wanted pods of the new revision, with no more missing than may be, in whatever order they become ready and end", () => {
  const policies = fc.constantFrom("Parallel" as const, "OrderedReady" as const);
  const counts = { replicas: fc.integer({ min: 0, max: 6 }), before: fc.integer({ min: 0, max: 6 }) };
  const given = fc.record({ ...counts, max: fc.integer({ min: 1, max: 3 }), podManagementPolicy: policies });
  fc.assert(
    fc.property(given, fc.infiniteStream(fc.nat()), fc.array(fc.nat(), { maxLength: 4 }), (drawn, draws, ends) => {
      const { replicas, before, max, podManagementPolicy } = drawn;
      const of = set({ replicas, podManagementPolicy, ...rolling({ maxUnavailable: max }) });
      const model = new Model(of, Array.from({ length: before }, (_, ordinal) => `${ordinal} ready old`)); // prettier-ignore
      const troubles = [...ends];
      for (let round = 0; round < 200; round++) {
        const missing =
          replicas - model.pods.filter((pod) => isWell(pod) && Number(ordinalOf(of, pod)) < replicas).length;
        const stages = model.turn();
        const updates = stages.flat().filter(({ verb, pod }) => verb === "delete" && isWell(pod) && Number(ordinalOf(of, pod)) < replicas); // prettier-ignore
        if (updates.length > 0) expect(missing + updates.length).toBeLessThanOrEqual(max);
        if (podManagementPolicy === "OrderedReady" && updates.length === 0)
          expect(stages.flat().length).toBeLessThanOrEqual(1);
        const [end] = round % 5 === 4 ? troubles.splice(0, 1) : [];
        const victim = end === undefined ? undefined : model.pods[end % Math.max(1, model.pods.length)];
        if (victim !== undefined && isWell(victim)) model.put(victim, "failed");
        else if (!model.advance(draws.next().value) && stages.length === 0 && troubles.length === 0) break;
      }
      const wanted = Array.from({ length: replicas }, (_, ordinal) => `web-${ordinal} new`);
      expect(model.pods.map((pod) => `${pod.metadata?.name} ${revisionOfPod(pod)}`).sort()).toEqual(wanted);
    }),
  );
});
