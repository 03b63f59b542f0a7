import { expect, it } from "vitest";
import { Client } from "../../../actors/client/client.ts";
import type { Change } from "../../../actors/client/informer.ts";
import { Informer } from "../../../actors/client/informer.ts";
import { configMaps } from "../../../actors/client/resources.ts";
import { WorkQueue } from "../../../actors/client/work-queue.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { BACKOFF, INTENSITY, SHUTDOWN_MS, START_TIMEOUT_MS } from "../../../runtime/supervisor/spec.ts";
import { fakeApiServer, FakeStore } from "./fake-api-server.ts";
import type { Expected } from "../../fixtures/watch-crashes.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

const SERVERS = ["api-server-0", "api-server-1"];

async function start(
  expected: Expected = {},
): Promise<{ readonly host: SimulationHost; readonly store: FakeStore; readonly client: Client }> {
  const store = new FakeStore();
  const host = watchCrashes(
    new SimulationHost({
      seed: 1,
      spec: {
        name: "root",
        strategy: "one_for_one",
        intensity: INTENSITY,
        backoff: BACKOFF,
        children: SERVERS.map((name) => ({
          name,
          actor: "api-server",
          options: null,
          links: [],
          restart: "permanent",
          shutdownMs: SHUTDOWN_MS,
          startTimeoutMs: START_TIMEOUT_MS,
        })),
      },
      definitions: { "api-server": fakeApiServer(store) },
      embedder: { name: "cluster", links: SERVERS },
    }),
    expected,
  );
  await host.start();
  return { host, store, client: new Client(host.context, SERVERS, { listPageSize: 2 }) };
}

const names = (objects: readonly ConfigMap[]): readonly string[] =>
  objects.map(({ metadata }) => metadata?.name ?? "").sort();

it("gathers a list from its pages", async () => {
  const { host, store, client } = await start();
  for (const name of ["a", "b", "c", "d", "e"]) store.put(name);
  const list = await host.settle(() => client.list(configMaps, { namespace: "default" }));
  expect(names(list.items)).toEqual(["a", "b", "c", "d", "e"]);
  expect(list.metadata).toEqual({ resourceVersion: "5" });
  expect(store.requests).toBe(3);
});

it("goes to the next server when one is dead or hangs, within the deadline", async () => {
  const { host, store, client } = await start();
  store.put("a");
  host.kill("api-server-0");
  const found = await host.settle(() => client.get(configMaps, "a", "default"), 100);
  expect(found.metadata?.name).toBe("a");
  await host.run(2_000);
  host.stall("api-server-0", 60_000);
  const before = host.nowMs;
  await host.settle(() => client.get(configMaps, "a", "default"));
  expect(host.nowMs - before).toBeLessThan(5_100);
});

it("waits out a missing quorum, and gives up at its deadline with the server's own answer", async () => {
  const { host, store, client } = await start();
  store.put("a");
  store.unavailable = 5;
  await host.settle(() => client.get(configMaps, "a", "default"), 1_000);
  store.unavailable = Infinity;
  const before = host.nowMs;
  const error = await host.settle(() => client.get(configMaps, "a", "default").catch((failure: unknown) => failure));
  expect(hasReason(error, "ServiceUnavailable")).toBe(true);
  expect(host.nowMs - before).toBeLessThanOrEqual(10_000);
});

it("answers NotFound as an error to get, and as nothing to find", async () => {
  const { host, client } = await start();
  const error = await host.settle(() => client.get(configMaps, "a", "default").catch((failure: unknown) => failure));
  expect(hasReason(error, "NotFound")).toBe(true);
  expect(await host.settle(() => client.find(configMaps, "a", "default"))).toBeUndefined();
});

