/** Children come to and leave a running tree on threads. */
import { beforeEach, describe, expect, it } from "vitest";
import type { ChildSpec, SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { probeProtocol } from "../../fixtures/actors/probe-protocol.ts";
import { tenantProtocol } from "../../fixtures/actors/tenant-protocol.ts";
import type { SupervisedThreads } from "../../fixtures/threads.ts";
import { EMBEDDER, child, tree, useThreads } from "../../fixtures/threads.ts";

const { start } = useThreads();
let threads: SupervisedThreads;

const probe = (name: string, links: readonly string[], rest: Partial<ChildSpec> = {}): ChildSpec =>
  child(name, "probe", { links, ...rest });
const group = (name: string, children: readonly ChildSpec[]): SupervisorSpec =>
  tree(children, { name, startInParallel: true });

beforeEach(async () => {
  threads = await start(group("root", [probe("hub", [EMBEDDER])]));
});

const relayed = (to: string): Promise<unknown> => threads.ref(probeProtocol, "hub").call("relay", { to, value: 3 });

describe.each([
  ["threads of their own", {}],
  ["a shared thread", { thread: "shared" }],
])("a child that comes to a running tree, on %s", (_where, placement) => {
  const node = (name: string) =>
    group(name, [
      probe(`${name}/a`, ["hub", EMBEDDER], placement),
      probe(`${name}/b`, ["hub", `${name}/a`], placement),
    ]);

  it("is reached by those that it links to, which run already, over the kills of either", async () => {
    await threads.supervisor.addChild(node("n"));
    expect(await relayed("n/a")).toEqual({ value: 3 });
    expect(await relayed("n/b")).toEqual({ value: 3 });
    for (const name of ["n/a", "hub"]) {
      const back = threads.next("up", name);
      await threads.supervisor.kill(name);
      await back;
      expect(await relayed("n/a")).toEqual({ value: 3 });
    }
  });

  it("is nobody's any more once it has left, and can come again", async () => {
    for (let round = 0; round < 2; round++) {
      await threads.supervisor.addChild(node("n"));
      expect(await relayed("n/b")).toEqual({ value: 3 });
      await threads.supervisor.removeChild("n");
      expect(threads.host.actors).toEqual(["hub"]);
      await expect(threads.ref(probeProtocol, "n/a").call("echo", { value: 1 })).rejects.toMatchObject({
        code: "ACTOR_DOWN",
      });
    }
    // The next incarnation of its peer has never heard of it.
    const back = threads.next("up", "hub");
    await threads.supervisor.kill("hub");
    await back;
    await expect(relayed("n/b")).rejects.toMatchObject({ code: "NO_LINK" });
  });

  it("leaves nothing behind when it can't start", async () => {
    const broken = {
      ...node("n"),
      children: [...node("n").children, probe("n/c", ["hub"], { options: { f: () => 1 } })],
    };
    await expect(threads.supervisor.addChild(broken)).rejects.toMatchObject({ code: "START_FAILED" });
    expect(threads.host.actors).toEqual(["hub"]);
    expect(threads.supervisor.status().map(({ name }) => name)).toEqual(["root", "hub"]);
    await threads.supervisor.addChild(node("n"));
    expect(await relayed("n/a")).toEqual({ value: 3 });
  });

  it("is struck by the faults that are in force where it is", async () => {
    const hits: string[] = [];
    // A plan may name only who is there, or is called as one that is.
    await threads.supervisor.addChild(node("n0"));
    const plan = threads.host.applyFaults(
      { faults: [{ id: "lost", kind: "link-drop", from: "hub", to: "n*/*", chance: 1, messages: "all" }] },
      (_fault, what) => void hits.push(what),
    );
    await threads.supervisor.addChild(node("n"));
    await plan.settled();
    await expect(
      threads.ref(probeProtocol, "hub").call("relay", { to: "n/a", value: 3 }, { timeoutMs: 300 }),
    ).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await plan.stop();
    expect(await relayed("n/a")).toEqual({ value: 3 });
  });
});

it("who comes can be referred to once its host knows it, by actors and by the program, though it does not run yet", async () => {
  await threads.host.admit([probe("n", ["hub", EMBEDDER])]);
  await expect(relayed("n")).rejects.toMatchObject({ code: "ACTOR_DOWN" });
  await expect(threads.ref(probeProtocol, "n").call("echo", { value: 1 })).rejects.toMatchObject({
    code: "ACTOR_DOWN",
  });
});

describe("a child that leaves a running tree", () => {
  it("takes along what it added to the heap limit of a shared thread", async () => {
    const tenant = (name: string, heapLimitMb: number) => child(name, "tenant", { thread: "shared", heapLimitMb });
    await threads.supervisor.addChild(tenant("a", 40));
    await threads.supervisor.removeChild("a");
    await threads.supervisor.addChild(tenant("b", 24));
    expect(await threads.ref(tenantProtocol, "b").call("heapLimitMb", null)).toBe(24);
  });

  it("is no crowd that is about to start when it has never been: who hangs is found", async () => {
    const gone = Array.from({ length: 1_000 }, (_, index) => probe(`n-${index}`, []));
    await threads.host.admit(gone);
    threads.host.dismiss(gone.map(({ name }) => name));
    const back = threads.next("up", "hub");
    threads.ref(probeProtocol, "hub").cast("die", "spin");
    await back;
    // On a busy machine a thread may end later than it is given.
    expect(threads.deaths.map(({ name, reason }) => `${name} ${reason}`).join()).toMatch(/^hub (hang|unkillable)$/);
  });
});
