import { beforeEach, describe, expect, it } from "vitest";
import { readRing } from "../../../runtime/trace/ring.ts";
import { probeProtocol } from "../../fixtures/actors/probe-protocol.ts";
import type { Threads } from "../../fixtures/threads.ts";
import { EMBEDDER, child, useThreads } from "../../fixtures/threads.ts";

const { open } = useThreads();
let threads: Threads;
beforeEach(() => {
  threads = open({ watchdog: { periodMs: 50, hangAfterMs: 400 } });
});

async function start(
  name: string,
  options: object = {},
  links: readonly string[] = [],
  heapLimitMb?: number,
): Promise<void> {
  await threads.host.start(
    child(name, "probe", {
      options,
      links: [...links, EMBEDDER],
      ...(heapLimitMb === undefined ? {} : { heapLimitMb, hangAfterMs: 20_000 }),
    }),
  );
}

const dead = (): Promise<void> => threads.until(() => threads.deaths.length > 0);

describe("an actor on a thread", () => {
  it("answers calls with what plain data it was given, byte arrays included", async () => {
    await start("probe-a");
    const value = { text: "å", list: [1, null, true], bytes: new Uint8Array([1, 2, 3]), nested: { deep: -1.5 } };
    const answer = await threads.ref(probeProtocol, "probe-a").call("echo", { value });
    expect(answer.value).toEqual(value);
  });

  it("keeps code, retryability and details of an error across threads", async () => {
    await start("probe-a");
    await expect(threads.ref(probeProtocol, "probe-a").call("refuse", { code: "TEAPOT" })).rejects.toMatchObject({
      code: "TEAPOT",
      retryable: true,
      details: { answer: 42 },
    });
  });

  it("talks to another actor directly, and delivers casts before a later call", async () => {
    await Promise.all([start("probe-a", {}, ["probe-b"]), start("probe-b")]);
    expect(await threads.ref(probeProtocol, "probe-a").call("relay", { to: "probe-b", value: 7 })).toEqual({
      value: 7,
    });
    for (let value = 0; value < 100; value++) threads.ref(probeProtocol, "probe-b").cast("note", { value });
    expect(await threads.ref(probeProtocol, "probe-b").call("notes", null)).toEqual(
      Array.from({ length: 100 }, (_, value) => value),
    );
  });

  it("streams every item in order through a window smaller than the stream", async () => {
    await start("probe-a");
    const items: number[] = [];
    await new Promise<void>((resolve, reject) => {
      threads.ref(probeProtocol, "probe-a").stream(
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
    const probe = threads.ref(probeProtocol, "probe-a");
    await expect(probe.call("never", null, { timeoutMs: 20 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    const controller = new AbortController();
    const call = probe.call("never", null, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("can't refer to an actor that it is not linked with", () => {
    expect(() => threads.ref(probeProtocol, "stranger")).toThrow(/no link to stranger/);
  });

  it("tells why when its start fails, and leaves no thread behind", async () => {
    await expect(start("probe-a", { failStart: true })).rejects.toMatchObject({ code: "PROBE_FAILS" });
    expect(threads.host.actors).toEqual([]);
  });

  it("stops gracefully when asked", async () => {
    await start("probe-a");
    await threads.host.stop("probe-a", 2_000);
    expect(threads.deaths).toMatchObject([{ name: "probe-a", reason: "normal", error: undefined }]);
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
    const probe = threads.ref(probeProtocol, "probe-a");
    const pending = probe.call("never", null);
    probe.cast("die", how);
    await expect(pending).rejects.toMatchObject({ code: "ACTOR_DOWN", retryable: true });
    await dead();
    expect(threads.deaths).toMatchObject([{ name: "probe-a", reason }]);
    if (message !== undefined) expect(threads.deaths[0]?.error?.message).toMatch(message);
  });

  it("leaves its peers at work, tells those that watch it, and rejects new calls at once", async () => {
    await Promise.all([start("probe-a", { watch: ["probe-b"] }, ["probe-b"]), start("probe-b")]);
    await threads.ref(probeProtocol, "probe-a").call("relay", { to: "probe-b", value: 1 });
    await threads.host.kill("probe-b");
    await expect(
      threads.ref(probeProtocol, "probe-a").call("relay", { to: "probe-b", value: 1 }),
    ).rejects.toMatchObject({
      code: "ACTOR_DOWN",
    });
    expect(await threads.ref(probeProtocol, "probe-a").call("downs", null)).toEqual(["probe-b"]);
  });

  it("ends with its replacement behind the same refs", async () => {
    await Promise.all([start("probe-a", {}, ["probe-b"]), start("probe-b")]);
    const probe = threads.ref(probeProtocol, "probe-b");
    const before = await probe.call("echo", { value: 1 });
    await threads.host.kill("probe-b");
    await start("probe-b");
    const after = await probe.call("echo", { value: 1 });
    expect(after.incarnation).not.toBe(before.incarnation);
    expect(await threads.ref(probeProtocol, "probe-a").call("relay", { to: "probe-b", value: 2 })).toEqual({
      value: 2,
    });
  });

  it("leaves its flight recorder, with the message that killed it", async () => {
    await start("probe-a");
    threads.ref(probeProtocol, "probe-a").cast("die", "throw");
    await dead();
    const events = readRing(threads.host.ring("probe-a"), "probe-a");
    expect(events.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
      "start probe-a",
      "cast die",
      "crash probe-a",
    ]);
    expect(events[2]?.detail).toContain("told to throw");
  });
});
