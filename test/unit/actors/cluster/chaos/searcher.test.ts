/** What a search finds does not depend on how many runs are under way at once, nor on which of them ends first. */
import { describe, expect, it } from "vitest";
import type { Exploration } from "../../../../../actors/cluster/chaos/exploration.ts";
import { checkExploration } from "../../../../../actors/cluster/chaos/exploration.ts";
import type { Outcome, Reference, RunRequest } from "../../../../../actors/cluster/chaos/outcome.ts";
import { NEVER_ENDS } from "../../../../../actors/cluster/chaos/outcome.ts";
import type { Runner } from "../../../../../actors/cluster/chaos/runner.ts";
import type { ChaosReport, TriedPlan } from "../../../../../actors/cluster/chaos/searcher.ts";
import { Searcher } from "../../../../../actors/cluster/chaos/searcher.ts";
import { missedText } from "../../../../../actors/cluster/chaos/explore.ts";
import { SeededRandom } from "../../../../../runtime/random.ts";

const END = { objects: new Map(), lives: new Map() };
const REFERENCE: Reference = {
  digest: "d0",
  end: END,
  goals: [],
  seen: [1],
  systematic: { plans: [], pruned: [] },
  drawing: {
    controllers: ["web"],
    resources: ["configmaps"],
    workMs: 3_000,
    pods: [],
    images: [],
    nodes: [],
    moments: [],
  },
};
const step = (name: string): { readonly name: string; readonly run: () => void } => ({ name, run: () => undefined });
const EXPLORATION: Exploration = {
  controllers: [{ name: "web", start: () => undefined }],
  workload: [step("a"), step("b"), step("c")],
  search: { systematic: [], random: 60 },
};

/** A crash is one failure, two answers of 500 in one plan another, but only with step `b`; a run takes any number of turns. */
class FakeRunner implements Runner {
  readonly jobs: number;
  most = 0;
  private running = 0;
  private readonly random: SeededRandom;
  private readonly neverEnds: boolean;

  constructor(jobs: number, seed: number, options: { readonly neverEnds?: boolean } = {}) {
    this.jobs = jobs;
    this.random = new SeededRandom(seed, "turns");
    this.neverEnds = options.neverEnds ?? false;
  }

  reference(): Promise<Reference> {
    return Promise.resolve(REFERENCE);
  }

  async run({ faults, steps, reference, tells }: RunRequest): Promise<Outcome> {
    this.most = Math.max(this.most, ++this.running);
    for (let turns = this.random.below(20); turns > 0; turns--) await Promise.resolve();
    this.running--;
    const kinds = faults.map(({ kind }) => kind);
    const failures = [
      ...(kinds.includes("controller-crash") ? [{ oracle: "sameEnd", cause: "extra", text: "crashed" }] : []),
      ...(kinds.filter((kind) => kind === "api-error").length > 1 && steps.includes("b")
        ? [{ oracle: this.neverEnds ? NEVER_ENDS : "converges", cause: "no rest", text: "refused twice" }]
        : []),
    ];
    const found = reference === undefined ? [] : failures;
    const seen = kinds.map((kind, index) => kind.length * 10 + index);
    return {
      failures: found,
      goals: [],
      bad: undefined,
      digest: kinds.join(" "),
      seen,
      ...(tells === undefined ? {} : { end: END }),
    };
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

async function searched(
  runner: FakeRunner,
  more: Partial<Exploration> = {},
): Promise<{ readonly report: ChaosReport; readonly tried: readonly TriedPlan[] }> {
  const tried: TriedPlan[] = [];
  const resolved = checkExploration({ ...EXPLORATION, ...more });
  const report = await new Searcher(resolved, runner, { onRun: (each) => tried.push(each) }).search();
  return { report, tried };
}

describe.each<[string, Partial<Exploration>]>([
  ["plans that are drawn", {}],
  ["plans made of those before", { search: { systematic: [], random: 10, coverage: true }, budget: { plans: 120 } }],
])("of %s", (_what, more) => {
  it("the report is the same for any number of jobs", async () => {
    const one = await searched(new FakeRunner(1, 1), more);
    expect(one.report.found.map(({ story }) => story.oracle).sort()).toEqual(["converges", "sameEnd"]);
    for (const [jobs, seed] of [
      [2, 2],
      [5, 3],
      [32, 4],
    ] as const) {
      const runner = new FakeRunner(jobs, seed);
      expect(await searched(runner, more)).toEqual(one);
      expect(runner.most).toBeGreaterThan(1);
      expect(runner.most).toBeLessThanOrEqual(jobs);
    }
  });
});

it("a failure is told with the fewest faults and steps, and counted with all plans that came upon it", async () => {
  const { report, tried } = await searched(new FakeRunner(3, 1));
  for (const { story, plans } of report.found) {
    expect(story.plan.faults).toHaveLength(story.oracle === "sameEnd" ? 1 : 2);
    expect(story.steps).toEqual(story.oracle === "sameEnd" ? [expect.any(String)] : ["b"]);
    const number = report.found.findIndex((each) => each.story === story) + 1;
    expect(tried.filter((each) => each.story === number)).toHaveLength(plans);
  }
});

it("what never ends is told as it was found: each run of it would take all the time that there is", async () => {
  const { report } = await searched(new FakeRunner(2, 1, { neverEnds: true }));
  const story = report.found.find(({ story: { oracle } }) => oracle === NEVER_ENDS)!.story;
  expect([story.steps, story.digest, story.events]).toEqual([["a", "b", "c"], "", []]);
});

it("what coverage has shown leads to the rest of the budget's plans, and only then", async () => {
  const { report, tried } = await searched(new FakeRunner(2, 1), {
    search: { systematic: [], random: 10, coverage: true },
    budget: { plans: 57 },
  });
  expect([report.plans, report.plansLeft]).toEqual([57, 0]);
  expect(tried.filter(({ planned }) => planned.pattern === "mutant")).toHaveLength(47);
  const without = await searched(new FakeRunner(2, 1), { search: { systematic: [], random: 10 } });
  expect(without.report.plans).toBe(10);
});

it("a run that is void says nothing: neither that it failed nor that it holds", async () => {
  class Gapped extends FakeRunner {
    override async run(request: RunRequest): Promise<Outcome> {
      const outcome = await super.run(request);
      const isVoid = request.faults.some(({ kind }) => kind === "controller-crash");
      return isVoid ? { ...outcome, failures: [], seen: [], void: "a gap" } : outcome;
    }
  }
  const { report, tried } = await searched(new Gapped(3, 1));
  expect(report.found.map(({ story }) => story.oracle)).toEqual(["converges"]);
  expect(report.voided.length).toBeGreaterThan(5);
  for (const { about, why } of report.voided) expect([about, why]).toEqual([expect.stringContaining("crash"), "a gap"]);
  expect(tried.length + report.voided.length).toBe(60);
  expect(missedText(report)).toContain(`a run is void: ${report.voided[0]!.about}: a gap`);
});

it("an error of a run ends the search, and no further run is begun", async () => {
  class Failing extends FakeRunner {
    begun = 0;
    override run(request: RunRequest): Promise<Outcome> {
      return ++this.begun === 4 ? Promise.reject(new Error("no luck")) : super.run(request);
    }
  }
  const runner = new Failing(1, 1);
  await expect(searched(runner, { search: { systematic: [], random: 500 } })).rejects.toThrow("no luck");
  const { begun } = runner;
  await new Promise((resolve) => setImmediate(resolve));
  expect(runner.begun).toBe(begun);
});
