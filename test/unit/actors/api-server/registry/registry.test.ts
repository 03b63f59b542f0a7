import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { podRules } from "../../../../../actors/api-server/core/kinds/core/pod.ts";
import type { Fields } from "../../../../../actors/api-server/core/kinds/rules.ts";
import type { Deletion } from "../../../../../actors/api-server/core/registry/deletion.ts";
import { decideDeletion } from "../../../../../actors/api-server/core/registry/deletion.ts";
import type { ApiRequest, KubernetesObject } from "../../../../../protocols/api-server.ts";
import { hasReason, statusOf } from "../../../../../protocols/api-server.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { Incoming } from "../../../../../runtime/actor.ts";
import { SeededRandom } from "../../../../../runtime/random.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.stop();
  expect(server.crashes).toEqual([]);
});

const target = (resource: string, name?: string, subresource?: string): ApiRequest["target"] => ({
  group:
    resource === "deployments" || resource === "replicasets"
      ? "apps"
      : resource === "leases"
        ? "coordination.k8s.io"
        : "",
  version: "v1",
  resource,
  ...(resource === "namespaces" || resource === "nodes" ? {} : { namespace: "default" }),
  ...(name === undefined ? {} : { name }),
  ...(subresource === undefined ? {} : { subresource }),
});
type Loose = KubernetesObject & { readonly [field: string]: unknown };
const create = (resource: string, object: unknown, more: object = {}): Promise<KubernetesObject> =>
  server.request({ verb: "create", target: target(resource), object: object as KubernetesObject, ...more });
const get = (resource: string, name: string): Promise<KubernetesObject> =>
  server.request({ verb: "get", target: target(resource, name) });
const update = (resource: string, name: string, object: unknown, subresource?: string): Promise<KubernetesObject> =>
  server.request({ verb: "update", target: target(resource, name, subresource), object: object as Loose });
const remove = (resource: string, name: string, options: object = {}): Promise<KubernetesObject> =>
  server.request({ verb: "delete", target: target(resource, name), options });
const patch = (resource: string, name: string, body: unknown, subresource?: string): Promise<KubernetesObject> =>
  server.request({
    verb: "patch",
    target: target(resource, name, subresource),
    patchType: "application/merge-patch+json",
    patch: body,
  });
const refused = async (work: Promise<unknown>): Promise<{ reason?: string; message?: string; code?: number }> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const status = statusOf(error);
  if (status === undefined) throw new Error(`no Status but ${String(error)}`);
  const { reason, message, code } = status;
  return { ...(reason && { reason }), ...(message && { message }), ...(code && { code }) };
};

const pod = (name: string, more: object = {}): object => ({
  metadata: { name },
  spec: { containers: [{ name: "a", image: "nginx" }], ...more },
});

