/** A program's tests fake its time; the actors around it live on in the machine's. And when it takes no part any more, nothing of it waits. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
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
  dataDir = mkdtempSync(join(tmpdir(), "inkube-program-time-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await supervisor.stop();
  embedder.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function tie(): void {
  const child = (name: string, rest: Partial<ChildSpec> = {}): ChildSpec => ({
    name,
    actor: "mortal",
    options: {},
    links: ["embedder"],
    restart: "permanent",
    shutdownMs: 2_000,
    startTimeoutMs: 20_000,
    ...rest,
  });
  const children = [child("mortal"), child("sharer", { thread: "shared" })];
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    watchdog: { periodMs: 50, hangAfterMs: 400 },
    onDown: (name, reason, error) => supervisor.actorDown(name, reason, error),
  });
  host.plan(children);
  embedder = new EmbeddedPeer("embedder", host);
  const { clock, random } = embedder.context;
  supervisor = new Supervisor(
    {
      name: "root",
      strategy: "one_for_one",
      intensity: { restarts: 20, periodMs: 60_000 },
      backoff: BACKOFF,
      children,
    },
    host,
    { clock, random, externals: ["embedder"] },
  );
}

const nextUp = (name: string): Promise<void> =>
  new Promise((resolve) => {
    const forget = supervisor.onEvent((event) => {
      if (event.type !== "up" || event.name !== name) return;
      forget();
      resolve();
    });
  });

describe("a program whose time is faked", () => {
  it.each([
    ["the date", { toFake: ["Date" as const] }],
    ["everything", {}],
  ])("has actors that start, answer in time, are restarted after a pause, hang and stop: %s", async (_what, fakes) => {
    vi.useFakeTimers({ ...fakes, now: 1_000_000_000_000 });
    tie();
    await supervisor.start();
    for (const name of ["mortal", "sharer"]) {
      const actor = embedder.ref(mortalProtocol, name);
      expect(await actor.call("incarnation", null)).toBeTypeOf("string");
      await expect(actor.call("hear", { downs: 1 }, { timeoutMs: 50 })).rejects.toMatchObject({
        code: "DEADLINE_EXCEEDED",
      });
      // The second restart in a row waits for its pause.
      for (const how of ["throw-coded", "throw-coded", "spin"] as const) {
        const back = nextUp(name);
        actor.cast("die", how);
        await back;
      }
    }
    const { clock } = embedder.context;
    await clock.sleep(5);
    expect(clock.nowMs()).toBeGreaterThan(1_700_000_000_000);
    await supervisor.stop();
  });
});

describe("a program that takes no part any more", () => {
  it("has nothing that waits: all of it is rejected at once, with the reason that was given", async () => {
    tie();
    await supervisor.start();
    const actor = embedder.ref(mortalProtocol, "mortal");
    const { clock, stopping } = embedder.context;
    // An idempotent call waits for its actor to come back.
    const sleeping = clock.sleep(3_600_000);
    await supervisor.stop();
    const steady = actor.call("steady", { notIn: "" });
    const closed = new InkubeError("PROGRAM_ENDED", "that was all");
    embedder.close(closed);
    expect(stopping.reason).toBe(closed);
    const late = [actor.call("incarnation", null), actor.call("steady", { notIn: "" }), clock.sleep(1)];
    const outcomes = await Promise.allSettled([sleeping, steady, ...late]);
    expect(outcomes.map((outcome) => outcome.status === "rejected" && (outcome.reason as unknown))).toEqual(
      outcomes.map(() => closed),
    );
  });
});
