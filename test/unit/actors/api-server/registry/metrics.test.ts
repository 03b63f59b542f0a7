import { describe, expect, it } from "vitest";
import type { ReadStats } from "../../../../../actors/api-server/metrics.ts";
import { podMetricsRules } from "../../../../../actors/api-server/core/kinds/metrics/usage.ts";
import { goDuration } from "../../../../../actors/api-server/core/machinery/duration.ts";
import { decodeProtobuf } from "../../../../../actors/api-server/core/machinery/decode-protobuf.ts";
import { encodeProtobuf, messageType } from "../../../../../actors/api-server/core/machinery/encode-protobuf.ts";
import { InkubeError } from "../../../../../protocols/errors.ts";
import type { StatsSummary } from "../../../../../protocols/kubelet.ts";
import type { PodMetrics } from "../../../../../protocols/kubernetes/types/metrics-v1beta1.ts";
import type { TestServer } from "../harness/test-server.ts";
import { serversOfTests } from "../harness/test-server.ts";

const start = serversOfTests();
const group = { group: "metrics.k8s.io", version: "v1beta1" };
const time = "2026-01-01T00:00:00.250Z";
const cpu = { time, windowSeconds: 15.25, usageNanoCores: 12_345_678, usageCoreNanoSeconds: 1 };
const memory = { time, workingSetBytes: 20_971_520 };

async function create(server: TestServer, resource: string, object: object, namespace?: string): Promise<string> {
  const target = { group: "", version: "v1", resource, ...(namespace === undefined ? {} : { namespace }) };
  const made = await server.request({ verb: "create", target, object: { apiVersion: "v1", ...object } as never });
  return made.metadata?.uid ?? "";
}

/** Two nodes, of which the second does not answer, with a pod each. */
async function twoNodes(): Promise<TestServer> {
  const uids = new Map<string, string>();
  const read: ReadStats = ({ metadata }) => {
    if (metadata?.name !== "worker-0") return Promise.reject(new InkubeError("CONNECTION_FAILED", "away"));
    const podRef = { name: "web", namespace: "default", uid: uids.get("web") ?? "" };
    const containers = [{ name: "main", startTime: time, cpu, memory }];
    const summary: StatsSummary = {
      node: { nodeName: "worker-0", cpu, memory },
      pods: [{ podRef, containers, cpu, memory }],
    };
    return Promise.resolve(summary);
  };
  const server = await start({ metrics: true }, undefined, undefined, undefined, { readStats: read });
  for (const [node, pod] of [
    ["worker-0", "web"],
    ["worker-1", "api"],
  ] as const) {
    await create(server, "nodes", { kind: "Node", metadata: { name: node, labels: { zone: node } } });
    const spec = { nodeName: node, containers: [{ name: "main", image: "pause" }] };
    const metadata = { name: pod, labels: { app: pod } };
    uids.set(pod, await create(server, "pods", { kind: "Pod", metadata, spec }, "default"));
  }
  return server;
}

