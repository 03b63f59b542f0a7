/** What a supervisor does with ends on real threads: by the child's kind, up to giving up. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChildSpec, SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import type { SupervisorEvent } from "../../../runtime/supervisor/supervisor.ts";
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
let events: SupervisorEvent[];

beforeAll(async () => {
  bundles = await buildFixtureActors();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "inkube-escalation-"));
  events = [];
});
afterEach(async () => {
  await supervisor.stop();
  await host.close();
  embedder.close();
  expect(host.actors).toEqual([]);
  rmSync(dataDir, { recursive: true, force: true });
});

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

const tree = (
  name: string,
  restarts: number,
  children: SupervisorSpec["children"],
  rest: Partial<SupervisorSpec> = {},
): SupervisorSpec => ({
  name,
  strategy: "one_for_one",
  intensity: { restarts, periodMs: 60_000 },
  backoff: BACKOFF,
  children,
  ...rest,
});

async function supervise(spec: SupervisorSpec, names: readonly string[]): Promise<void> {
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    onDown: (name, reason, error) => supervisor.actorDown(name, reason, error),
  });
  embedder = new EmbeddedPeer("embedder", host, names);
  const { clock, random } = embedder.context;
  supervisor = new Supervisor(spec, host, {
    clock,
    random,
    externals: ["embedder"],
    onEvent: (event) => void events.push(event),
  });
  await supervisor.start();
}

const seen = (type: SupervisorEvent["type"], name?: string): Promise<void> =>
  new Promise((resolve) => {
    const forget = supervisor.onEvent((event) => {
      if (event.type !== type || (name !== undefined && (!("name" in event) || event.name !== name))) return;
      forget();
      resolve();
    });
  });
const incarnation = (name: string): Promise<string> => embedder.ref(mortalProtocol, name).call("incarnation", null);

describe("a call that is idempotent", () => {
  it("is made anew at the replacement of an actor that dies under it, within its deadline", async () => {
    await supervise(tree("root", 5, [child("a")]), ["a"]);
    const before = await incarnation("a");
    const ref = embedder.ref(mortalProtocol, "a");
    const answer = ref.call("steady", { notIn: before });
    const short = ref.call("steady", { notIn: before }, { timeoutMs: 30 });
    await expect(short).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await host.kill("a");
    const whileDown = ref.call("steady", { notIn: before });
    const after = await answer;
    expect(after).not.toBe(before);
    expect(await whileDown).toBe(after);
  });

  it("fails when the actor does not come back before its deadline, or when its caller gives up", async () => {
    await supervise(tree("root", 5, [child("a")]), ["a"]);
    const before = await incarnation("a");
    await supervisor.takeOut("a", { kill: true });
    const ref = embedder.ref(mortalProtocol, "a");
    const late = ref.call("steady", { notIn: before }, { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    const controller = new AbortController();
    const given = ref.call("steady", { notIn: before }, { signal: controller.signal });
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("escalation on threads", () => {
  it("restarts a whole group when one of it crashes too often, and leaves the rest of the tree alone", async () => {
    await supervise(tree("root", 5, [tree("group", 0, [child("a"), child("b")]), child("c")]), ["a", "b", "c"]);
    const before = await Promise.all(["a", "b", "c"].map(incarnation));
    const back = seen("up", "group");
    await host.kill("a");
    await back;
    const after = await Promise.all(["a", "b", "c"].map(incarnation));
    expect(after.map((id, index) => id === before[index])).toEqual([false, false, true]);
    expect(events).toContainEqual({ type: "escalate", supervisor: "group", child: "a", reason: "killed" });
  });

  it("ends the tree, and every thread of it, when the root gives up", async () => {
    await supervise(tree("root", 0, [child("a"), child("b")]), ["a", "b"]);
    const over = seen("terminated");
    await host.kill("a");
    await over;
    expect(events.at(-1)).toEqual({ type: "terminated", reason: "intensity-exceeded" });
    expect(host.actors).toEqual([]);
  });

  it("ends the tree when it is told that restarts don't help", async () => {
    await supervise(tree("root", 5, [child("a")]), ["a"]);
    const over = seen("terminated");
    supervisor.giveUp("threads can't be ended");
    await over;
    expect(events.at(-1)).toEqual({ type: "terminated", reason: "intensity-exceeded" });
  });

  it("restarts a transient actor that crashes, not one that ends normally, and a temporary one never", async () => {
    const children = [child("a", { restart: "transient" }), child("b", { restart: "temporary" })];
    await supervise(tree("root", 5, children), ["a", "b"]);
    const back = seen("up", "a");
    await host.kill("a");
    await back;
    await host.stop("a", 2_000);
    await host.kill("b");
    expect(supervisor.status().map(({ name, state }) => `${name} ${state}`)).toEqual(["root up", "a ended", "b ended"]);
  });

  it("ends a group with its significant child", async () => {
    const group = tree("group", 5, [child("a", { restart: "transient", significant: true }), child("b")], {
      autoShutdown: "any_significant",
    });
    await supervise(tree("root", 5, [group, child("c")]), ["a", "b", "c"]);
    const over = seen("down", "group");
    await host.stop("a", 2_000);
    await over;
    expect(host.actors).toEqual(["c"]);
  });
});
