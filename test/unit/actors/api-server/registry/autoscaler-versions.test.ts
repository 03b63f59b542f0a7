import { describe, expect, it } from "vitest";
import {
  toAutoscalerV1,
  toAutoscalerV2,
} from "../../../../../actors/api-server/core/kinds/autoscaling/autoscaler-versions.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { HorizontalPodAutoscaler } from "../../../../../protocols/kubernetes/types/autoscaling-v2.ts";

const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };

/** One metric of each type, of which v1 has a field for the first only. */
const full: HorizontalPodAutoscaler = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "web", annotations: { mine: "1" } },
  spec: {
    scaleTargetRef,
    minReplicas: 2,
    maxReplicas: 9,
    metrics: [
      { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
      {
        type: "ContainerResource",
        containerResource: { name: "cpu", container: "a", target: { type: "Utilization", averageUtilization: 70 } },
      },
      {
        type: "Pods",
        pods: {
          metric: { name: "hits", selector: { matchLabels: { a: "b" } } },
          target: { type: "AverageValue", averageValue: "5" },
        },
      },
      {
        type: "Object",
        object: { describedObject: scaleTargetRef, metric: { name: "queue" }, target: { type: "Value", value: "10" } },
      },
      {
        type: "Object",
        object: {
          describedObject: scaleTargetRef,
          metric: { name: "queue" },
          target: { type: "AverageValue", averageValue: "3" },
        },
      },
      {
        type: "External",
        external: { metric: { name: "orders" }, target: { type: "AverageValue", averageValue: "7" } },
      },
      { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } },
    ],
    behavior: {
      scaleDown: { stabilizationWindowSeconds: 60, policies: [{ type: "Pods", value: 1, periodSeconds: 30 }] },
    },
  },
  status: {
    currentReplicas: 2,
    desiredReplicas: 3,
    currentMetrics: [
      { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 55, averageValue: "110m" } } },
      { type: "Pods", pods: { metric: { name: "hits" }, current: { averageValue: "4" } } },
    ],
    conditions: [
      { type: "AbleToScale", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z", reason: "ReadyForNewScale" },
    ],
  },
};

describe("a HorizontalPodAutoscaler", () => {
  it("comes back from v1 as it was, with all that v1 has no fields for", () => {
    expect(toAutoscalerV2(toAutoscalerV1(full))).toEqual(full);
  });

  it("shows in v1 the processor's utilization as a field, and the rest as annotations", () => {
    const object = toAutoscalerV1(full);
    expect(object).toMatchObject({
      apiVersion: "autoscaling/v1",
      spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 9, targetCPUUtilizationPercentage: 60 },
      status: { currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 55 },
    });
    const { annotations = {} } = object.metadata ?? {};
    expect(Object.keys(annotations).sort()).toEqual([
      "autoscaling.alpha.kubernetes.io/behavior",
      "autoscaling.alpha.kubernetes.io/conditions",
      "autoscaling.alpha.kubernetes.io/current-metrics",
      "autoscaling.alpha.kubernetes.io/metrics",
      "mine",
    ]);
    expect(JSON.parse(annotations["autoscaling.alpha.kubernetes.io/behavior"] ?? "")).toEqual({
      ScaleUp: null,
      ScaleDown: {
        StabilizationWindowSeconds: 60,
        SelectPolicy: null,
        Policies: [{ Type: "Pods", Value: 1, PeriodSeconds: 30 }],
        Tolerance: null,
      },
    });
  });

  it.each([
    { "autoscaling.alpha.kubernetes.io/metrics": "[" },
    { "autoscaling.alpha.kubernetes.io/metrics": "{}" },
    { "autoscaling.alpha.kubernetes.io/metrics": '[null, {"resource": 5}]' },
    { "autoscaling.alpha.kubernetes.io/behavior": '{"ScaleUp": {"Policies": {}}}' },
    { "autoscaling.alpha.kubernetes.io/conditions": '"x"' },
  ])(
    "scales by 80 %% of the processor when v1 says nothing, and takes no word of annotations like %j",
    (annotations) => {
      const object = {
        apiVersion: "autoscaling/v1",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "web", annotations },
        spec: { scaleTargetRef, maxReplicas: 2 },
      } as KubernetesObject;
      const cpu = {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
      };
      expect(toAutoscalerV2(object)).not.toHaveProperty("spec.behavior");
      expect(toAutoscalerV2(object)).toMatchObject({
        metadata: { name: "web" },
        spec: { maxReplicas: 2, metrics: [cpu] },
      });
      expect(toAutoscalerV2(object).metadata?.annotations).toBeUndefined();
    },
  );
});
