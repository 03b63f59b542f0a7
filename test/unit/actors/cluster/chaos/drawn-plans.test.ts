/** Plans that are drawn are plans that can be carried out, and the same for the same seed and number. */
import { describe, expect, it } from "vitest";
import type { ApiFault } from "../../../../../protocols/api-faults.ts";
import type { Drawing } from "../../../../../actors/cluster/chaos/drawn-plans.ts";
import { mutantOf, pctPlan, randomPlan } from "../../../../../actors/cluster/chaos/drawn-plans.ts";
import type { PlannedRun } from "../../../../../actors/cluster/chaos/search.ts";
import { checkPlan } from "../../../../../runtime/faults/check-plan.ts";

const told = (of: string, resource: string, nth = 1): Drawing["moments"][number] => ({
  by: "web",
  resource,
  when: { on: "delivery", verb: "ADDED", of, ...(nth === 1 ? {} : { nth }) },
});
const written = (of: string, resource: string): Drawing["moments"][number] => ({
  by: "web",
  resource,
  when: { on: "write", phase: "after", by: "web", verb: "create", of },
});
const DRAWING: Drawing = {
  controllers: ["web"],
  resources: ["configmaps", "secrets"],
  workMs: 4_000,
  pods: [],
  images: [],
  nodes: [],
  moments: [
    told("configmaps/default/a", "configmaps"),
    written("secrets/default/a", "secrets"),
    told("secrets/default/a", "secrets"),
    told("configmaps/default/a", "configmaps", 2),
    told("secrets/default/b", "secrets"),
  ],
};
type Drawn = { readonly when: object };
const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);
const PLACES = {
  actors: () => ["web"],
  machines: () => [],
  outsiders: [],
  areLinked: () => true,
  actorsOf: () => ["api-server-0"],
};

function canBeCarriedOut({ plan }: PlannedRun): boolean {
  checkPlan(plan, PLACES);
  return new Set(plan.faults.map(({ id }) => id)).size === plan.faults.length;
}

describe("a plan of what is told in which order", () => {
  const plans = SEEDS.map((seed) => pctPlan(DRAWING, 2, seed, 1)!);

  it("holds as many messages as its depth, each until something else that came later in the run without faults", () => {
    for (const planned of plans) {
      expect(canBeCarriedOut(planned)).toBe(true);
      const faults = planned.plan.faults as readonly Extract<ApiFault, { readonly kind: "watch-hold" }>[];
      expect(faults.length).toBeGreaterThanOrEqual(1);
      expect(faults.length).toBeLessThanOrEqual(2);
      for (const { kind, of, until } of faults) {
        expect(kind).toBe("watch-hold");
        const awaited = "any" in until! ? until.any[0]! : undefined;
        if (awaited === undefined || !("on" in awaited)) continue;
        expect(awaited.phase).toBe("after");
        if (awaited.on === "delivery") expect(awaited.of!.split("/")[0]).not.toBe(of);
      }
    }
  });

  it("puts off each message for each of those that can overtake it, sooner or later", () => {
    const orders = new Set(plans.flatMap(({ plan }) => plan.faults.map((fault) => JSON.stringify(fault))));
    // The first for three, the second for two, the third for one, the last for none.
    expect(orders.size).toBe(3 + 1 + 1 + 1);
  });

  it("is none where nothing is told", () => {
    expect(pctPlan({ ...DRAWING, moments: [written("secrets/default/a", "secrets")] }, 2, 1, 1)).toBeUndefined();
  });
});

it("a mutant differs from its plan in one fault, and has others than those of random times", () => {
  let atMoments = 0;
  for (const seed of SEEDS) {
    const { plan } = randomPlan(DRAWING, seed, 1);
    const mutant = mutantOf(plan, DRAWING, seed, 1);
    expect(canBeCarriedOut(mutant)).toBe(true);
    const kept = mutant.plan.faults.filter((fault) => plan.faults.includes(fault)).length;
    expect(plan.faults.length - kept).toBeLessThanOrEqual(1);
    expect(mutant.plan.faults.length - kept).toBeLessThanOrEqual(1);
    expect(mutant.plan).not.toEqual(plan);
    if (JSON.stringify(mutant.plan).includes('"on":"delivery"')) atMoments++;
  }
  expect(atMoments).toBeGreaterThan(10);
  expect(canBeCarriedOut(mutantOf({ faults: [] }, DRAWING, 1, 1))).toBe(true);
});

describe("where there are pods", () => {
  const SUFFERING: Drawing = { ...DRAWING, pods: ["default/web-*"], images: ["web:1"], nodes: ["worker-0"] };
  const places = {
    ...PLACES,
    machines: () => ["worker-0"],
    actorsOf: (kind: string) => (kind === "api-server" ? ["api-server-0"] : [`worker-0/${kind}`]),
  };
  const kindsOf = (drawing: Drawing): ReadonlySet<string> =>
    new Set(SEEDS.flatMap((seed) => randomPlan(drawing, seed, 2).plan.faults.map(({ kind }) => kind)));

  it("plans at random, and what is made of them, have all that can happen to them, and can be carried out", () => {
    const some = [
      "pod-kill",
      "image-gone",
      "object-flip",
      "node-loss",
      "node-drain",
      "memory-pressure",
      "node-upgrade",
    ];
    for (const kind of some) expect(kindsOf(SUFFERING)).toContain(kind);
    let moved = 0;
    for (const seed of SEEDS) {
      const { plan } = randomPlan(SUFFERING, seed, 2);
      checkPlan(plan, places);
      const mutant = mutantOf(plan, SUFFERING, seed, 1);
      checkPlan(mutant.plan, places);
      moved += mutant.plan.faults.filter((fault) => some.includes(fault.kind) && "on" in (fault as Drawn).when).length;
    }
    expect(moved).toBeGreaterThan(0);
  });

  it("and no node whose pods are all made anew, nothing happens to nodes", () => {
    const kinds = kindsOf({ ...SUFFERING, nodes: [] });
    expect(kinds).toContain("pod-kill");
    expect(kinds).not.toContain("node-loss");
  });
});

it("each is a function of seed and number", () => {
  for (const draw of [
    randomPlan,
    (...[drawing, seed, nth]: Parameters<typeof randomPlan>) => pctPlan(drawing, 3, seed, nth),
  ]) {
    expect(draw(DRAWING, 5, 6)).toEqual(draw(DRAWING, 5, 6));
    expect(draw(DRAWING, 5, 6)).not.toEqual(draw(DRAWING, 5, 7));
    expect(draw(DRAWING, 5, 6)).not.toEqual(draw(DRAWING, 6, 6));
  }
});
