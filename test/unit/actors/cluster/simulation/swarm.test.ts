import { describe, expect, it } from "vitest";
import {
  FEATURES,
  describeFeatures,
  describeSwarm,
  drawSwarm,
} from "../../../../../actors/cluster/simulation/swarm.ts";

/** So many are run to find a mistake. */
const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

describe("what a seed's story is made of", () => {
  it("is the same whenever the seed is", () => {
    for (const seed of SEEDS) expect(drawSwarm(seed)).toEqual(drawSwarm(seed));
  });

  it("is everything in about half of the seeds", () => {
    const whole = SEEDS.filter((seed) => drawSwarm(seed).features.size === FEATURES.length);
    expect(whole.length).toBeGreaterThan(SEEDS.length / 3);
    expect(whole.length).toBeLessThan((SEEDS.length * 2) / 3);
  });

  it("has each feature without each other one in some of sixty seeds", () => {
    const stories = SEEDS.map((seed) => drawSwarm(seed).features);
    const neverApart = FEATURES.flatMap((one) =>
      FEATURES.filter((other) => other !== one && !stories.some((story) => story.has(one) && !story.has(other))).map(
        (other) => `${one} without ${other}`,
      ),
    );
    expect(neverApart).toEqual([]);
  });

  it("is told in a line, with the limits that were drawn", () => {
    expect(describeFeatures(new Set(FEATURES))).toBe("all features");
    expect(describeFeatures(new Set())).toBe("no features");
    const features = new Set(["kills", "leases"] as const);
    const swarm = { features, etcd: { snapshotEntries: 25 }, apiServer: { bookmarkMs: 2_000 } };
    expect(describeSwarm(swarm)).toBe("kills, leases; snapshotEntries 25, bookmarkMs 2000");
  });
});
