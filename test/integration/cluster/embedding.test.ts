import { get } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated", name: "embedded" });
});
afterAll(() => cluster?.stop());

describe("an embedded cluster", () => {
  it("gives a kubeconfig under its name, and tells of its actors", () => {
    expect(cluster.kubeconfig).toContain("current-context: embedded");
    expect(cluster.kubeconfig).toContain(`server: ${cluster.server}`);
    const names = cluster.actors().map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["root", "master-0", "etcd-0", "worker-0", "worker-0/kubelet"]));
    expect(cluster.actors().every(({ state }) => state === "up")).toBe(true);
  });

  it("lets its actors be looked into, held on and followed", async () => {
    const { inspector } = cluster;
    const { methods, heapUsedBytes, eventLoopUtilization } = await inspector.statistics("etcd-0");
    expect(Object.keys(methods).length).toBeGreaterThan(3);
    expect(heapUsedBytes).toBeGreaterThan(1_000_000);
    expect(eventLoopUtilization).toBeGreaterThan(0);
    expect(inspector.lastMessages("api-server-0", 3)).toHaveLength(3);
    const followed: string[] = [];
    const following = inspector.follow(
      "api-server-0",
      ({ peer }) => peer === "cluster",
      ({ kind, subject }) => followed.push(`${kind} ${subject}`),
    );
    await inspector.suspend("api-server-0");
    const read = cluster.client.list(inkube.nodes);
    await until("the call waits", async () => (await inspector.statistics("api-server-0")).waiting > 0);
    await inspector.resume("api-server-0");
    expect((await read).items).toHaveLength(1);
    following.stop();
    expect(followed).toContain("call request");
    await expect(inspector.state("worker-9/kubelet")).rejects.toMatchObject({ code: "NO_SUCH_ACTOR" });
    expect(() => inspector.lastMessages("root")).toThrow("there is no root here");
  });

  it("issues certificates by which the API knows a client", async () => {
    const status = (user: string, groups: readonly string[]): Promise<number | undefined> => {
      const { certificate, key } = cluster.clientCertificate(user, groups);
      return new Promise((resolve, reject) => {
        const options = { ca: cluster.authority, cert: certificate, key, agent: false };
        get(`${cluster.server}/api/v1/namespaces`, options, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }).on("error", reject);
      });
    };
    expect(await status("alice", ["system:masters"])).toBe(200);
    expect(await status("", [])).toBe(401);
  });

  it("applies objects and text, again and again", async () => {
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { one: "1", two: "2" } };
    const [created] = await cluster.apply(map);
    expect(created?.metadata?.namespace).toBe("default");
    await cluster.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {one: '1'}\n");
    expect((await cluster.client.get(inkube.configMaps, "a", "default")).data).toEqual({ one: "1" });
  });

  it("refuses a manifest as a whole when any of it is wrong", async () => {
    const good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: half}\n";
    await expect(cluster.apply(`${good}---\nkind: Pod\n`)).rejects.toMatchObject({ code: "INVALID_MANIFEST" });
    await expect(
      cluster.apply(`${good}---\napiVersion: v1\nkind: Gadget\nmetadata: {name: a}\n`),
    ).rejects.toMatchObject({
      code: "UNKNOWN_KIND",
    });
    expect(await cluster.client.find(inkube.configMaps, "half", "default")).toBeUndefined();
  });

  it("refuses a body that is no plain data, to its caller alone", async () => {
    const { client } = cluster;
    const ring: Record<string, unknown> = {};
    ring["ring"] = ring;
    let deep: unknown = {};
    for (let depth = 0; depth < 3_000; depth++) deep = { deep };
    const throwing = {
      get a(): never {
        throw new Error("not now");
      },
    };
    const bad = [{ a: Symbol("s") }, { a: () => 1 }, { a: 1n }, ring, deep, throwing, JSON.parse('{"__proto__":"x"}')];
    for (const data of bad as never[]) {
      const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "odd", namespace: "default" }, data };
      const good = client.get(inkube.namespaces, "default");
      const refused = { code: "INVALID_ARGUMENT", message: expect.stringMatching(/no plain data: data\./) as unknown };
      await expect(client.create(inkube.configMaps, map)).rejects.toMatchObject(refused);
      await expect(client.patch(inkube.configMaps, "odd", "default", { data })).rejects.toMatchObject(refused);
      await expect(cluster.apply(map)).rejects.toMatchObject({ code: "INVALID_MANIFEST" });
      expect((await good).kind).toBe("Namespace");
    }
    // Past the check of bodies, the runtime refuses by itself.
    const options = { fieldManager: Symbol("s") as never };
    const map = { metadata: { name: "odd", namespace: "default" } };
    await expect(client.create(inkube.configMaps, map, options)).rejects.toMatchObject({ code: "NOT_ENCODABLE" });
    expect(await client.find(inkube.configMaps, "odd", "default")).toBeUndefined();
  });

  it("refuses unknown fields with a Status", async () => {
    const mistyped = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b" }, daata: {} };
    const error: unknown = await cluster.apply(mistyped).catch((reason: unknown) => reason);
    expect(inkube.statusOf(error)).toMatchObject({ code: 400 });
    expect(String(error)).toContain('unknown field "daata"');
  });

  it.each([
    [{ masters: 2 }, "odd"],
    [{ workers: 1.5 }, "whole number"],
    [{ wokers: 3 }, "no such option"],
    [{ pods: "fake" }, "real"],
    [{ images: { a: {} } }, "module"],
    [{ name: "No Name" }, "DNS label"],
  ])("is not started with %j", async (options, why) => {
    await expect(inkube.Cluster.start(options as object)).rejects.toThrow(why);
  });

  it("waits for a condition, a function's word, and a deletion", async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { containers: [{ name: "c", image: "i" }] },
    };
    const ready = cluster.waitFor("pod/p", "Ready");
    await cluster.apply(pod);
    expect(await ready).toMatchObject({ kind: "Pod", status: { phase: "Running" } });
    const found = await cluster.waitFor("pods/p", (object) => (object as Pod).spec?.nodeName === "worker-0");
    expect(found?.metadata?.name).toBe("p");
    const gone = cluster.waitFor("pod/p", "deleted");
    await cluster.client.delete(inkube.pods, "p", "default", { gracePeriodSeconds: 0 });
    expect(await gone).toBeUndefined();
    await expect(
      cluster.waitFor(
        "pod/q",
        () => {
          throw new Error("never called for what is not there");
        },
        { timeoutMs: 50 },
      ),
    ).rejects.toMatchObject({ code: "WAIT_TIMEOUT" });
    await expect(cluster.waitFor("pod", "Ready")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(cluster.waitFor("po/p", "Healthy")).rejects.toMatchObject({ code: "UNKNOWN_CONDITION" });
  });

  it("tells who leads", async () => {
    expect(await cluster.leader("etcd")).toBe("etcd-0");
    expect(await cluster.leader("api-server")).toBe("api-server-0");
    await until("a scheduler leads", async () => (await cluster.leader("scheduler")) === "scheduler-0");
    await until("a controller-manager leads", async () => (await cluster.leader("controller-manager")) !== undefined);
  });

  it("follows its trace from a user's write to the running pod", async () => {
    const kinds: string[] = [];
    const following = cluster.trace.follow(
      { object: "pods/default/traced" },
      (events) => {
        for (const { kind } of events) kinds.push(kind);
      },
      10,
    );
    await cluster.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "traced" },
      spec: { containers: [{ name: "c", image: "i" }] },
    });
    await cluster.waitFor("pod/traced", "Ready");
    await until("both ends", () => kinds.includes("scheduled") && kinds.includes("pod.status"));
    following.stop();
    const [scheduled] = await cluster.trace.events({ object: "pods/default/traced", kind: "scheduled" });
    expect(scheduled?.cause).toMatch(/^\S+#\d+$/);
  });

  it("gives its trace event by event, until it is stopped", async () => {
    const other = await inkube.Cluster.start({ masters: 1, workers: 0, controllers: false });
    expect(() => other.trace.follow({ actor: "etcd-7" })).toThrow(/etcd-7/);
    const subjects: string[] = [];
    const following = (async () => {
      for await (const { subject } of other.trace.follow({ kind: "write" })) {
        subjects.push(subject);
        if (subject === "configmaps/default/followed") void other.stop();
      }
    })();
    await other.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "followed" } });
    await following;
    expect(subjects).toContain("configmaps/default/followed");
  });

  it("gives up what still waits when it is stopped", async () => {
    const other = await inkube.Cluster.start({ masters: 1, workers: 0 });
    const waiting = other.waitFor("pod/never", "Ready");
    const [outcome] = await Promise.allSettled([waiting, other.stop()]);
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "CLUSTER_STOPPED" } });
    await other.stop();
  });

  it("answers at once, and by name, whatever is asked of it when it has been stopped", async () => {
    const other = await inkube.Cluster.start({ masters: 1, workers: 0 });
    await other.stop();
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
    const asked: readonly (() => unknown)[] = [
      () => other.apply(map),
      () => other.waitFor("configmap/a", "deleted"),
      () => other.kill("etcd-0"),
      () => other.restore("master-0"),
      () => other.leader("scheduler"),
      () => other.applyFaults({ faults: [] }),
    ];
    for (const ask of asked)
      await expect((async () => ask())(), String(ask)).rejects.toMatchObject({ code: "CLUSTER_STOPPED" });
  });

  it("says which masters to restore when all of them were killed, and serves again when one is", async () => {
    const other = await inkube.Cluster.start({ masters: 1, workers: 0 });
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
    const waiting = other.waitFor("configmap/a", () => true).catch((error: unknown) => error);
    await other.kill("api-server-0");
    // It is started again: a reason to wait, as the wait before and this one do.
    const later = other.waitFor("configmap/a", () => true).catch((error: unknown) => error);
    await other.kill("master-0");
    for (const wait of [waiting, later, other.waitFor("configmap/a", "deleted").catch((error: unknown) => error)])
      expect(await wait).toMatchObject({
        code: "NO_MASTER",
        message: expect.stringContaining('cluster.restore("master-0")'),
      });
    await expect(other.apply(map)).rejects.toMatchObject({
      code: "NO_MASTER",
      message: expect.stringContaining('cluster.restore("master-0")'),
    });
    await other.restore("master-0");
    const met = other.waitFor("configmap/a", () => true);
    expect(await other.apply(map)).toHaveLength(1);
    expect(await met).toMatchObject({ metadata: { name: "a" } });
    await other.stop();
  });
});

describe("the API alone", () => {
  it("takes every write, and nobody acts on it: no scheduler, no controller, no node", async () => {
    await using alone = await inkube.Cluster.start({ masters: 1, workers: 0, controllers: false });
    const roles = new Set(alone.actors().map(({ name }) => name.replace(/-?\d.*$/, "")));
    expect([...roles].sort()).toEqual(["api-server", "etcd", "master", "root", "trace-collector"]);
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const selector = { matchLabels: { app: "web" } };
    await alone.apply([
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "mine" } },
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { replicas: 2, selector, template },
      },
      { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }] } },
    ]);
    // An informer's first list is later than all of it.
    await alone.waitFor("pod/p", (pod: Pod) => pod.spec?.nodeName === undefined);
    expect((await alone.client.list(inkube.replicaSets)).items).toEqual([]);
    const waited = await alone.waitFor("deploy/web", "RolledOut", { timeoutMs: 300 }).catch(String);
    expect(waited).toContain("0 of 2 replicas are ready");
    await alone.client.delete(inkube.namespaces, "mine");
    expect((await alone.client.get(inkube.namespaces, "mine")).status?.phase).toBe("Terminating");
  });
});