describe("a new cluster", () => {
  it("has Kubernetes' own namespaces", async () => {
    const list = (await server.request({ verb: "list", target: target("namespaces") })) as { items?: Loose[] };
    expect(list.items?.map((each) => each.metadata?.name)).toEqual([
      "default",
      "kube-node-lease",
      "kube-public",
      "kube-system",
    ]);
  });

  it("writes the kubernetes Service and its endpoints once it serves", async () => {
    await server.actor.handlers.serve({ host: "127.0.0.1", port: 7443, reusePort: false }, {} as never);
    const watch = server.watch({ target: { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" } });
    const events = await watch.until(2);
    watch.cancel();
    const slice = events.find((event) => event.type === "ADDED")?.object as unknown as {
      ports?: { port: number }[];
      metadata: { name: string };
    };
    expect([slice.metadata.name, slice.ports?.[0]?.port]).toEqual(["kubernetes", 7443]);
    const service = (await get("services", "kubernetes")) as unknown as { spec: { clusterIP: string } };
    expect(service.spec.clusterIP).toBe("127.96.0.1");
  });
});

describe("creation", () => {
  it("gives an object its identity, and a pod its defaults", async () => {
    const made = (await create("pods", pod("p"))) as Pod;
    expect(made.metadata).toMatchObject({ name: "p", namespace: "default", generation: 1 });
    expect(made.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(made.metadata?.resourceVersion)).toBeGreaterThan(1);
    expect(made.status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
    expect(made.spec).toMatchObject({ restartPolicy: "Always", priority: 0 });
    expect(made.spec?.tolerations?.map((each) => [each.key, each.tolerationSeconds])).toEqual([
      ["node.kubernetes.io/not-ready", 1],
      ["node.kubernetes.io/unreachable", 1],
    ]);
    expect(await get("pods", "p")).toEqual(made);
  });

  it("answers AlreadyExists with Kubernetes' words", async () => {
    await create("configmaps", { metadata: { name: "c" } });
    expect(await refused(create("configmaps", { metadata: { name: "c" } }))).toEqual({
      reason: "AlreadyExists",
      message: 'configmaps "c" already exists',
      code: 409,
    });
  });

  it("says of an object that is there that it is being deleted", async () => {
    await create("configmaps", { metadata: { name: "c", finalizers: ["a.b/c"] } });
    await server.request({ verb: "delete", target: target("configmaps", "c") });
    expect((await refused(create("configmaps", { metadata: { name: "c" } }))).message).toBe(
      'object is being deleted: configmaps "c" already exists',
    );
  });

  it("makes distinct names from generateName", async () => {
    const made = await Promise.all([1, 2, 3].map(() => create("configmaps", { metadata: { generateName: "c-" } })));
    const names = made.map((each) => each.metadata?.name);
    expect(new Set(names).size).toBe(3);
    expect(names.every((name) => /^c-.{5}$/.test(name ?? ""))).toBe(true);
  });

  it("is refused in a namespace that is missing or terminating", async () => {
    const missing = { ...target("configmaps"), namespace: "nowhere" };
    const object = { metadata: { name: "c" } };
    expect(await refused(server.request({ verb: "create", target: missing, object }))).toMatchObject({
      message: 'namespaces "nowhere" not found',
      code: 404,
    });
    await create("namespaces", { metadata: { name: "t" } });
    await remove("namespaces", "t");
    const terminating = { ...target("configmaps"), namespace: "t" };
    expect(await refused(server.request({ verb: "create", target: terminating, object }))).toEqual({
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps "c" is forbidden: unable to create new content in namespace t because it is being terminated',
    });
  });

  it("stores nothing in a dry run", async () => {
    const made = await create("configmaps", { metadata: { name: "c" } }, { options: { dryRun: true } });
    expect(made.metadata?.uid).toBeDefined();
    expect(made.metadata).not.toHaveProperty("resourceVersion");
    expect(hasReason(await get("configmaps", "c").catch((error: unknown) => error), "NotFound")).toBe(true);
  });

  it("whose answer is lost is carried out once and answered as made", async () => {
    server.etcd.trouble("txn", { how: "lose", code: "ACTOR_DOWN" });
    const made = await create("configmaps", { metadata: { name: "c" }, data: { a: "b" } });
    expect((await get("configmaps", "c")).metadata).toEqual(made.metadata);
  });

  it("of Events attaches a lease that many share", async () => {
    for (const name of ["a", "b"]) {
      const object = { metadata: { name }, involvedObject: { kind: "Pod", name: "p" }, reason: "R", type: "Normal" };
      await create("events", object);
    }
    const kvs = server.etcd.machine.range({ key: "/registry/events/", rangeEnd: "/registry/events0" }).kvs;
    expect(kvs.map((kv) => kv.lease)).toEqual(["1", "1"]);
  });

  it("serves an Event in both of its versions", async () => {
    const object = {
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", name: "p" },
      message: "hello",
      reason: "R",
    };
    await create("events", object);
    const other = { group: "events.k8s.io", version: "v1", resource: "events", namespace: "default" };
    const served = (await server.request({ verb: "get", target: { ...other, name: "e" } })) as Loose;
    expect(served).toMatchObject({ apiVersion: "events.k8s.io/v1", regarding: { name: "p" }, note: "hello" });
    const list = (await server.request({
      verb: "list",
      target: other,
      options: { fieldSelector: "regarding.name=p" },
    })) as { items?: unknown[] };
    expect(list.items?.length).toBe(1);
  });
});

describe("update", () => {
  it("refuses an old resourceVersion, and takes none as any", async () => {
    const made = await create("configmaps", { metadata: { name: "c" }, data: { a: "1" } });
    const next = (await update("configmaps", "c", { ...made, data: { a: "2" } })) as Loose;
    expect(next["data"]).toEqual({ a: "2" });
    expect(await refused(update("configmaps", "c", { ...made, data: { a: "3" } }))).toEqual({
      reason: "Conflict",
      code: 409,
      message:
        'Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again',
    });
    const forced = (await update("configmaps", "c", { metadata: { name: "c" }, data: { a: "4" } })) as Loose;
    expect(forced["data"]).toEqual({ a: "4" });
  });

  it("demands a resourceVersion of a Lease, and creates one that is not there", async () => {
    const lease = { metadata: { name: "l" }, spec: { holderIdentity: "x" } };
    await update("leases", "l", lease);
    expect(await refused(update("leases", "l", { ...lease, spec: { holderIdentity: "y" } }))).toMatchObject({
      code: 422,
      message:
        'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    });
  });

  it("that changes nothing writes nothing", async () => {
    const made = await create("configmaps", { metadata: { name: "c" }, data: { a: "1" } });
    expect((await update("configmaps", "c", made)).metadata?.resourceVersion).toBe(made.metadata?.resourceVersion);
  });

  it("raises the generation with the spec only, and keeps spec and status apart", async () => {
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "nginx" }] } };
    const spec = { replicas: 1, selector: { matchLabels: { a: "b" } }, template };
    const made = (await create("deployments", { metadata: { name: "d" }, spec, status: { replicas: 9 } })) as Loose;
    expect(made["status"]).toEqual({});
    const scaled = (await update("deployments", "d", {
      ...made,
      spec: { ...(made["spec"] as object), replicas: 2 },
      status: { replicas: 7 },
    })) as Loose;
    expect([scaled.metadata?.generation, scaled["status"]]).toEqual([2, {}]);
    const reported = (await update(
      "deployments",
      "d",
      { ...scaled, spec: { ...(scaled["spec"] as object), replicas: 5 }, status: { replicas: 2 } },
      "status",
    )) as Loose;
    expect(reported.metadata?.generation).toBe(2);
    expect(reported).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 2 } });
    const labelled = await patch("deployments", "d", { metadata: { labels: { x: "y" } } });
    expect(labelled.metadata?.generation).toBe(2);
  });

  it("can't change what belongs to the server", async () => {
    const made = await create("configmaps", { metadata: { name: "c" } });
    const metadata = { ...made.metadata, creationTimestamp: "2001-01-01T00:00:00Z", generation: 9 };
    const changed = await update("configmaps", "c", { ...made, metadata: { ...metadata, labels: { a: "b" } } });
    expect(changed.metadata?.creationTimestamp).toBe(made.metadata?.creationTimestamp);
    expect(changed.metadata?.generation).toBeUndefined();
  });
});

