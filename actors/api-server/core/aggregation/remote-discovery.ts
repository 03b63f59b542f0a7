/**
 * What other servers serve, in the documents of this one. Source: kube-aggregator `pkg/apiserver/{handler_apis,handler_discovery}.go`.
 */
import type { APIResource } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { RemoteRequest } from "../rest/remote-request.ts";
import type { AggregatedDiscovery, DiscoveryVersion } from "../machinery/discovery.ts";
import { groupDocument } from "../machinery/discovery.ts";

/** A group's version that another server answers for. */
export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  /** Whether it is there at the moment. */
  readonly available: boolean;
  /** As in `APIVersionDiscovery`, as it told last; undefined before it has told. */
  readonly resources: readonly unknown[] | undefined;
  /** Where its OpenAPI document is: `/openapi/v3/apis/…?hash=…`. */
  readonly openApi: string | undefined;
}

export interface Remotes {
  readonly versions: readonly RemoteVersion[];
  /** Of groups that this server answers for itself: `groupPriorityMinimum`. */
  readonly priorityOf: (group: string) => number;
}

interface WholeGroup {
  readonly name: string;
  /** Own ones first; none that another server answers for in its place. */
  readonly own: readonly string[];
  readonly remote: readonly RemoteVersion[];
}

/** The named groups: those with the highest priority first, else as the catalog has them. */
function wholeGroups(catalog: Catalog, { versions, priorityOf }: Remotes): readonly WholeGroup[] {
  const names = new Set([...catalog.groups.keys()].filter((name) => name !== ""));
  for (const { group } of versions) names.add(group);
  const whole = [...names].map((name): WholeGroup & { readonly priority: number } => {
    const remote = versions.filter(({ group }) => group === name);
    const taken = new Set(remote.map(({ version }) => version));
    const own = (catalog.group(name)?.versions ?? []).flatMap(({ version }) => (taken.has(version) ? [] : [version]));
    const priority = Math.max(own.length > 0 ? priorityOf(name) : 0, ...remote.map((each) => each.groupPriority));
    return { name, own, remote: remote.toSorted((a, b) => b.versionPriority - a.versionPriority), priority };
  });
  return whole.toSorted((a, b) => b.priority - a.priority);
}

function plainGroup({ name, own, remote }: WholeGroup): object {
  return groupDocument({
    name,
    versions: [...own, ...remote.map(({ version }) => version)].map((version) => ({ version, resources: [] })),
  });
}

/** `/apis`. */
export function groupListWith(catalog: Catalog, remotes: Remotes): object {
  return { kind: "APIGroupList", apiVersion: "v1", groups: wholeGroups(catalog, remotes).map(plainGroup) };
}

/** `/apis/<group>`; undefined when nobody answers for it. */
export function groupWith(catalog: Catalog, remotes: Remotes, name: string): object | undefined {
  const found = wholeGroups(catalog, remotes).find((group) => group.name === name);
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...plainGroup(found) };
}

/** `/apis` as an APIGroupDiscoveryList, as JSON. */
export function discoveryWith(
  catalog: Catalog,
  remotes: Remotes,
  discovery: AggregatedDiscovery,
  version: DiscoveryVersion,
): string {
  const items = wholeGroups(catalog, remotes).map(({ name, own, remote }) => {
    const group = catalog.group(name);
    if (remote.length === 0 && group !== undefined) return discovery.ofGroup(group);
    const kept = group === undefined ? [] : discovery.versions(group, own);
    const versions = [...kept, ...remote.map(versionDiscovery)];
    return `{"metadata":${JSON.stringify({ name })},"versions":[${versions.join(",")}]}`;
  });
  return discovery.list(items, version);
}

/** What is not there any more is told as it was, and marked. */
function versionDiscovery({ version, resources, available }: RemoteVersion): string {
  const freshness = available && resources !== undefined ? "Current" : "Stale";
  return JSON.stringify({ version, ...(resources === undefined ? {} : { resources }), freshness });
}

/** The resources of a version, from a server's own aggregated document; undefined when that says nothing of it. */
export function resourcesOf(document: unknown, group: string, version: string): readonly unknown[] | undefined {
  const { kind, items } = recordOf(document);
  if (kind !== "APIGroupDiscoveryList" || !Array.isArray(items)) return undefined;
  const found = items.map(recordOf).find(({ metadata }) => recordOf(metadata)["name"] === group)?.["versions"];
  const own = Array.isArray(found) ? found.map(recordOf).find((each) => each["version"] === version) : undefined;
  return Array.isArray(own?.["resources"]) ? own["resources"] : undefined;
}

/** What a request is about, as far as its server tells of it: whatever else stands in a path is nobody's resource. */
export function asTold(request: RemoteRequest, resources: readonly unknown[] = []): RemoteRequest {
  const found = resources.map(recordOf).find(({ resource }) => resource === request.resource);
  if (found === undefined) return { ...request, resource: "", subresource: "" };
  const { subresources } = found;
  const below = Array.isArray(subresources) ? subresources.map(recordOf) : [];
  const isKnown = below.some(({ subresource }) => subresource === request.subresource);
  return isKnown ? request : { ...request, subresource: "" };
}

/** The same from an APIResourceList, which older servers answer with. */
export function resourcesOfList(document: unknown, group: string, version: string): readonly unknown[] | undefined {
  const { kind, resources } = recordOf(document);
  if (kind !== "APIResourceList" || !Array.isArray(resources)) return undefined;
  const all = resources.filter((each): each is APIResource => typeof recordOf(each)["name"] === "string");
  const kindOf = (each: APIResource): object => ({
    group: each.group || group,
    version: each.version || version,
    kind: each.kind,
  });
  return all
    .filter(({ name }) => !name.includes("/"))
    .map((each) => {
      const below = all.filter(({ name }) => name.startsWith(`${each.name}/`));
      const subresources = below.map((sub) => ({
        subresource: sub.name.slice(each.name.length + 1),
        responseKind: kindOf(sub),
        verbs: sub.verbs,
      }));
      return {
        resource: each.name,
        responseKind: kindOf(each),
        scope: each.namespaced ? "Namespaced" : "Cluster",
        singularResource: each.singularName,
        verbs: each.verbs,
        ...(each.shortNames === undefined ? {} : { shortNames: each.shortNames }),
        ...(each.categories === undefined ? {} : { categories: each.categories }),
        ...(subresources.length === 0 ? {} : { subresources }),
      };
    });
}

/** Where a server's index of OpenAPI v3 says that the document of a version is. */
export function openApiOf(index: unknown, group: string, version: string): string | undefined {
  const path = recordOf(recordOf(index)["paths"])[`apis/${group}/${version}`];
  const url = recordOf(path)["serverRelativeURL"];
  return typeof url === "string" && url.startsWith("/openapi/v3/") ? url : undefined;
}

/** `/openapi/v3` with the documents of others. */
export function indexWith(own: { readonly paths: Readonly<Record<string, unknown>> }, { versions }: Remotes): object {
  const paths = { ...own.paths };
  for (const { group, version, openApi } of versions) {
    const path = `apis/${group}/${version}`;
    if (openApi === undefined) delete paths[path];
    else paths[path] = { serverRelativeURL: openApi };
  }
  return { paths };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
