/** The official JavaScript client against a cluster, as a Node.js operator uses it. */
import { Writable } from "node:stream";
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  PatchStrategy,
  VersionApi,
  Watch,
  makeInformer,
  setHeaderOptions,
} from "@kubernetes/client-node";
import type { V1ConfigMap, V1Deployment, V1Pod } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { inkube } from "../fixtures/built.ts";
import { until } from "../fixtures/until.ts";

let cluster: Cluster;
let config: KubeConfig;
let core: CoreV1Api;
let apps: AppsV1Api;

beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 3, workers: 1 });
  config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
  apps = config.makeApiClient(AppsV1Api);
});
afterAll(() => cluster?.stop());

const namespace = "default";

function deployment(replicas: number): V1Deployment {
  return {
    metadata: { name: "web", labels: { app: "web" } },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }] },
      },
    },
  };
}

describe("@kubernetes/client-node", () => {
  it("asks for the version and the nodes", async () => {
    expect((await config.makeApiClient(VersionApi).getCode()).minor).toBe("37");
    const { items } = await core.listNode();
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(["worker-0"]);
    expect(items[0]!.metadata!.creationTimestamp).toBeInstanceOf(Date);
  });

  it("creates, reads, replaces, patches and deletes", async () => {
    const body: V1ConfigMap = { metadata: { name: "settings" }, data: { color: "green" } };
    const created = await core.createNamespacedConfigMap({ namespace, body });
    expect(created.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    created.data = { color: "blue" };
    await core.replaceNamespacedConfigMap({ namespace, name: "settings", body: created });
    await expect(core.replaceNamespacedConfigMap({ namespace, name: "settings", body: created })).rejects.toMatchObject(
      {
        code: 409,
      },
    );
    const patched = await core.patchNamespacedConfigMap(
      { namespace, name: "settings", body: [{ op: "add", path: "/data/size", value: "xl" }] },
      setHeaderOptions("Content-Type", PatchStrategy.JsonPatch),
    );
    expect(patched.data).toEqual({ color: "blue", size: "xl" });
    await core.deleteNamespacedConfigMap({ namespace, name: "settings" });
    await expect(core.readNamespacedConfigMap({ namespace, name: "settings" })).rejects.toMatchObject({ code: 404 });
  });

  it("runs a Deployment and scales it", async () => {
    await apps.createNamespacedDeployment({ namespace, body: deployment(1) });
    const ready = (count: number) => async (): Promise<boolean> =>
      (await apps.readNamespacedDeployment({ namespace, name: "web" })).status?.readyReplicas === count;
    await until("one replica", ready(1));
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name: "web" });
    scale.spec = { replicas: 2 };
    await apps.replaceNamespacedDeploymentScale({ namespace, name: "web", body: scale });
    await until("two replicas", ready(2));
  });

  it("lists in pages and by selector", async () => {
    const first = await core.listNamespacedPod({ namespace, labelSelector: "app=web", limit: 1 });
    expect(first.items).toHaveLength(1);
    expect(first.metadata?.remainingItemCount ?? 1).toBe(1);
    const { _continue } = first.metadata!;
    const second = await core.listNamespacedPod({
      namespace,
      labelSelector: "app=web",
      limit: 1,
      _continue: _continue!,
    });
    expect(second.items).toHaveLength(1);
    expect(second.items[0]!.metadata?.name).not.toBe(first.items[0]!.metadata?.name);
  });

  it("watches, and is told of each change", async () => {
    const seen: string[] = [];
    let ended: unknown = "not yet";
    const controller = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { fieldSelector: "metadata.name=watched" },
      (type, object: V1ConfigMap) => void seen.push(`${type} ${object.data?.["n"] ?? ""}`),
      (error) => void (ended = error),
    );
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "watched" }, data: { n: "1" } } });
    await core.replaceNamespacedConfigMap({
      namespace,
      name: "watched",
      body: { metadata: { name: "watched" }, data: { n: "2" } },
    });
    await core.deleteNamespacedConfigMap({ namespace, name: "watched" });
    await until("three events", () => seen.length === 3);
    expect(seen).toEqual(["ADDED 1", "MODIFIED 2", "DELETED 2"]);
    expect(ended).toBe("not yet");
    controller.abort();
  });

  it("keeps an informer going while every API server dies in turn", async () => {
    const names = new Set<string>();
    const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
      core.listNamespacedConfigMap({ namespace }),
    );
    informer.on("add", ({ metadata }) => void names.add(metadata?.name ?? ""));
    // A connection that broke is the informer's to report and its owner's to start again.
    informer.on("error", () => void until("it goes on", () => informer.start().then(() => true)));
    await informer.start();
    for (let index = 0; index < 3; index++) {
      await cluster.kill(`api-server-${index}`);
      const name = `after-${index}`;
      await until("it is created", () =>
        core.createNamespacedConfigMap({ namespace, body: { metadata: { name } } }).then(
          () => true,
          (error: { readonly code?: number }) => error.code === 409,
        ),
      );
      await until(`${name} is seen`, () => names.has(name));
      await until("all are up", () => cluster.actors().every(({ state }) => state === "up"));
    }
    await informer.stop();
  });

  it("reads logs", async () => {
    const body: V1Pod = {
      metadata: { name: "talker" },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "main", image: "busybox", command: ["sh", "-c", "echo one; echo two; exec sleep 1000"] }],
      },
    };
    await core.createNamespacedPod({ namespace, body });
    await until("both lines", async () => (await logsOf("talker")) === "one\ntwo\n");
  });

  it("applies objects of any kind by their own description", async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const made = await objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "made" } });
    expect(made.metadata).toMatchObject({ uid: expect.any(String) as string });
    await objects.patch(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "made", labels: { team: "a" } } },
      undefined,
      undefined,
      undefined,
      undefined,
      PatchStrategy.MergePatch,
    );
    const read = await objects.read({ apiVersion: "v1", kind: "Namespace", metadata: { name: "made" } });
    expect(read.metadata?.labels?.["team"]).toBe("a");
    await objects.delete({ apiVersion: "v1", kind: "Namespace", metadata: { name: "made" } });
  });
});

async function logsOf(pod: string): Promise<string> {
  let text = "";
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString("utf8");
      done();
    },
  });
  await new Log(config).log(namespace, pod, "main", sink);
  await new Promise((resolve) => sink.once("finish", resolve));
  return text;
}
