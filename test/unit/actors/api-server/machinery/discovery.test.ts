import { describe, expect, it } from "vitest";
import {
  AggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  rootPaths,
  versionDocument,
} from "../../../../../actors/api-server/core/machinery/discovery.ts";
import { catalog } from "../harness/catalog.ts";
import { readFixture } from "./oracle-fixture.ts";

interface Resource {
  readonly resource: string;
  readonly subresources?: readonly { readonly subresource: string }[];
}
interface Group {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly { readonly version: string; readonly resources: readonly Resource[] }[];
}
interface List {
  readonly resources: readonly { readonly name: string }[];
}
interface Fixture {
  readonly api: readonly Group[];
  readonly apis: readonly Group[];
  readonly lists: Readonly<Record<string, List>>;
}

const fixture = readFixture("discovery") as Fixture;

function served(groups: readonly Group[]): readonly Group[] {
  return groups.filter(({ versions }) => versions.some(({ resources }) => resources.length > 0));
}

describe("discovery", () => {
  it("tells the same of each served resource as kube-apiserver, aggregated", () => {
    const items = (root: "api" | "apis"): readonly Group[] =>
      (JSON.parse(new AggregatedDiscovery().text(catalog, root, "v2")) as { items: readonly Group[] }).items;
    expect(items("api")).toEqual(served(fixture.api));
    expect(items("apis")).toEqual(served(fixture.apis));
  });

  it("tells the same of each served resource as kube-apiserver, one group at a time", () => {
    for (const [groupVersion, expected] of Object.entries(fixture.lists)) {
      const resources = expected.resources;
      const [version = "", group = ""] = groupVersion.split("/").reverse();
      const list = apiResourceList(catalog, group, version) as List | undefined;
      if (list === undefined) {
        expect(resources, groupVersion).toEqual([]);
        continue;
      }
      const found = list.resources.map((resource) => {
        const { storageVersionHash, ...rest } = resource as { name: string; storageVersionHash?: string };
        if (storageVersionHash !== undefined) expect(storageVersionHash).toMatch(/^[A-Za-z0-9+/]{11}=$/);
        return rest;
      });
      expect({ ...list, resources: found }).toEqual({ ...expected, resources });
    }
  });

  it("names groups, versions and paths", () => {
    expect(apiVersions("127.0.0.1:6443")).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
    expect((apiGroupList(catalog) as { groups: { name: string }[] }).groups.map(({ name }) => name)).toContain("apps");
    expect(apiGroup(catalog, "apps")).toMatchObject({
      kind: "APIGroup",
      preferredVersion: { groupVersion: "apps/v1" },
    });
    expect(apiGroup(catalog, "storage")).toBeUndefined();
    expect(apiGroup(catalog, "")).toBeUndefined();
    expect(apiResourceList(catalog, "apps", "v2")).toBeUndefined();
    expect(rootPaths(catalog)).toContain("/apis/apps/v1");
    expect(versionDocument()).toMatchObject({ major: "1", minor: "37" });
  });
});
