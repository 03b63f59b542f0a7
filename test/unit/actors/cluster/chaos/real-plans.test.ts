/** Plans that were made for virtual time, as real runs carry them out. */
import { expect, it } from "vitest";
import type { PlannedRun } from "../../../../../actors/cluster/chaos/search.ts";
import { realPlan } from "../../../../../actors/cluster/chaos/real/plans.ts";
import type { ApiFault } from "../../../../../protocols/api-faults.ts";
import type { Fault } from "../../../../../runtime/faults/plan.ts";

function planned(pattern: PlannedRun["pattern"], ...faults: readonly Fault[]): PlannedRun {
  return { pattern, place: "1", about: `${pattern} plan 1: as drawn`, plan: { faults } };
}

const event = { on: "delivery", of: "configmaps/default/web" } as const;

it("faults last a quarter of their time, and what happens triggers them as ever", () => {
  const stale: ApiFault = {
    id: "stale",
    kind: "view-stale",
    by: "web",
    of: "configmaps",
    at: "before",
    when: { seq: [event, { atMs: 300 }] },
    until: { any: [event, { atMs: 10_000 }] },
  };
  const down: ApiFault = { id: "down", kind: "controller-crash", by: "web", when: event, downMs: 1_500 };
  expect(realPlan(planned("held", stale, down), []).plan.faults).toEqual([
    { ...stale, when: { seq: [event, { atMs: 75 }] }, until: { any: [event, { atMs: 2_500 }] } },
    { ...down, downMs: 375 },
  ]);
});

it("so do faults of Kubernetes' own level that wait for something", () => {
  const loss: Fault = { id: "loss", kind: "node-loss", at: "worker-0", when: event, downMs: 8_000 };
  const gone: Fault = { id: "gone", kind: "image-gone", image: "web:1", when: event, forMs: 2_000 };
  const later: Fault = { id: "later", kind: "image-gone", image: "web:1", fromMs: 100, forMs: 2_000 };
  expect(realPlan(planned("held", loss, gone, later), []).plan.faults).toEqual([
    { ...loss, downMs: 2_000 },
    { ...gone, forMs: 500 },
    later,
  ]);
});

it("a fault that was drawn begins when it was drawn for, and who can't be paused is down instead", () => {
  const pause: ApiFault = { id: "f0", kind: "controller-pause", by: "web", when: { atMs: 800 }, downMs: 1_000 };
  const run = planned("random", pause);
  expect(realPlan(run, []).plan.faults).toEqual([{ ...pause, downMs: 250 }]);
  const instead = realPlan(run, ["web"]);
  expect(instead.plan.faults).toEqual([{ ...pause, kind: "controller-crash", downMs: 250 }]);
  expect(instead.about).toBe("random plan 1: controller-crash");
});

it("a Lease lasts as long as it says", () => {
  const run = planned("paused", {
    id: "p",
    kind: "controller-pause",
    by: "web",
    when: { on: "lease" },
    downMs: 15_300,
  });
  expect(realPlan(run, [])).toBe(run);
});
