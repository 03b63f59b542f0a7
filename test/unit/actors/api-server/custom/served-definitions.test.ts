import { expect, it, vi } from "vitest";
import { hasReason } from "../../../../../protocols/api-server.ts";
import type { CustomResourceDefinition } from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import {
  createDefinition,
  customObject,
  customTarget,
  definitionOf,
  DEFINITIONS,
  getDefinition,
  waitForCondition,
  waitForDefinition,
} from "../harness/definitions.ts";
import { terminating, withCondition } from "../../../../../actors/api-server/core/custom/conditions.ts";
import { beginDeletion } from "../../../../../actors/api-server/core/custom/lifecycle.ts";
import type { Fields } from "../../../../../actors/api-server/core/kinds/rules.ts";
import { noDoor } from "../../../../../actors/api-server/backend.ts";
import { FakeEtcd } from "../harness/fake-etcd.ts";
import { serversOfTests, startServer } from "../harness/test-server.ts";

const start = serversOfTests();

async function group(count: number, etcd: FakeEtcd = new FakeEtcd()) {
  return Promise.all(Array.from({ length: count }, () => start({}, noDoor, etcd)));
}

it("serves a kind as soon as its definition is established, by every server of the group", async () => {
  const [a, b, c] = await group(3);
  await a!.request(createDefinition(definitionOf("widgets")));
  await waitForCondition(b!, "widgets.shop.example.com", "Established");
  const made = await c!.request({
    verb: "create",
    target: customTarget("widgets"),
    object: customObject("Widget", "one"),
  });
  expect(made).toMatchObject({
    apiVersion: "shop.example.com/v1",
    kind: "Widget",
    metadata: { name: "one", generation: 1 },
  });
  for (const server of [a!, b!, c!]) {
    expect(await server.request({ verb: "get", target: customTarget("widgets", "one") })).toEqual(made);
  }
});

it("finds a kind through one server right after it was established through another whose watch is ahead", async () => {
  const etcd = new FakeEtcd();
  const [a] = await group(1, etcd);
  await a!.request(createDefinition(definitionOf("widgets")));
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  const late = await start({}, noDoor, etcd);
  etcd.hold();
  const other = definitionOf("gadgets");
  await a!.request(createDefinition(other)).catch(() => undefined);
  etcd.release();
  await waitForCondition(a!, "gadgets.shop.example.com", "Established");
  const list = await late.request({ verb: "list", target: customTarget("gadgets") });
  expect(list).toMatchObject({ kind: "GadgetList", items: [] });
});

it("refuses a name that another definition of the group has, and grants it when that one is gone", async () => {
  const [a, b] = await group(2);
  await a!.request(
    createDefinition(definitionOf("widgets", "shop.example.com", ["v1"], { names: { shortNames: ["w"] } })),
  );
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  await b!.request(
    createDefinition(definitionOf("wagons", "shop.example.com", ["v1"], { names: { shortNames: ["w"] } })),
  );
  const refused = await waitForCondition(b!, "wagons.shop.example.com", "NamesAccepted", "False");
  expect((refused as CustomResourceDefinition).status?.conditions).toMatchObject([
    { type: "NamesAccepted", status: "False", reason: "ShortNamesConflict", message: '"w" is already in use' },
    { type: "Established", status: "False", reason: "NotAccepted" },
  ]);
  const list = { verb: "list", target: customTarget("wagons") } as const;
  await expect(a!.request(list)).rejects.toSatisfy((error) => hasReason(error, "NotFound"));
  await a!.request({ verb: "delete", target: { ...DEFINITIONS, name: "widgets.shop.example.com" } });
  await waitForCondition(b!, "wagons.shop.example.com", "Established");
  expect(await a!.request(list)).toMatchObject({ kind: "WagonList" });
});

