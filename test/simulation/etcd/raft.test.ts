import { describe, expect, it } from "vitest";
import type { Faults } from "./raft-world.ts";
import { RaftWorld } from "./raft-world.ts";

function run(seed: number, size: number, faults: Faults, steps: number, disksAreLost = false): RaftWorld {
  const world = new RaftWorld(seed, size, faults);
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
    else if (dice < 0.795 && disksAreLost) world.loseDisk(any());
  }
  world.settleAndCheck();
  return world;
}

describe("Raft under faults", () => {
  const calm: Faults = { drop: 0, duplicate: 0, syncEnds: 0.5, compactAfter: Infinity };
  const rough: Faults = { drop: 0.1, duplicate: 0.1, syncEnds: 0.3, compactAfter: Infinity };
  const compacting: Faults = { drop: 0.05, duplicate: 0.05, syncEnds: 0.3, compactAfter: 8 };

  it.each([
    ["crashes and partitions", 3, calm],
    ["a network that loses, doubles and reorders", 3, rough],
    ["compaction and snapshots", 3, compacting],
    ["five members", 5, compacting],
    ["a single member", 1, rough],
    ["two members", 2, rough],
  ] as const)("keeps every acknowledged write and reads nothing stale: %s", (_, size, faults) => {
    let acked = 0;
    let reads = 0;
    let elections = 0;
    let snapshots = 0;
    for (let seed = 1; seed <= 20; seed++) {
      try {
        const world = run(seed, size, faults, 1_500);
        acked += world.ackedCount;
        reads += world.answeredReads;
        elections += world.elections;
        snapshots += world.snapshots;
      } catch (error) {
        (error as Error).message = `seed ${seed}: ${(error as Error).message}`;
        throw error;
      }
    }
    // The runs did what they are there for.
    expect(acked).toBeGreaterThan(500);
    expect(reads).toBeGreaterThan(100);
    expect(elections).toBeGreaterThan(20);
    if (faults === compacting) expect(snapshots).toBeGreaterThan(10);
  });

  it("takes a member with a lost disk back without letting it vote for what it has forgotten", () => {
    let lost = 0;
    for (let seed = 1; seed <= 20; seed++) {
      for (const faults of [calm, compacting]) {
        try {
          lost += run(seed, 3, faults, 1_500, true).lostDisks;
        } catch (error) {
          (error as Error).message = `seed ${seed}: ${(error as Error).message}`;
          throw error;
        }
      }
    }
    expect(lost).toBeGreaterThan(20);
  });
});
