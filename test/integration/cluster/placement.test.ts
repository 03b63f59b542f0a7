/** Workers that share threads: a cluster like any other, in which an actor still fails alone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";

const WORKERS = 6;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await inkube.Cluster.start({
    masters: 1,
    workers: WORKERS,
    pods: "simulated",
    placement: { nodesPerThread: 3 },
  });
});
afterAll(() => cluster.stop());

const restarts = (): Readonly<Record<string, number>> =>
  Object.fromEntries(cluster.actors().map(({ name, restarts: count }) => [name, count]));

describe("a cluster whose workers share threads", () => {
  it("runs pods on every node", async () => {
    await cluster.apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: {
        replicas: WORKERS * 2,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "main", image: "nginx" }] },
        },
      },
    });
    await cluster.waitFor("deployment/web", "RolledOut");
    const { items } = await cluster.client.list(inkube.pods, { namespace: "default" });
    expect(new Set(items.map(({ spec }) => spec?.nodeName)).size).toBe(WORKERS);
  });

  it("tells several readers of the same change, each with an object of its own", async () => {
    const data = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key-${index}`, `value ${index}`]));
    await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "read-by-many" }, data });
    const seen: { data?: Record<string, string> }[] = [];
    const watches = [0, 1, 2].map(() =>
      cluster.client.watch(
        inkube.configMaps,
        { namespace: "default", name: "read-by-many" },
        { next: ({ type, object }) => void (type === "BOOKMARK" || seen.push(object)), end: () => undefined },
      ),
    );
    await until("all have been told of what is there", () => seen.length === 3);
    await cluster.client.patch(inkube.configMaps, "read-by-many", "default", { data: { more: "1" } });
    await until("all have been told of the change", () => seen.length === 6);
    for (const watch of watches) watch.cancel();
    const lists = await Promise.all([0, 1].map(() => cluster.client.list(inkube.configMaps, { namespace: "default" })));
    seen.push(...lists.flatMap(({ items }) => items.filter(({ metadata }) => metadata?.name === "read-by-many")));
    const [there, , , changed] = seen;
    expect(there?.data).toEqual(data);
    expect(changed?.data).toEqual({ ...data, more: "1" });
    expect(seen).toEqual([there, there, there, changed, changed, changed, changed, changed]);
    expect(new Set(seen.map((object) => object.data)).size).toBe(seen.length);
  });

  it("replaces one actor of a shared thread and leaves the others be", async () => {
    const before = restarts();
    await cluster.kill("worker-1/kubelet");
    await until("the kubelet is up again", () =>
      cluster
        .actors()
        .some(
          ({ name, state, restarts: count }) =>
            name === "worker-1/kubelet" && state === "up" && count === before[name]! + 1,
        ),
    );
    expect(restarts()).toEqual({ ...before, "worker-1/kubelet": before["worker-1/kubelet"]! + 1 });
    await cluster.waitFor("node/worker-1", "Ready");
  });

  it("takes a whole node down and up again beside its neighbors", async () => {
    await cluster.kill("worker-4");
    await cluster.waitFor("node/worker-4", (node) => {
      const { conditions } = (node as { status?: { conditions?: { type: string; status: string }[] } }).status ?? {};
      return conditions?.some(({ type, status }) => type === "Ready" && status !== "True") === true;
    });
    await cluster.restore("worker-4");
    await cluster.waitFor("node/worker-4", "Ready");
    expect(restarts()["worker-3/kubelet"]).toBe(0);
  });
});
