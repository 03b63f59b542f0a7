import { afterAll, beforeAll, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";

/** Large pods, so that what is bounded in bytes is full after the first round, and one that is kept anywhere shows. */
const NOTE = "x".repeat(48 * 1_024);
const FIRST_PODS = 100;
const MORE_PODS = 300;
const AT_A_TIME = 8;
/**
 * What is bounded goes up and down by half of its bound: etcd's log by 1 MB, its history by 0.8 MB. Events that tell of
 * these pods take 3 MB; they are bounded by 2,048, which is more than these. 300 pods are 14 MB.
 */
const SWING_MB = 8;
/** Writers keep some room. A member keeps 250 revisions at least, which are 12 MB of these pods. */
const ETCD_BUFFERS_MB = 6;
const MB = 1_048_576;
/** What API servers share among readers is let go of within a minute: it is seldom much, but on a busy machine it may be. */
const SHARED_FOR_MS = 90_000;
const LOOKS = 8;
const LOOK_EVERY_MS = 500;
const ACTORS = [
  ...["etcd-0", "api-server-0", "scheduler-0", "controller-manager-0", "trace-collector"],
  ...["worker-0/kubelet", "worker-0/kube-proxy", "worker-0/container-runtime"],
];

let cluster: Cluster;
beforeAll(async () => {
  // To collect all garbage of a kubelet may take longer than its node's lease, on a busy machine: its pods stay.
  const patience = { hangAfterMs: 60_000, tolerationSeconds: 300 };
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated", ...patience });
});
afterAll(() => cluster?.stop());

async function churn(round: number, podsMax: number): Promise<void> {
  const { client } = cluster;
  let next = 0;
  const lane = async (_: unknown, index: number): Promise<void> => {
    while (next < podsMax) {
      const name = `pod-${round}-${next++}`;
      const metadata = { name, namespace: "default", annotations: { note: NOTE } };
      const containers = [{ name: "main", image: "nginx" }];
      await client.create(inkube.pods, { metadata, spec: { terminationGracePeriodSeconds: 0, containers } });
      await cluster.apply({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: `churn-${index}` },
        data: { name },
      });
      await cluster.waitFor(`pod/${name}`, "Ready");
      await client.delete(inkube.pods, name, "default");
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  await until("no pod is left", async () => (await client.list(inkube.pods)).items.length === 0);
}

/** In use by each actor once its garbage is collected, buffers included. */
async function heapsMb(): Promise<ReadonlyMap<string, number>> {
  const heaps = new Map<string, number>();
  for (const name of ACTORS) {
    const { heapUsedBytes, arrayBufferBytes } = await cluster.inspector.collectGarbage(name);
    heaps.set(name, (heapUsedBytes + arrayBufferBytes) / MB);
  }
  return heaps;
}

/** The least that each holds while nothing happens: what is compacted, and what is written to disk, is so within moments. */
async function restingMb(): Promise<ReadonlyMap<string, number>> {
  const least = new Map<string, number>();
  for (let look = 0; look < LOOKS; look++) {
    for (const [name, heapMb] of await heapsMb()) least.set(name, Math.min(heapMb, least.get(name) ?? Infinity));
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return least;
}

it("holds no more after many pods have come and gone than after some had", { timeout: 600_000 }, async () => {
  await churn(1, FIRST_PODS);
  const before = await restingMb();
  await churn(2, MORE_PODS);
  await until(
    "every actor holds no more than before",
    async () => {
      const grown = [...(await heapsMb())].filter(([name, heapMb]) => heapMb >= before.get(name)! + SWING_MB);
      expect(grown).toEqual([]);
      return true;
    },
    SHARED_FOR_MS,
  );
  // What lies in heaps is compacted, and given back.
  const { arrayBufferBytes } = await cluster.inspector.collectGarbage("etcd-0");
  expect(arrayBufferBytes / MB).toBeLessThan(ETCD_BUFFERS_MB);
});
