/** Each fault of a plan, as the actors of a simulation meet it. */
import { describe, expect, it } from "vitest";
import type { Fault } from "../../../../runtime/faults/plan.ts";
import { DecisionLog } from "../../../../runtime/simulation/decisions.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { noteActor, noteProtocol } from "../../../fixtures/actors/note-actor.ts";
import { actor, supervisor } from "../supervisor/harness.ts";

function makeHost(faults: readonly Fault[], onFault?: (line: string) => void): SimulationHost {
  return new SimulationHost({
    seed: 5,
    spec: supervisor("root", [actor("a", { actor: "note", links: ["b"] }), actor("b", { actor: "note" })], {
      intensity: { restarts: 1_000, periodMs: 1_000 },
    }),
    definitions: { note: noteActor },
    embedder: { name: "test", links: ["a", "b"] },
    hangAfterMs: 100,
    faults: { faults },
    ...(onFault === undefined ? {} : { onFault: (fault, what) => onFault(`${fault.id} ${what}`) }),
  });
}

const ONE_TO_A = { from: "test", to: "a" };

/** 100 casts, 1 ms apart, and what has come of them. */
async function castMany(host: SimulationHost): Promise<readonly number[]> {
  const ref = host.context.ref(noteProtocol, "a");
  for (let value = 0; value < 100; value++) {
    await host.settle(async () => ref.cast("note", value));
    await host.run(1);
  }
  await host.run(100);
  return host.settle(() => ref.call("notes", null));
}