describe("patch", () => {
  it("loses none of many concurrent patches of one object", async () => {
    await create("configmaps", { metadata: { name: "c" } });
    await Promise.all(
      Array.from({ length: 40 }, (_each, index) => patch("configmaps", "c", { data: { [`k${index}`]: "v" } })),
    );
    const after = (await get("configmaps", "c")) as Loose;
    expect(Object.keys(after["data"] as object).length).toBe(40);
  });

  it("is decided on the newest state when the cache lags behind", async () => {
    const other = await startServer({}, undefined, server.etcd);
    await create("configmaps", { metadata: { name: "c" }, data: { a: "1" } });
    await get("configmaps", "c");
    server.etcd.hold();
    const request = (data: object): ApiRequest => ({
      verb: "patch",
      target: target("configmaps", "c"),
      patchType: "application/merge-patch+json",
      patch: { data },
    });
    await server.request(request({ b: "2" }));
    await other.request(request({ c: "3" }));
    server.etcd.release();
    expect(((await get("configmaps", "c")) as Loose)["data"]).toEqual({ a: "1", b: "2", c: "3" });
    await other.stop();
  });

  it("gives no object another name", async () => {
    await create("configmaps", { metadata: { name: "c" } });
    expect(await refused(patch("configmaps", "c", { metadata: { name: "other" } }))).toMatchObject({
      code: 400,
      message: "the name of the object (other) does not match the name on the URL (c)",
    });
  });

  it("whose answer is lost is applied once", async () => {
    await create("configmaps", { metadata: { name: "c" } });
    server.etcd.trouble("txn", { how: "lose", code: "ETCD_LEADER_CHANGED" });
    const patched = await patch("configmaps", "c", { data: { a: "b" } });
    expect((await get("configmaps", "c")).metadata).toEqual(patched.metadata);
  });
});

