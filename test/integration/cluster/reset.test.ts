import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Resource } from "../../../actors/client/resources.ts";
import { inkube } from "../../fixtures/built.ts";

const OPTIONS = { masters: 1, workers: 1, pods: "simulated", spareThreads: 0 } as const;

const deployment = (replicas: number): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "nginx" }] },
    },
  },
});
const configMap = (name: string, data: Readonly<Record<string, string>>): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});

const SITES = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "sites.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "sites", singular: "site", kind: "Site" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
};
/** One that nobody would let go. */
const SITE = {
  apiVersion: "example.com/v1",
  kind: "Site",
  metadata: { name: "a", namespace: "mine", finalizers: ["example.com/keep"] },
};

let cluster: Cluster;
beforeAll(async () => void (cluster = await inkube.Cluster.start(OPTIONS)), 120_000);
afterAll(() => cluster?.stop());

const RESOURCES: readonly Resource[] = [
  inkube.namespaces,
  inkube.configMaps,
  inkube.services,
  inkube.serviceAccounts,
  inkube.deployments,
  inkube.replicaSets,
  inkube.pods,
  inkube.endpointSlices,
];

/** Every object by kind, name and uid, without what its user can't say. */
async function everything(): Promise<readonly string[]> {
  const lists = await Promise.all(RESOURCES.map((resource) => cluster.client.list(resource)));
  return lists
    .flatMap(({ items }, at) => items.map((object) => lineOf(RESOURCES[at]!, object)))
    .sort((left, right) => (left < right ? -1 : 1));
}
function lineOf({ resource }: Resource, { metadata, ...rest }: KubernetesObject): string {
  const { data, spec } = rest as { data?: unknown; spec?: unknown };
  const { namespace = "", name, uid, labels } = metadata!;
  return [resource, namespace, name, uid, JSON.stringify([labels, data, spec])].join(" ");
}

describe("a reset", { timeout: 120_000 }, () => {
  it("leaves nothing of what controllers are still making, again and again, and what the start had keeps its uids", async () => {
    await cluster.reset();
    const before = await everything();
    for (const replicas of [1, 4, 12, 30]) {
      await cluster.apply([
        { apiVersion: "v1", kind: "Namespace", metadata: { name: "mine" } },
        SITES,
        SITE,
        deployment(replicas),
        configMap("loose", { round: String(replicas) }),
        { ...(deployment(replicas) as { metadata: object }), metadata: { name: "web", namespace: "mine" } },
        { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } },
      ]);
      if (replicas % 4 === 0) await cluster.waitFor("deployment/web", "Progressing");
      await cluster.client.delete(inkube.configMaps, "kube-root-ca.crt", "default");
      await cluster.client.patch(inkube.nodes, "worker-0", undefined, {
        metadata: { labels: { mine: "yes" } },
        spec: { unschedulable: true },
      });
      await cluster.reset();
      expect(await everything()).toEqual(before);
      const node = await cluster.client.get(inkube.nodes, "worker-0");
      expect([node.metadata!.labels!["mine"], node.spec!.unschedulable]).toEqual([undefined, undefined]);
    }
    await cluster.apply(deployment(2));
    await cluster.waitFor("deployment/web", "RolledOut");
    await cluster.reset();
    expect(await everything()).toEqual(before);
  });

  it("to a snapshot brings back what was changed and deleted, also a pod that was ending, and pods run again", async () => {
    await cluster.apply([
      configMap("settings", { color: "green" }),
      deployment(2),
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "alone" },
        spec: { containers: [{ name: "main", image: "nginx" }] },
      },
    ]);
    await cluster.waitFor("deployment/web", "RolledOut");
    await cluster.waitFor("pod/alone", "Ready");
    const snapshot = await cluster.snapshot();
    const before = await everything();
    await cluster.apply(configMap("settings", { color: "red" }));
    await cluster.client.delete(inkube.pods, "alone", "default");
    await cluster.client.delete(inkube.deployments, "web", "default");
    await cluster.reset(snapshot);
    expect(await everything()).toEqual(before);
    await cluster.waitFor("deployment/web", "RolledOut");
    await cluster.waitFor("pod/alone", "Ready");
    await cluster.reset();
  });

  it("takes no snapshot of another cluster, and none that is damaged", async () => {
    await using other = await inkube.Cluster.start({ ...OPTIONS, workers: 0, controllers: false });
    const snapshot = await other.snapshot();
    await expect(cluster.reset(snapshot)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(cluster.reset(snapshot.subarray(0, -1))).rejects.toMatchObject({ code: "SNAPSHOT_DAMAGED" });
  });
});
