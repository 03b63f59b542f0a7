import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initialObjects, repaired } from "../../../../../actors/api-server/core/bootstrap/initial-objects.ts";
import type { Fields } from "../../../../../actors/api-server/core/kinds/rules.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";

/** `PATH OBJECT` a line: what a fresh kube-apiserver 1.37.1 and its controllers make. */
const recorded = readFileSync(
  fileURLToPath(new URL("../machinery/fixtures/bootstrap-objects.txt", import.meta.url)),
  "utf8",
)
  .trim()
  .split("\n")
  .map((line) => {
    const space = line.indexOf(" ");
    const [, , group = "", , resource = ""] = line.slice(0, space).split("/");
    return { group, resource, object: JSON.parse(line.slice(space)) as KubernetesObject };
  });

interface Managers {
  readonly group: string;
  readonly resource: string;
  /** With their namespace, where they have one. */
  readonly names: readonly string[];
  /** Manager, operation, subresource, fields. */
  readonly managers: readonly (readonly unknown[])[];
}

/** One line for all objects of a resource with the same managers: those of a fresh kube-apiserver 1.37.1 without controllers. */
const managers = readFileSync(
  fileURLToPath(new URL("../machinery/fixtures/bootstrap-managers.txt", import.meta.url)),
  "utf8",
)
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Managers);

describe("the objects of a fresh control plane", () => {
  it("are those that kube-apiserver makes, each of them", () => {
    const ours = initialObjects("10.96.0.0/16").flatMap(({ group, resource, object, applied }) => {
      const fields = applied?.subresource === undefined ? applied?.fields("") : {};
      return resource === "servicecidrs" ? [] : [{ group, resource, object: { ...object, ...fields } }];
    });
    const bare = (all: readonly { group: string; resource: string; object: object }[]): readonly unknown[] =>
      all
        .map(({ group, resource, object }) => ({
          group,
          resource,
          object: JSON.parse(JSON.stringify(object)) as object,
        }))
        .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    const nameOf = ({ resource, object }: { resource: string; object: KubernetesObject }): string =>
      `${resource} ${object.metadata?.namespace} ${object.metadata?.name}`;
    expect(bare(ours)).toEqual(bare(recorded));
  });

  const role = initialObjects("10.96.0.0/16").find(({ object }) => object.metadata?.name === "system:discovery");
  if (role === undefined) throw new Error("no such object");

  it("get back what is missing of their rules, and keep what was added", () => {
    const own = { verbs: ["get"], nonResourceURLs: ["/own"] };
    const stored = { ...role.object, rules: [own] } as Fields;
    const rules = role.object["rules"] as readonly unknown[];
    expect(repaired(role, stored)?.["rules"]).toEqual([own, ...rules]);
    expect(repaired(role, role.object)).toBeUndefined();
  });

  it("are left alone when their annotation says so", () => {
    const annotations = { "rbac.authorization.kubernetes.io/autoupdate": "false" };
    const stored = { ...role.object, metadata: { ...role.object.metadata, annotations }, rules: [] } as Fields;
    expect(repaired(role, stored)).toBeUndefined();
  });

  const AUTO = "apf.kubernetes.io/autoupdate-spec";

  it.each([
    ["workload-low", "true", 2, "true", true],
    ["workload-low", "false", 2, undefined, false],
    ["workload-low", undefined, 1, "true", true],
    ["workload-low", undefined, 2, "false", false],
    ["catch-all", "false", 2, "true", true],
    ["exempt", "false", 2, "true", true],
  ])("of flow control are as kube-apiserver has them: %s, %s, generation %d", (name, said, generation, auto, ours) => {
    const initial = initialObjects("10.96.0.0/16").find(
      ({ object, resource }) => object.metadata?.name === name && resource === "prioritylevelconfigurations",
    );
    if (initial === undefined) throw new Error("no such level");
    const annotations = said === undefined ? {} : { [AUTO]: said };
    const spec = { type: "Other" };
    const next = repaired(initial, { metadata: { name, annotations, generation }, spec } as unknown as Fields);
    if (auto === undefined) expect(next).toBeUndefined();
    else {
      expect(next?.metadata?.annotations).toEqual({ [AUTO]: auto });
      expect(next?.["spec"]).toEqual(ours ? initial.object["spec"] : spec);
    }
    expect(repaired(initial, (next ?? initial.object) as Fields)).toBeUndefined();
  });

  it("keep what was said of the shares of the level without a limit", () => {
    const initial = initialObjects("10.96.0.0/16").find(
      ({ object, resource }) => object.metadata?.name === "exempt" && resource === "prioritylevelconfigurations",
    );
    if (initial === undefined) throw new Error("no such level");
    const exempt = { nominalConcurrencyShares: 0, lendablePercent: 7 };
    const stored = { ...initial.object, spec: { type: "Exempt", exempt } } as Fields;
    expect(repaired(initial, stored)).toBeUndefined();
    expect(repaired(initial, { ...stored, spec: { type: "Limited", exempt } } as Fields)?.["spec"]).toEqual({
      type: "Exempt",
      exempt,
    });
  });
});

describe("a server that starts", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ initialObjectsAfterMs: 0 });
  });
  afterAll(async () => {
    await server.stop();
    expect(server.crashes).toEqual([]);
  });

  it("writes them, with the defaults and the status that they have", async () => {
    await server.request({
      verb: "get",
      target: { group: "", version: "v1", resource: "namespaces", name: "default" },
    });
    const list = async (group: string, resource: string): Promise<readonly Fields[]> => {
      const found = await server.request({ verb: "list", target: { group, version: "v1", resource } });
      return (found as unknown as { readonly items: readonly Fields[] }).items;
    };
    await expect.poll(async () => (await list("networking.k8s.io", "servicecidrs")).length).toBe(1);
    const roles = await list("rbac.authorization.k8s.io", "clusterroles");
    expect(roles).toHaveLength(recorded.filter(({ resource }) => resource === "clusterroles").length);
    const services = await list("apiregistration.k8s.io", "apiservices");
    expect(services.find(({ metadata }) => metadata?.name === "v1.apps")).toMatchObject({ spec: { group: "apps" } });
    const [schema] = await list("flowcontrol.apiserver.k8s.io", "flowschemas");
    expect(schema).toMatchObject({ status: { conditions: [{ type: "Dangling", status: "False" }] } });
  });

  it.each(managers)("says who manages the fields of its $resource as kube-apiserver does: $names.0", async (row) => {
    const { group, resource, names } = row;
    const listed = async (): Promise<readonly Fields[]> => {
      const found = await server.request({ verb: "list", target: { group, version: "v1", resource } });
      return (found as unknown as { readonly items: readonly Fields[] }).items;
    };
    const keyOf = ({ metadata: { namespace, name } = {} }: Fields): string =>
      namespace === undefined ? String(name) : `${namespace}/${name}`;
    const found = async (): Promise<readonly Fields[]> => (await listed()).filter((one) => names.includes(keyOf(one)));
    await expect.poll(async () => (await found()).length).toBe(names.length);
    for (const { metadata } of await found()) {
      // A controller adds roles up, which the recording is without.
      const entries = (metadata?.managedFields ?? []).filter(
        ({ manager }) => manager !== "clusterrole-aggregation-controller",
      );
      const said = entries.map((entry) => [
        entry.manager ?? "",
        entry.operation,
        entry.subresource ?? "",
        entry.fieldsV1,
      ]);
      expect(said.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))).toEqual(row.managers);
    }
  });
});
