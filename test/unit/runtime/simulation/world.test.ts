import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventOwner, SimEvent } from "../../../../runtime/simulation/event-queue.ts";
import { EventQueue } from "../../../../runtime/simulation/event-queue.ts";
import { SimClock } from "../../../../runtime/simulation/sim-clock.ts";
import { World } from "../../../../runtime/simulation/world.ts";

function owner(crash: (error: unknown) => void = () => undefined): EventOwner {
  return { alive: true, hanging: undefined, crash };
}

describe("EventQueue", () => {
  it("gives events back by time, and those of one moment in the order they came", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (times) => {
        const queue = new EventQueue();
        const events = times.map((atUs, sequence): SimEvent => ({ atUs, sequence, owner: owner(), action: undefined }));
        for (const event of events) queue.push(event);
        const out = times.map(() => queue.pop()!);
        const expected = [...events].sort((left, right) => left.atUs - right.atUs || left.sequence - right.sequence);
        expect(out).toEqual(expected);
        expect(queue.pop()).toBeUndefined();
      }),
    );
  });
});

describe("World", () => {
  it("runs every promise that a step has woken before the next step, however long their chain", async () => {
    const world = new World({ seed: 1 });
    const log: string[] = [];
    const chain = async (name: string, links: number): Promise<void> => {
      for (let link = 0; link < links; link++) await Promise.resolve();
      log.push(`${name} ends`);
    };
    for (const name of ["a", "b"]) {
      world.schedule(0, world.itself, () => {
        log.push(`${name} begins`);
        void chain(name, 500);
        world.atEndOfTurn(() => log.push(`${name} turn is over`));
      });
    }
    await world.run({ untilUs: 10 });
    expect(log).toEqual(["a begins", "a ends", "a turn is over", "b begins", "b ends", "b turn is over"]);
  });

  it("stops at its time limit and goes on from there", async () => {
    const world = new World({ seed: 1 });
    const log: number[] = [];
    for (const atUs of [30, 10, 20]) world.schedule(atUs, world.itself, () => log.push(world.nowUs));
    await world.run({ untilUs: 20 });
    expect([log, world.nowUs]).toEqual([[10, 20], 20]);
    await world.run({ untilUs: 100 });
    expect([log, world.nowUs]).toEqual([[10, 20, 30], 100]);
  });

  it("does nothing for the dead, and keeps what is for one that hangs in order until it goes on", async () => {
    const world = new World({ seed: 1 });
    const [dead, slow] = [owner(), owner()];
    const log: string[] = [];
    dead.alive = false;
    slow.hanging = [];
    world.schedule(1, dead, () => log.push("dead"));
    for (const name of ["1", "2"]) world.schedule(2, slow, () => log.push(name));
    await world.run({ untilUs: 10 });
    expect(log).toEqual([]);
    world.resume(slow);
    await world.run({ untilUs: 20 });
    expect(log).toEqual(["1", "2"]);
  });

  it("gives what an event throws to its owner, and ends the run when it is its own", async () => {
    const world = new World({ seed: 1 });
    const errors: unknown[] = [];
    world.schedule(
      1,
      owner((error) => errors.push(error)),
      () => {
        throw new Error("theirs");
      },
    );
    await world.run({ untilUs: 5 });
    expect(errors).toHaveLength(1);
    world.schedule(1, world.itself, () => {
      throw new Error("ours");
    });
    await expect(world.run({ untilUs: 10 })).rejects.toThrow("ours");
  });

  it("ends a run that goes round at one moment", async () => {
    const world = new World({ seed: 1 });
    const again = (): void => void world.schedule(0, world.itself, again);
    again();
    await expect(world.run({ untilUs: 10, stepsMax: 1_000 })).rejects.toThrow("no end after 1000 steps");
  });

  it.each<[string, () => unknown]>([
    ["Date.now", () => Date.now()],
    ["new Date()", () => new Date()],
    ["Date()", () => Date()],
    ["Math.random", () => Math.random()],
    ["performance.now", () => performance.now()],
    ["setTimeout", () => setTimeout(() => undefined, 1)],
    ["setInterval", () => setInterval(() => undefined, 1)],
    ["setImmediate", () => setImmediate(() => undefined)],
    ["crypto.randomUUID", () => crypto.randomUUID()],
    ["crypto.getRandomValues", () => crypto.getRandomValues(new Uint8Array(1))],
    ["AbortSignal.timeout", () => AbortSignal.timeout(1)],
    ["process.hrtime", () => process.hrtime()],
    ["fetch", () => fetch("http://127.0.0.1:1")],
  ])("does not let %s be used within a run, and leaves it whole outside", async (name, use) => {
    const world = new World({ seed: 1 });
    world.schedule(1, owner(), () => void use());
    await expect(world.run({ untilUs: 5 })).rejects.toThrow(`${name} was used in the simulation`);
    const handle = name === "fetch" ? undefined : use();
    if (name === "setTimeout") clearTimeout(handle as NodeJS.Timeout);
    if (name === "setInterval") clearInterval(handle as NodeJS.Timeout);
  });

  it("lets dates of a given moment be made and compared", async () => {
    const world = new World({ seed: 1 });
    let seen: unknown;
    world.schedule(1, world.itself, () => {
      const date = new Date(0);
      seen = [date.toISOString(), date instanceof Date, Date.parse("1970-01-01T00:00:01Z"), Date.UTC(1970, 0, 2)];
    });
    await world.run({ untilUs: 5 });
    expect(seen).toEqual(["1970-01-01T00:00:00.000Z", true, 1_000, 86_400_000]);
  });
});

describe("SimClock", () => {
  function clockOf(world: World): SimClock {
    return new SimClock(world, world.itself, world.random("schedule"));
  }

  it("fires timers once, in time, unless they are canceled", async () => {
    const world = new World({ seed: 1, epochMs: 1_000_000 });
    const clock = clockOf(world);
    const log: string[] = [];
    clock.after(20, () => log.push("20"));
    clock.after(10, () => log.push("10"));
    clock.after(15, () => log.push("15")).cancel();
    void clock.sleep(5).then(() => log.push(`slept ${Math.floor(clock.monotonicMs())} ${clock.nowMs()}`));
    await world.run({ untilUs: 1_000_000 });
    expect(log).toEqual(["slept 5 1000005", "10", "20"]);
  });

  it("repeats without drifting, until it is canceled, also from within", async () => {
    const world = new World({ seed: 1 });
    const clock = clockOf(world);
    const times: number[] = [];
    const timer = clock.every(10, () => {
      times.push(Math.floor(clock.monotonicMs()));
      if (times.length === 100) timer.cancel();
    });
    await world.run({ untilUs: 10_000_000 });
    expect(times).toEqual(Array.from({ length: 100 }, (_, index) => (index + 1) * 10));
  });
});
