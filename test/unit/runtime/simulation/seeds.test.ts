import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSeeds } from "../../../../runtime/simulation/seeds.ts";

let directory = "";
let file = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "seeds-"));
  file = join(directory, "task.mjs");
  writeFileSync(
    file,
    `export default ({ seed, options }) => {
      if (options.bad.includes(seed)) throw new Error("seed " + seed + " fails");
      return seed * options.factor;
    };`,
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

const seeds = Array.from({ length: 20 }, (_, seed) => seed);

describe("runSeeds", () => {
  it("runs every seed on several threads and gives the results in the order of the seeds", async () => {
    const { results, firstFailure } = await runSeeds<number>({
      seeds,
      file,
      jobs: 2,
      options: { bad: [], factor: 3 },
    });
    expect(results).toEqual(seeds.map((seed) => ({ seed, ok: true, value: seed * 3 })));
    expect(firstFailure).toBeUndefined();
  });

  it("names the failing seed that comes first, and begins none after it", async () => {
    const { results, firstFailure } = await runSeeds({ seeds, file, jobs: 2, options: { bad: [3, 4, 9], factor: 1 } });
    expect(firstFailure).toMatchObject({ seed: 3, error: { message: "seed 3 fails" } });
    expect(results.length).toBeLessThan(7);
  });

  it("goes on after a failure when asked to", async () => {
    const options = { bad: [9, 4], factor: 1 };
    const { results, firstFailure } = await runSeeds({ seeds, file, jobs: 2, stopAtFailure: false, options });
    expect(results).toHaveLength(20);
    expect(results.filter(({ ok }) => !ok).map(({ seed }) => seed)).toEqual([4, 9]);
    expect(firstFailure?.seed).toBe(4);
  });

  it("gives up when it is told to", async () => {
    const controller = new AbortController();
    const onResult = (): void => controller.abort();
    const run = runSeeds({
      seeds,
      file,
      jobs: 1,
      options: { bad: [], factor: 1 },
      signal: controller.signal,
      onResult,
    });
    await expect(run).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("runs a share of the seeds twice, and fails one that does not repeat itself", async () => {
    const flaky = join(directory, "flaky.mjs");
    writeFileSync(
      flaky,
      `let runs = 0;
      export default ({ seed, options }) => ({ digest: seed === options.flaky ? "run " + ++runs : "seed " + seed });`,
    );
    const run = (bad: number): ReturnType<typeof runSeeds> =>
      runSeeds({ seeds, file: flaky, jobs: 1, options: { flaky: bad }, selfCheck: { share: 0.5 } });
    const sound = await run(-1);
    expect(sound.firstFailure).toBeUndefined();
    expect(sound.checked).toBeGreaterThan(4);
    expect(sound.checked).toBeLessThan(16);
    expect((await run(0)).firstFailure).toMatchObject({ seed: 0, error: { code: "SIMULATION_DIVERGED" } });
  });

  it("runs no seed twice when told so, or when results have no digest", async () => {
    const options = { bad: [], factor: 1 };
    expect((await runSeeds({ seeds, file, jobs: 2, options, selfCheck: { share: 1 } })).checked).toBe(0);
    const digestOf = String;
    expect((await runSeeds({ seeds, file, jobs: 2, options, selfCheck: { share: 0, digestOf } })).checked).toBe(0);
    expect((await runSeeds({ seeds, file, jobs: 2, options, selfCheck: { share: 1, digestOf } })).checked).toBe(20);
  });
});
