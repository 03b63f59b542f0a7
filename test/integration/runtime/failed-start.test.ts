/** Starts that can't even begin: no thread is made, and everybody hears of it as of any other end. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import type { ThreadHostOptions } from "../../../runtime/threads/thread-host.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import { buildFixtureActors } from "../../fixtures/build-actors.ts";

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
  dataDir = mkdtempSync(join(tmpdir(), "inkube-failed-start-"));
});
afterEach(async () => {
  await supervisor.stop();
  await host.close();
  embedder.close();
  expect(host.actors).toEqual([]);
  rmSync(dataDir, { recursive: true, force: true });
});

const mortal = (rest: Partial<ChildSpec> = {}): ChildSpec => ({
  name: "mortal",
  actor: "mortal",
  options: {},
  links: ["embedder"],
  restart: "permanent",
  shutdownMs: 2_000,
  startTimeoutMs: 20_000,
  ...rest,
});

function tie(children: readonly ChildSpec[], rest: Partial<ThreadHostOptions> = {}): void {
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    onDown: (name, reason, error) => supervisor.actorDown(name, reason, error),
    ...rest,
  });
  host.plan(children);
  embedder = new EmbeddedPeer("embedder", host);
  const { clock, random } = embedder.context;
  supervisor = new Supervisor(
    {
      name: "root",
      strategy: "one_for_one",
      intensity: { restarts: 3, periodMs: 60_000 },
      backoff: BACKOFF,
      children,
    },
    host,
    { clock, random, externals: ["embedder"] },
  );
}

describe("a start that can't begin", () => {
  it.each([
    ["a thread of its own", {}],
    ["a shared thread", { thread: "shared" }],
  ])("fails the first start at once, with why: options with a function in them, on %s", async (_where, placement) => {
    tie([mortal({ options: { callback: () => undefined }, ...placement })]);
    const downs: unknown[] = [];
    embedder.context.monitor("mortal", (down) => void downs.push(down));
    await expect(supervisor.start()).rejects.toMatchObject({
      code: "START_FAILED",
      retryable: false,
      message: expect.stringMatching(/^mortal can't be started: .*could not be cloned/) as string,
    });
    expect(downs[0]).toMatchObject({ actor: "mortal", reason: "throw", details: { code: "START_FAILED" } });
    await expect(embedder.ref(mortalProtocol, "mortal").call("incarnation", null)).rejects.toMatchObject({
      code: "ACTOR_DOWN",
    });
  });

  it.each(["/proc/nope", "file"])("names the place where its disk can't be made: %s", async (place) => {
    const at = place === "file" ? join(dataDir, "file") : place;
    if (place === "file") writeFileSync(at, "");
    tie([mortal()], { dataDir: join(at, "below") });
    await expect(supervisor.start()).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining(at) as string,
    });
  });

  it("leaves a spare thread to the next", async () => {
    tie([mortal()], { spares: { count: 1, actors: ["mortal"], delayMs: 0 } });
    await supervisor.start();
    await expect.poll(() => host.sparesReady).toBe(1);
    await expect(supervisor.upgrade("mortal", { options: { callback: () => undefined } })).rejects.toMatchObject({
      code: "UPGRADE_FAILED",
      message: expect.stringContaining("could not be cloned") as string,
    });
    expect(await embedder.ref(mortalProtocol, "mortal").call("incarnation", null)).toBeTypeOf("string");
  });
});
