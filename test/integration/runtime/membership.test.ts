/** Children come to and leave a running tree on threads. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChildSpec, SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { probeProtocol } from "../../fixtures/actors/probe-protocol.ts";
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

const probe = (name: string, links: readonly string[], rest: Partial<ChildSpec> = {}): ChildSpec => ({
  name,
  actor: "probe",
  options: {},
  links,
  restart: "permanent",
  shutdownMs: 2_000,
  startTimeoutMs: 20_000,
  ...rest,
});
const group = (name: string, children: readonly ChildSpec[]): SupervisorSpec => ({
  name,
  strategy: "one_for_one",
  intensity: { restarts: 10, periodMs: 60_000 },
  backoff: BACKOFF,
  startInParallel: true,
  children,
});

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "inkube-membership-"));
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    onDown: (name, reason, error) => supervisor.actorDown(name, reason, error),
  });
  const children = [probe("hub", ["embedder"])];
  host.plan(children);
  embedder = new EmbeddedPeer("embedder", host);
  const { clock, random } = embedder.context;
  supervisor = new Supervisor(group("root", children), host, { clock, random, externals: ["embedder"] });
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.stop();
  embedder.close();
  expect(host.actors).toEqual([]);
  rmSync(dataDir, { recursive: true, force: true });
});

const relayed = (to: string): Promise<unknown> => embedder.ref(probeProtocol, "hub").call("relay", { to, value: 3 });
const isUp = (name: string): Promise<void> =>
  new Promise((resolve) => {
    const forget = supervisor.onEvent((event) => {
      if (event.type !== "up" || event.name !== name) return;
      forget();
      resolve();
    });
  });

describe.each([
  ["threads of their own", {}],
  ["a shared thread", { thread: "shared" }],
])("a child that comes to a running tree, on %s", (_where, placement) => {
  const node = (name: string) =>
    group(name, [
      probe(`${name}/a`, ["hub", "embedder"], placement),
      probe(`${name}/b`, ["hub", `${name}/a`], placement),
    ]);

  it("is reached by those that it links to, which run already, over the kills of either", async () => {
    await supervisor.addChild(node("n"));
    expect(await relayed("n/a")).toEqual({ value: 3 });
    expect(await relayed("n/b")).toEqual({ value: 3 });
    for (const name of ["n/a", "hub"]) {
      const back = isUp(name);
      await supervisor.kill(name);
      await back;
      expect(await relayed("n/a")).toEqual({ value: 3 });
    }
  });

  it("is nobody's any more once it has left, and can come again", async () => {
    for (let round = 0; round < 2; round++) {
      await supervisor.addChild(node("n"));
      expect(await relayed("n/b")).toEqual({ value: 3 });
      await supervisor.removeChild("n");
      expect(host.actors).toEqual(["hub"]);
      await expect(embedder.ref(probeProtocol, "n/a").call("echo", { value: 1 })).rejects.toMatchObject({
        code: "ACTOR_DOWN",
      });
    }
  });

  it("leaves nothing behind when it can't start", async () => {
    const broken = {
      ...node("n"),
      children: [...node("n").children, probe("n/c", ["hub"], { options: { f: () => 1 } })],
    };
    await expect(supervisor.addChild(broken)).rejects.toMatchObject({ code: "START_FAILED" });
    expect(host.actors).toEqual(["hub"]);
    expect(supervisor.status().map(({ name }) => name)).toEqual(["root", "hub"]);
    await supervisor.addChild(node("n"));
    expect(await relayed("n/a")).toEqual({ value: 3 });
  });

  it("is struck by the faults that are in force where it is", async () => {
    const hits: string[] = [];
    // A plan may name only who is there, or is called as one that is.
    await supervisor.addChild(node("n0"));
    const plan = host.applyFaults(
      { faults: [{ id: "lost", kind: "link-drop", from: "hub", to: "n*/*", chance: 1, messages: "all" }] },
      (_fault, what) => void hits.push(what),
    );
    await supervisor.addChild(node("n"));
    await plan.settled();
    await expect(
      embedder.ref(probeProtocol, "hub").call("relay", { to: "n/a", value: 3 }, { timeoutMs: 300 }),
    ).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await plan.stop();
    expect(await relayed("n/a")).toEqual({ value: 3 });
  });
});
