/** Every way in which an actor's thread can end: what its host says of it, and what those who watch the actor are told. */
import { describe, expect, it } from "vitest";
import { readRing } from "../../../runtime/trace/ring.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import type { Death } from "../../fixtures/actors/mortal-protocol.ts";
import type { Threads, ThreadsOptions } from "../../fixtures/threads.ts";
import { EMBEDDER, child, useThreads } from "../../fixtures/threads.ts";

const tests = useThreads();
let threads: Threads;

function open(options: ThreadsOptions = {}): void {
  threads = tests.open({ watchdog: { periodMs: 50, hangAfterMs: 400 }, ...options });
}

const start = (name: string, options: object = {}, rest: object = {}): Promise<void> =>
  threads.host.start(
    child(name, "mortal", { options, links: name === "watcher" ? [EMBEDDER, "mortal"] : [EMBEDDER], ...rest }),
  );

const die = (how: Death): void => threads.ref(mortalProtocol, "mortal").cast("die", how);

describe("those who watch an actor are told why it ended, with what the host knows", () => {
  it.each([
    ["return-code", "exit", { exitCode: 7 }],
    [
      "throw-coded",
      "throw",
      {
        message: "the invariant is broken",
        code: "E_BIT",
        cause: "a bit flipped",
        stack: expect.stringContaining("die") as string,
      },
    ],
    [
      "spin",
      "hang",
      {
        code: "ACTOR_HUNG",
        message: expect.stringMatching(/for \d+ ms/) as string,
        stack: expect.stringMatching(/at reconcile .*\n.*at die/) as string,
      },
    ],
  ] as const)("%s: %s", async (how, reason, details) => {
    open();
    await start("mortal");
    await start("watcher", { watch: ["mortal"] });
    const told = threads.ref(mortalProtocol, "watcher").call("hear", { downs: 1 });
    const own: unknown[] = [];
    threads.embedder.context.monitor("mortal", (down) => void own.push(down));
    die(how);
    const down = { actor: "mortal", reason, details };
    expect(await told).toEqual([expect.objectContaining(down)]);
    expect(threads.deaths).toMatchObject([{ name: "mortal", reason, details }]);
    expect(own).toMatchObject([down]);
  });

  it.each([{}, { thread: "shared" }])(
    "the first thing that went wrong is the reason, not what came of it: %j",
    async (placement) => {
      open();
      await start("mortal", { watch: [EMBEDDER], fragile: true }, placement);
      die("throw-coded");
      await threads.until(() => threads.deaths.length > 0);
      expect(threads.deaths).toMatchObject([{ reason: "throw", details: { message: "the invariant is broken" } }]);
      const crashes = readRing(threads.host.ring("mortal"), "mortal").filter(({ kind }) => kind === "crash");
      expect(crashes).toHaveLength(1);
    },
  );

  it("the flight recorders of all who are linked with it, and who calls it later, know the reason too", async () => {
    open();
    await start("mortal");
    const watchers = ["watcher", "watcher-2", "watcher-3"];
    for (const name of watchers) await start(name, { watch: ["mortal"] }, { links: [EMBEDDER, "mortal"] });
    const told = watchers.map((name) => threads.ref(mortalProtocol, name).call("hear", { downs: 1 }));
    die("return-code");
    await Promise.all(told);
    await threads.until(() => threads.deaths.length > 0);
    for (const name of [EMBEDDER, ...watchers]) {
      const downs = readRing(threads.host.ring(name), name).filter(({ kind }) => kind === "down");
      expect(downs.map(({ subject, detail }) => `${subject} ${detail}`)).toEqual(["mortal exit"]);
    }
    await expect(threads.ref(mortalProtocol, "mortal").call("downs", null)).rejects.toMatchObject({
      code: "ACTOR_DOWN",
      details: { actor: "mortal", reason: "exit" },
    });
  });

  it.each([
    ["return-code", "exit", {}],
    ["throw-coded", "throw", { message: "the invariant is broken" }],
    ["throw-late", "throw", { message: "nobody awaited it" }],
    ["spin", "hang", { message: expect.stringMatching(/for \d+ ms/) as string }],
    ["kill", "killed", {}],
    ["stop", "normal", {}],
  ] as const)(
    "so are those whose calls it has not answered, here and on other threads: %s",
    async (how, reason, known) => {
      open();
      await start("mortal");
      await start("watcher", {}, { links: [EMBEDDER, "mortal"] });
      const elsewhere = threads.ref(mortalProtocol, "watcher").call("askInVain", { of: "mortal" });
      const here = threads.ref(mortalProtocol, "mortal").call("hear", { downs: Infinity });
      // Both calls have arrived when one that was sent after them is answered.
      await threads.ref(mortalProtocol, "watcher").call("reach", { actor: "mortal" });
      await threads.ref(mortalProtocol, "mortal").call("incarnation", null);
      if (how === "kill") void threads.host.kill("mortal");
      else if (how === "stop") void threads.host.stop("mortal", 2_000);
      else die(how);
      const told = { code: "ACTOR_DOWN", details: { actor: "mortal", reason, ...known } };
      await expect(here).rejects.toMatchObject(told);
      // What only the host can say comes to other threads by another port than the one that closes, and may come after that.
      const isForetold = how !== "kill" && how !== "spin";
      expect(await elsewhere).toMatchObject(isForetold ? told : { code: "ACTOR_DOWN", details: { actor: "mortal" } });
    },
  );

  it("a kill and a stop are told apart", async () => {
    open();
    await start("mortal");
    await start("watcher", { watch: ["mortal"] });
    await threads.host.kill("mortal");
    await start("mortal");
    await threads.host.stop("mortal", 2_000);
    const downs = await threads.ref(mortalProtocol, "watcher").call("hear", { downs: 2 });
    expect(downs.map(({ reason }) => reason)).toEqual(["killed", "normal"]);
  });

  it("an actor that does not stop when asked to is killed at its deadline", async () => {
    open();
    await start("mortal", { stubborn: true });
    await threads.host.stop("mortal", 50);
    expect(threads.deaths).toMatchObject([{ reason: "killed" }]);
  });

  it.each([
    ["spin", "start-timeout"],
    ["wait-for-ever", "start-timeout"],
    ["throw", "throw"],
  ] as const)("a start that does %s ends as %s", async (how, reason) => {
    open();
    await expect(start("mortal", { start: how }, { startTimeoutMs: how === "throw" ? 20_000 : 300 })).rejects.toThrow();
    expect(threads.deaths).toMatchObject([{ name: "mortal", reason }]);
    expect(threads.host.actors).toEqual([]);
  });
});

