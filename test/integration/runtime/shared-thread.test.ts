import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Ref } from "../../../runtime/actor.ts";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import type { TenantMethods } from "../../fixtures/actors/tenant-protocol.ts";
import { tenantProtocol } from "../../fixtures/actors/tenant-protocol.ts";
import { buildFixtureActors } from "../../fixtures/build-actors.ts";
import { until } from "../../fixtures/until.ts";

interface Death {
  readonly name: string;
  readonly reason: string;
  readonly error: (Error & { readonly code?: string }) | undefined;
}

let bundles: string;
let dataDir: string;
let host: ThreadHost;
let embedder: EmbeddedPeer;
let supervisor: Supervisor | undefined;
let deaths: Death[];

beforeAll(async () => {
  bundles = await buildFixtureActors();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "inkube-shared-"));
  deaths = [];
  supervisor = undefined;
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    watchdog: { periodMs: 50, hangAfterMs: 400 },
    onDown: (name, reason, error) => {
      deaths.push({ name, reason, error });
      supervisor?.actorDown(name, reason, error);
    },
  });
  embedder = new EmbeddedPeer("embedder", host);
});
afterEach(async () => {
  await supervisor?.stop();
  await Promise.all(host.actors.map((name) => host.stop(name, 2_000)));
  embedder.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function tenant(
  name: string,
  thread: string | undefined,
  links: readonly string[] = [],
  options: object = {},
): ChildSpec {
  return {
    name,
    actor: "tenant",
    options,
    links: [...links, "embedder"],
    restart: "permanent",
    shutdownMs: 2_000,
    startTimeoutMs: 20_000,
    ...(thread === undefined ? {} : { thread }),
  };
}

const ref = (name: string): Ref<TenantMethods> => embedder.ref(tenantProtocol, name);

async function startAll(...names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => host.start(tenant(name, "shared"))));
}

/** Open files of this process under the data directory. */
function openFiles(): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return file.startsWith(dataDir) ? [file] : [];
    } catch {
      return [];
    }
  });
}

describe("actors that share a thread", () => {
  it("run on one thread, and the others on their own", async () => {
    await Promise.all([startAll("a", "b"), host.start(tenant("c", "other")), host.start(tenant("d", undefined))]);
    const threads = await Promise.all(["a", "b", "c", "d"].map((name) => ref(name).call("thread", null)));
    expect(threads[0]).toBe(threads[1]);
    expect(new Set(threads).size).toBe(3);
  });

  it("never see each other's objects, however near they are", async () => {
    await Promise.all([host.start(tenant("a", "shared", ["b"])), host.start(tenant("b", "shared"))]);
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
    await until("the expected state", () => deaths.length === 1);
    expect(deaths[0]).toMatchObject({ name: "a", reason: "throw" });
    expect(deaths[0]!.error?.message).toBe(message);
    expect(deaths[0]!.error?.stack).toContain("tenant");
    if (how === "handler") expect(deaths[0]!.error?.code).toBe("E_TOLD");
    expect(await ref("b").call("echo", { value: 1 })).toEqual(before);
    await expect(ref("a").call("echo", { value: 1 })).rejects.toMatchObject({ code: "ACTOR_DOWN" });
  });

  it("survive a neighbor that throws where its socket is read", async () => {
    await startAll("a", "b");
    const port = await ref("a").call("hold", null);
    const socket = connect(port, "127.0.0.1", () => socket.write("x"));
    socket.on("error", () => undefined);
    await until("the expected state", () => deaths.length === 1);
    expect(deaths[0]).toMatchObject({ name: "a", reason: "throw", error: { message: "told to throw at a socket" } });
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
      () => openFiles().length === 1 && readFileSync(join(dataDir, "a/held")).length === 1,
    );
    await host.kill("a");
    expect(openFiles()).toEqual([]);
    await expect(
      new Promise<void>((resolve, reject) => void connect(port, "127.0.0.1", resolve).once("error", reject)),
    ).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const { ticks, ended } = await ref("b").call("module", null);
    expect(ended).toBe(1);
    for (let turn = 0; turn < 20; turn++) await ref("b").call("echo", { value: turn });
    expect((await ref("b").call("module", null)).ticks).toBe(ticks);
    expect(readFileSync(join(dataDir, "a/held"))).toHaveLength(1);
  });

  it("tell those that watch them, on their thread and on others, why one has ended", async () => {
    await startAll("a");
    await host.start(tenant("b", "shared", ["a"], { watch: ["a"] }));
    await host.start(tenant("c", undefined, ["a"], { watch: ["a"] }));
    ref("a").cast("die", "handler");
    for (const name of ["b", "c"]) {
      await until("the expected state", async () => (await ref(name).call("downs", null)).length === 1);
      expect((await ref(name).call("downs", null))[0]).toMatch(/^a (throw|exit)$/);
    }
  });

  it("end one by one when asked to, and their thread with the last", async () => {
    await startAll("a", "b");
    await host.stop("a", 2_000);
    expect(deaths).toMatchObject([{ name: "a", reason: "normal", error: undefined }]);
    const { incarnation } = await ref("b").call("echo", { value: 1 });
    await host.start(tenant("a", "shared"));
    expect(await ref("a").call("thread", null)).toBe(await ref("b").call("thread", null));
    expect((await ref("b").call("echo", { value: 1 })).incarnation).toBe(incarnation);
    await Promise.all([host.stop("a", 2_000), host.stop("b", 2_000)]);
    expect(host.actors).toEqual([]);
  });

  it.each([
    ["spin", "hang"],
    ["exit", "exit"],
    ["stray", "throw"],
  ] as const)(
    "go down together when one of them takes the thread (%s), and come back alone each",
    async (how, reason) => {
      const names = ["a", "b", "c"];
      supervisor = new Supervisor(
        {
          name: "root",
          strategy: "one_for_one",
          intensity: { restarts: 10, periodMs: 10_000 },
          backoff: BACKOFF,
          startInParallel: true,
          children: [...names.map((name) => tenant(name, "shared")), tenant("d", undefined)],
        },
        host,
        { clock: embedder.context.clock, random: embedder.context.random, externals: ["embedder"] },
      );
      host.plan(names.map((name) => tenant(name, "shared")));
      await supervisor.start();
      const own = await ref("d").call("echo", { value: 1 });
      ref("b").cast("die", how);
      await until("the expected state", () => deaths.length === 3);
      expect(deaths.map(({ name }) => name).sort()).toEqual(names);
      expect(deaths.map((death) => death.reason)).toEqual([reason, reason, reason]);
      await until(
        "the expected state",
        () => host.actors.length === 4 && supervisor!.status().every(({ state }) => state === "up"),
      );
      const threads = await Promise.all(names.map((name) => ref(name).call("thread", null)));
      expect(new Set(threads).size).toBe(1);
      expect(await ref("d").call("echo", { value: 1 })).toEqual(own);
    },
  );
});
