/** The plan of faults of the simulation, carried out on threads: the same faults at the same boundaries. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Ref } from "../../../runtime/actor.ts";
import type { InkubeError } from "../../../protocols/errors.ts";
import type { Fault } from "../../../runtime/faults/plan.ts";
import type { AppliedFaults } from "../../../runtime/threads/thread-faults.ts";
import type { NoteMethods } from "../../fixtures/actors/note-actor.ts";
import { noteProtocol } from "../../fixtures/actors/note-actor.ts";
import type { Threads } from "../../fixtures/threads.ts";
import { EMBEDDER, child, useThreads } from "../../fixtures/threads.ts";

const { open } = useThreads();
let threads: Threads;
/** That all actors share, if any. */
let thread: string | undefined;
let plan: AppliedFaults | undefined;
let hits: string[];

beforeEach(() => {
  plan = undefined;
  hits = [];
  threads = open({ watchdog: { periodMs: 50, hangAfterMs: 400 } });
});
afterEach(() => plan?.stop());

const PLACEMENTS = [
  { where: "threads of their own", shared: undefined },
  { where: "one shared thread", shared: "shared" },
] as const;

async function begin(shared: string | undefined): Promise<void> {
  thread = shared;
  await Promise.all([start("a"), start("b")]);
}

function start(name: string): Promise<void> {
  return threads.host.start(
    child(name, "note", {
      options: null,
      links: [...(name === "a" ? ["b"] : []), EMBEDDER],
      ...(thread === undefined ? {} : { thread }),
    }),
  );
}

/** The plan is in force for what is called after it. */
async function apply(...faults: readonly Fault[]): Promise<void> {
  plan = threads.host.applyFaults({ seed: 3, faults }, (fault, what) => void hits.push(`${fault.id} ${what}`));
  await plan.settled();
}

const ref = (name: string): Ref<NoteMethods> => threads.ref(noteProtocol, name);
const deaths = (): readonly string[] => threads.deaths.map(({ name, reason }) => `${name} ${reason}`);
/** The next deaths, in the order of the names. */
async function nextDeaths(count: number): Promise<readonly string[]> {
  const before = threads.deaths.length;
  await threads.until(() => threads.deaths.length >= before + count);
  return deaths().slice(before).sort();
}
const sendNotes = async (count: number): Promise<readonly number[]> => {
  await ref("a").call("send", { to: "b", count }, { timeoutMs: 20_000 });
  return ref("b").call("notes", null, { timeoutMs: 5_000 });
};
const inOrder = (notes: readonly number[]): readonly number[] => [...notes].sort((left, right) => left - right);

describe.each(PLACEMENTS)("faults of links on $where", ({ shared }) => {
  beforeEach(() => begin(shared));

  it("drop and double casts on the one link, in one direction, as often as they say", async () => {
    await apply({ id: "f", kind: "link-drop", from: "a", to: "b", chance: 0.3 });
    const notes = await sendNotes(100);
    expect(notes.length).toBeGreaterThan(50);
    expect(notes.length).toBeLessThan(90);
    await plan?.stop();
    await apply({ id: "g", kind: "link-duplicate", from: "a", to: "b", chance: 0.5 });
    expect((await sendNotes(100)).length - notes.length).toBeGreaterThan(120);
  });

  it("let casts overtake each other when told so, and not when they only delay", async () => {
    await apply({ id: "f", kind: "link-reorder", from: "a", to: "b", chance: 0.2, byMs: [5, 20] });
    await sendNotes(60);
    await expect
      .poll(() =>
        ref("b")
          .call("notes", null)
          .then(({ length }) => length),
      )
      .toBe(60);
    const notes = await ref("b").call("notes", null);
    expect(notes).not.toEqual(inOrder(notes));
    await plan?.stop();
    await apply({ id: "g", kind: "link-delay", from: "a", to: "b", byMs: [1, 30] });
    await sendNotes(60);
    await expect
      .poll(() =>
        ref("b")
          .call("notes", null)
          .then(({ length }) => length),
      )
      .toBe(120);
    expect((await ref("b").call("notes", null)).slice(60)).toEqual(Array.from({ length: 60 }, (_, value) => value));
  });

  it("take in the links of the embedding program: lost on its way out or back, cut, and mended", async () => {
    const ask = (): Promise<readonly number[]> => ref("a").call("notes", null, { timeoutMs: 200 });
    for (const [from, to] of [
      [EMBEDDER, "a"],
      ["a", EMBEDDER],
    ] as const) {
      await apply({ id: "f", kind: "link-drop", from, to, chance: 1, messages: "all" });
      await expect(ask()).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
      await plan?.stop();
    }
    await apply({ id: "g", kind: "partition", from: "embedder", to: "a", breakAfterMs: 20 });
    await expect.poll(() => ask().catch((error: unknown) => (error as InkubeError).code)).toBe("ACTOR_DOWN");
    await plan?.stop();
    await expect.poll(() => ask().catch(() => undefined)).toEqual([]);
  });

  it("decide by the seed of the plan, also for actors that ran before it", async () => {
    const dropped = async (seed: number): Promise<readonly number[]> => {
      const before = (await ref("b").call("notes", null)).length;
      plan = threads.host.applyFaults({
        seed,
        faults: [{ id: "f", kind: "link-drop", from: "a", to: "b", chance: 0.5 }],
      });
      await plan.settled();
      const notes = (await sendNotes(64)).slice(before);
      await plan.stop();
      return notes;
    };
    const first = await dropped(5);
    expect(await dropped(6)).not.toEqual(first);
    expect(await dropped(5)).toEqual(first);
  });

  it("hold back in a partition, break the link when it lasts, and mend it at its end", async () => {
    await apply({ id: "f", kind: "partition", from: "a", to: "b" });
    expect(await sendNotes(10)).toEqual([]);
    await plan?.stop();
    await expect.poll(() => ref("b").call("notes", null)).toEqual(Array.from({ length: 10 }, (_, value) => value));
    await apply({ id: "g", kind: "partition", from: "a", to: "b", breakAfterMs: 20 });
    await expect.poll(() => ref("a").call("downs", null)).toEqual(["b"]);
    await expect.poll(() => ref("b").call("downs", null)).toEqual(["a"]);
    await plan?.stop();
    await expect.poll(() => sendNotes(1).then(({ length }) => length)).toBeGreaterThan(10);
  });
});

