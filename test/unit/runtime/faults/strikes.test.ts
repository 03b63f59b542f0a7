/** What a plan decides by chance is drawn from one stream for each fault, whatever its host. */
import { describe, expect, it } from "vitest";
import { FaultDriver } from "../../../../runtime/faults/driver.ts";
import type { ActorFault } from "../../../../runtime/faults/plan.ts";
import { SeededRandom } from "../../../../runtime/random.ts";
import { ManualClock } from "../supervisor/host-double.ts";

const ACTORS = ["a-0", "a-1", "a-2"];
const STRIKES = 300;

type Strike = Exclude<ActorFault, { readonly kind: "actor-slow" }>;

/** Whom the fault hits, strike by strike. `random`: how a host makes the generator that it is asked for. */
function victims(fault: Strike, random: (label: string) => SeededRandom): readonly string[] {
  const clock = new ManualClock();
  const hits: string[] = [];
  const driver = new FaultDriver(
    { faults: [fault] },
    {
      actors: () => ACTORS,
      outsiders: [],
      areLinked: () => true,
      actorsOf: () => [],
      machines: () => [],
      loseMachine: () => undefined,
      upgradeMachine: () => undefined,
      after: (delayMs, action) => {
        const timer = clock.after(delayMs, action);
        return () => timer.cancel();
      },
      random,
      setFaults: () => undefined,
      crash: (actor) => void hits.push(actor),
      exhaust: (actor) => void hits.push(actor),
      hang: (actor) => void hits.push(actor),
      breakLink: () => undefined,
      mendLink: () => undefined,
    },
  );
  driver.start();
  clock.pass((STRIKES - 1) * 10);
  driver.stop();
  return hits;
}

/** As the simulation does: one for each label. */
function kept(seed: number): (label: string) => SeededRandom {
  const streams = new Map<string, SeededRandom>();
  return (label) => {
    const stream = streams.get(label) ?? new SeededRandom(seed, label);
    streams.set(label, stream);
    return stream;
  };
}

/** As threads do: a new one each time. */
const fresh =
  (seed: number) =>
  (label: string): SeededRandom =>
    new SeededRandom(seed, label);

describe.each(["actor-crash", "actor-oom", "actor-hang"] as const)("strikes of %s", (kind) => {
  const fault: Strike = { id: "f", kind, at: "a-*", everyMs: 10 };

  it("hit each of those that are named", () => {
    const hits = victims(fault, fresh(3));
    for (const actor of ACTORS) expect(hits.filter((name) => name === actor).length).toBeGreaterThan(STRIKES / 6);
  });

  it("happen by their chance, whatever the seed", () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const hits = victims({ ...fault, chance: 0.5 }, fresh(seed));
      expect(Math.abs(hits.length - STRIKES / 2)).toBeLessThan(STRIKES / 6);
    }
  });

  it("are the same on every host", () => {
    expect(victims({ ...fault, chance: 0.5 }, fresh(7))).toEqual(victims({ ...fault, chance: 0.5 }, kept(7)));
  });
});