describe("scale", () => {
  it("reads and writes the replicas of a workload", async () => {
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "nginx" }] } };
    await create("deployments", { metadata: { name: "d" }, spec: { selector: { matchLabels: { a: "b" } }, template } });
    const scaled = await patch("deployments", "d", { spec: { replicas: 5 } }, "scale");
    expect(scaled).toMatchObject({ kind: "Scale", spec: { replicas: 5 }, status: { replicas: 0, selector: "a=b" } });
    expect(await get("deployments", "d")).toMatchObject({ spec: { replicas: 5 }, metadata: { generation: 2 } });
    expect(await refused(patch("deployments", "d", { spec: { replicas: -5 } }, "scale"))).toMatchObject({
      code: 422,
      message: 'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -5: must be greater than or equal to 0',
    });
  });
});

describe("binding", () => {
  const bind = (uid?: string): Promise<KubernetesObject> =>
    server.request({
      verb: "create",
      target: target("pods", "p", "binding"),
      object: {
        metadata: { name: "p", ...(uid === undefined ? {} : { uid }) },
        target: { kind: "Node", name: "n1" },
      } as Loose,
    });

  it("assigns a pod once", async () => {
    await create("pods", pod("p"));
    expect(await refused(bind("other"))).toMatchObject({ reason: "Conflict" });
    await bind();
    const bound = (await get("pods", "p")) as Pod;
    expect([bound.spec?.nodeName, bound.status?.conditions?.[0]?.type]).toEqual(["n1", "PodScheduled"]);
    expect((await refused(bind())).message).toBe(
      'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
    );
  });
});

describe("deletion", () => {
  it("answers with a Status, and the object is gone", async () => {
    const { metadata } = await create("configmaps", { metadata: { name: "c" } });
    expect(await remove("configmaps", "c")).toMatchObject({
      status: "Success",
      details: { name: "c", kind: "configmaps", uid: metadata?.uid },
    });
    expect((await refused(get("configmaps", "c"))).code).toBe(404);
  });

  it("of a running pod waits for its kubelet, and a second one can only hasten it", async () => {
    await create("pods", pod("p", { nodeName: "n1" }));
    const marked = await remove("pods", "p");
    expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 30, generation: 2 });
    expect((await remove("pods", "p", { gracePeriodSeconds: 60 })).metadata).toEqual(marked.metadata);
    const sooner = await remove("pods", "p", { gracePeriodSeconds: 5 });
    expect(sooner.metadata?.deletionGracePeriodSeconds).toBe(5);
    await remove("pods", "p", { gracePeriodSeconds: 0 });
    expect((await refused(get("pods", "p"))).code).toBe(404);
  });

  it("of a pod without a node is immediate", async () => {
    await create("pods", pod("p"));
    await remove("pods", "p");
    expect((await refused(get("pods", "p"))).code).toBe(404);
  });

  it("waits for finalizers, which can only be taken away then", async () => {
    await create("configmaps", { metadata: { name: "c", finalizers: ["a/b"] } });
    const marked = await remove("configmaps", "c");
    expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, finalizers: ["a/b"] });
    const gone = await patch("configmaps", "c", { metadata: { finalizers: null } });
    expect(gone.metadata?.finalizers).toBeUndefined();
    expect((await refused(get("configmaps", "c"))).code).toBe(404);
  });

  it.each([
    ["Foreground", ["foregroundDeletion"]],
    ["Orphan", ["orphan"]],
  ])("with propagationPolicy %s leaves the object to the garbage collector", async (propagationPolicy, finalizers) => {
    await create("configmaps", { metadata: { name: "c" } });
    expect((await remove("configmaps", "c", { propagationPolicy })).metadata?.finalizers).toEqual(finalizers);
  });

  it("checks its preconditions", async () => {
    await create("configmaps", { metadata: { name: "c" } });
    expect((await refused(remove("configmaps", "c", { preconditions: { uid: "x" } }))).message).toMatch(
      /^Operation cannot be fulfilled on ConfigMap "c": the UID in the precondition \(x\) does not match the UID in record/,
    );
  });

  it("of a namespace marks it, and its last finalizer lets it go", async () => {
    await create("namespaces", { metadata: { name: "t" } });
    expect(await remove("namespaces", "t")).toMatchObject({ status: { phase: "Terminating" } });
    await update("namespaces", "t", { metadata: { name: "t" }, spec: { finalizers: [] } }, "finalize");
    expect((await refused(get("namespaces", "t"))).code).toBe(404);
    expect((await refused(remove("namespaces", "default"))).message).toBe(
      'namespaces "default" is forbidden: this namespace may not be deleted',
    );
  });

  it("whose answer is lost succeeds", async () => {
    await create("configmaps", { metadata: { name: "c" } });
    await get("configmaps", "c");
    server.etcd.trouble("txn", { how: "lose", code: "ACTOR_DOWN" });
    expect(await remove("configmaps", "c")).toMatchObject({ status: "Success" });
  });

  it("of a collection takes what the selector matches", async () => {
    for (const name of ["a", "b", "c"]) await create("configmaps", { metadata: { name, labels: { n: name } } });
    await server.request({
      verb: "deletecollection",
      target: target("configmaps"),
      list: { labelSelector: "n in (a,b)" },
    });
    const left = (await server.request({ verb: "list", target: target("configmaps") })) as { items?: Loose[] };
    expect(left.items?.map((each) => each.metadata?.name)).toEqual(["c"]);
  });
});