it("deletes the objects of a definition, then it, while nothing new is made, and its watches end", async () => {
  const [a, b] = await group(2);
  await a!.request(createDefinition(definitionOf("widgets")));
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  const held = customObject("Widget", "held", { metadata: { name: "held", finalizers: ["shop.example.com/held"] } });
  for (const object of [customObject("Widget", "free"), held]) {
    await a!.request({ verb: "create", target: customTarget("widgets"), object });
  }
  const watch = b!.watch({ target: customTarget("widgets") });
  await watch.until(3);
  const deleted = await a!.request({ verb: "delete", target: { ...DEFINITIONS, name: "widgets.shop.example.com" } });
  expect(deleted).toMatchObject({
    kind: "CustomResourceDefinition",
    metadata: { generation: 1, finalizers: ["customresourcecleanup.apiextensions.k8s.io"] },
  });
  await waitForDefinition(
    b!,
    "widgets.shop.example.com",
    (definition) => definition?.status?.conditions?.at(-1)?.reason === "InstanceDeletionInProgress",
  );
  const again = { verb: "create", target: customTarget("widgets"), object: customObject("Widget", "late") } as const;
  await expect(b!.request(again)).rejects.toMatchObject({
    message:
      'widgets.shop.example.com "late" is forbidden: create not allowed while custom resource definition is terminating',
    details: { code: 403 },
  });
  await watch.until(5);
  await b!.request({
    verb: "patch",
    target: customTarget("widgets", "held"),
    patchType: "application/merge-patch+json",
    patch: { metadata: { finalizers: null } },
  });
  await waitForDefinition(a!, "widgets.shop.example.com", (definition) => definition === undefined);
  expect(await watch.ended).toBeUndefined();
  expect(
    watch.events
      .map(({ type, object }) => `${type} ${object.metadata?.name ?? ""}`)
      .slice(3)
      .sort(),
  ).toEqual(["DELETED free", "DELETED held", "MODIFIED held"]);
  for (const server of [a!, b!]) {
    const list = { verb: "list", target: customTarget("widgets") } as const;
    await expect(server.request(list)).rejects.toSatisfy((error) => hasReason(error, "NotFound"));
  }
});

it("knows the objects of a definition after a restart, and of one that comes back with a watch that was lost", async () => {
  const etcd = new FakeEtcd();
  const [a, b] = await group(2, etcd);
  await a!.request(createDefinition(definitionOf("widgets")));
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  await a!.request({ verb: "create", target: customTarget("widgets"), object: customObject("Widget", "one") });
  const restarted = await start({}, noDoor, etcd);
  const names = async (server: typeof restarted) => {
    const list = await server.request({ verb: "list", target: customTarget("widgets") });
    return (list as unknown as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name);
  };
  expect(await names(restarted)).toEqual(["one"]);
  etcd.compact();
  etcd.breakWatches();
  await a!.request({ verb: "create", target: customTarget("widgets"), object: customObject("Widget", "two") });
  for (const server of [a!, b!, restarted]) expect(await names(server)).toEqual(["one", "two"]);
});

it("shows objects in each version that is served, and ends the watches of one that is not any more", async () => {
  const [a, b] = await group(2);
  await a!.request(createDefinition(definitionOf("widgets", "shop.example.com", ["v1", "v2"])));
  const name = "widgets.shop.example.com";
  await waitForCondition(a!, name, "Established");
  await a!.request({ verb: "create", target: customTarget("widgets"), object: customObject("Widget", "one") });
  const second = customTarget("widgets", "one", { version: "v2" });
  expect(await b!.request({ verb: "get", target: second })).toMatchObject({ apiVersion: "shop.example.com/v2" });
  const watch = b!.watch({ target: customTarget("widgets", undefined, { version: "v2" }) });
  await watch.until(2);
  const now = (await a!.request(getDefinition(name))) as CustomResourceDefinition;
  // Stored in v2 from now on, and v1 is not served.
  const versions = now.spec.versions.map((each) => ({
    ...each,
    served: each.name === "v2",
    storage: each.name === "v2",
  }));
  const changed = { ...now, spec: { ...now.spec, versions } };
  await a!.request({ verb: "update", target: { ...DEFINITIONS, name }, object: changed });
  expect(await watch.ended).toBeUndefined();
  expect(await b!.request({ verb: "get", target: second })).toMatchObject({ apiVersion: "shop.example.com/v2" });
  await expect(b!.request({ verb: "get", target: customTarget("widgets", "one") })).rejects.toSatisfy((error) =>
    hasReason(error, "NotFound"),
  );
  const settled = await waitForDefinition(b!, name, (each) => each?.status?.storedVersions?.length === 2);
  expect(settled?.status?.storedVersions).toEqual(["v1", "v2"]);
});

