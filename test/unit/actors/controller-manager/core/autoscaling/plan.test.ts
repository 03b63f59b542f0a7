/** What an autoscaler does and tells: reasons and words are those of kube-controller-manager 1.37. */
import { describe, expect, it } from "vitest";
import type { Past } from "../../../../../../actors/controller-manager/core/autoscaling/limits.ts";
import { limited, pastOf, remembered } from "../../../../../../actors/controller-manager/core/autoscaling/limits.ts";
import { planAutoscaling } from "../../../../../../actors/controller-manager/core/autoscaling/plan.ts";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  MetricSpec,
} from "../../../../../../protocols/kubernetes/types/autoscaling-v2.ts";
import type { Pod } from "../../../../../../protocols/kubernetes/types/core-v1.ts";
import type { PodMetrics } from "../../../../../../protocols/kubernetes/types/metrics-v1beta1.ts";

const epochMs = Date.parse("2026-01-01T01:00:00Z");
const NO_PAST: Past = { recommendations: [], changes: [] };
const now = { epochMs, text: "2026-01-01T01:00:00Z" };
const cpu = (averageUtilization: number): MetricSpec => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});
const EXTERNAL: MetricSpec = {
  type: "External",
  external: { metric: { name: "q" }, target: { type: "Value", value: "1" } },
};

function autoscaler(spec: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscaler {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  return {
    metadata: { name: "h", generation: 2 },
    spec: { minReplicas: 1, maxReplicas: 10, scaleTargetRef, metrics: [cpu(50)], ...spec },
  };
}

/** So many pods, which use so much of what they request. */
function observed(replicas: number, percent: number): Parameters<typeof planAutoscaling>[1] {
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }] as const;
  const pods = Array.from({ length: replicas }, (_, index): Pod => {
    const containers = [{ name: "c", image: "x", resources: { requests: { cpu: "1" } } }];
    const status = { phase: "Running", startTime: "2026-01-01T00:00:00Z", conditions } as const;
    return { metadata: { name: `p${index}` }, spec: { containers }, status };
  });
  const metrics = pods.map(({ metadata }): [string, PodMetrics] => {
    const { name = "" } = metadata ?? {};
    const containers = [{ name: "c", usage: { cpu: `${percent * 10}m` } }];
    return [name, { metadata: { name }, timestamp: "2026-01-01T00:59:50Z", window: "10s", containers }];
  });
  return { replicas, pods, metrics: new Map(metrics) };
}

const words = ({ status }: ReturnType<typeof planAutoscaling>): readonly string[] =>
  (status.conditions ?? []).map((condition) => `${condition.type}=${condition.status} ${condition.reason}`);

describe("an autoscaler", () => {
  it("scales up, and tells by what", () => {
    const plan = planAutoscaling(autoscaler(), observed(3, 80), NO_PAST, now);
    expect([plan.replicas, plan.reason]).toEqual([5, "cpu resource utilization (percentage of request) above target"]);
    expect(words(plan)).toEqual([
      "AbleToScale=True ReadyForNewScale",
      "ScalingActive=True ValidMetricFound",
      "ScalingLimited=False DesiredWithinRange",
    ]);
    expect(plan.status).toMatchObject({
      observedGeneration: 2,
      currentReplicas: 3,
      desiredReplicas: 5,
      currentMetrics: [
        { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 80, averageValue: "800m" } } },
      ],
    });
  });

  it("takes the metric that asks for most", () => {
    const plan = planAutoscaling(autoscaler({ metrics: [cpu(80), cpu(40)] }), observed(2, 80), NO_PAST, now);
    expect(plan.replicas).toBe(4);
    expect(plan.status.currentMetrics).toHaveLength(2);
  });

  it.each([
    [12, 10, "Current number of replicas above Spec.MaxReplicas"],
    [1, 2, "Current number of replicas below Spec.MinReplicas"],
  ])("brings %i within its bounds, whatever is used", (size, replicas, reason) => {
    const plan = planAutoscaling(autoscaler({ minReplicas: 2 }), observed(size, 50), NO_PAST, now);
    expect([plan.replicas, plan.reason]).toEqual([replicas, reason]);
  });

  it("leaves alone what somebody has switched off", () => {
    const plan = planAutoscaling(autoscaler(), observed(0, 0), NO_PAST, now);
    expect(plan.replicas).toBeUndefined();
    expect(words(plan)).toContain("ScalingActive=False ScalingDisabled");
  });

  it("tells of a metric that it can't read, and does nothing by it alone", () => {
    const plan = planAutoscaling(autoscaler({ metrics: [EXTERNAL] }), observed(3, 80), NO_PAST, now);
    expect(plan.replicas).toBeUndefined();
    expect(words(plan)).toContain("ScalingActive=False FailedGetExternalMetric");
    expect(plan.events.map(({ reason }) => reason)).toEqual([
      "FailedGetExternalMetric",
      "FailedComputeMetricsReplicas",
    ]);
    expect(plan.events[1]?.message).toMatch(/^invalid metrics \(1 invalid out of 1\), first error is: /);
    expect(plan.status.desiredReplicas).toBe(0);
    // Another one may make it larger, and not smaller.
    const both = autoscaler({ metrics: [EXTERNAL, cpu(50)] });
    expect(planAutoscaling(both, observed(3, 80), NO_PAST, now).replicas).toBe(5);
    expect(planAutoscaling(both, observed(3, 10), NO_PAST, now).replicas).toBeUndefined();
  });

  it("names what it was told before until it is over", () => {
    const first = planAutoscaling(autoscaler(), observed(3, 50), NO_PAST, now);
    const later = { epochMs: epochMs + 15_000, text: "2026-01-01T01:00:15Z" };
    const second = planAutoscaling({ ...autoscaler(), status: first.status }, observed(3, 50), first.past, later);
    expect(second.status).toEqual(first.status);
  });
});

