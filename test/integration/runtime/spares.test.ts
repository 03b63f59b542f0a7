import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import type { SupervisedThreads } from "../../fixtures/threads.ts";
import { EMBEDDER, child, tree, useThreads } from "../../fixtures/threads.ts";

/** Kills that must leave nothing behind, and how many are under way at a time. */
const KILLS = 500;
const TOGETHER = 10;
/** Before them: the allocator's pools and the engine's caches fill. */
const KILLS_BEFORE = 150;
/** A thread that is kept, or 100 KB of it, would be seen. What the allocator keeps for the next thread is below it. */
const KEPT_MB_MAX = 50;
/** In the heap of the host's own thread: 4 KB a kill. */
const HEAP_KEPT_MB_MAX = 2;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const { start } = useThreads();
let threads: SupervisedThreads;

interface Limits {
  readonly heapLimitMb: number;
  readonly ofSparesMb: number;
}

async function supervise(
  spares: number,
  names: readonly string[] = ["mortal", "watcher"],
  limits?: Limits,
): Promise<void> {
  const children = names.map((name) =>
    child(name, "mortal", {
      ...(name === "watcher" && { options: { watch: ["mortal"] }, links: [EMBEDDER, "mortal"] }),
      ...(limits && { heapLimitMb: limits.heapLimitMb }),
    }),
  );
  const root = tree(children, {
    intensity: { restarts: 10 * KILLS, periodMs: 60_000 },
    // No pause, however often it is killed.
    backoff: { ...BACKOFF, initialMs: 0.001, maxMs: 0.001 },
  });
  threads = await start(root, {
    spares: { count: spares, actors: ["mortal"], delayMs: 0, ...(limits && { heapLimitMb: limits.ofSparesMb }) },
  });
}

const incarnation = (name: string): Promise<string> => threads.ref(mortalProtocol, name).call("incarnation", null);

async function spareReady(count: number): Promise<void> {
  while (threads.host.sparesReady < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("a spare thread", () => {
  it("becomes the replacement of an actor that dies, linked as the one before, and another takes its place", async () => {
    await supervise(1);
    for (let round = 0; round < 3; round++) {
      await spareReady(1);
      const before = await incarnation("mortal");
      const back = threads.next("up", "mortal");
      await threads.host.kill("mortal");
      await back;
      expect(threads.host.sparesReady).toBe(0);
      expect(await incarnation("mortal")).not.toBe(before);
      const downs = await threads.ref(mortalProtocol, "watcher").call("hear", { downs: round + 1 });
      expect(downs.at(-1)).toMatchObject({ actor: "mortal", reason: "killed" });
    }
  });

  it("holds its actor to the actor's own heap limit, below its own", async () => {
    await supervise(1, undefined, { heapLimitMb: 48, ofSparesMb: 256 });
    await spareReady(1);
    const first = threads.next("up", "mortal");
    await threads.host.kill("mortal");
    await first;
    const second = threads.next("up", "mortal");
    threads.ref(mortalProtocol, "mortal").cast("die", "leak");
    await second;
    const downs = await threads.ref(mortalProtocol, "watcher").call("hear", { downs: 2 });
    expect(downs.map(({ reason }) => reason)).toEqual(["killed", "heap-guard"]);
  });

  it("is no replacement of an actor that may take more than it", async () => {
    await supervise(1, undefined, { heapLimitMb: 256, ofSparesMb: 48 });
    await spareReady(1);
    const back = threads.next("up", "mortal");
    await threads.host.kill("mortal");
    await back;
    expect(threads.host.sparesReady).toBe(1);
  });

  it("dies as any thread does, with the reason of its actor", async () => {
    await supervise(1);
    await spareReady(1);
    const first = threads.next("up", "mortal");
    await threads.host.kill("mortal");
    await first;
    const second = threads.next("up", "mortal");
    threads.ref(mortalProtocol, "mortal").cast("die", "throw-coded");
    await second;
    const downs = await threads.ref(mortalProtocol, "watcher").call("hear", { downs: 2 });
    expect(downs.map(({ reason }) => reason)).toEqual(["killed", "throw"]);
    expect(downs[1]?.details).toMatchObject({ code: "E_BIT", cause: "a bit flipped" });
  });
});

describe("killed and restarted again and again", () => {
  it(`actors leave no thread, port, handle or memory behind in ${KILLS} kills`, async () => {
    const names = Array.from({ length: TOGETHER }, (_, index) => `mortal-${index}`);
    await supervise(0, names);
    const kill = async (kills: number): Promise<void> => {
      for (let round = 0; round < kills / TOGETHER; round++) {
        await Promise.all(
          names.map(async (name) => {
            const back = threads.next("up", name);
            await threads.host.kill(name);
            await back;
            await incarnation(name);
          }),
        );
      }
    };
    await kill(KILLS_BEFORE);
    const before = measure();
    await kill(KILLS);
    const after = measure();
    process.stdout.write(`${KILLS} kills: ${JSON.stringify({ before, after })}\n`);
    expect({ ...after, rssMb: 0, heapMb: 0 }).toEqual({ ...before, rssMb: 0, heapMb: 0 });
    expect(after.heapMb - before.heapMb).toBeLessThan(HEAP_KEPT_MB_MAX);
    expect(after.rssMb - before.rssMb).toBeLessThan(KEPT_MB_MAX);
    expect([...threads.host.actors].sort()).toEqual(names);
    expect(threads.host.zombies).toBe(0);
    // The work of 650 threads that come and go.
  }, 180_000);
});

/** What the process holds, with nothing left to collect, nor of what the test was told. */
function measure(): Readonly<Record<"threads" | "ports" | "workers" | "rssMb" | "heapMb", number>> {
  threads.deaths.length = 0;
  threads.events.length = 0;
  collectGarbage();
  const kinds = process.getActiveResourcesInfo();
  const count = (kind: string): number => kinds.filter((each) => each === kind).length;
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    // A thread is gone from here when it is gone.
    threads: process.platform === "linux" ? readdirSync("/proc/self/task").length : 0,
    ports: count("MessagePort"),
    workers: count("Worker"),
    rssMb: Math.round(rss / 2 ** 20),
    heapMb: Math.round((heapUsed + external) / 2 ** 20),
  };
}