it("never puts a definition in the place of a built-in kind, whatever its group is called", async () => {
  const [a] = await group(1);
  const definition = definitionOf("customresourcedefinitions", "apiextensions.k8s.io", ["v7"], {
    names: { kind: "Impostor", listKind: "ImpostorList", singular: "impostor" },
  });
  const annotations = { "api-approved.kubernetes.io": "unapproved, a test" };
  const { name = "" } = definition.metadata ?? {};
  await a!.request(createDefinition({ ...definition, metadata: { name, annotations } }));
  await waitForCondition(a!, name, "Established");
  expect(await a!.request(getDefinition(name))).toMatchObject({ kind: "CustomResourceDefinition" });
  const impostors = { group: "apiextensions.k8s.io", version: "v7", resource: "customresourcedefinitions" };
  await expect(a!.request({ verb: "list", target: { ...impostors, namespace: "default" } })).rejects.toSatisfy(
    (error) => hasReason(error, "NotFound"),
  );
  await a!.request({ verb: "delete", target: { ...DEFINITIONS, name } });
  await waitForDefinition(a!, name, (each) => each === undefined);
});

it("finds a kind through a server that has not heard of its definition yet", async () => {
  const etcd = new FakeEtcd();
  const first = await start({ members: ["etcd-0"] }, noDoor, etcd);
  // It follows the other member when its own brings nothing.
  const behind = await start({ members: ["etcd-1", "etcd-0"], watchStallMs: 20 }, noDoor, etcd);
  etcd.stall("etcd-1");
  await first.request(createDefinition(definitionOf("widgets")));
  await waitForCondition(first, "widgets.shop.example.com", "Established");
  const list = await behind.request({ verb: "list", target: customTarget("widgets") });
  expect(list).toMatchObject({ kind: "WidgetList", items: [] });
});

it("removes the objects that another server had begun to remove when it died", async () => {
  const etcd = new FakeEtcd();
  const dead = await startServer({}, noDoor, etcd);
  await dead.request(createDefinition(definitionOf("widgets")));
  await waitForCondition(dead, "widgets.shop.example.com", "Established");
  await dead.request({ verb: "create", target: customTarget("widgets"), object: customObject("Widget", "one") });
  const definition = (await dead.request(getDefinition("widgets.shop.example.com"))) as CustomResourceDefinition;
  await dead.stop();
  const marked = beginDeletion(definition as unknown as Fields, 0) as unknown as CustomResourceDefinition;
  const condition = terminating("InstanceDeletionInProgress");
  const ending = {
    ...marked,
    metadata: { ...marked.metadata, resourceVersion: undefined },
    status: { ...marked.status, conditions: withCondition(marked.status?.conditions ?? [], condition, 0) },
  };
  const key = "/registry/apiextensions.k8s.io/customresourcedefinitions/widgets.shop.example.com";
  const value = new TextEncoder().encode(JSON.stringify(ending));
  await etcd.ref("etcd-0").call("put", { key, value } as never, { timeoutMs: 1_000 });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const heir = await start({}, noDoor, etcd);
    let isGone = false;
    void waitForDefinition(heir, "widgets.shop.example.com", (found) => found === undefined).then(() => {
      isGone = true;
    });
    const more = (): boolean => !isGone;
    while (more()) await vi.advanceTimersByTimeAsync(1_000);
  } finally {
    vi.useRealTimers();
  }
});

/** Of a kind whose objects are looked at for many turns: the value has hundreds of thousands of nodes. */
function slowDefinition() {
  const list = { type: "array", items: { type: "object", properties: { n: { type: "integer" } } } };
  const schema = { openAPIV3Schema: { type: "object", properties: { list } } };
  return definitionOf("widgets", "shop.example.com", ["v1"], {
    versions: [{ name: "v1", served: true, storage: true, schema } as never],
  });
}

const SLOW = customObject("Widget", "slow", { list: Array.from({ length: 60_000 }, (_each, n) => ({ n })) });

