/** The simulation of the whole cluster, and the search of the chaos harness in it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { configMaps } from "../../../actors/client/resources.ts";
import { search } from "../../../actors/cluster/chaos/explore.ts";
import { loadExploration } from "../../../actors/cluster/chaos/loading.ts";
import type { World } from "../../../actors/cluster/chaos/world.ts";
import { simulate } from "../../../actors/cluster/chaos/simulate.ts";
import { CLUSTER_FAULTS } from "../../../actors/cluster/simulation/fault-plan.ts";
import { runScenario } from "../../../actors/cluster/simulation/scenario.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const SEEDS = 6;
const ROUNDS = 3;
const IDLE_MS = 120_000;
const LOAD_MS = 5_000;
const LOAD_PERIOD_MS = 20;
const MS_PER_HOUR = 3_600_000;
const PLANS = 500;
const PLANS_TO_SHRINK = 24;
const WALL_MS = 1_200_000;
const CLUSTER = { masters: 3, workers: 3 } as const;
/** How a story tells that something is broken. */
const STRIKES = / {2}fault | is (killed|lost|cut off)| hangs$| flips/;
const EXAMPLES = fileURLToPath(new URL("../test/examples/chaos", import.meta.url));

export const chaos: Suite = {
  name: "chaos",
  about: `the cluster of ${CLUSTER.masters} + ${CLUSTER.workers} on virtual time; a search for what breaks the web site controller of test/examples/chaos`,
  run: async (report) => {
    await times(report);
    await seeds(report, false);
    await seeds(report, true);
    await plans(report);
    await shrinking(report);
  },
};

/** How many times faster than the clock on the wall virtual time goes. */
async function times(report: Report): Promise<void> {
  const idle = (world: World): Promise<number> => measured(world, () => world.clock.sleep(IDLE_MS));
  const loaded = (world: World): Promise<number> =>
    measured(world, async () => {
      const endMs = world.nowMs + LOAD_MS;
      for (let count = 0; world.nowMs < endMs; count++) {
        await world.client.create(configMaps, { metadata: { name: `load-${count}`, namespace: "default" } });
        await world.clock.sleep(LOAD_PERIOD_MS);
      }
    });
  const ratios = async (work: (world: World) => Promise<number>): Promise<number> => {
    const found: number[] = [];
    for (let seed = 1; seed <= ROUNDS; seed++) {
      found.push(await simulate({ seed, cluster: CLUSTER, limitMs: 10 * IDLE_MS }, work));
    }
    return median(found);
  };
  report({ name: "virtual time, nothing to do", value: await ratios(idle), unit: "x real", target: "≥ 1,000" });
  const perSecond = 1_000 / LOAD_PERIOD_MS;
  const name = `virtual time, up to ${perSecond} writes a virtual second`;
  report({ name, value: await ratios(loaded), unit: "x real", target: "≥ 100" });
}

async function measured(world: World, work: () => Promise<void>): Promise<number> {
  const fromVirtualMs = world.nowMs;
  const fromMs = realNowMs();
  await work();
  return (world.nowMs - fromVirtualMs) / (realNowMs() - fromMs);
}

/** As it was before the simulation's guard. */
const realNowMs: () => number = performance.now.bind(performance);

async function seeds(report: Report, hasFaults: boolean): Promise<void> {
  const options = { minutes: 1, ...CLUSTER, ...(hasFaults ? { faults: CLUSTER_FAULTS } : {}) };
  const spentMs: number[] = [];
  let faults = 0;
  // The first one warms up.
  for (let seed = 0; seed <= SEEDS; seed++) {
    const fromMs = realNowMs();
    const { story } = await runScenario({ ...options, seed });
    if (seed === 0) continue;
    spentMs.push(realNowMs() - fromMs);
    faults += story.filter((line) => STRIKES.test(line)).length;
  }
  const allMs = spentMs.reduce((sum, each) => sum + each, 0);
  const what = hasFaults ? "all faults" : "kills";
  const value = MS_PER_HOUR / (allMs / SEEDS);
  report({ name: `seeds of 60 virtual seconds an hour and core, ${what}`, value, unit: "/h", target: "≥ 10,000" });
  report({ name: `faults that its story tells, ${what}`, value: (faults / allMs) * 1_000, unit: "/s" });
}

async function plans(report: Report): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "inkube-bench-chaos-"));
  try {
    const file = join(directory, "plans.mjs");
    const example = pathToFileURL(join(EXAMPLES, "web-site-mended.js")).href;
    writeFileSync(
      file,
      `import example from ${JSON.stringify(example)};\nexport default { ...example, search: { random: ${PLANS} } };\n`,
    );
    const jobs = availableParallelism();
    const fromMs = realNowMs();
    const found = await search({ file, budget: { plans: PLANS, wallMs: WALL_MS, jobs } });
    const seconds = (realNowMs() - fromMs) / 1_000;
    const ms = (seconds * 1_000 * jobs) / found.runs;
    report({ name: `${found.plans} plans of a controller, ${jobs} jobs`, value: seconds, unit: "s", target: "≤ 120" });
    report({ name: "a plan, on one core", value: ms, unit: "ms", target: "≤ 150" });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** From the begin of a plan that fails to its story: plans that were drawn, of up to five faults. */
async function shrinking(report: Report): Promise<void> {
  const exploration = await loadExploration({ file: join(EXAMPLES, "web-site.js") });
  const spentMs: number[] = [];
  const faults: number[] = [];
  let fromMs = 0;
  await search(
    { ...exploration, search: { systematic: [], random: PLANS_TO_SHRINK }, budget: { wallMs: WALL_MS } },
    {
      onPlans: () => void (fromMs = realNowMs()),
      onRun: () => void (fromMs = realNowMs()),
      onFound: ({ story }) => {
        spentMs.push(realNowMs() - fromMs);
        faults.push(story.plan.faults.length);
      },
    },
  );
  if (spentMs.length === 0)
    throw new Error(`none of ${PLANS_TO_SHRINK} plans failed: there is nothing to make smaller`);
  report({ name: "a failure made small, median", value: median(spentMs) / 1_000, unit: "s", target: "≤ 10" });
  report({ name: "a failure made small, longest", value: Math.max(...spentMs) / 1_000, unit: "s", target: "≤ 10" });
  report({ name: "faults of a failure made small, most", value: Math.max(...faults), unit: "faults", target: "≤ 4" });
}
