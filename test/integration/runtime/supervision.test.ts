import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChildSpec, Strategy } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import type { SupervisorEvent } from "../../../runtime/supervisor/supervisor.ts";
import { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { probeProtocol } from "../../fixtures/actors/probe-protocol.ts";
import { buildFixtureActors } from "../../fixtures/build-actors.ts";

const NAMES = ["probe-a", "probe-b", "probe-c"];

let bundles: string;
let dataDir: string;
let host: ThreadHost;
let embedder: EmbeddedPeer;
let supervisor: Supervisor;
let events: SupervisorEvent[];

beforeAll(async () => {
  bundles = await buildFixtureActors();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "inkube-supervision-"));
  events = [];
});
afterEach(async () => {
  await supervisor.stop();
  embedder.close();
  expect(host.actors).toEqual([]);
  rmSync(dataDir, { recursive: true, force: true });
});

async function supervise(strategy: Strategy): Promise<void> {
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    watchdog: { periodMs: 50, hangAfterMs: 400 },
    onDown: (name, reason, error) => supervisor.actorDown(name, reason, error),
  });
  const children = NAMES.map((name): ChildSpec => ({
    name,
    actor: "probe",
    options: {},
    links: ["embedder", ...NAMES.filter((other) => other < name)],
    restart: "permanent",
    shutdownMs: 2_000,
    startTimeoutMs: 20_000,
    heapLimitMb: 64,
    hangAfterMs: 1_500,
  }));
  host.plan(children);
  embedder = new EmbeddedPeer("embedder", host);
  const { clock, random } = embedder.context;
  supervisor = new Supervisor(
    { name: "root", strategy, intensity: { restarts: 10, periodMs: 60_000 }, backoff: BACKOFF, children },
    host,
    { clock, random, externals: ["embedder"], onEvent: (event) => void events.push(event) },
  );
  await supervisor.start();
}

/** Resolves when every child that is restarted because of one death is up again. */
function restarted(names: readonly string[]): Promise<void> {
  const missing = new Set(names);
  return new Promise((resolve) => {
    const forget = supervisor.onEvent((event) => {
      if (event.type !== "up") return;
      missing.delete(event.name);
      if (missing.size > 0) return;
      forget();
      resolve();
    });
  });
}

const incarnation = async (name: string): Promise<string> =>
  (await embedder.ref(probeProtocol, name).call("echo", { value: null })).incarnation;

describe("a supervisor on threads", () => {
  it.each(["throw", "reject", "exit", "overflow", "spin", "out-of-memory"] as const)(
    "replaces an actor that dies by %s, while its peers carry on and its callers get a typed error",
    async (how) => {
      await supervise("one_for_one");
      const before = await Promise.all(NAMES.map(incarnation));
      const back = restarted(["probe-b"]);
      const pending = embedder.ref(probeProtocol, "probe-b").call("never", null);
      embedder.ref(probeProtocol, "probe-b").cast("die", how);
      await expect(pending).rejects.toMatchObject({ code: "ACTOR_DOWN", retryable: true });
      await back;
      const after = await Promise.all(NAMES.map(incarnation));
      expect(after.map((id, index) => id === before[index])).toEqual([true, false, true]);
      // The replacement is linked with those that were there before it.
      expect(await embedder.ref(probeProtocol, "probe-c").call("relay", { to: "probe-b", value: 3 })).toEqual({
        value: 3,
      });
    },
  );

  it.each([
    ["one_for_one", [true, false, true]],
    ["rest_for_one", [true, false, false]],
    ["one_for_all", [false, false, false]],
  ] as const)("%s keeps these of three: %j", async (strategy, kept) => {
    await supervise(strategy);
    const before = await Promise.all(NAMES.map(incarnation));
    const back = restarted(NAMES.filter((_, index) => !kept[index]));
    await host.kill("probe-b");
    await back;
    const after = await Promise.all(NAMES.map(incarnation));
    expect(after.map((id, index) => id === before[index])).toEqual(kept);
  });

  it("starts from left to right and stops from right to left", async () => {
    await supervise("one_for_one");
    await supervisor.stop();
    const order = (type: "up" | "down"): string[] =>
      events.flatMap((event) => (event.type === type && event.name !== "root" ? [event.name] : []));
    expect(order("up")).toEqual(NAMES);
    expect(order("down")).toEqual([...NAMES].reverse());
  });

  it("leaves an actor down that was taken out, until it is put back", async () => {
    await supervise("one_for_one");
    await supervisor.takeOut("probe-b", { kill: true });
    await expect(incarnation("probe-b")).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    await supervisor.putBack("probe-b");
    expect(await incarnation("probe-b")).toBeTypeOf("string");
  });
});
