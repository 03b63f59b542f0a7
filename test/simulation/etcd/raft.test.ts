import { describe, expect, it } from "vitest";
import type { Faults } from "./raft-world.ts";
import { RaftWorld } from "./raft-world.ts";

interface Story {
  readonly size: number;
  readonly faults: Faults;
  readonly steps: number;
  /** Chance per step that a disk is lost, unless another member is still recovering. */
  readonly losses?: number;
  readonly late?: readonly number[];
}

function run(seed: number, { size, faults, steps, losses = 0, late = [] }: Story): RaftWorld {
  const world = new RaftWorld(seed, size, faults, late);
  const { random } = world;
  const any = (): number => 1 + random.below(size);
  for (let step = 0; step < steps; step++) {
    world.step();
    const dice = random.next();
    if (dice < 0.3) world.tick(any());
    else if (dice < 0.5) world.propose(world.leader() ?? any());
    else if (dice < 0.6) world.propose(any());
    else if (dice < 0.7) world.read(any());
    else if (dice < 0.71) world.crash(any(), random.next() < 0.5);
    else if (dice < 0.74) world.start(any());
    else if (dice < 0.75) world.setLink(any(), any(), false);
    else if (dice < 0.77) world.setLink(any(), any(), true);
    else if (dice < 0.775) world.heal();
    else if (dice < 0.78) world.transfer(any(), any());
    else if (dice < 0.79) world.campaign(any());
    if (losses > 0 && random.next() < losses && world.recovering.length === 0)
      world.loseDisk(any(), random.next() < 0.5);
  }
  world.settleAndCheck();
  expect(world.recovering).toEqual([]);
  return world;
}

/** Runs the story from each seed; what `count` found, summed up. */
function runAll(seeds: number, story: Story, count: (world: RaftWorld) => number): number {
  let sum = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      sum += count(run(seed, story));
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
    "survives lost disks of leaders and followers, among crashes, and gives the vote back: %s",
    (_, size, faults) => {
      const lost = runAll(seeds, { size, faults, steps: 300, losses: 0.02 }, (world) => world.lostDisks);
      expect(lost).toBeGreaterThan(seeds);
    },
  );

  it("takes a member that comes late, with an empty disk, for what it is: a voter", () => {
    const acked = runAll(50, { size: 3, faults: rough, steps: 300, late: [2] }, (world) => world.ackedCount);
    expect(acked).toBeGreaterThan(50);
  });
});
