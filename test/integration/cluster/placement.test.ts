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
