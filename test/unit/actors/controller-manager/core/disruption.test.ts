/** What a budget allows: numbers and conditions are those of kube-controller-manager 1.37. */
import { describe, expect, it } from "vitest";
import {
  asksScales,
  planDisruption,
  withoutNumbers,
} from "../../../../../actors/controller-manager/core/disruption.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type {
  PodDisruptionBudget,
  PodDisruptionBudgetSpec,
  PodDisruptionBudgetStatus,
} from "../../../../../protocols/kubernetes/types/policy-v1.ts";

const now = { epochMs: Date.parse("2026-01-01T00:10:00Z"), text: "2026-01-01T00:10:00Z" };

function pod(name: string, isReady = true, isEnding = false): Pod {
  const conditions = [{ type: "Ready", status: isReady ? "True" : "False" }] as const;
  return { metadata: { name, ...(isEnding ? { deletionTimestamp: now.text } : {}) }, status: { conditions } };
}

const budget = (spec: PodDisruptionBudgetSpec, status?: PodDisruptionBudgetStatus): PodDisruptionBudget => ({
  metadata: { name: "p", generation: 3 },
  spec,
  ...(status === undefined ? {} : { status }),
});
const four = ["a", "b", "c", "d"].map((name) => pod(name));
const scale = (replicas: number): { readonly replicas: number; readonly hasUnmanaged: boolean } => ({
  replicas,
  hasUnmanaged: false,
});

describe("a PodDisruptionBudget", () => {
  it.each([
    ["a number that must be there", { minAvailable: 3 }, undefined, 4, 3, 1],
    ["more than there are", { minAvailable: 5 }, undefined, 4, 5, 0],
    ["a share, rounded up", { minAvailable: "60%" }, scale(4), 4, 3, 1],
    ["a share of what their owners want", { minAvailable: "60%" }, scale(10), 10, 6, 0],
    ["a number that may be missing", { maxUnavailable: 1 }, scale(4), 4, 3, 1],
    ["a share that may be missing, rounded up", { maxUnavailable: "30%" }, scale(4), 4, 2, 2],
    ["all that may be missing", { maxUnavailable: "100%" }, scale(4), 4, 0, 4],
    ["what nobody wants", { maxUnavailable: 1 }, scale(0), 0, 0, 0],
  ] as const)("counts %s", (_what, spec, scales, expectedPods, desiredHealthy, disruptionsAllowed) => {
    expect(asksScales(budget(spec))).toBe(scales !== undefined);
    const { status } = planDisruption(budget(spec), four, scales, now);
    expect(status).toMatchObject({ currentHealthy: 4, expectedPods, desiredHealthy, disruptionsAllowed });
    const [status_, reason] = disruptionsAllowed > 0 ? ["True", "SufficientPods"] : ["False", "InsufficientPods"];
    const condition = { type: "DisruptionAllowed", status: status_, reason, message: "", observedGeneration: 3 };
    expect(status?.conditions).toEqual([{ ...condition, lastTransitionTime: now.text }]);
  });

  it("counts neither pods that are not ready, nor those that end, nor those whose eviction was allowed", () => {
    const disruptedPods = { c: "2026-01-01T00:09:00Z", gone: "2026-01-01T00:09:00Z" };
    const pods = [pod("a"), pod("b", false), pod("c"), pod("d", true, true)];
    const plan = planDisruption(budget({ minAvailable: 1 }, { disruptedPods }), pods, undefined, now);
    expect(plan.status).toMatchObject({ currentHealthy: 1, disruptedPods: { c: "2026-01-01T00:09:00Z" } });
    expect(plan.recheckAfterMs).toBe(60_000);
  });

  it("counts a pod again whose eviction never came", () => {
    const disruptedPods = { a: "2026-01-01T00:08:00Z" };
    const plan = planDisruption(budget({ minAvailable: 1 }, { disruptedPods }), [pod("a")], undefined, now);
    expect(plan.notDeleted.map(({ metadata }) => metadata?.name)).toEqual(["a"]);
    expect(plan.status).toMatchObject({ currentHealthy: 1 });
    expect(plan.status?.disruptedPods).toBeUndefined();
  });

  it("writes nothing that stands already, and keeps the time of what has not changed", () => {
    const first = planDisruption(budget({ minAvailable: 3 }), four, undefined, now).status;
    const later = { epochMs: now.epochMs + 1_000, text: "2026-01-01T00:10:01Z" };
    expect(planDisruption(budget({ minAvailable: 3 }, first), four, undefined, later).status).toBeUndefined();
    const less = planDisruption(budget({ minAvailable: 2 }, first), four, undefined, later).status;
    expect(less?.conditions?.[0]?.lastTransitionTime).toBe(now.text);
    const none = planDisruption(budget({ minAvailable: 4 }, first), four, undefined, later).status;
    expect(none?.conditions?.[0]?.lastTransitionTime).toBe(later.text);
  });

  it("allows nothing where the numbers are not to be had", () => {
    const status = { disruptionsAllowed: 2, currentHealthy: 4, desiredHealthy: 2, expectedPods: 4 };
    expect(withoutNumbers(budget({ maxUnavailable: 2 }, status), now.text, "no owner")).toMatchObject({
      ...status,
      disruptionsAllowed: 0,
      conditions: [{ type: "DisruptionAllowed", status: "False", reason: "SyncFailed", message: "no owner" }],
    });
  });
});