describe("a thread that can't be ended", () => {
  it("counts as down, is cut off from everybody, is replaced, and is counted until it is gone", async () => {
    open({ terminateMs: 150 });
    await start("mortal");
    await start("watcher", { watch: ["mortal"] });
    const before = await threads.ref(mortalProtocol, "mortal").call("incarnation", null);
    die("native");
    const pending = threads.ref(mortalProtocol, "mortal").call("incarnation", null, { timeoutMs: 30_000 });
    await expect(pending).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    const downs = await threads.ref(mortalProtocol, "watcher").call("hear", { downs: 1 });
    expect(downs).toMatchObject([{ actor: "mortal", reason: "unkillable", details: { code: "ACTOR_UNKILLABLE" } }]);
    expect(threads.zombies).toEqual([1]);
    // Its replacement serves while the zombie still runs.
    await start("mortal");
    const after = await threads.ref(mortalProtocol, "mortal").call("incarnation", null);
    expect(after).not.toBe(before);
    await threads.until(() => threads.zombies.at(-1) === 0);
    // Its late end is nobody's second death.
    expect(threads.deaths.filter(({ name }) => name === "mortal")).toHaveLength(1);
    expect(await threads.ref(mortalProtocol, "mortal").call("incarnation", null)).toBe(after);
  });

  it("is one, however many actors share it; all of them count as down and are replaced together", async () => {
    open({ terminateMs: 150 });
    await start("mortal", {}, { thread: "shared" });
    await start("watcher", {}, { thread: "shared" });
    die("native-long");
    await threads.until(() => threads.deaths.length === 2);
    expect(threads.deaths.map(({ name, reason }) => `${name} ${reason}`).sort()).toEqual([
      "mortal unkillable",
      "watcher unkillable",
    ]);
    await start("mortal", {}, { thread: "shared" });
    await threads.until(() => threads.zombies.at(-1) === 0);
    expect(threads.zombies).toEqual([1, 0]);
    // The end of the old thread has not ended the watch over its successor.
    die("spin");
    await threads.until(() => threads.deaths.length === 3);
    expect(threads.deaths[2]).toMatchObject({ name: "mortal", reason: "hang" });
  });

  it("is not what a loop that V8 unrolls becomes", async () => {
    open();
    await start("mortal");
    die("unrolled");
    await threads.until(() => threads.deaths.length > 0);
    expect(threads.deaths).toMatchObject([{ reason: "hang" }]);
    expect(threads.host.zombies).toBe(0);
  });
});

describe("the heap guard", () => {
  it("restarts an actor gracefully before its limit, and says why", async () => {
    open();
    // Close to its limit a thread mostly collects garbage, which looks like a hang to so short a limit.
    await start("mortal", {}, { heapLimitMb: 48, hangAfterMs: 20_000 });
    await start("watcher", { watch: ["mortal"] });
    die("leak");
    const downs = await threads.ref(mortalProtocol, "watcher").call("hear", { downs: 1 });
    expect(downs).toMatchObject([{ actor: "mortal", reason: "heap-guard" }]);
    const trace = readRing(threads.host.ring("mortal"), "mortal");
    expect(trace.find(({ kind }) => kind === "stop")).toMatchObject({ detail: "reason=heap-guard" });
  });

  it("can be turned off; V8's own limit then ends the actor", async () => {
    // Close to its limit a thread mostly collects garbage, which looks like a hang to so short a limit.
    open({ heapGuardShare: 0, watchdog: { periodMs: 50, hangAfterMs: 20_000 } });
    await start("mortal", {}, { heapLimitMb: 48 });
    die("leak");
    await threads.until(() => threads.deaths.length > 0);
    expect(threads.deaths).toMatchObject([{ reason: "out-of-memory", details: { code: "ERR_WORKER_OUT_OF_MEMORY" } }]);
  });
});

describe("the watchdog", () => {
  it("finds a hang by the actor's own limit", async () => {
    // Everybody else's limit would never find it within this test.
    open({ watchdog: { periodMs: 50, hangAfterMs: 3_600_000 } });
    await start("mortal", {}, { hangAfterMs: 1_000 });
    const before = performance.now();
    die("spin");
    await threads.until(() => threads.deaths.length > 0);
    expect(threads.deaths).toMatchObject([{ name: "mortal", reason: "hang" }]);
    // How soon after the limit is for the bench to measure.
    expect(performance.now() - before).toBeGreaterThan(950);
  });

  it("leaves an actor alone that is never idle, but comes back to its event loop", async () => {
    open();
    await start("mortal");
    die("work");
    await threads.ref(mortalProtocol, "mortal").call("hear", { downs: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(threads.deaths).toEqual([]);
    expect(await threads.ref(mortalProtocol, "mortal").call("incarnation", null)).toBeTypeOf("string");
  });
});