describe("service addresses", () => {
  const service = (name: string, more: object = {}): object => ({
    metadata: { name },
    spec: { ports: [{ port: 80 }], selector: { a: "b" }, ...more },
  });
  type Made = { spec: { clusterIP: string; ports: { nodePort?: number }[] } };

  it("are given to three servers at once without giving any twice", async () => {
    const others = await Promise.all(
      [1, 2].map(() => startServer({ serviceCidr: "127.96.0.0/28" }, undefined, server.etcd)),
    );
    const narrow = await startServer({ serviceCidr: "127.96.0.0/28" }, undefined, server.etcd);
    const servers = [narrow, ...others];
    server.etcd.hold();
    const made = await Promise.all(
      Array.from({ length: 12 }, (_each, index) =>
        (servers[index % 3] as TestServer).request({
          verb: "create",
          target: target("services"),
          object: service(`s${index}`, { type: "NodePort" }) as Loose,
        }),
      ),
    );
    server.etcd.release();
    const ips = (made as unknown as Made[]).map((each) => each.spec.clusterIP);
    expect(new Set(ips).size).toBe(12);
    expect(new Set((made as unknown as Made[]).map((each) => each.spec.ports[0]?.nodePort)).size).toBe(12);
    await Promise.all(servers.map((each) => each.stop()));
  });

  it("can be asked for, are refused when taken, and are free again after deletion", async () => {
    await create("services", service("one", { clusterIP: "127.96.3.4" }));
    expect((await refused(create("services", service("two", { clusterIP: "127.96.3.4" })))).message).toContain(
      "provided IP is already allocated",
    );
    await remove("services", "one");
    const again = (await create("services", service("two", { clusterIP: "127.96.3.4" }))) as unknown as Made;
    expect(again.spec.clusterIP).toBe("127.96.3.4");
  });

  it("are free again for the server that once lost the race for them", async () => {
    const other = await startServer({}, undefined, server.etcd);
    const wanted = (name: string): Loose =>
      service(name, { type: "NodePort", clusterIP: "127.96.3.4", ports: [{ port: 80, nodePort: 30_500 }] }) as Loose;
    const createAt = (at: TestServer, name: string): Promise<KubernetesObject> =>
      at.request({ verb: "create", target: target("services"), object: wanted(name) });
    server.etcd.hold();
    await createAt(server, "winner");
    expect((await refused(createAt(other, "loser"))).message).toContain("already allocated");
    server.etcd.release();
    await remove("services", "winner");
    await other.request({ verb: "list", target: target("services") });
    expect((await createAt(other, "loser")).metadata?.name).toBe("loser");
    await other.stop();
  });

  it("are free again when the last finalizer lets the Service go", async () => {
    const wanted = service("one", { clusterIP: "127.96.3.4" }) as { readonly metadata: object };
    await create("services", { ...wanted, metadata: { ...wanted.metadata, finalizers: ["example.com/a"] } });
    await remove("services", "one");
    await patch("services", "one", { metadata: { finalizers: null } });
    const again = (await create("services", service("two", { clusterIP: "127.96.3.4" }))) as unknown as Made;
    expect(again.spec.clusterIP).toBe("127.96.3.4");
  });

  it("stay with the Service through updates that do not name them", async () => {
    const made = (await create("services", service("one", { type: "NodePort" }))) as unknown as Made;
    const updated = (await update("services", "one", service("one", { type: "NodePort" }))) as unknown as Made;
    expect(updated.spec).toEqual(made.spec);
    await patch("services", "one", { spec: { type: "ClusterIP" } });
    const claims = server.etcd.machine.range({ key: "/registry/ranges/", rangeEnd: "/registry/ranges0" }).kvs;
    expect(claims.map((kv) => kv.key)).toEqual([`/registry/ranges/serviceips/${made.spec.clusterIP}`]);
  });
});

