import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import { buildFixtureActors } from "../../fixtures/build-actors.ts";

/** Also the number of kills that must leave nothing behind; the bench does 1,000. */
const ROUNDS = 100;

let bundles: string;
let dataDir: string;
let host: ThreadHost;
let embedder: EmbeddedPeer;
let supervisor: Supervisor;

beforeAll(async () => {
  bundles = await buildFixtureActors();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "inkube-spares-"));
});
afterEach(async () => {
  await supervisor.stop();
  await host.close();
  embedder.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function supervise(spares: number, names: readonly string[] = ["mortal", "watcher"]): Promise<void> {
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    spares: { count: spares, actors: ["mortal"], delayMs: 0 },
    onDown: (name, reason, error) => supervisor.actorDown(name, reason, error),
  });
  const children = names.map((name): ChildSpec => ({
    name,
    actor: "mortal",
    options: name === "watcher" ? { watch: ["mortal"] } : {},
    links: name === "watcher" ? ["embedder", "mortal"] : ["embedder"],
    restart: "permanent",
    shutdownMs: 2_000,
    startTimeoutMs: 20_000,
  }));
  host.plan(children);
  embedder = new EmbeddedPeer("embedder", host);
  const { clock, random } = embedder.context;
  supervisor = new Supervisor(
    {
      name: "root",
      strategy: "one_for_one",
      intensity: { restarts: 10 * ROUNDS, periodMs: 60_000 },
      // No pause, however often it is killed.
      backoff: { ...BACKOFF, initialMs: 0.001, maxMs: 0.001 },
      children,
    },
    host,
    { clock, random, externals: ["embedder"] },
  );
  await supervisor.start();
}

const up = (name: string): Promise<void> =>
  new Promise((resolve) => {
    const forget = supervisor.onEvent((event) => {
      if (event.type !== "up" || event.name !== name) return;
      forget();
      resolve();
    });
  });
const incarnation = (name: string): Promise<string> => embedder.ref(mortalProtocol, name).call("incarnation", null);

async function spareReady(count: number): Promise<void> {
  while (host.sparesReady < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("a spare thread", () => {
  it("becomes the replacement of an actor that dies, linked as the one before, and another takes its place", async () => {
    await supervise(1);
    for (let round = 0; round < 3; round++) {
      await spareReady(1);
      const before = await incarnation("mortal");
      const back = up("mortal");
      await host.kill("mortal");
      await back;
      expect(host.sparesReady).toBe(0);
      expect(await incarnation("mortal")).not.toBe(before);
      const downs = await embedder.ref(mortalProtocol, "watcher").call("hear", { downs: round + 1 });
      expect(downs.at(-1)).toMatchObject({ actor: "mortal", reason: "killed" });
    }
  });

  it("dies as any thread does, with the reason of its actor", async () => {
    await supervise(1);
    await spareReady(1);
    const first = up("mortal");
    await host.kill("mortal");
    await first;
    const second = up("mortal");
    embedder.ref(mortalProtocol, "mortal").cast("die", "throw-coded");
    await second;
    const downs = await embedder.ref(mortalProtocol, "watcher").call("hear", { downs: 2 });
    expect(downs.map(({ reason }) => reason)).toEqual(["killed", "throw"]);
    expect(downs[1]?.details).toMatchObject({ code: "E_BIT", cause: "a bit flipped" });
  });
});

describe("killed and restarted again and again", () => {
  it(`an actor leaves no thread, port or handle behind in ${ROUNDS} rounds`, async () => {
    await supervise(0, ["mortal", "watcher"]);
    const round = async (): Promise<void> => {
      const back = up("mortal");
      await host.kill("mortal");
      await back;
      await incarnation("mortal");
    };
    const handles = (): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
      return { ports: counts["MessagePort"] ?? 0, workers: counts["Worker"] ?? 0 };
    };
    for (let index = 0; index < 3; index++) await round();
    const before = handles();
    for (let index = 0; index < ROUNDS; index++) await round();
    expect(handles()).toEqual(before);
    expect(host.actors).toEqual(["watcher", "mortal"]);
    expect(host.zombies).toBe(0);
  });
});
