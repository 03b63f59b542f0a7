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
import { openApiDocuments, openApiIndex } from "../../../../../actors/api-server/core/machinery/openapi.ts";
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

/** What the real server has beyond this one. */
const NOT_YET = ["attach", "exec", "portforward", "proxy", "resize"];
const NOT_YET_RESOURCES = ["componentstatuses"];

function isServed(name: string): boolean {
  const [resource = "", subresource = ""] = name.split("/");
  return !NOT_YET_RESOURCES.includes(resource) && !NOT_YET.includes(subresource);
}

function servedOnly(groups: readonly Group[]): readonly Group[] {
  const resource = (row: Resource): Resource => {
    const kept = row.subresources?.filter(({ subresource }) => !NOT_YET.includes(subresource)) ?? [];
    const { subresources, ...rest } = row;
    void subresources;
    return kept.length === 0 ? rest : { ...rest, subresources: kept };
  };
  return groups
    .map((group) => ({
      ...group,
      versions: group.versions.map((version) => ({
        ...version,
        resources: version.resources.filter((row) => isServed(row.resource)).map(resource),
      })),
    }))
    .filter(({ versions }) => versions.some(({ resources }) => resources.length > 0));
}

describe("discovery", () => {
  it("tells the same of each served resource as kube-apiserver, aggregated", () => {
    const items = (root: "api" | "apis"): readonly Group[] =>
      (JSON.parse(new AggregatedDiscovery().text(catalog, root, "v2")) as { items: readonly Group[] }).items;
    expect(items("api")).toEqual(servedOnly(fixture.api));
    expect(items("apis")).toEqual(servedOnly(fixture.apis));
  });

  it("tells the same of each served resource as kube-apiserver, one group at a time", () => {
    for (const [groupVersion, expected] of Object.entries(fixture.lists)) {
      const resources = expected.resources.filter(({ name }) => isServed(name));
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

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Record<string, unknown>>> };
}
interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly "x-kubernetes-group-version-kind"?: unknown;
}

function openApiDocument(name: string, version: string): Uint8Array | undefined {
  const group = catalog.groups.get(name);
  return group === undefined ? undefined : openApiDocuments(group).get(version);
}

function parse(bytes: Uint8Array | undefined): Document {
  return JSON.parse(new TextDecoder().decode(bytes)) as Document;
}

describe("OpenAPI", () => {
  it("has a document for each group and version in its index, and hashes that follow the content", () => {
    const index = JSON.parse(new TextDecoder().decode(openApiIndex(catalog, openApiDocuments))) as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    const versions = new Set(
      catalog.all.map(({ info: { group, version } }) => (group === "" ? `api/${version}` : `apis/${group}/${version}`)),
    );
    expect(Object.keys(index.paths).sort()).toEqual([...versions].sort());
    const hashes = Object.values(index.paths).map(({ serverRelativeURL }) => serverRelativeURL.split("hash=")[1]);
    expect(new Set(hashes).size).toBe(versions.size);
    expect(openApiDocument("storage", "v1")).toBeUndefined();
  });

  it("tells kubectl that PATCH validates fields, and which patches it takes", () => {
    const item = parse(openApiDocument("apps", "v1")).paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
    const patch = item?.["patch"];
    expect(patch?.parameters?.map(({ name }) => name)).toContain("fieldValidation");
    expect(Object.keys(patch?.requestBody?.content ?? {})).toContain("application/strategic-merge-patch+json");
    expect(patch?.["x-kubernetes-group-version-kind"]).toEqual({ group: "apps", kind: "Deployment", version: "v1" });
  });

  it("refers only to schemas that it holds, and gives lists their merge keys", () => {
    const versions = new Map(
      catalog.all.map(({ info: { apiVersion, group, version } }) => [apiVersion, { group, version }]),
    );
    for (const { group, version } of versions.values()) {
      const bytes = openApiDocument(group, version);
      const { schemas } = parse(bytes).components;
      const refs = new TextDecoder().decode(bytes).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
      for (const [, name = ""] of refs) expect(Object.hasOwn(schemas, name), name).toBe(true);
    }
    const spec = parse(openApiDocument("", "v1")).components.schemas["io.k8s.api.core.v1.PodSpec"];
    const properties = spec?.["properties"] as Record<string, unknown> | undefined;
    expect(properties?.["containers"]).toEqual({
      type: "array",
      items: { $ref: "#/components/schemas/io.k8s.api.core.v1.Container" },
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-list-type": "map",
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
    });
  });
});
