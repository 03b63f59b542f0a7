/** Source of the table: kube-aggregator `autoregister_controller.go`; what kube-apiserver does is in `test/conformance/exchanges/aggregation.yaml`. */
import { describe, expect, it } from "vitest";
import { DefinedVersions, registrationOf } from "../../../../../actors/api-server/core/aggregation/registration.ts";
import { noDoor } from "../../../../../actors/api-server/backend.ts";
import type { CustomResourceDefinition } from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { FakeEtcd } from "../harness/fake-etcd.ts";
import type { TestServer } from "../harness/test-server.ts";
import { serversOfTests } from "../harness/test-server.ts";

const NAME = "v1.shop.example";
const MANAGED = "kube-aggregator.kubernetes.io/automanaged";
const spec = { group: "shop.example", version: "v1", groupPriorityMinimum: 1_000, versionPriority: 100 };
const marked = (label: string, of: object = spec): object => ({
  metadata: { name: NAME, uid: "1", labels: { [MANAGED]: label } },
  spec: of,
});
const definition = (
  group: string,
  ...versions: readonly (readonly [name: string, served: boolean])[]
): CustomResourceDefinition =>
  ({
    spec: { group, versions: versions.map(([name, served]) => ({ name, served })) },
  }) as unknown as CustomResourceDefinition;

describe("the APIService of a version that definitions serve", () => {
  it.each<[what: string, current: object | undefined, isDefined: boolean, change: object | undefined]>([
    ["is made", undefined, true, { action: "create", object: { spec, metadata: { labels: { [MANAGED]: "true" } } } }],
    ["is none when nobody defines it", undefined, false, undefined],
    ["is as it should be", marked("true"), true, undefined],
    ["is put right", marked("true", { ...spec, versionPriority: 7 }), true, { action: "update", object: { spec } }],
    ["goes with the last one", marked("true"), false, { action: "delete", uid: "1" }],
    [
      "is its user's without the label",
      { metadata: { name: NAME }, spec: { ...spec, versionPriority: 7 } },
      true,
      undefined,
    ],
    ["is its user's without a definition as well", { metadata: { name: NAME }, spec }, false, undefined],
    ["is not one of the first objects", marked("onstart"), false, undefined],
  ])("%s", (_what, current, isDefined, change) => {
    const made = registrationOf(NAME, current as never, isDefined);
    if (change === undefined) expect(made).toBeUndefined();
    else expect(made).toMatchObject(change);
  });

  it("is there for as long as one of several definitions serves it", () => {
    const defined = new DefinedVersions();
    expect(defined.note("a", definition("shop.example", ["v1", true], ["v2", false]))).toEqual([NAME]);
    expect(defined.note("b", definition("shop.example", ["v1", true]))).toEqual([NAME]);
    expect(defined.note("b", definition("shop.example", ["v1", true]))).toEqual([]);
    expect(defined.note("a", definition("shop.example", ["v1", false], ["v2", true]))).toEqual([
      NAME,
      "v2.shop.example",
    ]);
    expect([defined.has(NAME), defined.has("v2.shop.example")]).toEqual([true, true]);
    expect(defined.note("b", undefined)).toEqual([NAME]);
    expect([defined.has(NAME), defined.definitions]).toEqual([false, ["a"]]);
  });
});

describe("a server that starts", () => {
  const start = serversOfTests();
  const target = { group: "apiregistration.k8s.io", version: "v1", resource: "apiservices" };
  const names = async (server: TestServer): Promise<readonly string[]> => {
    const list = (await server.request({ verb: "list", target })) as unknown as {
      readonly items: readonly { readonly metadata: { readonly name: string } }[];
    };
    return list.items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith(".example"));
  };

  it("ends what definitions have left behind that went while nobody was there, and nothing else", async () => {
    const etcd = new FakeEtcd();
    const head = { apiVersion: "apiregistration.k8s.io/v1", kind: "APIService" };
    const own = { metadata: { name: "v1.own.example" }, spec: { ...spec, group: "own.example" } };
    for (const [name, object] of [
      [NAME, marked("true")],
      ["v1.own.example", own],
    ] as const) {
      const key = `/registry/apiregistration.k8s.io/apiservices/${name}`;
      const value = new TextEncoder().encode(JSON.stringify({ ...head, ...object }));
      etcd.machine.apply({ type: "put", request: { key, value } } as never, true);
    }
    const server = await start({}, noDoor, etcd);
    await expect.poll(() => names(server)).toEqual(["v1.own.example"]);
  });
});
