/** Every way in which an actor's thread can end: what its host says of it, and what those who watch the actor are told. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DownDetails, DownReason } from "../../../runtime/actor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import type { ThreadHostOptions } from "../../../runtime/threads/thread-host.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { readRing } from "../../../runtime/trace/ring.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import type { Death } from "../../fixtures/actors/mortal-protocol.ts";
import { buildFixtureActors } from "../../fixtures/build-actors.ts";

interface Heard {
  readonly name: string;
  readonly reason: DownReason;
  readonly details: DownDetails;
}

let bundles: string;
let dataDir: string;
let host: ThreadHost;
let embedder: EmbeddedPeer;
let heard: Heard[];
let zombies: number[];
let onHeard: (() => void) | undefined;

beforeAll(async () => {
  bundles = await buildFixtureActors();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "inkube-reasons-"));
  heard = [];
  zombies = [];
  onHeard = undefined;
});
afterEach(async () => {
  await Promise.all(host.actors.map((name) => host.stop(name, 2_000)));
  embedder.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function open(options: Partial<ThreadHostOptions> = {}): void {
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    watchdog: { periodMs: 50, hangAfterMs: 400 },
    onDown: (name, reason, _error, details) => {
      heard.push({ name, reason, details });
      onHeard?.();
    },
    onZombies: (count) => {
      zombies.push(count);
      onHeard?.();
    },
    ...options,
  });
  embedder = new EmbeddedPeer("embedder", host);
}

const start = (name: string, options: object = {}, rest: object = {}): Promise<void> =>
  host.start({
    name,
    actor: "mortal",
    options,
    links: name === "watcher" ? ["embedder", "mortal"] : ["embedder"],
    restart: "temporary",
    shutdownMs: 2_000,
    startTimeoutMs: 20_000,
    ...rest,
  });

const until = (done: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    onHeard = () => {
      if (!done()) return;
      onHeard = undefined;
      resolve();
    };
    onHeard();
  });

const die = (how: Death): void => embedder.ref(mortalProtocol, "mortal").cast("die", how);

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
    const told = embedder.ref(mortalProtocol, "watcher").call("hear", { downs: 1 });
    const own: unknown[] = [];
    embedder.context.monitor("mortal", (down) => void own.push(down));
    die(how);
    const down = { actor: "mortal", reason, details };
    expect(await told).toEqual([expect.objectContaining(down)]);
    expect(heard).toMatchObject([{ name: "mortal", reason, details }]);
    expect(own).toMatchObject([down]);
  });

  it.each([{}, { thread: "shared" }])(
    "the first thing that went wrong is the reason, not what came of it: %j",
    async (placement) => {
      open();
      await start("mortal", { watch: ["embedder"], fragile: true }, placement);
      die("throw-coded");
      await until(() => heard.length > 0);
      expect(heard).toMatchObject([{ reason: "throw", details: { message: "the invariant is broken" } }]);
      const crashes = readRing(host.ring("mortal"), "mortal").filter(({ kind }) => kind === "crash");
      expect(crashes).toHaveLength(1);
    },
  );

  it("the flight recorders of all who are linked with it, and who calls it later, know the reason too", async () => {
    open();
    await start("mortal");
    const watchers = ["watcher", "watcher-2", "watcher-3"];
    for (const name of watchers) await start(name, { watch: ["mortal"] }, { links: ["embedder", "mortal"] });
    const told = watchers.map((name) => embedder.ref(mortalProtocol, name).call("hear", { downs: 1 }));
    die("return-code");
    await Promise.all(told);
    await until(() => heard.length > 0);
    for (const name of ["embedder", ...watchers]) {
      const downs = readRing(host.ring(name), name).filter(({ kind }) => kind === "down");
      expect(downs.map(({ subject, detail }) => `${subject} ${detail}`)).toEqual(["mortal exit"]);
    }
    await expect(embedder.ref(mortalProtocol, "mortal").call("downs", null)).rejects.toMatchObject({
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
      await start("watcher", {}, { links: ["embedder", "mortal"] });
      const elsewhere = embedder.ref(mortalProtocol, "watcher").call("askInVain", { of: "mortal" });
      const here = embedder.ref(mortalProtocol, "mortal").call("hear", { downs: Infinity });
      // Both calls have arrived when one that was sent after them is answered.
      await embedder.ref(mortalProtocol, "watcher").call("reach", { actor: "mortal" });
      await embedder.ref(mortalProtocol, "mortal").call("incarnation", null);
      if (how === "kill") void host.kill("mortal");
      else if (how === "stop") void host.stop("mortal", 2_000);
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
    await host.kill("mortal");
    await start("mortal");
    await host.stop("mortal", 2_000);
    const downs = await embedder.ref(mortalProtocol, "watcher").call("hear", { downs: 2 });
    expect(downs.map(({ reason }) => reason)).toEqual(["killed", "normal"]);
  });

  it("an actor that does not stop when asked to is killed at its deadline", async () => {
    open();
    await start("mortal", { stubborn: true });
    await host.stop("mortal", 50);
    expect(heard).toMatchObject([{ reason: "killed" }]);
  });

  it.each([
    ["spin", "start-timeout"],
    ["wait-for-ever", "start-timeout"],
    ["throw", "throw"],
  ] as const)("a start that does %s ends as %s", async (how, reason) => {
    open();
    await expect(start("mortal", { start: how }, { startTimeoutMs: how === "throw" ? 20_000 : 300 })).rejects.toThrow();
    expect(heard).toMatchObject([{ name: "mortal", reason }]);
    expect(host.actors).toEqual([]);
  });
});

describe("a thread that can't be ended", () => {
  it("counts as down, is cut off from everybody, is replaced, and is counted until it is gone", async () => {
    open({ terminateMs: 150 });
    await start("mortal");
    await start("watcher", { watch: ["mortal"] });
    const before = await embedder.ref(mortalProtocol, "mortal").call("incarnation", null);
    die("native");
    const pending = embedder.ref(mortalProtocol, "mortal").call("incarnation", null, { timeoutMs: 30_000 });
    await expect(pending).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    const downs = await embedder.ref(mortalProtocol, "watcher").call("hear", { downs: 1 });
    expect(downs).toMatchObject([{ actor: "mortal", reason: "unkillable", details: { code: "ACTOR_UNKILLABLE" } }]);
    expect(zombies).toEqual([1]);
    // Its replacement serves while the zombie still runs.
    await start("mortal");
    const after = await embedder.ref(mortalProtocol, "mortal").call("incarnation", null);
    expect(after).not.toBe(before);
    await until(() => zombies.at(-1) === 0);
    // Its late end is nobody's second death.
    expect(heard.filter(({ name }) => name === "mortal")).toHaveLength(1);
    expect(await embedder.ref(mortalProtocol, "mortal").call("incarnation", null)).toBe(after);
  });

  it("is one, however many actors share it; all of them count as down and are replaced together", async () => {
    open({ terminateMs: 150 });
    await start("mortal", {}, { thread: "shared" });
    await start("watcher", {}, { thread: "shared" });
    die("native-long");
    await until(() => heard.length === 2);
    expect(heard.map(({ name, reason }) => `${name} ${reason}`).sort()).toEqual([
      "mortal unkillable",
      "watcher unkillable",
    ]);
    await start("mortal", {}, { thread: "shared" });
    await until(() => zombies.at(-1) === 0);
    expect(zombies).toEqual([1, 0]);
    // The end of the old thread has not ended the watch over its successor.
    die("spin");
    await until(() => heard.length === 3);
    expect(heard[2]).toMatchObject({ name: "mortal", reason: "hang" });
  });

  it("is not what a loop that V8 unrolls becomes", async () => {
    open();
    await start("mortal");
    die("unrolled");
    await until(() => heard.length > 0);
    expect(heard).toMatchObject([{ reason: "hang" }]);
    expect(host.zombies).toBe(0);
  });
});

describe("the heap guard", () => {
  it("restarts an actor gracefully before its limit, and says why", async () => {
    open();
    // Close to its limit a thread mostly collects garbage, which looks like a hang to so short a limit.
    await start("mortal", {}, { heapLimitMb: 48, hangAfterMs: 20_000 });
    await start("watcher", { watch: ["mortal"] });
    die("leak");
    const downs = await embedder.ref(mortalProtocol, "watcher").call("hear", { downs: 1 });
    expect(downs).toMatchObject([{ actor: "mortal", reason: "heap-guard" }]);
    const trace = readRing(host.ring("mortal"), "mortal");
    expect(trace.find(({ kind }) => kind === "stop")).toMatchObject({ detail: "reason=heap-guard" });
  });

  it("can be turned off; V8's own limit then ends the actor", async () => {
    // Close to its limit a thread mostly collects garbage, which looks like a hang to so short a limit.
    open({ heapGuardShare: 0, watchdog: { periodMs: 50, hangAfterMs: 20_000 } });
    await start("mortal", {}, { heapLimitMb: 48 });
    die("leak");
    await until(() => heard.length > 0);
    expect(heard).toMatchObject([{ reason: "out-of-memory", details: { code: "ERR_WORKER_OUT_OF_MEMORY" } }]);
  });
});

describe("the watchdog", () => {
  it("finds a hang by the actor's own limit", async () => {
    open();
    await start("mortal", {}, { hangAfterMs: 1_000 });
    const before = performance.now();
    die("spin");
    await until(() => heard.length > 0);
    const afterMs = performance.now() - before;
    expect(heard).toMatchObject([{ name: "mortal", reason: "hang" }]);
    expect(afterMs).toBeGreaterThan(950);
    // 300 ms after the limit are the promise on a quiet machine; the bench measures it.
    expect(afterMs).toBeLessThan(2_000);
  });

  it("leaves an actor alone that is never idle, but comes back to its event loop", async () => {
    open();
    await start("mortal");
    die("work");
    await embedder.ref(mortalProtocol, "mortal").call("hear", { downs: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(heard).toEqual([]);
    expect(await embedder.ref(mortalProtocol, "mortal").call("incarnation", null)).toBeTypeOf("string");
  });
});
