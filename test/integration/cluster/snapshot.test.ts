import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import { inkube } from "../../fixtures/built.ts";

const WORKLOAD = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" }, data: { color: "green" } },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }] },
      },
    },
  },
];

describe("a snapshot", { timeout: 120_000 }, () => {
  let original: Cluster;
  let bytes: Uint8Array;
  const directory = mkdtempSync(join(tmpdir(), "inkube-test-snapshot-"));

  beforeAll(async () => {
    original = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated", spareThreads: 0 });
    await original.apply(WORKLOAD);
    await original.waitFor("deployment/web", "RolledOut");
    bytes = await original.snapshot();
  }, 120_000);
  afterAll(async () => {
    await original?.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  });

  it("begins another cluster beside the first, with more masters and workers, the same keys, and addresses of its own", async () => {
    const before = await original.client.get(inkube.configMaps, "kept", "default");
    const { items: pods } = await original.client.list(inkube.pods, { namespace: "default" });
    const service = await original.client.get(inkube.services, "web", "default");
    await original.client.delete(inkube.configMaps, "kept", "default");
    await using copy = await inkube.Cluster.start({
      from: bytes,
      masters: 3,
      workers: 2,
      pods: "simulated",
      spareThreads: 0,
    });
    expect([copy.token, copy.authority]).toEqual([original.token, original.authority]);
    expect(await copy.client.get(inkube.configMaps, "kept", "default")).toEqual(before);
    await copy.waitFor("deployment/web", "RolledOut");
    const { items: again } = await copy.client.list(inkube.pods, { namespace: "default" });
    const uidsOf = (list: typeof pods): unknown[] => list.map(({ metadata }) => metadata?.uid);
    expect(uidsOf(again)).toEqual(uidsOf(pods));
    const moved = await copy.client.get(inkube.services, "web", "default");
    expect(moved.metadata!.uid).toBe(service.metadata!.uid);
    expect(moved.spec!.clusterIP).not.toBe(service.spec!.clusterIP);
    // The address is taken in the copy, too.
    const another = {
      metadata: { name: "other", namespace: "default" },
      spec: { clusterIP: moved.spec!.clusterIP!, ports: [{ port: 80 }] },
    };
    await expect(copy.client.create(inkube.services, another)).rejects.toThrow("provided IP is already allocated");
    const [written] = await copy.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "new" } });
    expect(Number(written!.metadata!.resourceVersion)).toBeGreaterThan(Number(before.metadata!.resourceVersion));
  });

  it("is kept by the directory that it was restored into, and refused by one that holds a cluster", async () => {
    const options = { masters: 1, workers: 0, controllers: false, spareThreads: 0, dataDir: directory };
    await using first = await inkube.Cluster.start({ ...options, from: bytes });
    await first.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "later" } });
    await first.stop();
    await expect(inkube.Cluster.start({ ...options, from: bytes })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining("holds a cluster already") as string,
    });
    await using second = await inkube.Cluster.start(options);
    const { items } = await second.client.list(inkube.configMaps, { namespace: "default" });
    expect(items.map(({ metadata }) => metadata!.name)).toEqual(expect.arrayContaining(["kept", "later"]));
  });
});
