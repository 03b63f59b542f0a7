import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Methods, Protocol } from "../../../protocols/protocol.ts";
import type { Ref } from "../../../runtime/actor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { readRing } from "../../../runtime/trace/ring.ts";
import { probeProtocol } from "../../fixtures/actors/probe-protocol.ts";
import { buildFixtureActors } from "../../fixtures/build-actors.ts";

let bundles: string;
let dataDir: string;
let host: ThreadHost;
let embedder: EmbeddedPeer;
let downs: { name: string; reason: string; message: string | undefined }[];
let onDown: (() => void)[];

beforeAll(async () => {
  bundles = await buildFixtureActors();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "inkube-host-"));
  downs = [];
  onDown = [];
  host = new ThreadHost({
    bundles,
    dataDir,
    fsync: false,
    watchdog: { periodMs: 50, hangAfterMs: 400 },
    onDown: (name, reason, error) => {
      downs.push({ name, reason, message: error?.message });
      for (const listener of onDown.splice(0)) listener();
    },
  });
  embedder = new EmbeddedPeer("embedder", host);
});
afterEach(async () => {
  await Promise.all(host.actors.map((name) => host.stop(name, 2_000)));
  embedder.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(
  name: string,
  options: object = {},
  links: readonly string[] = [],
  heapLimitMb?: number,
): Promise<void> {
  await host.start({
    name,
    actor: "probe",
    options,
    links: [...links, "embedder"],
    restart: "temporary",
    shutdownMs: 2_000,
    startTimeoutMs: 20_000,
    ...(heapLimitMb === undefined ? {} : { heapLimitMb, hangAfterMs: 20_000 }),
  });
}

const ref = <M extends Methods>(protocol: Protocol<M>, name: string): Ref<M> => embedder.ref(protocol, name);
const death = (): Promise<void> => new Promise((resolve) => void onDown.push(resolve));

describe("an actor on a thread", () => {
  it("answers calls with what plain data it was given, byte arrays included", async () => {
    await start("probe-a");
    const value = { text: "å", list: [1, null, true], bytes: new Uint8Array([1, 2, 3]), nested: { deep: -1.5 } };
    const answer = await ref(probeProtocol, "probe-a").call("echo", { value });
    expect(answer.value).toEqual(value);
  });

  it("keeps code, retryability and details of an error across threads", async () => {
    await start("probe-a");
    await expect(ref(probeProtocol, "probe-a").call("refuse", { code: "TEAPOT" })).rejects.toMatchObject({
      code: "TEAPOT",
      retryable: true,
      details: { answer: 42 },
    });
  });

  it("talks to another actor directly, and delivers casts before a later call", async () => {
    await Promise.all([start("probe-a", {}, ["probe-b"]), start("probe-b")]);
    expect(await ref(probeProtocol, "probe-a").call("relay", { to: "probe-b", value: 7 })).toEqual({ value: 7 });
    for (let value = 0; value < 100; value++) ref(probeProtocol, "probe-b").cast("note", { value });
    expect(await ref(probeProtocol, "probe-b").call("notes", null)).toEqual(
      Array.from({ length: 100 }, (_, value) => value),
    );
  });

  it("streams every item in order through a window smaller than the stream", async () => {
    await start("probe-a");
    const items: number[] = [];
    await new Promise<void>((resolve, reject) => {
      ref(probeProtocol, "probe-a").stream(
        "count",
        { to: 1_000 },
        {
          next: (item) => void items.push(item),
          end: (error) => (error === undefined ? resolve() : reject(error)),
        },
      );
    });
    expect(items).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  });

  it("rejects a call at its deadline and when its caller gives up", async () => {
    await start("probe-a");
    const probe = ref(probeProtocol, "probe-a");
    await expect(probe.call("never", null, { timeoutMs: 20 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    const controller = new AbortController();
    const call = probe.call("never", null, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("can't refer to an actor that it is not linked with", () => {
    expect(() => ref(probeProtocol, "stranger")).toThrow(/no link to stranger/);
  });

  it("tells why when its start fails, and leaves no thread behind", async () => {
    await expect(start("probe-a", { failStart: true })).rejects.toMatchObject({ code: "PROBE_FAILS" });
    expect(host.actors).toEqual([]);
  });

  it("stops gracefully when asked", async () => {
    await start("probe-a");
    await host.stop("probe-a", 2_000);
    expect(downs).toEqual([{ name: "probe-a", reason: "normal", message: undefined }]);
  });
});

describe("the death of an actor", () => {
  it.each([
    ["throw", "throw", /told to throw/],
    ["reject", "throw", /told to reject/],
    ["exit", "exit", undefined],
    ["overflow", "throw", /call stack/],
    ["spin", "hang", undefined],
    ["out-of-memory", "out-of-memory", /memory limit/],
  ] as const)("by %s is known as %s, and a call under way is rejected", async (how, reason, message) => {
    await start("probe-a", {}, [], how === "out-of-memory" ? 32 : undefined);
    const probe = ref(probeProtocol, "probe-a");
    const pending = probe.call("never", null);
    const dead = death();
    probe.cast("die", how);
    await expect(pending).rejects.toMatchObject({ code: "ACTOR_DOWN", retryable: true });
    await dead;
    expect(downs).toMatchObject([{ name: "probe-a", reason }]);
    if (message !== undefined) expect(downs[0]?.message).toMatch(message);
  });

  it("leaves its peers at work, tells those that watch it, and rejects new calls at once", async () => {
    await Promise.all([start("probe-a", { watch: ["probe-b"] }, ["probe-b"]), start("probe-b")]);
    await ref(probeProtocol, "probe-a").call("relay", { to: "probe-b", value: 1 });
    await host.kill("probe-b");
    await expect(ref(probeProtocol, "probe-a").call("relay", { to: "probe-b", value: 1 })).rejects.toMatchObject({
      code: "ACTOR_DOWN",
    });
    expect(await ref(probeProtocol, "probe-a").call("downs", null)).toEqual(["probe-b"]);
  });

  it("ends with its replacement behind the same refs", async () => {
    await Promise.all([start("probe-a", {}, ["probe-b"]), start("probe-b")]);
    const probe = ref(probeProtocol, "probe-b");
    const before = await probe.call("echo", { value: 1 });
    await host.kill("probe-b");
    await start("probe-b");
    const after = await probe.call("echo", { value: 1 });
    expect(after.incarnation).not.toBe(before.incarnation);
    expect(await ref(probeProtocol, "probe-a").call("relay", { to: "probe-b", value: 2 })).toEqual({ value: 2 });
  });

  it("leaves its flight recorder, with the message that killed it", async () => {
    await start("probe-a");
    const dead = death();
    ref(probeProtocol, "probe-a").cast("die", "throw");
    await dead;
    const events = readRing(host.ring("probe-a"), "probe-a");
    expect(events.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
      "start probe-a",
      "cast die",
      "crash probe-a",
    ]);
    expect(events[2]?.detail).toContain("told to throw");
  });
});
