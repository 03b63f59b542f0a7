import { describe, expect, it } from "vitest";
import { admitPod, admitPodUpdate } from "../../../../../actors/api-server/core/kinds/core/pod-admission.ts";
import type { Pod, PodSpec, Toleration } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { RuntimeClass } from "../../../../../protocols/kubernetes/types/node-v1.ts";
import type { PriorityClass } from "../../../../../protocols/kubernetes/types/scheduling-v1.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { Written } from "../machinery/oracle-fixture.ts";
import { servedAs } from "../harness/catalog.ts";
import { createdBy, updatedBy } from "../machinery/oracle-fixture.ts";

const CLASSES: readonly PriorityClass[] = [
  { metadata: { name: "high" }, value: 1_000, preemptionPolicy: "Never" },
  { metadata: { name: "usual" }, value: 20, globalDefault: true },
  { metadata: { name: "rare" }, value: 30, globalDefault: true },
];
const SANDBOX: RuntimeClass = {
  metadata: { name: "sandbox" },
  handler: "h",
  overhead: { podFixed: { cpu: "10m" } },
  scheduling: { nodeSelector: { sandboxes: "yes" }, tolerations: [{ key: "k", operator: "Exists" }] },
};
const OBJECTS: Readonly<Record<string, KubernetesObject>> = {
  "/registry/serviceaccounts/default/default": {},
  "/registry/serviceaccounts/default/ci": {},
  "/registry/priorityclasses/high": CLASSES[0] ?? {},
  "/registry/runtimeclasses/sandbox": SANDBOX,
};
const find = (prefix: string, key: string): KubernetesObject | undefined => OBJECTS[`${prefix}/${key}`];
const admission = {
  nowMs: 0,
  tolerationSeconds: 300,
  serviceAccounts: true,
  suffix: (length: number): string => "z".repeat(length),
  find,
  all: (): readonly KubernetesObject[] => [],
};
const served = servedAs("v1", "pods");

function podOf(spec: Partial<PodSpec>): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", namespace: "default" },
    spec: { containers: [{ name: "a", image: "i" }], ...spec },
  };
}

function refusal(spec: Partial<PodSpec>): string | undefined {
  try {
    admitPod(podOf(spec), admission);
    return undefined;
  } catch (error) {
    return statusOf(error)?.code === 403 ? statusOf(error)?.message : String(error);
  }
}

