/** Three etcd members, clients that write, read and watch all the time, and every kind of fault. */
import { describe, expect, it } from "vitest";
import { EtcdWorld } from "./etcd-world.ts";

describe("three etcd members", () => {
  it.each([
    ["kills of any member", {}, false],
    ["kills, with snapshots every few entries", { snapshotEntries: 20, catchUpEntries: 3, segmentBytes: 4_096 }, false],
    ["kills and lost disks", { snapshotEntries: 20, catchUpEntries: 3 }, true],
  ] as const)("lose nothing under load: %s", async (_, options, disksAreLost) => {
    for (let seed = 1; seed <= 4; seed++) {
      const world = new EtcdWorld(seed, options);
      const { host } = world;
      await host.start();
      world.startWatch();
      const untilMs = host.nowMs + 6_000;
      for (let client = 0; client < 6; client++) world.startClient(untilMs);
      const faults = host.world.random("faults");
      while (host.nowMs < untilMs - 1_000) {
        await host.run(100 + faults.below(600));
        const victim = world.names[faults.below(3)]!;
        const dice = faults.next();
        // A second disk may go once the first is made good: two of three at a time are more than a group survives.
        if (disksAreLost && dice < 0.4) {
          if (await world.isWhole()) host.kill(victim, { disk: "lost" });
        } else if (dice < 0.5) host.kill(victim);
        else if (dice < 0.6) for (const name of world.names) host.kill(name);
        else if (dice < 0.7) host.stall(victim, 100 + faults.below(2_000));
        else if (dice < 0.8) {
          const other = world.names[faults.below(3)]!;
          if (other !== victim) host.faultLink(victim, other, { delayMs: 5, dropCasts: 0.3, doubleCasts: 0.3 });
          await host.run(200 + faults.below(1_000));
          if (other !== victim) host.faultLink(victim, other, undefined);
        } else if (dice < 0.9) {
          const kind = faults.below(3);
          const disk = host.disk(victim);
          disk.setFault(
            kind === 0 ? { kind: "stall" } : kind === 1 ? { kind: "full" } : { kind: "error", operations: ["sync"] },
          );
          await host.run(200 + faults.below(1_000));
          disk.setFault(undefined);
        } else {
          const others = world.names.filter((name) => name !== victim);
          // A member that comes up within a partition is another matter.
          await host.runUntil(() => host.actors.length === 3, 10_000);
          await host.run(50);
          host.partition([victim], others);
          await host.run(200 + faults.below(2_000));
          host.heal([victim], others);
        }
      }
      await world.finish();
      try {
        await world.check();
      } catch (error) {
        (error as Error).message = `seed ${seed}: ${(error as Error).message}`;
        throw error;
      }
      expect(world.writes.filter(({ revision }) => revision !== undefined).length).toBeGreaterThan(300);
      expect(world.readCount).toBeGreaterThan(100);
      expect(world.seen.length).toBeGreaterThan(300);
      expect(world.leases).toBeGreaterThan(30);
      expect(world.compactions).toBeGreaterThan(5);
    }
  });
});