describe.each(PLACEMENTS)("faults of disks on $where", ({ shared }) => {
  beforeEach(() => begin(shared));

  it("fail with what they say, where they are, while they last", async () => {
    const write = (name: string): Promise<null> => ref(name).call("write", { text: "x", sync: true });
    await apply({ id: "f", kind: "disk-full", at: "a" });
    await expect(write("a")).rejects.toMatchObject({ code: "DISK_FULL" });
    await write("b");
    await plan?.stop();
    await apply({ id: "g", kind: "disk-error", at: "*", operations: ["sync"] });
    await expect(write("b")).rejects.toMatchObject({ code: "DISK_FAILED" });
    await plan?.stop();
    await apply({ id: "h", kind: "disk-stall", at: "a" });
    const stalled = ref("a").call("write", { text: "late", sync: true }, { timeoutMs: 10_000 });
    await expect(write("a")).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await plan?.stop();
    await stalled;
  });

  it("tear a write and end the one actor, or lose at its end what was not synced", async () => {
    await apply({ id: "f", kind: "disk-torn-write", at: "a" });
    await ref("b").call("write", { text: "whole", sync: true });
    const dead = nextDeaths(1);
    const written = ref("a").call("write", { text: "x".repeat(4_000), sync: true });
    await expect(written).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    expect(await dead).toEqual(["a throw"]);
    expect(await ref("b").call("read", null)).toBe("whole");
    await plan?.stop();
    await start("a");
    const found = await ref("a").call("read", null);
    expect(found.length).toBeLessThan(4_000);
    expect(found.length % 512).toBe(0);
    await apply({ id: "g", kind: "disk-unsynced", at: "a" });
    await ref("a").call("write", { text: "synced".repeat(700), sync: true });
    await ref("a").call("write", { text: "forgotten", sync: false });
    expect(await ref("a").call("read", null)).toMatch(/^forgotten/);
    await threads.host.kill("a");
    await start("a");
    expect(await ref("a").call("read", null)).toMatch(/^syncedsynced/);
    expect(deaths()).toEqual(["a throw", "a killed"]);
  });
});