describe("limits", () => {
  const spec = (behavior: HorizontalPodAutoscalerSpec["behavior"] = {}): HorizontalPodAutoscalerSpec => ({
    minReplicas: 1,
    maxReplicas: 20,
    scaleTargetRef: { kind: "Deployment", name: "web" },
    behavior,
  });
  const past = (...asked: readonly (readonly [secondsAgo: number, replicas: number])[]): Past => ({
    recommendations: asked.map(([ago, replicas]) => ({ atMs: epochMs - ago * 1_000, replicas })),
    changes: [],
  });
  const of = (given: HorizontalPodAutoscalerSpec, current: number, asked: number, before: Past = NO_PAST): unknown => {
    const { replicas, stabilized, limit } = limited(given, current, asked, before, epochMs);
    return [replicas, stabilized?.reason, limit?.reason];
  };

  it("hold a step up to twice the size, or to four", () => {
    const plain: HorizontalPodAutoscalerSpec = { maxReplicas: 20, scaleTargetRef: { kind: "Deployment", name: "web" } };
    expect(of(plain, 1, 20)).toEqual([4, undefined, "ScaleUpLimit"]);
    expect(of(plain, 6, 20)).toEqual([12, undefined, "ScaleUpLimit"]);
    expect(of(plain, 15, 30)).toEqual([20, undefined, "TooManyReplicas"]);
    expect(of(plain, 3, 0)).toEqual([1, undefined, "TooFewReplicas"]);
    expect(of(plain, 3, 3)).toEqual([3, undefined, undefined]);
  });

  it("keep for five minutes what was asked for at most", () => {
    expect(of(spec(), 6, 2, past([299, 5]))).toEqual([5, "ScaleDownStabilized", undefined]);
    expect(of(spec(), 6, 2, past([301, 5]))).toEqual([2, undefined, undefined]);
    const window = spec({ scaleUp: { stabilizationWindowSeconds: 60 }, scaleDown: { stabilizationWindowSeconds: 0 } });
    expect(of(window, 3, 9, past([30, 5]))).toEqual([5, "ScaleUpStabilized", undefined]);
    expect(of(window, 6, 2, past([30, 5]))).toEqual([2, undefined, undefined]);
  });

  it("count what was changed within the period of a policy", () => {
    const policies = [
      { type: "Pods", value: 4, periodSeconds: 60 },
      { type: "Percent", value: 50, periodSeconds: 60 },
    ] as const;
    const changed: Past = { recommendations: [], changes: [{ atMs: epochMs - 30_000, by: 2 }] };
    const up = (selectPolicy: "Max" | "Min" | "Disabled"): HorizontalPodAutoscalerSpec =>
      spec({ scaleUp: { selectPolicy, policies } });
    expect(of(up("Max"), 6, 20, changed)).toEqual([8, undefined, "ScaleUpLimit"]);
    expect(of(up("Min"), 6, 20, changed)).toEqual([6, undefined, "ScaleUpLimit"]);
    expect(of(up("Min"), 6, 20)).toEqual([9, undefined, "ScaleUpLimit"]);
    expect(of(up("Disabled"), 6, 20)).toEqual([6, undefined, "ScaleUpLimit"]);
    const down = spec({ scaleDown: { selectPolicy: "Max", stabilizationWindowSeconds: 0, policies } });
    expect(of(down, 10, 1)).toEqual([5, undefined, "ScaleDownLimit"]);
    expect(of(down, 4, 1)).toEqual([1, undefined, undefined]);
  });

  it("take nothing away at the first look", () => {
    expect(of(spec(), 6, 2, pastOf(6, epochMs))).toEqual([6, "ScaleDownStabilized", undefined]);
  });

  it("forget what no window reaches", () => {
    const { recommendations } = remembered(spec(), past([400, 9], [200, 5]), 3, epochMs);
    expect(recommendations.map(({ replicas }) => replicas)).toEqual([5, 3]);
  });
});