describe("faults of links", () => {
  it("drop casts as often as they say, and no answer", async () => {
    const host = makeHost([{ id: "f", kind: "link-drop", ...ONE_TO_A, chance: 0.3 }]);
    await host.start();
    const notes = await castMany(host);
    expect(notes.length).toBeGreaterThan(50);
    expect(notes.length).toBeLessThan(90);
    expect(notes).toEqual([...notes].sort((left, right) => left - right));
  });

  it("drop the requests or answers of calls, which meet their deadline then", async () => {
    for (const [from, to] of [
      ["test", "a"],
      ["a", "test"],
    ] as const) {
      const host = makeHost([{ id: "f", kind: "link-drop", from, to, chance: 1, messages: "calls", forMs: 100 }]);
      await host.start();
      const ref = host.context.ref(noteProtocol, "a");
      await expect(host.settle(() => ref.call("notes", null))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
      expect(await host.settle(() => ref.call("notes", null))).toEqual([]);
      expect(host.crashes).toEqual([]);
    }
  });

  it("double casts, and let some overtake others", async () => {
    const doubled = makeHost([{ id: "f", kind: "link-duplicate", ...ONE_TO_A, chance: 0.5 }]);
    await doubled.start();
    const twice = await castMany(doubled);
    expect(new Set(twice).size).toBe(100);
    expect(twice.length).toBeGreaterThan(125);
    const mixed = makeHost([{ id: "f", kind: "link-reorder", ...ONE_TO_A, chance: 0.2, byMs: [2, 20] }]);
    await mixed.start();
    const notes = await castMany(mixed);
    expect([...notes].sort((left, right) => left - right)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(notes).not.toEqual([...notes].sort((left, right) => left - right));
  });

  it("delay without changing the order", async () => {
    const host = makeHost([{ id: "f", kind: "link-delay", ...ONE_TO_A, byMs: [10, 30] }]);
    await host.start();
    const beforeMs = host.nowMs;
    await host.settle(() => host.context.ref(noteProtocol, "a").call("notes", null));
    expect(host.nowMs - beforeMs).toBeGreaterThan(10);
    expect(await castMany(host)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it("hold everything back in a partition, in one direction or both, and hand it over at its end", async () => {
    for (const oneWay of [true, false]) {
      const host = makeHost([{ id: "f", kind: "partition", ...ONE_TO_A, oneWay, forMs: 500 }]);
      await host.start();
      const ref = host.context.ref(noteProtocol, "a");
      await host.settle(async () => ref.cast("note", 1));
      await expect(host.settle(() => ref.call("notes", null))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
      await host.run(400);
      expect(await host.settle(() => ref.call("notes", null))).toEqual([1]);
    }
  });

  it("break the link of a partition that lasts, and mend it at its end", async () => {
    const host = makeHost([{ id: "f", kind: "partition", ...ONE_TO_A, forMs: 500, breakAfterMs: 100 }]);
    const downs: string[] = [];
    host.context.monitor("a", ({ reason }) => void downs.push(reason));
    await host.start();
    const ref = host.context.ref(noteProtocol, "a");
    await host.run(200);
    expect(downs).toEqual(["hang"]);
    await expect(host.settle(() => ref.call("notes", null))).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    await host.run(400);
    expect(await host.settle(() => ref.call("notes", null))).toEqual([]);
  });
});

describe("faults of disks", () => {
  const write = (host: SimulationHost, text: string, sync = true): Promise<null> =>
    host.settle(() => host.context.ref(noteProtocol, "a").call("write", { text, sync }));
  const read = (host: SimulationHost): Promise<string> =>
    host.settle(() => host.context.ref(noteProtocol, "a").call("read", null));

  it.each([
    [{ id: "f", kind: "disk-full", at: "a", forMs: 100 }, "DISK_FULL"],
    [{ id: "f", kind: "disk-error", at: "a", operations: ["sync"], forMs: 100 }, "DISK_FAILED"],
    [{ id: "f", kind: "disk-stall", at: "a", forMs: 300 }, "DEADLINE_EXCEEDED"],
  ] as const)("%j fail operations with %s while they last, and only where they are", async (fault, code) => {
    const host = makeHost([fault]);
    await host.start();
    await expect(write(host, "x")).rejects.toMatchObject({ code });
    await host.settle(() => host.context.ref(noteProtocol, "b").call("write", { text: "b", sync: true }));
    await host.run(400);
    await write(host, "later");
    expect(await read(host)).toBe("later");
  });

  it("slow operations down", async () => {
    const host = makeHost([{ id: "f", kind: "disk-slow", at: "a", byMs: [20, 30] }]);
    await host.start();
    const beforeMs = host.nowMs;
    await write(host, "x");
    expect(host.nowMs - beforeMs).toBeGreaterThan(40);
  });

  it("flip a bit of what is written", async () => {
    const host = makeHost([{ id: "f", kind: "disk-bit-flip", at: "a" }]);
    await host.start();
    await write(host, "aaaa");
    const text = await host.settle(async () => host.disk("a").open(host.world.itself, "").read("file"));
    const flipped = [...text!].reduce((count, byte) => count + bits(byte ^ 0x61), 0);
    expect(flipped).toBe(1);
  });

  it("tear a write at a sector, and kill the actor with it", async () => {
    const host = makeHost([{ id: "f", kind: "disk-torn-write", at: "a", forMs: 50 }]);
    await host.start();
    const text = "x".repeat(4_000);
    await expect(write(host, text)).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    await host.run(100);
    const found = await read(host);
    expect(found.length % 512).toBe(0);
    expect(found.length).toBeLessThan(4_000);
  });

  it("lose at a crash what was not synced, and nothing else", async () => {
    const host = makeHost([
      { id: "f", kind: "disk-unsynced", at: "a" },
      { id: "c", kind: "actor-crash", at: "a", fromMs: 200 },
    ]);
    await host.start();
    await write(host, "synced");
    await write(host, "forgotten", false);
    expect(await read(host)).toBe("forgotten");
    await host.run(300);
    expect(await read(host)).toBe("synced");
  });
});

describe("faults of actors and clocks", () => {
  it("crash, with and without the disk", async () => {
    for (const disk of ["kept", "lost"] as const) {
      const host = makeHost([{ id: "c", kind: "actor-crash", at: "a", fromMs: 50, disk }]);
      await host.start();
      await host.settle(() => host.context.ref(noteProtocol, "a").call("write", { text: "x", sync: true }));
      await host.run(100);
      expect(await host.settle(() => host.context.ref(noteProtocol, "a").call("age", null))).toBeLessThan(60);
      expect(await host.settle(() => host.context.ref(noteProtocol, "a").call("read", null))).toBe(
        disk === "kept" ? "x" : "",
      );
    }
  });

  it("hit one of several again and again, or all of them", async () => {
    const lines: string[] = [];
    const host = makeHost(
      [
        { id: "one", kind: "actor-crash", at: "*", everyMs: 100, forMs: 950 },
        { id: "all", kind: "actor-crash", at: "*", fromMs: 500, victims: "all" },
      ],
      (line) => lines.push(line),
    );
    await host.start();
    await host.run(2_000);
    expect(lines.filter((line) => line.startsWith("one"))).toHaveLength(10);
    expect(lines.filter((line) => line.startsWith("all")).sort()).toEqual(["all hits a", "all hits b"]);
    expect(new Set(lines)).toEqual(new Set(["one hits a", "one hits b", "all hits a", "all hits b"]));
  });

  it("end an actor as out of memory, and its disk stays", async () => {
    const host = makeHost([{ id: "f", kind: "actor-oom", at: "a", fromMs: 50 }]);
    const downs: string[] = [];
    host.context.monitor("a", (down) => void downs.push(down.reason));
    await host.start();
    await host.settle(() => host.context.ref(noteProtocol, "a").call("write", { text: "kept", sync: false }));
    await host.run(200);
    expect(downs).toEqual(["out-of-memory"]);
    expect(await host.settle(() => host.context.ref(noteProtocol, "a").call("read", null))).toBe("kept");
  });

  it("hang for a while or until killed", async () => {
    const host = makeHost([
      { id: "short", kind: "actor-hang", at: "a", hangMs: 50 },
      { id: "long", kind: "actor-hang", at: "b" },
    ]);
    const downs: string[] = [];
    for (const name of ["a", "b"]) host.context.monitor(name, (down) => void downs.push(`${name} ${down.reason}`));
    await host.start();
    const beforeMs = host.nowMs;
    await host.settle(() => host.context.ref(noteProtocol, "a").call("notes", null));
    expect(host.nowMs - beforeMs).toBeGreaterThan(49);
    await host.run(200);
    expect(downs).toEqual(["b hang"]);
  });

  it("slow an actor down and keep the order of what it gets", async () => {
    const host = makeHost([{ id: "f", kind: "actor-slow", at: "a", share: 0.9 }]);
    await host.start();
    expect(await castMany(host)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    const beforeMs = host.nowMs;
    for (let round = 0; round < 10; round++) {
      await host.settle(() => host.context.ref(noteProtocol, "a").call("notes", null));
      await host.run(3);
    }
    expect(host.nowMs - beforeMs).toBeGreaterThan(60);
  });

  it("set wall clocks off for a while or for good, and no even clock", async () => {
    const host = makeHost([
      { id: "skew", kind: "clock-skew", at: "a", byMs: 5_000, forMs: 100 },
      { id: "jump", kind: "clock-jump", at: "a", byMs: -1_000, fromMs: 50 },
    ]);
    await host.start();
    const offMs = async (name: string): Promise<number> => {
      const { wallMs, evenMs } = await host.settle(() => host.context.ref(noteProtocol, name).call("now", null));
      return Math.round((wallMs - host.world.epochMs - evenMs) / 10) * 10 + 0;
    };
    expect(await offMs("a")).toBe(5_000);
    await host.run(60);
    expect(await offMs("a")).toBe(4_000);
    await host.run(100);
    expect(await offMs("a")).toBe(-1_000);
    expect(await offMs("b")).toBe(0);
  });
});

describe("a plan in the simulation", () => {
  const drop: Fault = { id: "drop", kind: "link-drop", ...ONE_TO_A, chance: 0.3 };
  const others: readonly Fault[] = [
    { id: "double", kind: "link-duplicate", from: "test", to: "b", chance: 0.3 },
    { id: "full", kind: "disk-full", at: "*", chance: 0.2 },
  ];

  it("leaves the other faults as they were when one is taken out", async () => {
    const outcomes: (readonly number[])[] = [];
    for (const faults of [[drop], [...others, drop]]) {
      const host = makeHost(faults);
      await host.start();
      outcomes.push(await castMany(host));
    }
    expect(outcomes[0]).toEqual(outcomes[1]);
  });

  it("repeats itself, from the seed and from the log of decisions", async () => {
    const play = async (log?: { readonly record?: DecisionLog; readonly replay?: DecisionLog }): Promise<string> => {
      const plan: readonly Fault[] = [
        drop,
        ...others,
        { id: "c", kind: "actor-crash", at: "*", everyMs: 70, disk: "crash" },
      ];
      const host = new SimulationHost({
        seed: 8,
        spec: supervisor("root", [actor("a", { actor: "note", links: ["b"] }), actor("b", { actor: "note" })], {
          intensity: { restarts: 1_000, periodMs: 1_000 },
        }),
        definitions: { note: noteActor },
        embedder: { name: "test", links: ["a", "b"] },
        faults: { faults: plan },
        ...log,
      });
      await host.start();
      await host.run(1_000);
      host.endFaults();
      await host.stop();
      host.world.end();
      return host.trace.digest;
    };
    const record = new DecisionLog(8, null);
    const digest = await play();
    expect(await play({ record })).toBe(digest);
    expect(await play({ replay: record })).toBe(digest);
    expect(record.labels).toContain("fault/c");
  });
});

function bits(byte: number): number {
  return byte === 0 ? 0 : (byte & 1) + bits(byte >> 1);
}
