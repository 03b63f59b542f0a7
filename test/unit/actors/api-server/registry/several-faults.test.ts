/** What is told of objects that are wrong in more than one way, and who owns what is taken away: as kube-apiserver 1.37.1. */
import { describe, expect, it } from "vitest";
import type { ApiTarget, KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { Service } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { serversOfTests } from "../harness/test-server.ts";

const start = serversOfTests();

describe("an object with several faults", () => {
  const maps = { group: "", version: "v1", resource: "configmaps", namespace: "default" };
  const causesOf = async (target: ApiTarget, object: object): Promise<readonly string[]> => {
    const server = await start();
    const error: unknown = await server
      .request({ verb: "create", target, object: object as KubernetesObject })
      .catch((thrown: unknown) => thrown);
    return (statusOf(error)?.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
  };

  it("without a name is told of the others, too", async () => {
    const causes = await causesOf(maps, { metadata: { labels: { a: "-" } }, data: { "bad key!": "x" } });
    expect(causes[0]).toBe("metadata.name: Required value: name or generateName is required");
    expect(causes.map((each) => each.split(":")[0])).toEqual(["metadata.name", "metadata.labels", "data[bad key!]"]);
  });

  it("is told of an owner in a version that there can't be", async () => {
    const owner = { apiVersion: "a/b/c", kind: "", name: "p", uid: "u" };
    expect(await causesOf(maps, { metadata: { name: "a", ownerReferences: [owner] } })).toEqual([
      'metadata.ownerReferences[0].apiVersion: Invalid value: "a/b/c": must be <group>/<version> or <version>',
      "metadata.ownerReferences[0].kind: Required value: must not be empty",
    ]);
  });

  it("may have a finalizer without a domain, where Kubernetes does not look at it", async () => {
    const metadata = { name: "a", finalizers: ["Nope"] };
    const lease = { group: "coordination.k8s.io", version: "v1", resource: "leases", namespace: "default" };
    expect(await causesOf(lease, { metadata })).toEqual([]);
    expect(await causesOf(maps, { metadata })).toHaveLength(1);
  });
});

it("who has set a Service's internal traffic policy owns it after its type has taken it away", async () => {
  const server = await start();
  const target = { group: "", version: "v1", resource: "services", namespace: "default" };
  await server.request({
    verb: "create",
    target,
    object: { metadata: { name: "a" }, spec: { ports: [{ port: 80 }] } } as KubernetesObject,
  });
  const patch = { spec: { type: "ExternalName", externalName: "a.b" } };
  const named = { ...target, name: "a" };
  const patchType = "application/merge-patch+json" as const;
  const changed = await server.request({ verb: "patch", target: named, patchType, patch });
  expect((changed as Service).spec?.internalTrafficPolicy).toBeUndefined();
  expect(JSON.stringify(changed.metadata?.managedFields)).toContain("f:internalTrafficPolicy");
});
