/** The heap of a thread that actors share: its limit, its guard, and its overflow. */
import { describe, expect, it } from "vitest";
import type { Ref } from "../../../runtime/actor.ts";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import type { TenantMethods } from "../../fixtures/actors/tenant-protocol.ts";
import { tenantProtocol } from "../../fixtures/actors/tenant-protocol.ts";
import type { SupervisedThreads, ThreadsOptions } from "../../fixtures/threads.ts";
import { child, tree, useThreads } from "../../fixtures/threads.ts";
import { until } from "../../fixtures/until.ts";

const { start } = useThreads();
let threads: SupervisedThreads;

const tenant = (name: string, more: Partial<ChildSpec> = {}): ChildSpec =>
  child(name, "tenant", { thread: "shared", ...more });

async function open(children: readonly ChildSpec[], options: ThreadsOptions = {}): Promise<void> {
  const root = tree(children, { intensity: { restarts: 10, periodMs: 10_000 }, startInParallel: true });
  // Close to its limit a thread mostly collects garbage, which looks like a hang to a short limit.
  threads = await start(root, { watchdog: { periodMs: 50, hangAfterMs: 20_000 }, ...options });
}

const deaths = (): readonly string[] => threads.deaths.map(({ name, reason }) => `${name} ${reason}`);
const ref = (name: string): Ref<TenantMethods> => threads.ref(tenantProtocol, name);
const threadOf = (name: string): Promise<number> => ref(name).call("thread", null);
const allUp = (): boolean => threads.supervisor.status().every(({ state }) => state === "up");
const limitOf = (name: string): Promise<number | undefined> => ref(name).call("heapLimitMb", null);

describe("the heap limit of a shared thread", () => {
  it("is what its actors ask for together, whichever of them starts it, and for its successors too", async () => {
    const children = ["a", "b", "c"].map((name, index) => tenant(name, { heapLimitMb: 20 + index }));
    await open([...children, tenant("d", { thread: "other", heapLimitMb: 32 })]);
    expect(await Promise.all(["a", "b", "c", "d"].map(limitOf))).toEqual([63, 63, 63, 32]);
    const before = await threadOf("c");
    ref("b").cast("die", "exit");
    await until(
      "they are back",
      async () => threads.deaths.length === 3 && allUp() && (await threadOf("c")) !== before,
    );
    expect(await Promise.all(["a", "b", "c"].map(limitOf))).toEqual([63, 63, 63]);
  });

  it("is Node's default when one of its actors asks for none", async () => {
    await open([tenant("a", { heapLimitMb: 32 }), tenant("b"), tenant("c", { thread: "other" })]);
    expect(await limitOf("a")).toBe(await limitOf("c"));
  });
});

describe("the heap guard of a shared thread", () => {
  const small = { heapLimitMb: 24 };

  it("stops its actors gracefully; they hand over and come back on another thread, and nobody else notices", async () => {
    await open([tenant("a", small), tenant("b", small), tenant("c", { ...small, thread: "other" })]);
    const [old, other] = await Promise.all([threadOf("a"), threadOf("c")]);
    await ref("b").call("keep", { list: [1, 2, 3] });
    ref("a").cast("die", "leak");
    await until("both have ended and are back", () => threads.deaths.length === 2 && allUp());
    expect([...deaths()].sort()).toEqual(["a heap-guard", "b heap-guard"]);
    expect(await ref("b").call("kept", null)).toEqual([1, 2, 3]);
    expect(await threadOf("a")).toBe(await threadOf("b"));
    expect(await threadOf("a")).not.toBe(old);
    expect(await threadOf("c")).toBe(other);
  });

  it("lets nobody back on the thread while one of its actors takes long to stop", async () => {
    const stubborn = tenant("b", { ...small, options: { stubborn: true }, shutdownMs: 60_000, restart: "temporary" });
    await open([tenant("a", small), stubborn], { watchdog: { periodMs: 50, hangAfterMs: 2_000 } });
    const old = await threadOf("a");
    ref("a").cast("die", "leak");
    const isUp = (): boolean => threads.supervisor.status().some(({ name, state }) => name === "a" && state === "up");
    await until("the first is back", () => threads.deaths.length === 1 && isUp());
    expect(await threadOf("a")).not.toBe(old);
    expect(deaths()).toEqual(["a heap-guard"]);
    await threads.host.kill("b");
    // The late end of the old thread has not ended the watch over its successor.
    ref("a").cast("die", "spin");
    await until("the hang is found", () => threads.deaths.length === 3);
    expect(deaths()).toEqual(["a heap-guard", "b killed", "a hang"]);
  });
});

describe("an overflow of a shared thread", () => {
  it.each(["out-of-memory", "leak"] as const)(
    "ends all of its actors and nobody else (%s), and they come back",
    async (how) => {
      const small = { heapLimitMb: 24 };
      const children = [
        tenant("a", small),
        tenant("b", small),
        tenant("c", { ...small, thread: "other" }),
        tenant("d", small),
      ];
      await open(children, { heapGuardShare: 0 });
      const other = await ref("c").call("echo", { value: 1 });
      const old = await threadOf("a");
      ref("b").cast("die", how);
      await until("they are back", () => threads.deaths.length === 3 && allUp());
      expect([...deaths()].sort()).toEqual(["a out-of-memory", "b out-of-memory", "d out-of-memory"]);
      const now = await Promise.all(["a", "b", "d"].map(threadOf));
      expect(new Set(now).size).toBe(1);
      expect(now[0]).not.toBe(old);
      expect(await ref("c").call("echo", { value: 1 })).toEqual(other);
    },
  );
});
