import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Ref } from "../../../runtime/actor.ts";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import type { TenantMethods } from "../../fixtures/actors/tenant-protocol.ts";
import { tenantProtocol } from "../../fixtures/actors/tenant-protocol.ts";
import type { Threads } from "../../fixtures/threads.ts";
import { EMBEDDER, child, tree, useThreads } from "../../fixtures/threads.ts";
import { until } from "../../fixtures/until.ts";

const WATCHED = { watchdog: { periodMs: 50, hangAfterMs: 400 } };

const { open, start } = useThreads();
let threads: Threads;
beforeEach(() => {
  threads = open(WATCHED);
});

function tenant(
  name: string,
  thread: string | undefined,
  links: readonly string[] = [],
  options: object = {},
): ChildSpec {
  return child(name, "tenant", {
    options,
    links: [...links, EMBEDDER],
    ...(thread === undefined ? {} : { thread }),
  });
}

const ref = (name: string): Ref<TenantMethods> => threads.ref(tenantProtocol, name);

async function startAll(...names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => threads.host.start(tenant(name, "shared"))));
}

/** Open files of this process under the data directory. */
function openFiles(): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return file.startsWith(threads.dataDir) ? [file] : [];
    } catch {
      return [];
    }
  });
}

describe("actors that share a thread", () => {
  it("run on one thread, and the others on their own", async () => {
    await Promise.all([
      startAll("a", "b"),
      threads.host.start(tenant("c", "other")),
      threads.host.start(tenant("d", undefined)),
    ]);
    const places = await Promise.all(["a", "b", "c", "d"].map((name) => ref(name).call("thread", null)));
    expect(places[0]).toBe(places[1]);
    expect(new Set(places).size).toBe(3);
  });

  it("never see each other's objects, however near they are", async () => {
    await Promise.all([threads.host.start(tenant("a", "shared", ["b"])), threads.host.start(tenant("b", "shared"))]);
    expect(await ref("a").call("lend", { to: "b" })).toEqual({ lent: [1, 2, 3, 4, 5], kept: [1, 2, 3, 4] });
  });

  it.each([
    ["handler", "told to throw"],
    ["reject", "told to reject"],
    ["timer", "told to throw in a timer"],
    ["spawn", "told to throw beside"],
  ] as const)("survive a neighbor that throws (%s), which ends alone and with its error", async (how, message) => {
    await startAll("a", "b");
    const before = await ref("b").call("echo", { value: 1 });
    ref("a").cast("die", how);
    await until("the expected state", () => threads.deaths.length === 1);
    expect(threads.deaths[0]).toMatchObject({ name: "a", reason: "throw" });
    expect(threads.deaths[0]!.error?.message).toBe(message);
    expect(threads.deaths[0]!.error?.stack).toContain("tenant");
    if (how === "handler") expect(threads.deaths[0]!.error?.code).toBe("E_TOLD");
    expect(await ref("b").call("echo", { value: 1 })).toEqual(before);
    await expect(ref("a").call("echo", { value: 1 })).rejects.toMatchObject({ code: "ACTOR_DOWN" });
  });

  it("survive a neighbor that throws where its socket is read", async () => {
    await startAll("a", "b");
    const port = await ref("a").call("hold", null);
    const socket = connect(port, "127.0.0.1", () => socket.write("x"));
    socket.on("error", () => undefined);
    await until("the expected state", () => threads.deaths.length === 1);
    expect(threads.deaths[0]).toMatchObject({
      name: "a",
      reason: "throw",
      error: { message: "told to throw at a socket" },
    });
    await ref("b").call("echo", { value: 1 });
    await until("the expected state", () => socket.destroyed);
  });

  it("leave nothing open behind: no file, listener, timer or work under way", async () => {
    await startAll("a", "b");
    const port = await ref("a").call("hold", null);
    ref("a")
      .call("toil", null)
      .catch(() => undefined);
    await until(
      "the file has been written to",
      () => openFiles().length === 1 && readFileSync(join(threads.dataDir, "a/held")).length === 1,
    );
    await threads.host.kill("a");
    expect(openFiles()).toEqual([]);
    await expect(
      new Promise<void>((resolve, reject) => void connect(port, "127.0.0.1", resolve).once("error", reject)),
    ).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const { ticks, ended } = await ref("b").call("module", null);
    expect(ended).toBe(1);
    for (let turn = 0; turn < 20; turn++) await ref("b").call("echo", { value: turn });
    expect((await ref("b").call("module", null)).ticks).toBe(ticks);
    expect(readFileSync(join(threads.dataDir, "a/held"))).toHaveLength(1);
  });

  it("tell those that watch them, on their thread and on others, why one has ended", async () => {
    await startAll("a");
    await threads.host.start(tenant("b", "shared", ["a"], { watch: ["a"] }));
    await threads.host.start(tenant("c", undefined, ["a"], { watch: ["a"] }));
    ref("a").cast("die", "handler");
    for (const name of ["b", "c"]) {
      await until("the expected state", async () => (await ref(name).call("downs", null)).length === 1);
      expect((await ref(name).call("downs", null))[0]).toMatch(/^a (throw|exit)$/);
    }
  });

  it("end one by one when asked to, and their thread with the last", async () => {
    await startAll("a", "b");
    await threads.host.stop("a", 2_000);
    expect(threads.deaths).toMatchObject([{ name: "a", reason: "normal", error: undefined }]);
    const { incarnation } = await ref("b").call("echo", { value: 1 });
    await threads.host.start(tenant("a", "shared"));
    expect(await ref("a").call("thread", null)).toBe(await ref("b").call("thread", null));
    expect((await ref("b").call("echo", { value: 1 })).incarnation).toBe(incarnation);
    await Promise.all([threads.host.stop("a", 2_000), threads.host.stop("b", 2_000)]);
    expect(threads.host.actors).toEqual([]);
  });

  it.each([
    ["spin", "hang"],
    ["exit", "exit"],
    ["stray", "throw"],
  ] as const)(
    "go down together when one of them takes the thread (%s), and come back alone each",
    async (how, reason) => {
      const names = ["a", "b", "c"];
      const children = [...names.map((name) => tenant(name, "shared")), tenant("d", undefined)];
      const supervised = await start(tree(children, { startInParallel: true }), WATCHED);
      threads = supervised;
      const own = await ref("d").call("echo", { value: 1 });
      ref("b").cast("die", how);
      await until("the expected state", () => threads.deaths.length === 3);
      expect(threads.deaths.map(({ name }) => name).sort()).toEqual(names);
      expect(threads.deaths.map((death) => death.reason)).toEqual([reason, reason, reason]);
      await until(
        "the expected state",
        () => threads.host.actors.length === 4 && supervised.supervisor.status().every(({ state }) => state === "up"),
      );
      const places = await Promise.all(names.map((name) => ref(name).call("thread", null)));
      expect(new Set(places).size).toBe(1);
      expect(await ref("d").call("echo", { value: 1 })).toEqual(own);
    },
  );
});
