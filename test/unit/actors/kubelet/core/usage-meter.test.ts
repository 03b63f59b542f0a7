import { describe, expect, it } from "vitest";
import { statsSummary } from "../../../../../actors/kubelet/core/stats-summary.ts";
import { UsageMeter } from "../../../../../actors/kubelet/core/usage-meter.ts";
import type { ContainerStats } from "../../../../../protocols/container-runtime.ts";

function sample(id: string, sampledAtMs: number, cpuMs: number, more: Partial<ContainerStats> = {}): ContainerStats {
  const pod = { name: "web", uid: "uid-1", namespace: "shop", attempt: 0 };
  return {
    id,
    pod,
    metadata: { name: id, attempt: 0 },
    startedAtMs: 10_000,
    sampledAtMs,
    cpuMs,
    memoryBytes: 100,
    ...more,
  };
}

function rates(meter: UsageMeter): readonly (readonly [number, number])[] {
  return meter.usages().map(({ windowMs, nanoCores }) => [windowMs, nanoCores]);
}

describe("a usage meter", () => {
  it("counts from a container's start when it sees it for the first time", () => {
    const meter = new UsageMeter();
    meter.take([sample("main", 12_000, 500)]);
    expect(rates(meter)).toEqual([[2_000, 250_000_000]]);
  });

  it("counts from the last sample from then on", () => {
    const meter = new UsageMeter();
    meter.take([sample("main", 12_000, 500)]);
    meter.take([sample("main", 22_000, 10_500)]);
    expect(rates(meter)).toEqual([[10_000, 1_000_000_000]]);
  });

  it("prolongs its span by a sample that comes too soon after the last one", () => {
    const meter = new UsageMeter();
    meter.take([sample("main", 20_000, 0)]);
    meter.take([sample("main", 30_000, 1_000)]);
    meter.take([sample("main", 30_999, 1_999)]);
    expect(rates(meter)).toEqual([[10_999, Math.round((1_999 / 10_999) * 1e9)]]);
  });

  it("never tells of less than nothing, though a process takes its time along", () => {
    const meter = new UsageMeter();
    meter.take([sample("main", 20_000, 900)]);
    meter.take([sample("main", 30_000, 100)]);
    expect(rates(meter)).toEqual([[10_000, 0]]);
  });

  it("is stale when a span is longer than a minute, and not after another sample", () => {
    const meter = new UsageMeter();
    meter.take([sample("main", 70_000, 0)]);
    expect(meter.isStale).toBe(false);
    meter.take([sample("main", 130_001, 0)]);
    expect(meter.isStale).toBe(true);
    meter.take([sample("main", 131_001, 0)]);
    expect(meter.isStale).toBe(false);
  });

  it("forgets who runs no longer", () => {
    const meter = new UsageMeter();
    meter.take([sample("main", 12_000, 500)]);
    meter.take([]);
    meter.take([sample("main", 20_000, 1_000)]);
    expect(rates(meter)).toEqual([[10_000, 100_000_000]]);
  });
});

describe("the summary of a node", () => {
  it("has the sums of its pods and of itself, over the longest span", () => {
    const meter = new UsageMeter();
    const other = { name: "api", uid: "uid-2", namespace: "shop", attempt: 0 };
    meter.take([
      sample("main", 12_000, 500),
      sample("side", 12_000, 1_000, { startedAtMs: 8_000 }),
      sample("api", 12_000, 0, { pod: other, memoryBytes: 7 }),
    ]);
    const { node, pods } = statsSummary("worker-0", 12_345, meter.usages());
    expect(node).toMatchObject({ nodeName: "worker-0", cpu: { usageNanoCores: 500_000_000, windowSeconds: 4 } });
    expect(node.memory.workingSetBytes).toBe(207);
    expect(pods.map(({ podRef, cpu, memory }) => [podRef.name, cpu.usageNanoCores, memory.workingSetBytes])).toEqual([
      ["web", 500_000_000, 200],
      ["api", 0, 7],
    ]);
    expect(pods[0]?.containers.map(({ name, cpu }) => [name, cpu.windowSeconds, cpu.time])).toEqual([
      ["main", 2, "1970-01-01T00:00:12.000Z"],
      ["side", 4, "1970-01-01T00:00:12.000Z"],
    ]);
  });

  it("of a node without containers is of now, and nothing", () => {
    const { node, pods } = statsSummary("worker-0", 12_345, []);
    expect(pods).toEqual([]);
    expect(node.cpu).toEqual({
      time: "1970-01-01T00:00:12.345Z",
      windowSeconds: 0,
      usageNanoCores: 0,
      usageCoreNanoSeconds: 0,
    });
  });
});