it("a name is drawn eight times, and then it is said that none was free", async () => {
  const quiet = await startServer({ initialObjectsAfterMs: 3_600_000 });
  // All begin with the same digits; what is made of more of them differs.
  let count = 0;
  const drawn = vi.spyOn(SeededRandom.prototype, "next").mockImplementation(() => 0.5 + ++count * 1e-10);
  const make = (): Promise<KubernetesObject> =>
    quiet.request({ verb: "create", target: target("configmaps"), object: { metadata: { generateName: "a-" } } });
  await make();
  // Each refusal is looked at once more, by what a quorum has.
  const before = quiet.etcd.calls.get("readIndex") ?? 0;
  const { code, message } = await refused(make());
  drawn.mockRestore();
  expect([code, message]).toEqual([409, expect.stringContaining("not able to generate a unique name")]);
  expect((quiet.etcd.calls.get("readIndex") ?? 0) - before).toBe(8);
  await quiet.stop();
});

it("a collection is left as it is when nobody waits for its deletion any more", async () => {
  for (const name of ["a", "b"]) await create("configmaps", { metadata: { name } });
  const gone = new AbortController();
  gone.abort();
  const message = { from: "cluster", signal: gone.signal, timeoutMs: 10_000, cause: "" } as Incoming;
  await server.actor.handlers.request({ verb: "deletecollection", target: target("configmaps") }, message);
  expect((await get("configmaps", "a")).metadata?.deletionTimestamp).toBeUndefined();
  expect((await get("configmaps", "b")).metadata?.name).toBe("b");
});

it("a pod that is to end sooner says so, and one that is to end later stays", () => {
  const marked = { metadata: { name: "a" }, spec: { nodeName: "n", containers: [] } } as unknown as Fields;
  const deletedAfter = (object: Fields, gracePeriodSeconds: number): Deletion =>
    decideDeletion(podRules, object, { gracePeriodSeconds }, 0);
  const endOf = (deletion: Deletion): unknown => {
    const { deletionTimestamp, deletionGracePeriodSeconds } =
      ("object" in deletion ? deletion.object?.metadata : undefined) ?? {};
    return [deletion.action, deletionTimestamp, deletionGracePeriodSeconds];
  };
  const first = deletedAfter(marked, 30);
  expect(endOf(first)).toEqual(["update", "1970-01-01T00:00:30Z", 30]);
  const { object = marked } = first as { readonly object?: Fields };
  expect(endOf(deletedAfter(object, 10))).toEqual(["update", "1970-01-01T00:00:10Z", 10]);
  expect(endOf(deletedAfter(object, 0))).toEqual(["remove", "1970-01-01T00:00:00Z", 0]);
  expect(deletedAfter(object, 60)).toEqual({ action: "pending" });
});
