/** What resources a cluster serves, asked of the cluster itself, so that a word or a kind finds its URL. */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { CustomResourceDefinition } from "../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { resourcesFrom } from "../../client/custom-resources.ts";
import { apiVersionOf } from "../../client/resources.ts";
import type { Api } from "./api.ts";
import { refuse } from "./failure.ts";

export interface ServedResource {
  /** `v1` or `apps/v1`. */
  readonly apiVersion: string;
  /** Plural: `deployments`. */
  readonly name: string;
  readonly singularName: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Of `apidiscovery.k8s.io/v2`. */
interface GroupDiscovery {
  readonly metadata?: { readonly name?: string };
  readonly versions: readonly {
    readonly version: string;
    readonly resources?: readonly {
      readonly resource: string;
      readonly responseKind?: { readonly kind: string };
      readonly scope: "Cluster" | "Namespaced";
      readonly singularResource: string;
      readonly verbs: readonly string[];
      readonly shortNames?: readonly string[];
      readonly categories?: readonly string[];
    }[];
  }[];
}

/** All groups in one answer, each with its preferred version first. */
const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export class Discovery {
  private readonly resources: readonly ServedResource[];

  private constructor(resources: readonly ServedResource[]) {
    this.resources = resources;
  }

  static async of(api: Api): Promise<Discovery> {
    const answers = await Promise.all(
      ["/api", "/apis"].map((path) =>
        api.json<{ readonly items: readonly GroupDiscovery[] }>({ path, accept: AGGREGATED }),
      ),
    );
    return new Discovery(answers.flatMap(({ items }) => items).flatMap(resourcesOf));
  }

  /** With what definitions will add that are not there yet. */
  with(definitions: readonly CustomResourceDefinition[]): Discovery {
    const own = definitions.flatMap(resourcesFrom).map((row) => ({
      apiVersion: apiVersionOf(row),
      name: row.resource,
      singularName: row.singular,
      shortNames: row.shortNames,
      categories: [],
      kind: row.kind,
      namespaced: row.namespaced,
    }));
    return new Discovery([...this.resources, ...own]);
  }

  /** `word` as kubectl takes it: `deployments`, `deployment`, `deploy`, `deployments.apps`, `deployments.v1.apps`, `Deployment`. */
  named(word: string): ServedResource {
    const lower = word.toLowerCase();
    const found = this.resources.find(
      ({ name, singularName, shortNames, kind, apiVersion }) =>
        lower === name ||
        lower === singularName ||
        lower === kind.toLowerCase() ||
        shortNames.includes(lower) ||
        lower === `${name}.${apiVersion.split("/")[0]}` ||
        lower === `${name}.${apiVersion.split("/").reverse().join(".")}`,
    );
    if (found !== undefined) return found;
    const known = [...new Set(this.resources.map(({ name }) => name))].sort();
    throw refuse(`the cluster has no resource "${word}"; it has ${known.join(", ")}`);
  }

  /** Those of a category, such as `all`, each in its preferred version; none when there is no such category. */
  inCategory(word: string): readonly ServedResource[] {
    const found = new Map<string, ServedResource>();
    for (const resource of this.resources) {
      const group = resource.apiVersion.includes("/") ? resource.apiVersion.split("/")[0] : "";
      const key = `${resource.name}.${group}`;
      if (resource.categories.includes(word) && !found.has(key)) found.set(key, resource);
    }
    return [...found.values()];
  }

  ofObject(object: KubernetesObject): ServedResource {
    const found = this.resources.find(
      ({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind,
    );
    if (found !== undefined) return found;
    const known = this.resources.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`).sort();
    throw refuse(
      `the cluster knows no ${String(object.apiVersion)} ${String(object.kind)}; it knows ${known.join(", ")}`,
    );
  }
}

function resourcesOf({ metadata, versions }: GroupDiscovery): readonly ServedResource[] {
  const group = metadata?.name ?? "";
  return versions.flatMap(({ version, resources = [] }) =>
    resources
      // What can't be read (a Binding) can only be posted.
      .filter(({ verbs }) => verbs.includes("get"))
      .map(({ resource, responseKind, scope, singularResource, shortNames = [], categories = [] }) => ({
        apiVersion: group === "" ? version : `${group}/${version}`,
        name: resource,
        singularName: singularResource,
        shortNames,
        categories,
        kind: responseKind?.kind ?? "",
        namespaced: scope === "Namespaced",
      })),
  );
}

/** The URL of a collection, or of an object in it. `namespace` undefined: all of them, or a resource without. */
export function pathOf(resource: ServedResource, namespace: string | undefined, name?: string): string {
  const root = resource.apiVersion.includes("/") ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  const place = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${place}/${resource.name}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

/** `deployment.apps/web`, as kubectl names objects. */
export function displayName(resource: ServedResource, name: string): string {
  const group = resource.apiVersion.includes("/") ? `.${resource.apiVersion.split("/")[0]}` : "";
  return `${resource.singularName === "" ? resource.kind.toLowerCase() : resource.singularName}${group}/${name}`;
}