it("makes one object of a generated name, though the answer to its creation is lost", async () => {
  const { host, store, client } = await start();
  store.loseAnswers = 1;
  const made = await host.settle(() =>
    client.create(configMaps, { metadata: { generateName: "web-", namespace: "default" } }),
  );
  expect(made.metadata?.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  expect([...store.objects.keys()]).toEqual([made.metadata?.name]);
});

async function informed(): Promise<{
  readonly host: SimulationHost;
  readonly store: FakeStore;
  readonly informer: Informer<ConfigMap>;
  readonly seen: string[];
}> {
  const { host, store, client } = await start();
  store.put("a");
  store.put("b");
  const informer = new Informer(host.context, client, configMaps);
  const seen: string[] = [];
  informer.onChange(({ type, object }: Change<ConfigMap>) => void seen.push(`${type} ${object.metadata?.name}`));
  await host.settle(() => {
    informer.start();
    return informer.whenSynced();
  });
  await host.run(50);
  expect(seen.splice(0)).toEqual(["added a", "added b"]);
  return { host, store, informer, seen };
}

it("follows changes, and takes up where it was when its server dies or ends the watch", async () => {
  const { host, store, informer, seen } = await informed();
  store.put("a");
  store.remove("b");
  await host.run(50);
  expect(seen.splice(0)).toEqual(["modified a", "deleted b"]);
  host.kill("api-server-0");
  store.put("c");
  await host.run(200);
  store.endWatches();
  store.put("d");
  await host.run(200);
  expect(seen.splice(0)).toEqual(["added c", "added d"]);
  expect(names(informer.list())).toEqual(["a", "c", "d"]);
});

it("lists anew when its revision is no longer kept, and tells only of what changed", async () => {
  const { host, store, informer, seen } = await informed();
  host.partition(["cluster"], SERVERS);
  store.remove("a");
  store.put("b");
  store.put("c");
  store.compacted = store.revision;
  host.heal(["cluster"], SERVERS);
  store.endWatches();
  await host.run(3_000);
  expect(seen.toSorted()).toEqual(["added c", "deleted a", "modified b"]);
  expect(names(informer.list())).toEqual(["b", "c"]);
});

it("is silent once stopped", async () => {
  const { host, store, informer, seen } = await informed();
  informer.stop();
  store.put("z");
  await host.run(500);
  expect(seen).toEqual([]);
});

it("reconciles a key again after a failure, later each time up to the cap", async () => {
  const { host } = await start();
  const queue = new WorkQueue(host.context, { name: "test", backoff: { baseMs: 10, capMs: 40 } });
  const atMs: number[] = [];
  queue.add("k");
  queue.run(async () => {
    // To the nearest ten: messages and timers have latencies of their own.
    atMs.push(Math.round(host.nowMs / 10) * 10);
    if (atMs.length < 5) throw new InkubeError("NOT_YET", "not yet");
  });
  await host.run(500);
  expect(atMs.map((at, index) => at - (atMs[index - 1] ?? at))).toEqual([0, 10, 20, 40, 40]);
  expect(queue.size).toBe(0);
});

it("never works on one key twice at a time, nor on more keys than it has workers", async () => {
  const { host } = await start();
  const queue = new WorkQueue(host.context, { name: "test", workers: 2 });
  const active: string[] = [];
  const widths: number[] = [];
  queue.run(async (key) => {
    expect(active).not.toContain(key);
    active.push(key);
    widths.push(active.length);
    await host.context.clock.sleep(5);
    active.splice(active.indexOf(key), 1);
  });
  for (let round = 0; round < 5; round++) {
    for (const key of ["a", "b", "c"]) queue.add(key);
    await host.run(3);
  }
  await host.run(100);
  expect(Math.max(...widths)).toBe(2);
  expect(queue.size).toBe(0);
});

it("is idle when no key is worked on or could be, and does not wait for what comes later by itself", async () => {
  const { host } = await start();
  const queue = new WorkQueue(host.context, { name: "test", workers: 1 });
  const done: string[] = [];
  const idle = (): Promise<void> => queue.whenIdle().then(() => void done.push("idle"));
  queue.add("a");
  // Nobody works yet.
  expect(queue.isIdle).toBe(true);
  queue.run(async (key) => {
    await host.context.clock.sleep(5);
    done.push(key);
    if (key === "a") queue.add("c");
  });
  queue.add("b");
  queue.addAfter("later", 60_000);
  void idle();
  await host.run(100);
  expect(done).toEqual(["a", "b", "c", "idle"]);
  void idle();
  await host.run(1);
  expect(done.at(-1)).toBe("idle");
  queue.add("d");
  void idle();
  queue.stop();
  await host.run(100);
  // What is being worked on goes on to its end.
  expect(done.slice(-2)).toEqual(["d", "idle"]);
});

it("costs a key whose reconciler throws nothing but its own work, and tells it as an error", async () => {
  const { host } = await start({ faults: true });
  const queue = new WorkQueue(host.context, { name: "test", workers: 1, backoff: { baseMs: 10, capMs: 40 } });
  const done: string[] = [];
  let attempts = 0;
  queue.run(async (key) => {
    if (key === "bad" && ++attempts < 4) throw new TypeError("x is undefined");
    done.push(key);
  });
  for (const key of ["bad", "a", "b"]) queue.add(key);
  await host.run(5);
  expect(done).toEqual(["a", "b"]);
  await host.run(200);
  expect(done).toEqual(["a", "b", "bad"]);
  expect([queue.faults, queue.size]).toEqual([3, 0]);
  const told = host.trace.events.filter(({ kind }) => kind === "log.error");
  expect(told).toHaveLength(3);
  expect(told[0]?.detail).toMatch(/queue=test key=bad error=x is undefined stack=TypeError/);
});

it("gives a change to the other listeners when one throws over it, where somebody is told", async () => {
  const { host, store, client } = await start();
  const faults: string[] = [];
  const informer = new Informer(host.context, client, configMaps, {}, undefined, (thrown, key) => {
    faults.push(`${key}: ${(thrown as Error).message}`);
  });
  const seen: string[] = [];
  informer.onChange(({ object }) => {
    if (object.metadata?.name === "b") throw new TypeError("no b, please");
  });
  informer.onChange(({ object }) => void seen.push(object.metadata?.name ?? ""));
  for (const name of ["a", "b", "c"]) store.put(name);
  informer.start();
  await host.run(100);
  expect(seen).toEqual(["a", "b", "c"]);
  expect(faults).toEqual(["default/b: no b, please"]);
});