/** Of kube-apiserver 1.37.1. */
const REFUSALS: readonly (readonly [Partial<PodSpec>, string])[] = [
  [{ serviceAccountName: "nope" }, 'error looking up service account default/nope: serviceaccount "nope" not found'],
  [{ priorityClassName: "nope" }, "no PriorityClass with name nope was found"],
  [
    { priorityClassName: "system-node-critical", priority: 5 },
    "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 2000001000 from the given PriorityClass name",
  ],
  [
    { priority: 1 },
    "the integer value of priority (1) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
  ],
  [
    { preemptionPolicy: "Never" },
    "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
  ],
  [{ runtimeClassName: "nope" }, 'pod rejected: RuntimeClass "nope" not found'],
  [{ overhead: { cpu: "1" } }, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"],
  [
    { serviceAccountName: "nope", priorityClassName: "nope" },
    'error looking up service account default/nope: serviceaccount "nope" not found',
  ],
];

describe("the admission of a pod", () => {
  for (const [spec, why] of REFUSALS) {
    it(`refuses ${JSON.stringify(spec)} in kube-apiserver's words`, () => {
      expect(refusal(spec)).toBe(`pods "a" is forbidden: ${why}`);
    });
  }

  it("takes an account that is there", () => {
    expect([refusal({ serviceAccountName: "ci" }), refusal({})]).toEqual([undefined, undefined]);
  });

  it("asks for no account and gives none where the plugin is off", () => {
    const off = { ...admission, serviceAccounts: false };
    expect(admitPod(podOf({ serviceAccountName: "nope" }), off)).not.toHaveProperty("volumes");
    expect(admitPod(podOf({}), off)).not.toHaveProperty("serviceAccountName");
  });

  it("gives the priorities of the system's classes", () => {
    const priorityOf = (priorityClassName: string): number | undefined =>
      admitPod(podOf({ priorityClassName }), admission).priority;
    expect(priorityOf("system-node-critical")).toBe(2_000_001_000);
    expect(priorityOf("system-cluster-critical")).toBe(2_000_000_000);
  });

  it("gives the priority and the policy of a class that is there, and of the lowest default one to a pod that names none", () => {
    const classes = { ...admission, all: () => CLASSES };
    expect(admitPod(podOf({ priorityClassName: "high" }), classes)).toMatchObject({
      priority: 1_000,
      preemptionPolicy: "Never",
    });
    expect(admitPod(podOf({}), classes)).toMatchObject({ priorityClassName: "usual", priority: 20 });
  });

  it("adds what the runtime class says, and refuses what contradicts it", () => {
    const spec = admitPod(podOf({ runtimeClassName: "sandbox", nodeSelector: { disk: "ssd" } }), admission);
    expect(spec).toMatchObject({ overhead: { cpu: "10m" }, nodeSelector: { disk: "ssd", sandboxes: "yes" } });
    expect(spec.tolerations?.map(({ key }) => key)).toContain("k");
    expect(refusal({ runtimeClassName: "sandbox", nodeSelector: { sandboxes: "no" } })).toContain("conflict");
    expect(refusal({ runtimeClassName: "sandbox", overhead: { cpu: "1" } })).toContain("Overhead doesn't match");
  });

  it.each<[string, Toleration, readonly (string | undefined)[]]>([
    ["everything", { operator: "Exists" }, [undefined]],
    ["all keys with NoExecute", { operator: "Exists", effect: "NoExecute" }, [undefined]],
    [
      "all keys with another effect",
      { operator: "Exists", effect: "NoSchedule" },
      [undefined, "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"],
    ],
    [
      "one of the two",
      { key: "node.kubernetes.io/unreachable", operator: "Exists", tolerationSeconds: 5 },
      ["node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"],
    ],
  ])("adds the tolerations of lost nodes that a pod has not, which tolerates %s", (_what, toleration, keys) => {
    const { tolerations } = admitPod(podOf({ tolerations: [toleration] }), admission);
    expect(tolerations?.map(({ key }) => key)).toEqual(keys);
  });

  it("takes an overhead of nothing for none", () => {
    expect(refusal({ overhead: {} })).toBeUndefined();
  });

  it("adds what it added again where an update leaves it out", () => {
    const old = admitPod(podOf({}), admission);
    const tolerations = [{ key: "k", operator: "Exists" as const }];
    const next = admitPodUpdate({ containers: old.containers, tolerations }, old);
    expect(next.tolerations?.map((one) => one.key)).toEqual([
      "k",
      "node.kubernetes.io/not-ready",
      "node.kubernetes.io/unreachable",
    ]);
    expect([next.priority, next.preemptionPolicy]).toEqual([0, "PreemptLowerPriority"]);
  });
});

describe("a gated pod", () => {
  const gated = (spec: Partial<PodSpec> = {}): Written =>
    createdBy(served, podOf({ schedulingGates: [{ name: "a/b" }], nodeSelector: { a: "b" }, ...spec }));

  function changed(spec: Partial<PodSpec>, before: Partial<PodSpec> = {}): readonly string[] {
    const old = gated(before).object as Pod;
    const next = { ...old, spec: { ...old.spec, ...spec } } as Pod;
    return updatedBy(served, next, old).causes.map(({ field, message }) => `${field}: ${message?.split("\n")[0]}`);
  }

  it("says so in its condition from the beginning", () => {
    const status = (gated().object as Pod).status;
    expect(status?.conditions).toEqual([
      {
        type: "PodScheduled",
        status: "False",
        lastProbeTime: null,
        lastTransitionTime: "1970-01-01T00:00:00Z",
        reason: "SchedulingGated",
        message: "Scheduling is blocked due to non-empty scheduling gates",
      },
    ]);
  });

  it("can be narrowed to fewer nodes, and not widened", () => {
    const only = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
    expect(changed({ nodeSelector: { a: "b", c: "d" } })).toEqual([]);
    expect(changed({ nodeSelector: { a: "x" } })).toEqual([`spec.nodeSelector: Invalid value: {"a":"x"}: ${only}`]);
    const affinity = (key: string): PodSpec["affinity"] => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "Exists" }] }],
        },
      },
    });
    expect(changed({ affinity: affinity("a") } as Partial<PodSpec>)).toEqual([]);
    expect(changed({ affinity: affinity("z") } as Partial<PodSpec>, { affinity: affinity("a") } as never)).toEqual([
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]: Invalid value: {"MatchExpressions":[{"Key":"z","Operator":"Exists","Values":null}],"MatchFields":null}: only additions are allowed (no mutations or deletions)',
    ]);
  });

  it("loses gates and gets none", () => {
    expect(changed({ schedulingGates: [] })).toEqual([]);
    expect(changed({ schedulingGates: [{ name: "x/y" }] })).toEqual([
      "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'x/y'",
    ]);
  });

  it("has no node yet", () => {
    expect(gated({ nodeName: "n" }).causes.map((cause) => cause.message)).toEqual([
      "Forbidden: cannot be set until all schedulingGates have been cleared",
    ]);
  });
});

describe("what a pod asks for as a whole", () => {
  const made = (spec: Partial<PodSpec>): Pod => createdBy(served, podOf(spec)).object as Pod;

  it("is what it limits, where its containers say nothing", () => {
    const pod = made({ resources: { limits: { cpu: "1", memory: "1Gi" } } });
    expect(pod.spec?.resources?.requests).toEqual({ cpu: "1", memory: "1Gi" });
    expect(pod.status?.qosClass).toBe("Guaranteed");
  });

  it("is what its containers ask for together, where they say it", () => {
    const containers = [{ name: "a", image: "i", resources: { requests: { memory: "1Mi" } } }];
    const limits = { cpu: "1", memory: "1Gi" };
    const pod = made({ containers, resources: { limits, requests: { cpu: "500m" } } });
    expect(pod.spec?.resources?.requests).toEqual({ cpu: "500m", memory: "1Mi" });
    expect(pod.status?.qosClass).toBe("Burstable");
  });
});
