import { describe, expect, it } from "vitest";
import { isInScopes } from "../../../../protocols/kubernetes/quota/scopes.ts";
import { isAmountOf, unsaid, usageOf } from "../../../../protocols/kubernetes/quota/usage.ts";
import type { Pod, PodSpec, ResourceQuotaScope } from "../../../../protocols/kubernetes/types/core-v1.ts";

const nowMs = Date.parse("2026-01-01T00:01:00Z");
const core = (resource: string): { readonly group: string; readonly resource: string } => ({ group: "", resource });
const container = (name: string, requests: Record<string, string>, limits: Record<string, string> = {}) => ({
  name,
  resources: { requests, limits },
});
const pod = (spec: Partial<PodSpec>, more: Partial<Pod> = {}): Pod => ({ spec: { containers: [], ...spec }, ...more });

describe("usageOf", () => {
  const cases: readonly (readonly [string, string, object, Readonly<Record<string, string>>])[] = [
    [
      "a pod",
      "pods",
      pod({ containers: [container("c", { cpu: "1", memory: "1Gi" }, { cpu: "2" })] }),
      {
        "count/pods": "1",
        pods: "1",
        cpu: "1",
        "requests.cpu": "1",
        memory: "1Gi",
        "requests.memory": "1Gi",
        "limits.cpu": "2",
      },
    ],
    [
      "a pod with the larger of its initial containers",
      "pods",
      pod({ containers: [container("c", { cpu: "1" })], initContainers: [container("i", { cpu: "3" })] }),
      {
        "count/pods": "1",
        pods: "1",
        cpu: "3",
        "requests.cpu": "3",
      },
    ],
    [
      "a pod with what it costs to run it",
      "pods",
      pod({ containers: [container("c", { cpu: "1" })], overhead: { cpu: "500m" } }),
      {
        "count/pods": "1",
        pods: "1",
        cpu: "1500m",
        "requests.cpu": "1500m",
      },
    ],
    [
      "a pod with devices",
      "pods",
      pod({ containers: [container("c", { "example.com/gpu": "2" })] }),
      {
        "count/pods": "1",
        pods: "1",
        "requests.example.com/gpu": "2",
      },
    ],
    ["a pod that has ended", "pods", pod({}, { status: { phase: "Succeeded" } }), { "count/pods": "1" }],
    [
      "a pod whose time to end is over",
      "pods",
      pod({}, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 30 } }),
      { "count/pods": "1" },
    ],
    [
      "a Service of node ports",
      "services",
      { spec: { type: "NodePort", ports: [{ port: 1 }, { port: 2 }] } },
      {
        "count/services": "1",
        services: "1",
        "services.nodeports": "2",
      },
    ],
    [
      "a load balancer without node ports",
      "services",
      { spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports: [{ port: 1 }] } },
      {
        "count/services": "1",
        services: "1",
        "services.nodeports": "0",
        "services.loadbalancers": "1",
      },
    ],
    [
      "a claim of a class",
      "persistentvolumeclaims",
      { spec: { storageClassName: "fast", resources: { requests: { storage: "1Gi" } } } },
      {
        "count/persistentvolumeclaims": "1",
        persistentvolumeclaims: "1",
        "requests.storage": "1Gi",
        "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "fast.storageclass.storage.k8s.io/requests.storage": "1Gi",
      },
    ],
    ["any other object", "secrets", {}, { "count/secrets": "1", secrets: "1" }],
  ];
  it.each(cases)("counts %s", (_name, resource, object, expected) => {
    expect(usageOf(core(resource), object, nowMs)).toEqual(expected);
    for (const name of Object.keys(expected)) expect(isAmountOf(core(resource), name)).toBe(true);
  });
});

it("knows amounts of other groups by their group only", () => {
  const deployments = { group: "apps", resource: "deployments" };
  expect(usageOf(deployments, {}, nowMs)).toEqual({ "count/deployments.apps": "1" });
  expect(isAmountOf(deployments, "count/deployments.apps")).toBe(true);
  expect(isAmountOf(deployments, "pods")).toBe(false);
  expect(isAmountOf(core("pods"), "requests.storage")).toBe(false);
});

it("says which containers do not say what a quota has", () => {
  const spec = {
    containers: [container("b", { cpu: "1" }), container("a", {})],
    initContainers: [container("i", {}, { memory: "1" })],
  };
  expect(unsaid(spec, ["pods", "requests.cpu", "limits.memory"])).toBe(
    "must specify limits.memory for: a,b; requests.cpu for: a,i",
  );
  expect(
    unsaid({ ...spec, resources: { requests: { cpu: "1" }, limits: { memory: "1" } } }, ["cpu", "limits.memory"]),
  ).toBeUndefined();
});

describe("isInScopes", () => {
  const best = pod({ containers: [container("c", {})] });
  const some = pod({ containers: [container("c", { cpu: "1" })], activeDeadlineSeconds: 1, priorityClassName: "high" });
  const cases: readonly (readonly [ResourceQuotaScope, boolean, boolean])[] = [
    ["BestEffort", true, false],
    ["NotBestEffort", false, true],
    ["Terminating", false, true],
    ["NotTerminating", true, false],
    ["PriorityClass", false, true],
    ["CrossNamespacePodAffinity", false, false],
  ];
  it.each(cases)("%s", (scope, first, second) => {
    expect([best, some].map((of) => isInScopes({ scopes: [scope] }, core("pods"), of))).toEqual([first, second]);
  });

  it("by the values of a selector", () => {
    const priority = (operator: string, values: readonly string[]): boolean => {
      const matchExpressions = [{ scopeName: "PriorityClass" as const, operator: operator as "In", values }];
      return isInScopes({ scopeSelector: { matchExpressions } }, core("pods"), some);
    };
    expect([priority("In", ["high"]), priority("NotIn", ["high"]), priority("DoesNotExist", [])]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("leaves out what has no scopes", () => {
    expect(isInScopes({ scopes: ["BestEffort"] }, core("secrets"), {})).toBe(false);
    expect(isInScopes({}, core("secrets"), {})).toBe(true);
  });
});