describe.each(PLACEMENTS)("two plans at once on $where", ({ shared }) => {
  beforeEach(() => begin(shared));

  const skew = (id: string, byMs: number): Fault => ({ id, kind: "clock-skew", at: "a", byMs });
  /** How far the clock of `a` is from this program's, in hours. */
  const offHours = async (): Promise<number> =>
    Math.round(((await ref("a").call("now", null)).wallMs - Date.now()) / 3_600_000) + 0;

  it("both hold for one actor, and each ends for itself", async () => {
    await apply(skew("one", 3_600_000), { id: "full", kind: "disk-full", at: "a" });
    const other = threads.host.applyFaults({ faults: [skew("two", 7_200_000)] });
    await other.settled();
    expect(await offHours()).toBe(3);
    await expect(ref("a").call("write", { text: "x", sync: true })).rejects.toMatchObject({ code: "DISK_FULL" });
    // Also for the next incarnation.
    const dead = nextDeaths(1);
    await threads.host.kill("a");
    await dead;
    await start("a");
    expect(await offHours()).toBe(3);
    await plan?.stop();
    expect(await offHours()).toBe(2);
    await ref("a").call("write", { text: "x", sync: true });
    await other.stop();
    expect(await offHours()).toBe(0);
  });

  it("may not have faults of one id, by which they are told and drawn", async () => {
    await apply(skew("one", 3_600_000));
    expect(() => threads.host.applyFaults({ faults: [skew("one", 1)] })).toThrow(
      "fault one: id: a fault of a plan that is in force has it too (allowed: an id of its own)",
    );
    expect(await offHours()).toBe(1);
    await plan?.stop();
    await apply(skew("one", 7_200_000));
    expect(await offHours()).toBe(2);
  });
});

describe.each(PLACEMENTS)("faults of actors and clocks on $where", ({ shared }) => {
  beforeEach(() => begin(shared));

  it("crash an actor alone, with its disk kept or lost", async () => {
    ref("b").cast("note", 7);
    for (const disk of ["kept", "lost"] as const) {
      await ref("a").call("write", { text: "x", sync: true });
      const dead = nextDeaths(1);
      plan = threads.host.applyFaults({ faults: [{ id: disk, kind: "actor-crash", at: "a", disk }] }, (fault, what) => {
        hits.push(`${fault.id} ${what}`);
      });
      expect(await dead).toEqual(["a killed"]);
      await plan?.stop();
      await start("a");
      expect(await ref("a").call("read", null)).toBe(disk === "kept" ? "x" : "");
    }
    expect(hits).toEqual(["kept hits a", "lost hits a"]);
    expect(await ref("b").call("notes", null)).toEqual([7]);
  });

  it("end an actor as out of memory, with all that share its thread", async () => {
    const expected = shared === undefined ? ["a out-of-memory"] : ["a out-of-memory", "b out-of-memory"];
    const dead = nextDeaths(expected.length);
    plan = threads.host.applyFaults({ faults: [{ id: "f", kind: "actor-oom", at: "a" }] });
    expect([...(await dead)].sort()).toEqual(expected);
  });

  it("hang an actor for a while, or until its watchdog ends it, with all that share its thread", async () => {
    const startedMs = performance.now();
    void threads.host.applyFaults({ faults: [{ id: "f", kind: "actor-hang", at: "a", hangMs: 150 }] });
    await threads.host.inspect("a");
    expect(performance.now() - startedMs).toBeGreaterThan(140);
    const expected = shared === undefined ? ["a hang"] : ["a hang", "b hang"];
    const dead = nextDeaths(expected.length);
    void threads.host.applyFaults({ faults: [{ id: "g", kind: "actor-hang", at: "a" }] });
    expect(await dead).toEqual(expected);
    await Promise.all(expected.map((death) => start(death[0]!)));
    expect(await ref("a").call("notes", null)).toEqual([]);
    expect(await ref("b").call("notes", null)).toEqual([]);
    expect(deaths()).toHaveLength(expected.length);
  });

  it("set the wall clock of one actor off, also of the next incarnation, and slow down all that share its thread", async () => {
    const offMs = async (name = "a"): Promise<number> => (await ref(name).call("now", null)).wallMs - Date.now();
    await apply({ id: "f", kind: "clock-skew", at: "a", byMs: 3_600_000 });
    expect(Math.abs((await offMs()) - 3_600_000)).toBeLessThan(60_000);
    expect(Math.abs(await offMs("b"))).toBeLessThan(60_000);
    await threads.host.kill("a");
    await start("a");
    expect(Math.abs((await offMs()) - 3_600_000)).toBeLessThan(60_000);
    await plan?.stop();
    await threads.host.inspect("a");
    expect(Math.abs(await offMs())).toBeLessThan(60_000);
    await apply({ id: "g", kind: "actor-slow", at: "a", share: 0.9 });
    const startedMs = performance.now();
    for (let round = 0; round < 10; round++) {
      await ref(shared === undefined ? "a" : "b").call("notes", null, { timeoutMs: 5_000 });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(performance.now() - startedMs).toBeGreaterThan(80);
  });
});
