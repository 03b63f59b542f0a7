/** An autoscaler on real pods: what they use is measured, and their number follows. */
import { expect, it } from "vitest";
import type { Deployment } from "../../../actors/cluster/index.ts";
import type { HorizontalPodAutoscaler } from "../../../protocols/kubernetes/types/autoscaling-v2.ts";
import { inkube } from "../../fixtures/built.ts";

it("scales a Deployment by the memory that its pods use", { timeout: 60_000 }, async () => {
  const cluster = await inkube.Cluster.start({ masters: 1, workers: 2 });
  try {
    await cluster.apply(`
      { apiVersion: apps/v1, kind: Deployment, metadata: { name: web }, spec: { replicas: 1, selector: { matchLabels: { app: web } },
        template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: nginx }] } } } }`);
    await cluster.waitFor("deployment/web", "RolledOut");
    // Any pod has more than that; the first step goes to four.
    await cluster.apply(`
      { apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: { name: web }, spec: {
        maxReplicas: 9, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web },
        metrics: [{ type: Resource, resource: { name: memory, target: { type: AverageValue, averageValue: 1Ki } } }] } }`);
    await cluster.waitFor("deployment/web", ({ spec }: Deployment) => spec?.replicas === 4);
    await cluster.waitFor("deployment/web", "RolledOut");
    const scaled = await cluster.waitFor(
      "hpa/web",
      ({ status }: HorizontalPodAutoscaler) => status?.lastScaleTime !== undefined,
    );
    const conditions = scaled?.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`);
    expect(conditions).toEqual(
      expect.arrayContaining([
        "AbleToScale SucceededRescale",
        "ScalingActive ValidMetricFound",
        "ScalingLimited ScaleUpLimit",
      ]),
    );
    const metric = scaled?.status?.currentMetrics?.[0]?.resource;
    expect(metric).toMatchObject({
      name: "memory",
      current: { averageValue: expect.stringMatching(/^\d/) as unknown },
    });
  } finally {
    await cluster.stop();
  }
});