function keysOf(etcd: FakeEtcd): readonly string[] {
  const prefix = "/registry/shop.example.com/";
  const request = { key: prefix, rangeEnd: "/registry/shop.example.com0", serializable: false } as never;
  return etcd.machine.range(request).kvs.map(({ key }) => key.slice(prefix.length));
}

it("makes nothing of a definition that has gone while the object was validated", async () => {
  const etcd = new FakeEtcd();
  const [a] = await group(1, etcd);
  await a!.request(createDefinition(slowDefinition()));
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  const made = a!.request({ verb: "create", target: customTarget("widgets"), object: SLOW });
  const answer = expect(made).rejects.toMatchObject({
    details: { code: 404 },
    message: "the server could not find the requested resource",
  });
  await a!.request({ verb: "delete", target: { ...DEFINITIONS, name: "widgets.shop.example.com" } });
  await waitForDefinition(a!, "widgets.shop.example.com", (definition) => definition === undefined);
  await answer;
  expect(keysOf(etcd)).toEqual([]);
});

it("makes nothing of a definition that is another one by now", async () => {
  const etcd = new FakeEtcd();
  const [a] = await group(1, etcd);
  await a!.request(createDefinition(slowDefinition()));
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  const made = a!.request({ verb: "create", target: customTarget("widgets"), object: SLOW });
  const answer = expect(made).rejects.toMatchObject({ details: { code: 404 } });
  await a!.request({ verb: "delete", target: { ...DEFINITIONS, name: "widgets.shop.example.com" } });
  await waitForDefinition(a!, "widgets.shop.example.com", (definition) => definition === undefined);
  await a!.request(createDefinition(slowDefinition()));
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  await answer;
  expect(keysOf(etcd)).toEqual([]);
});

it("makes nothing through a server that does not know yet that the definition is on its way out", async () => {
  const etcd = new FakeEtcd();
  const [a, b] = await group(2, etcd);
  await a!.request(createDefinition(definitionOf("widgets")));
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  const held = customObject("Widget", "held", { metadata: { name: "held", finalizers: ["shop.example.com/held"] } });
  await a!.request({ verb: "create", target: customTarget("widgets"), object: held });
  await waitForCondition(b!, "widgets.shop.example.com", "Established");
  etcd.hold();
  const before = etcd.machine.store.revision;
  const deleted = a!.request({ verb: "delete", target: { ...DEFINITIONS, name: "widgets.shop.example.com" } });
  await vi.waitFor(() => expect(etcd.machine.store.revision).toBeGreaterThan(before));
  const late = { verb: "create", target: customTarget("widgets"), object: customObject("Widget", "late") } as const;
  const asked = etcd.calls.get("txn") ?? 0;
  const answer = expect(b!.request(late)).rejects.toMatchObject({
    message:
      'widgets.shop.example.com "late" is forbidden: create not allowed while custom resource definition is terminating',
  });
  await vi.waitFor(() => expect(etcd.calls.get("txn")).toBeGreaterThan(asked));
  etcd.release();
  await Promise.all([answer, deleted]);
  expect(keysOf(etcd)).toEqual(["widgets/default/held"]);
});

it("makes nothing in a namespace that is being deleted since the object was looked at", async () => {
  const etcd = new FakeEtcd();
  const [a] = await group(1, etcd);
  await a!.request(createDefinition(slowDefinition()));
  await waitForCondition(a!, "widgets.shop.example.com", "Established");
  const namespaces = { group: "", version: "v1", resource: "namespaces" };
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "short" } };
  await a!.request({ verb: "create", target: namespaces, object });
  const made = a!.request({
    verb: "create",
    target: customTarget("widgets", undefined, { namespace: "short" }),
    object: SLOW,
  });
  const why = "unable to create new content in namespace short because it is being terminated";
  const answer = expect(made).rejects.toMatchObject({
    message: `widgets.shop.example.com "slow" is forbidden: ${why}`,
  });
  await a!.request({ verb: "delete", target: { ...namespaces, name: "short" } });
  await answer;
  expect(keysOf(etcd)).toEqual([]);
});
