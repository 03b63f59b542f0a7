import { describe, expect, it } from "vitest";
import { hasCode } from "../../../../protocols/errors.ts";
import type { Down, Ref } from "../../../../runtime/actor.ts";
import { PreEncoder } from "../../../../runtime/pre-encoded.ts";
import type { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { actor, supervisor } from "../supervisor/harness.ts";
import type { StoreMethods } from "./toy.ts";
import { clientProtocol, storeHost, storeProtocol, toyHost } from "./toy.ts";

function storeOf(host: SimulationHost, name = "store-0"): Ref<StoreMethods> {
  return host.context.ref(storeProtocol, name);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    return hasCode(error) ? error.code : String(error);
  }
}

describe("SimulationHost", () => {
  it("starts a tree, carries calls, and stops it in reverse order", async () => {
    const host = toyHost(1);
    await host.start();
    expect(host.actors).toEqual(["store-0", "store-1", "client-0", "client-1", "client-2"]);
    await host.run(1_000);
    const { done, failed } = await host.settle(() =>
      host.context.ref(clientProtocol, "client-0").call("pending", null),
    );
    expect(done).toBeGreaterThan(20);
    expect(failed).toBe(0);
    await host.stop();
    expect(host.actors).toEqual([]);
    const stops = host.trace.events.filter(({ kind }) => kind === "stop").map(({ actor: name }) => name);
    expect(stops).toEqual(["client-2", "client-1", "client-0", "store-1", "store-0"]);
    expect(host.crashes).toEqual([]);
  });

  it("passes an hour of idle time in a moment", async () => {
    const host = storeHost();
    await host.start();
    await host.run(3_600_000);
    expect(host.nowMs).toBeGreaterThan(3_600_000);
    expect(host.world.steps).toBeLessThan(100);
  });

  it("rejects calls in flight within milliseconds of a death, and serves again after the restart", async () => {
    const host = storeHost();
    await host.start();
    const call = storeOf(host).call("never", null);
    await host.run(10);
    const beforeMs = host.nowMs;
    host.kill("store-0");
    expect(await codeOf(host.settle(() => call))).toBe("ACTOR_DOWN");
    expect(host.nowMs - beforeMs).toBeLessThan(3);
    await host.run(20);
    expect(await host.settle(() => storeOf(host).call("append", { value: 7 }))).toEqual({ total: 1 });
  });

  it("keeps what was acknowledged through any number of crashes", async () => {
    const host = storeHost(5);
    await host.start();
    for (let value = 0; value < 20; value++) {
      await host.settle(() => storeOf(host).call("append", { value }));
      host.kill("store-0");
      await host.run(6_000);
    }
    const { values } = await host.settle(() => storeOf(host).call("read", null));
    expect(values).toEqual(Array.from({ length: 20 }, (_, value) => value));
  });

  it("ends a call at its deadline in virtual time", async () => {
    const host = storeHost();
    await host.start();
    const beforeMs = host.nowMs;
    expect(await codeOf(host.settle(() => storeOf(host).call("never", null)))).toBe("DEADLINE_EXCEEDED");
    expect(host.nowMs - beforeMs).toBeGreaterThanOrEqual(500);
    expect(host.nowMs - beforeMs).toBeLessThan(502);
  });

  it("lets calls to an actor that is about to start wait for it", async () => {
    const host = storeHost();
    const early = storeOf(host, "store-1").call("append", { value: 1 });
    await host.start();
    expect(await host.settle(() => early)).toEqual({ total: 1 });
  });

  it("copies what it carries: a change on one side is never seen on the other", async () => {
    const host = storeHost();
    await host.start();
    const first = await host.settle(() => storeOf(host).call("read", null));
    (first.values as number[]).push(99);
    expect(await host.settle(() => storeOf(host).call("read", null))).toEqual({ values: [] });
  });

  it("delivers what was encoded once as plain data, however small", async () => {
    const host = storeHost();
    await host.start();
    const request = new PreEncoder().encode({ value: 7 }).inMessage;
    await host.settle(() => storeOf(host).call("append", request));
    await host.settle(() => storeOf(host).call("append", request));
    expect(await host.settle(() => storeOf(host).call("read", null))).toEqual({ values: [7, 7] });
  });

  it("tells monitors of each death, with its reason", async () => {
    const host = storeHost();
    const downs: Down[] = [];
    host.context.monitor("store-0", (down) => downs.push(down));
    await host.start();
    host.kill("store-0");
    await host.run(50);
    storeOf(host).cast("fail", { how: "throw" });
    await host.run(50);
    expect(downs.map(({ reason }) => reason)).toEqual(["killed", "throw"]);
  });

  it.each(["throw", "later", "timer", "spawn"])("restarts an actor that breaks an invariant: %s", async (how) => {
    const host = storeHost();
    await host.start();
    storeOf(host).cast("fail", { how });
    await host.run(100);
    expect(host.crashes.map(({ actor: name }) => name)).toEqual(["store-0"]);
    expect(host.supervisor.status().find(({ name }) => name === "store-0")).toMatchObject({ state: "up", restarts: 1 });
  });

  it("ends the run with an error when an actor uses the machine's clock or random numbers, and leaves them whole", async () => {
    const host = storeHost();
    await host.start();
    storeOf(host).cast("fail", { how: "ambient" });
    await expect(host.run(100)).rejects.toThrow("Math.random was used in the simulation");
    expect(Math.random()).toBeLessThan(1);
    expect(Date.now()).toBeGreaterThan(0);
    expect(new Date()).toBeInstanceOf(Date);
    expect(performance.now()).toBeGreaterThan(0);
    expect(crypto.randomUUID()).toHaveLength(36);
  });

  it("kills an actor that hangs after the limit, and not one that stalls for less", async () => {
    const host = storeHost(1, { hangAfterMs: 1_000 });
    const reasons: string[] = [];
    host.context.monitor("store-0", ({ reason }) => reasons.push(reason));
    await host.start();
    host.stall("store-0", 500);
    const slow = storeOf(host).call("append", { value: 1 });
    const beforeMs = host.nowMs;
    await host.settle(() => slow);
    expect(host.nowMs - beforeMs).toBeGreaterThanOrEqual(500);
    host.hang("store-0");
    await host.run(900);
    expect(reasons).toEqual([]);
    await host.run(200);
    expect(reasons).toEqual(["hang"]);
    expect(host.actors).toContain("store-0");
  });

  it("holds frames back in a partition and delivers them in order when it heals", async () => {
    const host = storeHost();
    await host.start();
    host.partition(["test"], ["store-0"]);
    const calls = [1, 2, 3].map((value) => storeOf(host).call("append", { value }));
    await host.run(400);
    host.heal(["test"], ["store-0"]);
    expect(await host.settle(() => Promise.all(calls))).toHaveLength(3);
    expect(await host.settle(() => storeOf(host).call("read", null))).toEqual({ values: [1, 2, 3] });
  });

  it("breaks the link of a partition that lasts, and makes it anew", async () => {
    const host = storeHost();
    const downs: Down[] = [];
    host.context.monitor("store-0", (down) => downs.push(down));
    await host.start();
    host.partition(["test"], ["store-0"], { breakAfterMs: 200 });
    const call = storeOf(host).call("append", { value: 1 });
    expect(await codeOf(host.settle(() => call))).toBe("ACTOR_DOWN");
    expect(downs).toHaveLength(1);
    expect(await codeOf(host.settle(() => storeOf(host).call("read", null)))).toBe("ACTOR_DOWN");
    expect(await host.settle(() => storeOf(host, "store-1").call("read", null))).toEqual({ values: [] });
    host.heal(["test"], ["store-0"]);
    await host.run(10);
    expect(await host.settle(() => storeOf(host).call("read", null))).toEqual({ values: [] });
  });

  it("keeps one session of a link whose actor restarts within a partition", async () => {
    const host = storeHost();
    await host.start();
    host.partition(["test"], ["store-0"]);
    host.kill("store-0");
    await host.run(100);
    host.heal(["test"], ["store-0"]);
    await host.run(100);
    expect(await host.settle(() => storeOf(host).call("append", { value: 1 }))).toEqual({ total: 1 });
  });

  it("breaks a link of which one end has not heard yet, and makes it anew", async () => {
    const host = storeHost();
    await host.start();
    host.partition(["store-0"], ["test"], { oneWay: true, breakAfterMs: 200 });
    host.kill("store-0");
    await host.run(400);
    host.heal(["store-0"], ["test"]);
    await host.run(100);
    expect(await host.settle(() => storeOf(host).call("append", { value: 1 }))).toEqual({ total: 1 });
  });

  it("tells of the end of a link whose other end died before it had heard of the link", async () => {
    const host = storeHost();
    const downs: Down[] = [];
    host.context.monitor("store-0", (down) => downs.push(down));
    await host.start();
    host.partition(["test"], ["store-0"], { oneWay: true, breakAfterMs: 100 });
    await host.run(200);
    // The new session's news are under way to a store that dies before they arrive.
    host.heal(["test"], ["store-0"]);
    host.kill("store-0");
    await host.run(1);
    expect(downs.map(({ reason }) => reason)).toEqual(["hang", "killed"]);
    await host.run(100);
    expect(await host.settle(() => storeOf(host).call("append", { value: 1 }))).toEqual({ total: 1 });
  });

  it("links nobody at the end of a partition who was not linked before", async () => {
    const host = toyHost(1);
    await host.start();
    host.partition(["client-0"], ["client-1", "store-0"], { breakAfterMs: 10 });
    await host.run(100);
    host.heal(["client-0"], ["client-1", "store-0"]);
    await host.run(10);
    const before = host.trace.count;
    host.kill("client-0");
    await host.run(10);
    const told = host.trace.events.slice(before - host.trace.count).filter(({ kind }) => kind === "down");
    expect(told.map(({ actor: name }) => name).sort()).toEqual(["store-0", "store-1", "supervisor", "test"]);
  });

  it("cuts one direction only when asked to", async () => {
    const host = storeHost();
    await host.start();
    host.partition(["store-0"], ["test"], { oneWay: true });
    expect(await codeOf(host.settle(() => storeOf(host).call("append", { value: 1 })))).toBe("DEADLINE_EXCEEDED");
    host.heal(["store-0"], ["test"]);
    expect(await host.settle(() => storeOf(host).call("read", null))).toEqual({ values: [1] });
  });

  it("loses and doubles casts, and only casts", async () => {
    const host = storeHost();
    await host.start();
    host.faultLink("test", "store-0", { dropCasts: 1 });
    storeOf(host).cast("fail", { how: "throw" });
    expect(await host.settle(() => storeOf(host).call("append", { value: 1 }))).toEqual({ total: 1 });
    expect(host.crashes).toEqual([]);
    host.faultLink("test", "store-0", { doubleCasts: 1, delayMs: 50 });
    const before = host.trace.count;
    storeOf(host).cast("fail", { how: "nothing" });
    await host.run(100);
    expect(host.trace.count - before).toBe(2);
  });

  it("carries streams by credit: a slow consumer holds its producer back and gets everything in order", async () => {
    const host = storeHost();
    await host.start();
    const seen: number[] = [];
    let running = 0;
    const subscription = storeOf(host).stream(
      "watch",
      { from: 0, flood: 0 },
      {
        next: async (value) => {
          running++;
          seen.push(value);
          expect(running).toBeLessThanOrEqual(4);
          await host.context.clock.sleep(10);
          running--;
        },
        end: () => seen.push(-1),
      },
    );
    for (let value = 0; value < 12; value++) await host.settle(() => storeOf(host).call("append", { value }));
    await host.run(200);
    expect(seen).toEqual(Array.from({ length: 12 }, (_, value) => value));
    subscription.cancel();
    await host.settle(() => storeOf(host).call("append", { value: 1 }));
    await host.run(50);
    expect(seen).toHaveLength(12);
  });

  it("cuts off a consumer that does not read, with a typed error, and ends streams of the dead", async () => {
    const host = storeHost();
    await host.start();
    const ends: string[] = [];
    const end = (error?: Error): void => void ends.push(hasCode(error) ? error.code : "none");
    storeOf(host).stream("watch", { from: 0, flood: 20_000 }, { next: () => new Promise(() => undefined), end });
    await host.run(10);
    expect(ends).toEqual(["STREAM_OVERRUN"]);
    storeOf(host).stream("watch", { from: 0, flood: 0 }, { next: () => undefined, end });
    await host.run(10);
    host.kill("store-0");
    await host.run(10);
    expect(ends).toEqual(["STREAM_OVERRUN", "ACTOR_DOWN"]);
  });

  it("gives up with the last failure when an actor never comes up", async () => {
    const spec = supervisor("toy", [actor("store-0", { actor: "store", startTimeoutMs: 100 })], {
      intensity: { restarts: 2, periodMs: 60_000 },
    });
    const host = storeHost(1, { spec, embedder: { name: "test", links: ["store-0"] } });
    host.disk("store-0").setFault({ kind: "stall" });
    await expect(host.start()).rejects.toThrow("store-0 did not start within 100 ms");
  });

  it("takes a whole node out and puts it back", async () => {
    const node = supervisor("node", [actor("store-0", { actor: "store" }), actor("store-1", { actor: "store" })]);
    const host = storeHost(1, { spec: supervisor("toy", [node]) });
    await host.start();
    await host.settle(() => host.supervisor.takeOut("node", { kill: true }));
    await host.run(10_000);
    expect(host.actors).toEqual([]);
    expect(await codeOf(host.settle(() => storeOf(host).call("read", null)))).toBe("ACTOR_DOWN");
    await host.settle(() => host.supervisor.putBack("node"));
    expect(await host.settle(() => storeOf(host).call("read", null))).toEqual({ values: [] });
  });

  it("keeps the disk when a thread dies, spoils it when the power fails, and empties it when it is lost", async () => {
    const host = storeHost();
    const left = (): Promise<readonly number[]> =>
      host.settle(async () => (await storeOf(host).call("read", null)).values);
    await host.start();
    for (const value of [1, 2]) await host.settle(() => storeOf(host).call("append", { value }));
    storeOf(host).cast("fail", { how: "throw" });
    await host.run(100);
    expect(await left()).toEqual([1, 2]);
    host.kill("store-0");
    await host.run(1_000);
    expect(await left()).toEqual([1, 2]);
    host.kill("store-0", { disk: "lost" });
    await host.run(1_000);
    expect(await left()).toEqual([]);
  });

  it("skews the wall clock of one actor and nothing else", async () => {
    const host = storeHost();
    await host.start();
    host.skewClock("store-0", 60_000);
    await host.settle(() => storeOf(host).call("append", { value: 1 }));
    await host.settle(() => storeOf(host, "store-1").call("append", { value: 1 }));
    const times = host.trace.events.filter(({ kind }) => kind === "toy.appended").map(({ timeMs }) => timeMs);
    expect(times[0]! - times[1]!).toBeGreaterThan(59_000);
  });

  it("refuses a tree with an actor that has no definition", () => {
    expect(() => storeHost(1, { spec: supervisor("toy", [actor("store-0", { actor: "nobody" })]) })).toThrow(
      "there is no definition of nobody",
    );
  });
});
