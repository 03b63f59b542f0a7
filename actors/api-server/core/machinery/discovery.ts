/**
 * The documents by which clients find out what the server serves. All are derived from the catalog.
 * @see https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
 */
import type { ResourceInfo, SubresourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { Catalog, CatalogGroup, Served } from "../catalog/catalog.ts";
import { GroupCache } from "../catalog/catalog.ts";
import { sha256 } from "./sha256.ts";

export type DiscoveryVersion = "v2" | "v2beta1";

/** Kubernetes' version whose API this is; clients compare minor versions. The build metadata says whose server it is. */
export const KUBERNETES_VERSION = "v1.37.1+inkube";

/** The `Content-Type` of an aggregated document, and what clients ask for in `Accept`. */
export function aggregatedMediaType(version: DiscoveryVersion): string {
  return `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
}

/** `/version`. */
export function versionDocument(): object {
  return {
    major: "1",
    minor: "37",
    emulationMajor: "1",
    emulationMinor: "37",
    minCompatibilityMajor: "1",
    minCompatibilityMinor: "36",
    gitVersion: KUBERNETES_VERSION,
    gitCommit: "",
    gitTreeState: "",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "node",
    platform: "node",
  };
}

/** `/api`. `serverAddress` is `host:port` as the client reached it. */
export function apiVersions(serverAddress: string): object {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** Of `/apis`: a group with its versions, the preferred one first. */
export function groupDocument({ name, versions }: CatalogGroup): object {
  const all = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

/** `/apis`. */
export function apiGroupList(catalog: Catalog): object {
  const named = [...catalog.groups.values()].filter((group) => group.name !== "");
  return { kind: "APIGroupList", apiVersion: "v1", groups: named.map(groupDocument) };
}

/** `/apis/apps`; undefined when the group is not served. */
export function apiGroup(catalog: Catalog, group: string): object | undefined {
  const found = group === "" ? undefined : catalog.group(group);
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...groupDocument(found) };
}

/** `/api/v1` (group ""), `/apis/apps/v1`; undefined when not served. */
export function apiResourceList(catalog: Catalog, group: string, version: string): object | undefined {
  const found = catalog.version(group, version);
  if (found === undefined) return undefined;
  return {
    kind: "APIResourceList",
    ...(group === "" ? {} : { apiVersion: "v1" }),
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: found.resources.flatMap(({ info }) => [
      legacyResource(info),
      ...info.subresources.map((sub) => legacySubresource(info, sub)),
    ]),
  };
}

function legacyResource(row: ResourceInfo): object {
  return {
    name: row.resource,
    singularName: row.singular,
    namespaced: row.namespaced,
    kind: row.kind,
    verbs: row.verbs,
    ...(row.shortNames.length === 0 ? {} : { shortNames: row.shortNames }),
    ...(row.categories.length === 0 ? {} : { categories: row.categories }),
    ...(row.storagePrefix === undefined ? {} : { storageVersionHash: storageVersionHash(row) }),
  };
}

function legacySubresource(row: ResourceInfo, sub: SubresourceInfo): object {
  return {
    name: `${row.resource}/${sub.name}`,
    singularName: "",
    namespaced: row.namespaced,
    ...(sub.apiVersion === undefined ? {} : splitVersion(sub.apiVersion)),
    kind: sub.kind,
    verbs: sub.verbs,
  };
}

function splitVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const [group = "", version = ""] = apiVersion.split("/");
  return { group, version };
}

/** Of the version in which objects are stored. Source: apiserver `discovery.StorageVersionHash`. */
function storageVersionHash({ group, apiVersion, storageApiVersion = apiVersion, kind }: ResourceInfo): string {
  const version = storageApiVersion.slice(storageApiVersion.indexOf("/") + 1);
  const digest = sha256(new TextEncoder().encode(`${group}/${version}/${kind}`));
  return btoa(String.fromCharCode(...digest.subarray(0, 8)));
}

/** Resources of a group that is made before anybody asks. */
const PREPARED_MAX = 16;

/** `/api` or `/apis` as an APIGroupDiscoveryList of apidiscovery.k8s.io; `v2beta1` for older clients. */
export class AggregatedDiscovery {
  /** With thousands of definitions, one more costs its own part: what has not changed is there as a text. */
  private readonly resources = new WeakMap<Served, string>();
  private readonly groups = new GroupCache((group) => this.group(group));

  /** As JSON. */
  text(catalog: Catalog, root: "api" | "apis", version: DiscoveryVersion): string {
    const wanted = [...catalog.groups.values()].filter(({ name }) => (name === "") === (root === "api"));
    return this.list(
      wanted.map((group) => this.groups.of(group)),
      version,
    );
  }

  /** What has joined: the first document has it then without more ado. A large group would be made anew with each of its resources. */
  prepare(catalog: Catalog, served: readonly Served[]): void {
    for (const each of served) {
      this.resource(each);
      const group = catalog.group(each.info.group);
      if (group === undefined) continue;
      const count = group.versions.reduce((sum, { resources }) => sum + resources.length, 0);
      if (count <= PREPARED_MAX) this.groups.of(group);
    }
  }

  /** @param items groups, as JSON */
  list(items: readonly string[], version: DiscoveryVersion): string {
    const head = { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {} };
    return `${JSON.stringify(head).slice(0, -1)},"items":[${items.join(",")}]}`;
  }

  ofGroup(group: CatalogGroup): string {
    return this.groups.of(group);
  }

  /** Those of `wanted` alone, each as JSON. */
  versions({ versions }: CatalogGroup, wanted: readonly string[]): readonly string[] {
    return versions
      .filter(({ version }) => wanted.includes(version))
      .map(({ version, resources }) => {
        const rows = resources.map((served) => this.resource(served)).join(",");
        return `{"version":${JSON.stringify(version)},"resources":[${rows}],"freshness":"Current"}`;
      });
  }

  private group(group: CatalogGroup): string {
    const { name, versions } = group;
    const metadata = JSON.stringify(name === "" ? {} : { name });
    const parts = this.versions(
      group,
      versions.map(({ version }) => version),
    );
    // Joined it is one piece; a text of texts is put together only when thousands of them are read.
    return ['{"metadata":', metadata, ',"versions":[', parts.join(","), "]}"].join("");
  }

  private resource(served: Served): string {
    let text = this.resources.get(served);
    if (text === undefined) this.resources.set(served, (text = resourceText(served)));
    return text;
  }
}

/** Put together as a text: of thousands of resources, making objects first takes most of the time. */
function resourceText({ info: row, openApiSchema }: Served): string {
  const { resource, singular, verbs, shortNames, categories, subresources } = row;
  // kube-apiserver names group and version for the kinds that a definition has made, and leaves them out for its own.
  const own = openApiSchema === undefined ? { group: "", version: "" } : { group: row.group, version: row.version };
  const parts = [
    `"resource":${json(resource)}`,
    kindText(own, row.kind),
    `"scope":"${row.namespaced ? "Namespaced" : "Cluster"}"`,
    `"singularResource":${json(singular)}`,
    `"verbs":${json(verbs)}`,
  ];
  if (shortNames.length > 0) parts.push(`"shortNames":${json(shortNames)}`);
  if (categories.length > 0) parts.push(`"categories":${json(categories)}`);
  if (subresources.length > 0)
    parts.push(`"subresources":[${subresources.map((each) => subresourceText(each, own)).join()}]`);
  return `{${parts.join()}}`;
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** @param own of the resource */
function subresourceText({ name, apiVersion, kind, verbs }: SubresourceInfo, own: GroupVersion): string {
  const of = apiVersion === undefined ? own : splitVersion(apiVersion);
  return `{"subresource":${json(name)},${kindText(of, kind)},"verbs":${json(verbs)}}`;
}

function kindText({ group, version }: GroupVersion, kind: string): string {
  return `"responseKind":{"group":${json(group)},"version":${json(version)},"kind":${json(kind)}}`;
}

function json(value: string | readonly string[]): string {
  return JSON.stringify(value);
}

/** The `paths` of `/`: what discovery adds; the door knows its own others. */
export function rootPaths(catalog: Catalog): readonly string[] {
  const named = [...catalog.groups.values()]
    .filter(({ name }) => name !== "")
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const apis = named.flatMap(({ name, versions }) => [
    `/apis/${name}`,
    ...versions.map(({ version }) => `/apis/${name}/${version}`).sort(),
  ]);
  return ["/api", "/api/v1", "/apis", ...apis, "/openapi/v2", "/openapi/v3", "/version"];
}
