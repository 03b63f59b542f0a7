/** A running cluster sends its spans to a collector of OpenTelemetry, and is none the worse for one that takes nothing. */
import { describe, expect, it } from "vitest";
import type { OtlpSpan } from "../../../actors/trace-collector/core/exports/otlp.ts";
import { inkube } from "../../fixtures/built.ts";
import { otlpCollector } from "../../fixtures/otlp-collector.ts";
import { until } from "../../fixtures/until.ts";

const POD = JSON.stringify({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: { containers: [{ name: "main", image: "nginx" }] },
});
const SIZE = { masters: 1, workers: 1, pods: "simulated" } as const;
const attributesOf = ({ attributes }: OtlpSpan): Readonly<Record<string, string>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));

describe("Cluster.start({ otlp })", () => {
  it("sends what happens, each span once and with its parent, up to when the cluster is asked to stop", async () => {
    await using collector = await otlpCollector();
    const headers = { "x-team": "a" };
    {
      await using cluster = await inkube.Cluster.start({
        ...SIZE,
        name: "shop",
        otlp: { url: collector.url, headers },
      });
      await cluster.apply(POD);
      await cluster.waitFor("pod/web", "Ready");
      const scheduled = await until("the span of the scheduling", () =>
        collector.spans.find(({ name }) => name === "scheduled"),
      );
      expect(attributesOf(scheduled)).toMatchObject({
        "k8s.pod.name": "web",
        "k8s.namespace.name": "default",
        "k8s.node.name": "worker-0",
      });
    }
    expect(collector.problems).toEqual([]);
    expect(collector.requests[0]).toMatchObject({ path: "POST /v1/traces", headers });
    const ids = new Set(collector.spans.map(({ spanId }) => spanId));
    expect(ids.size).toBe(collector.spans.length);
    const [scheduled] = collector.spans.filter(({ name }) => name === "scheduled");
    const parent = collector.spans.find(({ spanId }) => spanId === scheduled?.parentSpanId);
    expect(parent).toMatchObject({ name: "request", kind: 2, traceId: scheduled?.traceId });
    const asked = collector.spans
      .filter(({ name }) => name === "asked")
      .map((span) => attributesOf(span)["inkube.detail"]);
    expect([asked[0], asked.at(-1)]).toEqual(["do=start", "do=stop"]);
    expect(collector.resources).toContainEqual({
      "service.name": "kubelet",
      "service.namespace": "inkube",
      "service.instance.id": "worker-0/kubelet",
      "k8s.cluster.name": "shop",
      "k8s.node.name": "worker-0",
    });
  });

  it("goes on without a collector, says so once, and ends as fast as without", async () => {
    const { url } = await (async () => {
      await using gone = await otlpCollector();
      return gone;
    })();
    await using cluster = await inkube.Cluster.start({ ...SIZE, otlp: url });
    await cluster.apply(POD);
    await cluster.waitFor("pod/web", "Ready");
    const told = await until("the warning", async () => {
      const warnings = await cluster.trace.events({ actor: "trace-collector", kind: "log.warn" });
      return warnings.length > 0 && warnings;
    });
    expect(told.map(({ subject, detail }) => [subject, detail])).toEqual([
      ["spans are not taken", expect.stringMatching(/^to=http:\/\/127\.0\.0\.1:\d+\/v1\/traces why=.*ECONNREFUSED/)],
    ]);
  });

  it("sends again what a collector was too busy for, and tells when that is over", async () => {
    const busy = { status: 503, headers: { "retry-after": "0" } };
    await using collector = await otlpCollector((request) => (request < 2 ? busy : { status: 200, body: "{}" }));
    await using cluster = await inkube.Cluster.start({ ...SIZE, otlp: collector.url });
    const told = await until("both warnings", async () => {
      const warnings = await cluster.trace.events({ actor: "trace-collector", kind: "log.warn" });
      return warnings.length > 1 && warnings;
    });
    expect(told.map(({ subject }) => subject)).toEqual(["spans are not taken", "spans are taken again"]);
    expect(told[1]?.detail).toMatch(/ dropped=0$/);
    // The first that happened is among them.
    expect(collector.spans.map((span) => attributesOf(span)["inkube.event"])).toContain("supervisor#1");
    expect(collector.problems).toEqual([]);
  });

  it("ends with a collector that never answers", async () => {
    await using collector = await otlpCollector(() => undefined);
    await using cluster = await inkube.Cluster.start({ ...SIZE, otlp: collector.url });
    await until("a request", () => collector.requests.length > 0);
    await cluster.apply(POD);
    await cluster.waitFor("pod/web", "Ready");
  });
});
