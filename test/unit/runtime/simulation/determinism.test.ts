import { describe, expect, it } from "vitest";
import type { SimulationHost, SimulationOptions } from "../../../../runtime/simulation/simulation-host.ts";
import { toyHost } from "./toy.ts";

/** Ten simulated seconds with every kind of fault, chosen by the seed. */
async function live(seed: number, options: Partial<SimulationOptions> = {}): Promise<SimulationHost> {
  const host = toyHost(seed, options);
  const faults = host.world.random("faults");
  const pick = (): string => host.actors[faults.below(host.actors.length)] ?? "store-0";
  await host.start();
  for (let round = 0; round < 20; round++) {
    await host.run(faults.below(1_000));
    switch (faults.below(6)) {
      case 0:
        host.kill(pick());
        break;
      case 1:
        host.kill(pick(), { disk: "lost" });
        break;
      case 2:
        host.hang(pick());
        break;
      case 3:
        host.partition(["store-0"], ["client-0", "client-1"], { breakAfterMs: 300 });
        break;
      case 4:
        host.heal(["store-0"], ["client-0", "client-1"]);
        break;
      case 5:
        host.stall(pick(), 200);
        break;
    }
  }
  await host.stop();
  return host;
}

describe("a simulated run", () => {
  it("records the same trace to the byte in two runs of one seed, for ten seeds, and another for each seed", async () => {
    const digests = new Set<string>();
    for (let seed = 0; seed < 10; seed++) {
      const first = await live(seed);
      const second = await live(seed);
      expect(second.trace.digest).toBe(first.trace.digest);
      expect(second.trace.text()).toBe(first.trace.text());
      expect(second.world.steps).toBe(first.world.steps);
      expect(first.trace.count).toBeGreaterThan(500);
      expect(first.crashes).toEqual([]);
      digests.add(first.trace.digest);
    }
    expect(digests.size).toBe(10);
  });

  it("records the same whether its frames are copied or go through the codec", async () => {
    const [copied, encoded] = [await live(3, { wire: "copies" }), await live(3, { wire: "bytes" })];
    expect(encoded.trace.text()).toBe(copied.trace.text());
    expect(encoded.world.steps).toBe(copied.world.steps);
  });

  it("gives every actor identifiers, random numbers and times that depend on the seed alone", async () => {
    const seen = async (seed: number): Promise<unknown> => {
      const host = toyHost(seed);
      await host.start();
      const { ids, random, clock, incarnation } = host.context;
      return [ids.unique(), ids.uuid(), ids.suffix(5), random.next(), random.below(100), clock.nowMs(), incarnation];
    };
    expect(await seen(3)).toEqual(await seen(3));
    expect(await seen(3)).not.toEqual(await seen(4));
  });
});
