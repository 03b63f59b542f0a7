import { describe, expect, it } from "vitest";
import type { Faults, RaftStory, RaftWorld } from "./raft-world.ts";
import { tellRaft } from "./raft-world.ts";

/** Runs the story from each seed; what `count` found, summed up. */
function runAll(seeds: number, story: RaftStory, count: (world: RaftWorld) => number): number {
  let sum = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      sum += count(tellRaft(seed, story));
    } catch (error) {
      (error as Error).message = `seed ${seed}: ${(error as Error).message}`;
      throw error;
    }
  }
  return sum;
}

describe("Raft under faults", () => {
  const messageBytesMax = 64;
  const calm: Faults = { drop: 0, duplicate: 0, syncEnds: 0.5, compactAfter: Infinity, messageBytesMax };
  const rough: Faults = { drop: 0.1, duplicate: 0.1, syncEnds: 0.3, compactAfter: Infinity, messageBytesMax };
  const single: Faults = { ...rough, messageBytesMax: 1 };
  const compacting: Faults = { drop: 0.05, duplicate: 0.05, syncEnds: 0.3, compactAfter: 8, messageBytesMax };

  it.each([
    ["crashes and partitions", 3, calm],
    ["a network that loses, doubles and reorders", 3, rough],
    ["one entry a message", 3, single],
    ["compaction and snapshots", 3, compacting],
    ["five members", 5, compacting],
    ["a single member", 1, rough],
    ["two members", 2, rough],
  ] as const)("keeps every acknowledged write and reads nothing stale: %s", (_, size, faults) => {
    let acked = 0;
    let reads = 0;
    let elections = 0;
    let snapshots = 0;
    runAll(20, { size, faults, steps: 1_500 }, (world) => {
      acked += world.ackedCount;
      reads += world.answeredReads;
      elections += world.elections;
      snapshots += world.snapshots;
      return 0;
    });
    // The runs did what they are there for.
    expect(acked).toBeGreaterThan(500);
    expect(reads).toBeGreaterThan(100);
    expect(elections).toBeGreaterThan(20);
    if (faults === compacting) expect(snapshots).toBeGreaterThan(10);
  });

  /** `SEEDS=10000` looks longer than every day's run. */
  const seeds = Number(process.env["SEEDS"] ?? 400);

  it.each([
    ["one entry a message", 3, single],
    ["compaction and snapshots", 3, compacting],
    ["five members", 5, rough],
  ] as const)(
    "survives lost disks of leaders and followers, among crashes, and lets others take their places: %s",
    (_, size, faults) => {
      const lost = runAll(seeds, { size, faults, steps: 300, losses: 0.02 }, (world) => world.lostDisks);
      expect(lost).toBeGreaterThan(seeds);
    },
  );

  it.each([
    ["one entry a message", 3, single, 0],
    ["compaction and snapshots", 3, compacting, 0],
    ["a single member at first", 1, rough, 0],
    ["lost disks besides", 5, compacting, 0.01],
  ] as const)("survives changes of the group, one after the other, among crashes: %s", (_, size, faults, losses) => {
    const story = { size, faults, steps: 600, changes: 0.05, losses };
    const changes = runAll(seeds / 4, story, (world) => world.changes);
    expect(changes).toBeGreaterThan(seeds / 2);
  });

  it("takes a member that comes late, with an empty disk, for what it is: a voter", () => {
    const acked = runAll(50, { size: 3, faults: rough, steps: 300, late: [2] }, (world) => world.ackedCount);
    expect(acked).toBeGreaterThan(50);
  });
});