describe("metrics.k8s.io", () => {
  it("lists what nodes use, but for nodes that do not answer", async () => {
    const server = await twoNodes();
    const list = (await server.request({ verb: "list", target: { ...group, resource: "nodes" } })) as unknown as {
      readonly items: readonly object[];
    };
    expect(list).toMatchObject({ kind: "NodeMetricsList", apiVersion: "metrics.k8s.io/v1beta1", metadata: {} });
    expect(list.items).toEqual([
      {
        apiVersion: "metrics.k8s.io/v1beta1",
        kind: "NodeMetrics",
        metadata: {
          name: "worker-0",
          labels: { zone: "worker-0" },
          creationTimestamp: expect.any(String) as string,
        },
        timestamp: "2026-01-01T00:00:00Z",
        window: "15.25s",
        usage: { cpu: "12345678n", memory: "20Mi" },
      },
    ]);
  });

  it.each([
    [{ labelSelector: "app=web" }, ["web"]],
    [{ labelSelector: "app=api" }, []],
    [{ fieldSelector: "metadata.name=web" }, ["web"]],
    [{ fieldSelector: "metadata.name=other" }, []],
  ])("lists pods by %o", async (options, names) => {
    const server = await twoNodes();
    const target = { ...group, resource: "pods", namespace: "default" };
    const list = (await server.request({ verb: "list", target, options })) as unknown as {
      readonly items: readonly PodMetrics[];
    };
    expect(list.items.map(({ metadata }) => metadata?.name)).toEqual(names);
  });

  it("waits for kubelets no longer than a client waits for it, nor than they need", async () => {
    const waits: number[] = [];
    const readStats: ReadStats = (_node, _token, timeoutMs) => {
      waits.push(timeoutMs);
      return Promise.reject(new InkubeError("CONNECTION_FAILED", "away"));
    };
    const server = await start({ metrics: true }, undefined, undefined, undefined, { readStats });
    await create(server, "nodes", { kind: "Node", metadata: { name: "worker-0" } });
    const list = { verb: "list", target: { ...group, resource: "nodes" } } as const;
    await server.request(list, 60_000);
    await server.request(list, 4_000);
    const [patient = 0, hasty = 0] = waits;
    expect(patient).toBe(5_000);
    expect(hasty).toBeLessThanOrEqual(4_000);
  });

  it("answers for one pod by its containers", async () => {
    const server = await twoNodes();
    const target = { ...group, resource: "pods", namespace: "default", name: "web" };
    const pod = await server.request({ verb: "get", target });
    expect(pod).toMatchObject({ containers: [{ name: "main", usage: { cpu: "12345678n", memory: "20Mi" } }] });
  });

  it.each([
    ["pods", "api", 'pods.metrics.k8s.io "default/api" not found'],
    ["pods", "none", 'pods "none" not found'],
    ["nodes", "worker-1", 'nodes.metrics.k8s.io "worker-1" not found'],
    ["nodes", "none", 'nodes.metrics.k8s.io "none" not found'],
  ])("has no figures of %s %s", async (resource, name, message) => {
    const server = await twoNodes();
    const target = { ...group, resource, name, ...(resource === "pods" ? { namespace: "default" } : {}) };
    await expect(server.request({ verb: "get", target })).rejects.toMatchObject({ message });
  });

  it("is not there where a server has no kubelets to ask", async () => {
    const server = await start();
    await expect(server.request({ verb: "list", target: { ...group, resource: "nodes" } })).rejects.toMatchObject({
      message: "the server could not find the requested resource",
    });
  });

  it("shows the sum of a pod's containers, as metrics-server does", () => {
    const usage = { cpu: "1500n", memory: "1Mi" };
    const pod: PodMetrics = {
      metadata: { name: "web" },
      timestamp: time,
      window: "15s",
      containers: [
        { name: "a", usage },
        { name: "b", usage },
      ],
    };
    expect(podMetricsRules.cells?.(pod as never, 0)).toEqual(["web", "3u", "2Mi", "15s"]);
  });

  it("is the same in protobuf and back", () => {
    const metrics = {
      apiVersion: "metrics.k8s.io/v1beta1",
      kind: "NodeMetrics",
      metadata: { name: "worker-0" },
      timestamp: "2026-01-01T00:00:00Z",
      window: "1m30.5s",
      usage: { cpu: "12345678n", memory: "20Mi" },
    };
    const type = messageType(metrics.apiVersion, metrics.kind);
    if (type === undefined) throw new Error("no message");
    expect(decodeProtobuf(encodeProtobuf(type, metrics))).toMatchObject(metrics);
  });
});

describe("a duration as Go writes it", () => {
  it.each([
    [0, "0s"],
    [1, "1ns"],
    [1_500, "1.5µs"],
    [2_500_000, "2.5ms"],
    [15_000_000_000, "15s"],
    [61_500_000_000, "1m1.5s"],
    [60_000_000_001, "1m0.000000001s"],
    [3_600_000_000_000, "1h0m0s"],
    [-1_000_000_000, "-1s"],
  ])("%d ns is %s", (nanos, text) => expect(goDuration(nanos)).toBe(text));
});
