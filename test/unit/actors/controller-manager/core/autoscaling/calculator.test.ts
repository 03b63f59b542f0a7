/** What usage asks for; the cases are those of Kubernetes' replica calculator. */
import { describe, expect, it } from "vitest";
import type { Asked, Proposal } from "../../../../../../actors/controller-manager/core/autoscaling/calculator.ts";
import { propose } from "../../../../../../actors/controller-manager/core/autoscaling/calculator.ts";
import type { Pod } from "../../../../../../protocols/kubernetes/types/core-v1.ts";
import type { PodMetrics } from "../../../../../../protocols/kubernetes/types/metrics-v1beta1.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");
const LONG_AGO = "2026-01-01T00:00:00Z";

interface Traits {
  readonly phase?: "Pending" | "Running" | "Failed";
  readonly isReady?: boolean;
  readonly startTime?: string;
  readonly readyAt?: string;
  readonly isEnding?: boolean;
  readonly request?: string | null;
}

function pod(name: string, traits: Traits = {}): Pod {
  const { phase = "Running", isReady = true, startTime = LONG_AGO, readyAt = LONG_AGO, request = "1" } = traits;
  const requests = request === null ? {} : { cpu: request };
  return {
    metadata: { name, ...(traits.isEnding === true ? { deletionTimestamp: LONG_AGO } : {}) },
    spec: { containers: [{ name: "c", image: "x", resources: { requests } }] },
    status: {
      phase,
      startTime,
      conditions: [{ type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: readyAt }],
    },
  };
}

/** @param used by pod, a name beside an amount */
function usage(used: Readonly<Record<string, string>>): ReadonlyMap<string, PodMetrics> {
  const timestamp = "2026-01-01T00:59:50Z";
  const metrics = Object.entries(used).map(([name, cpu]): [string, PodMetrics] => [
    name,
    { metadata: { name }, timestamp, window: "10s", containers: [{ name: "c", usage: { cpu } }] },
  ]);
  return new Map(metrics);
}

const utilization = (averageUtilization: number, container?: string): Asked => ({
  resource: "cpu",
  container,
  target: { type: "Utilization", averageUtilization },
});
const tolerance = { up: 0.1, down: 0.1 };

function asks(
  asked: Asked,
  current: number,
  pods: readonly Pod[],
  used: Readonly<Record<string, string>>,
): Proposal | string {
  return propose(asked, current, pods, usage(used), tolerance, nowMs);
}

const three = ["a", "b", "c"].map((name) => pod(name));
const each = (cpu: string): Readonly<Record<string, string>> => ({ a: cpu, b: cpu, c: cpu });

describe("a resource metric", () => {
  it.each([
    ["more", 30, each("500m"), 5, 50],
    ["fewer", 50, each("100m"), 1, 10],
    ["what there is, within the tolerance", 100, each("1090m"), 3, 109],
    ["one more, beyond it", 100, each("1110m"), 4, 111],
    ["none, for nothing is used", 50, each("0"), 0, 0],
  ] as const)("asks for %s", (_what, target, used, replicas, percent) => {
    expect(asks(utilization(target), 3, three, used)).toMatchObject({ replicas, utilization: percent });
  });

  it("goes by an amount where that is the target", () => {
    const asked = { resource: "cpu", container: undefined, target: { type: "AverageValue", averageValue: "100m" } };
    expect(asks(asked, 3, three, each("200m"))).toEqual({ replicas: 6, averageMilli: 200, utilization: undefined });
  });

  it("looks at one container alone", () => {
    expect(asks(utilization(50, "c"), 3, three, each("1"))).toMatchObject({ replicas: 6 });
    expect(asks(utilization(50, "other"), 3, three, each("1"))).toMatch(/^container other not present in metrics for/);
  });

  it("counts neither pods that end nor those that have failed", () => {
    const others = [pod("x", { isEnding: true }), pod("y", { phase: "Failed" })];
    expect(asks(utilization(50), 3, [...three, ...others], { ...each("1"), x: "9" })).toMatchObject({ replicas: 6 });
  });

  it("takes those that are not ready for idle where more are asked for", () => {
    const pods = [pod("a"), pod("b"), pod("c", { isReady: false, startTime: "2026-01-01T00:59:55Z" })];
    // 2 of 3 use all: 200 % of 50 % by themselves, 133 % with the third.
    expect(asks(utilization(50), 3, pods, { a: "1", b: "1", c: "1" })).toMatchObject({ replicas: 4 });
    expect(
      asks(utilization(50), 3, [pod("a"), pod("b"), pod("c", { phase: "Pending" })], { a: "1", b: "1" }),
    ).toMatchObject({ replicas: 4 });
    // Nine use 116 % of what they should; with the tenth it is 104 %, and that is near enough.
    const nine = Array.from({ length: 9 }, (_, index) => pod(`p${index}`));
    const used = Object.fromEntries(nine.map(({ metadata }) => [metadata?.name ?? "", "580m"]));
    expect(asks(utilization(50), 10, [...nine, pod("late", { phase: "Pending" })], used)).toMatchObject({
      replicas: 10,
    });
    // They do not bring the number down.
    expect(asks(utilization(90), 3, pods, { a: "1", b: "1", c: "1" })).toMatchObject({ replicas: 3 });
  });

  it("takes those without metrics for idle where more, and for full where fewer are asked for", () => {
    expect(asks(utilization(50), 3, three, { a: "1", b: "1" })).toMatchObject({ replicas: 4 });
    expect(asks(utilization(50), 3, three, { a: "100m", b: "100m" })).toMatchObject({ replicas: 3 });
    expect(asks(utilization(90), 3, three, { a: "100m", b: "100m" })).toMatchObject({ replicas: 2 });
  });

  it("believes nothing of a pod's CPU while it starts", () => {
    const startTime = "2026-01-01T00:59:00Z";
    const young = [pod("a"), pod("b", { startTime, readyAt: "2026-01-01T00:59:45Z" })];
    const old = [pod("a"), pod("b", { startTime, readyAt: "2026-01-01T00:59:30Z" })];
    expect(asks(utilization(50), 2, young, { a: "500m", b: "2" })).toMatchObject({ replicas: 2 });
    expect(asks(utilization(50), 2, old, { a: "500m", b: "2" })).toMatchObject({ replicas: 5 });
  });

  it("says why nothing can be said", () => {
    expect(asks(utilization(50), 3, three, {})).toMatch(/no metrics returned from resource metrics API/);
    expect(asks(utilization(50), 3, [pod("a", { phase: "Pending" })], { a: "1" })).toMatch(/pods might be unready/);
    expect(asks(utilization(50), 1, [pod("a", { request: null })], { a: "1" })).toBe(
      "missing request for cpu in container c of Pod a",
    );
  });
});
