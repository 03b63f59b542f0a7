/** What resources a cluster serves, asked of the cluster itself, so that a word or a kind finds its URL. */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Api } from "./api.ts";
import { refuse } from "./failure.ts";

export interface ServedResource {
  /** `v1` or `apps/v1`. */
  readonly apiVersion: string;
  /** Plural: `deployments`. */
  readonly name: string;
  readonly singularName: string;
  readonly shortNames: readonly string[];
  readonly kind: string;
  readonly namespaced: boolean;
}

interface ResourceList {
  readonly groupVersion: string;
  readonly resources: readonly (Partial<ServedResource> &
    Pick<ServedResource, "name" | "kind" | "namespaced"> & { readonly verbs: readonly string[] })[];
}

interface GroupList {
  readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
}

export class Discovery {
  private readonly resources: readonly ServedResource[];

  private constructor(resources: readonly ServedResource[]) {
    this.resources = resources;
  }

  static async of(api: Api): Promise<Discovery> {
    const [core, groups] = await Promise.all([
      api.json<ResourceList>({ path: "/api/v1" }),
      api.json<GroupList>({ path: "/apis" }),
    ]);
    const others = await Promise.all(
      groups.groups.map(({ preferredVersion }) =>
        api.json<ResourceList>({ path: `/apis/${preferredVersion.groupVersion}` }),
      ),
    );
    return new Discovery(
      [core, ...others].flatMap(({ groupVersion, resources }) =>
        resources
          // Subresources are no objects of their own, and what can't be read (a Binding) can only be posted.
          .filter(({ name, verbs }) => !name.includes("/") && verbs.includes("get"))
          .map((resource) => ({
            singularName: resource.kind.toLowerCase(),
            shortNames: [],
            ...resource,
            apiVersion: groupVersion,
          })),
      ),
    );
  }

  /** `word` as kubectl takes it: `deployments`, `deployment`, `deploy`, `deployments.apps`, `Deployment`. */
  named(word: string): ServedResource {
    const lower = word.toLowerCase();
    const found = this.resources.find(
      ({ name, singularName, shortNames, kind, apiVersion }) =>
        lower === name ||
        lower === singularName ||
        lower === kind.toLowerCase() ||
        shortNames.includes(lower) ||
        lower === `${name}.${apiVersion.split("/")[0]}`,
    );
    if (found !== undefined) return found;
    const known = [...new Set(this.resources.map(({ name }) => name))].sort();
    throw refuse(`the cluster has no resource "${word}"; it has ${known.join(", ")}`);
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
