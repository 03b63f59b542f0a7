import { describe, expect, it } from "vitest";
import type { KubernetesList, KubernetesObject } from "../../../../../protocols/api-server.ts";
import { hasReason, statusOf } from "../../../../../protocols/api-server.ts";
import { until } from "../../../../fixtures/until.ts";
import type { TestServer } from "../harness/test-server.ts";
import { serversOfTests } from "../harness/test-server.ts";

const started = serversOfTests();

const target = { group: "", version: "v1", resource: "configmaps", namespace: "default" };
const create = (server: TestServer, name: string): Promise<KubernetesObject> =>
  server.request({ verb: "create", target, object: { metadata: { name } } });
const get = (server: TestServer, name: string, resourceVersion?: string): Promise<KubernetesObject> =>
  server.request({
    verb: "get",
    target: { ...target, name },
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  });

describe("the store", () => {
  it("asks etcd once for many readers that come together", async () => {
    const server = await started();
    await create(server, "a");
    const before = server.etcd.calls.get("readIndex") ?? 0;
    await Promise.all(Array.from({ length: 100 }, () => get(server, "a")));
    expect((server.etcd.calls.get("readIndex") ?? 0) - before).toBeLessThanOrEqual(3);
  });

  it("serves a consistent read only when the cache has what was acknowledged before it", async () => {
    const server = await started();
    const other = await started({}, undefined, server.etcd);
    server.etcd.hold();
    await create(server, "a");
    let found: KubernetesObject | undefined;
    const reading = get(other, "a").then((object) => (found = object));
    expect(hasReason(await get(other, "a", "0").catch((error: unknown) => error), "NotFound")).toBe(true);
    expect(found).toBeUndefined();
    server.etcd.release();
    expect((await reading).metadata?.name).toBe("a");
  });

  it("goes on after its watch broke, losing and repeating nothing", async () => {
    const server = await started();
    const watch = server.watch({ target });
    await watch.until(1);
    await create(server, "a");
    server.etcd.breakWatches();
    await create(server, "b");
    await create(server, "c");
    const events = await watch.until(4);
    expect(events.slice(1).map((event) => [event.type, event.object.metadata?.name])).toEqual([
      ["ADDED", "a"],
      ["ADDED", "b"],
      ["ADDED", "c"],
    ]);
  });

  it("loads anew when its revision is compacted, and makes its watchers list again", async () => {
    const server = await started();
    const watch = server.watch({ target });
    await watch.until(1);
    const made = await create(server, "a");
    server.etcd.compact();
    server.etcd.breakWatches("ETCD_COMPACTED");
    expect(hasReason(await watch.ended, "Expired")).toBe(true);
    expect((await get(server, "a")).metadata).toEqual(made.metadata);
  });

  it("follows another member when its own brings nothing that a quorum has", async () => {
    const server = await started({ watchStallMs: 20 });
    server.etcd.hold();
    await create(server, "a");
    expect((await get(server, "a")).metadata?.name).toBe("a");
  });

  it("follows another member when its own writes do not come back, though nobody reads", async () => {
    const server = await started({ watchStallMs: 20 });
    const watch = server.watch({ target });
    await watch.until(1);
    server.etcd.hold();
    await create(server, "a");
    const events = await watch.until(2);
    expect(events[1]?.object.metadata?.name).toBe("a");
  });

  it("lets a watch from before its own start resume, as far as it replays the past", async () => {
    const server = await started();
    const first = await create(server, "a");
    await create(server, "b");
    const { resourceVersion = "" } = first.metadata ?? {};
    const restarted = await started({ replayRevisions: 100 }, undefined, server.etcd);
    const events = await restarted.watch({ target, resourceVersion }).until(1);
    expect(events[0]?.object.metadata?.name).toBe("b");
    const forgetful = await started({ replayRevisions: 0 }, undefined, server.etcd);
    const status = statusOf(await forgetful.watch({ target, resourceVersion }).ended);
    expect([status?.code, status?.reason]).toEqual([410, "Expired"]);
    expect(status?.message).toMatch(/^too old resource version: \d+ \(\d+\)$/);
  });

  it("tells a watcher no earlier revision than the one that it began at", async () => {
    const server = await started({ bookmarkMs: 10 });
    const watch = server.watch({ target, resourceVersion: "999" });
    const [bookmark] = await watch.until(1);
    expect([bookmark?.type, bookmark?.object.metadata?.resourceVersion]).toEqual(["BOOKMARK", "999"]);
    watch.cancel();
  });

  it("tells nothing to a watcher that has gone while its watch was opened", async () => {
    const server = await started();
    const watch = server.watch({ target });
    watch.cancel();
    await get(server, "none").catch(() => undefined);
    await create(server, "a");
    await get(server, "a");
    expect(watch.events.filter(({ type }) => type !== "BOOKMARK")).toEqual([]);
  });

  it("tells one of two who delete an object that it has, and the other that there is none", async () => {
    const server = await started();
    const other = await started({}, undefined, server.etcd);
    await create(server, "a");
    await get(other, "a");
    server.etcd.hold();
    const remove = (at: TestServer): Promise<KubernetesObject> =>
      at.request({ verb: "delete", target: { ...target, name: "a" } });
    await remove(server);
    const refused = remove(other).catch((error: unknown) => error);
    server.etcd.release();
    expect(hasReason(await refused, "NotFound")).toBe(true);
  });

  it("lists the past page by page, each object once", async () => {
    const server = await started();
    // Two pages.
    const names = Array.from({ length: 501 }, (_each, at) => `a-${String(at).padStart(3, "0")}`);
    await Promise.all(names.map((name) => create(server, name)));
    const { resourceVersion = "" } = (await create(server, "b")).metadata ?? {};
    await create(server, "c");
    const options = { resourceVersion, resourceVersionMatch: "Exact" } as const;
    const { items } = (await server.request({ verb: "list", target, options })) as KubernetesList;
    expect(items.map(({ metadata }) => metadata?.name)).toEqual([...names, "b"]);
  });

  it("ends the lease that was first written with, when there are too many Events, and not the one that was last", async () => {
    const events = { ...target, resource: "events" };
    const write = (server: TestServer, name: string): Promise<KubernetesObject> => {
      const object = { metadata: { name }, involvedObject: { namespace: "default" } };
      return server.request({ verb: "create", target: events, object: object as KubernetesObject });
    };
    const server = await started();
    const other = await started({}, undefined, server.etcd);
    await write(server, "a");
    await write(other, "b");
    await write(server, "c");
    const third = await started({ eventsMax: 2 }, undefined, server.etcd);
    await write(third, "d");
    const left = async (): Promise<readonly unknown[]> => {
      const { items } = (await third.request({ verb: "list", target: events })) as KubernetesList;
      return items.map(({ metadata }) => metadata?.name);
    };
    await expect.poll(left, { timeout: 10_000 }).toHaveLength(2);
    expect(await left()).toEqual(["b", "d"]);
  });

  it("waits for a revision that it has not seen yet, and says so when that does not come", async () => {
    const server = await started({ requestTimeoutMs: 50, watchStallMs: 20 });
    const list = server.request({ verb: "list", target, options: { resourceVersion: "999" } });
    const status = statusOf(await list.catch((error: unknown) => error));
    expect([status?.code, status?.details?.causes?.[0]?.reason]).toEqual([504, "ResourceVersionTooLarge"]);
  });

  it("tries another member when one refuses or is lost", async () => {
    const server = await started();
    server.etcd.trouble("readIndex", { how: "refuse", code: "ETCD_NO_LEADER" });
    server.etcd.trouble("txn", { how: "refuse", code: "ACTOR_DOWN" });
    await create(server, "a");
    expect((await get(server, "a")).metadata?.name).toBe("a");
  });

  it("gives each of the readers that ask etcd together its own deadline", async () => {
    for (const [first, second] of [
      [40, 10_000],
      [10_000, 40],
    ]) {
      const server = await started();
      await create(server, "a");
      const answer = server.etcd.delay("readIndex");
      const patience = [first, second];
      const request = { verb: "get", target: { ...target, name: "a" } } as const;
      const reading = patience.map((timeoutMs) =>
        server.request(request, timeoutMs).then(
          () => "read",
          (error: unknown) => statusOf(error)?.code,
        ),
      );
      const impatient = reading[patience.indexOf(40)];
      expect(await impatient).toBe(504);
      answer();
      expect(new Set(await Promise.all(reading))).toEqual(new Set([504, "read"]));
    }
  });

  it("leaves the member whose watch stalls, and not the one that its requests are with by then", async () => {
    const server = await started({ watchStallMs: 40 });
    await create(server, "a");
    server.etcd.stall("etcd-0");
    server.etcd.trouble("txn", { how: "refuse", code: "ACTOR_DOWN" });
    await create(server, "b");
    expect((await get(server, "b")).metadata?.name).toBe("b");
    expect(server.etcd.watchedAt).toEqual(["etcd-0", "etcd-1"]);
  });

  it("keeps no ghost of an object whose answer comes after the watch has told of its end", async () => {
    const server = await started();
    const other = await started({}, undefined, server.etcd);
    const namespaces = { group: "", version: "v1", resource: "namespaces" };
    const answer = server.etcd.delay("txn");
    const making = server.request({ verb: "create", target: namespaces, object: { metadata: { name: "brief" } } });
    const brief = { ...namespaces, name: "brief" };
    await until("the namespace is written", () => other.request({ verb: "get", target: brief }));
    await other.request({ verb: "delete", target: brief });
    const finalize = { ...brief, subresource: "finalize" };
    await other.request({ verb: "update", target: finalize, object: { metadata: { name: "brief" } } });
    await server.request({ verb: "list", target: namespaces });
    answer();
    await making;
    const inside = { ...target, namespace: "brief" };
    const refused = server.request({ verb: "create", target: inside, object: { metadata: { name: "a" } } });
    expect(statusOf(await refused.catch((error: unknown) => error))?.message).toBe('namespaces "brief" not found');
  });
});
