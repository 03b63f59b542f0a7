/** CustomResourceDefinitions as users write them. */
import type { ApiRequest, ApiTarget, KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { CustomResourceDefinition } from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { ApiWatchRequest } from "../../../../../protocols/api-server.ts";
import type { TestServer } from "./test-server.ts";

export const DEFINITIONS: ApiTarget = {
  group: "apiextensions.k8s.io",
  version: "v1",
  resource: "customresourcedefinitions",
};

type Spec = CustomResourceDefinition["spec"];

const SCHEMA = {
  openAPIV3Schema: {
    type: "object",
    properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
  },
};

/** Of `plural`.`group`, with the versions named; the first is stored. */
export function definitionOf(
  plural: string,
  group: string = "shop.example.com",
  versions: readonly string[] = ["v1"],
  more: Partial<Omit<Spec, "names">> & { readonly names?: Partial<Spec["names"]> } = {},
): CustomResourceDefinition {
  const singular = plural.replace(/s$/, "");
  const kind = singular.charAt(0).toUpperCase() + singular.slice(1);
  const { names, ...rest } = more;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, singular, kind, listKind: `${kind}List`, ...names },
      versions: versions.map((name, at) => ({ name, served: true, storage: at === 0, schema: SCHEMA })),
      ...rest,
    },
  };
}

export function customTarget(plural: string, name?: string, more: Partial<ApiTarget> = {}): ApiTarget {
  const base = { group: "shop.example.com", version: "v1", resource: plural, namespace: "default" };
  return { ...base, ...(name === undefined ? {} : { name }), ...more };
}

export function customObject(kind: string, name: string, more: object = {}): KubernetesObject {
  return {
    apiVersion: "shop.example.com/v1",
    kind,
    metadata: { name },
    spec: { size: 1 },
    ...more,
  } as KubernetesObject;
}

export function createDefinition(object: CustomResourceDefinition): ApiRequest {
  return { verb: "create", target: DEFINITIONS, object };
}

export function getDefinition(name: string): ApiRequest {
  return { verb: "get", target: { ...DEFINITIONS, name } };
}

/** As `kubectl wait --for=condition=…`. */
export async function waitForCondition(
  server: TestServer,
  name: string,
  type: string,
  status = "True",
): Promise<KubernetesObject> {
  const seen = await waitForDefinition(
    server,
    name,
    (definition) =>
      definition?.status?.conditions?.some((each) => each.type === type && each.status === status) === true,
  );
  return seen as KubernetesObject;
}

/** Undefined when it is deleted. */
export async function waitForDefinition(
  server: TestServer,
  name: string,
  isMet: (definition: CustomResourceDefinition | undefined) => boolean,
): Promise<CustomResourceDefinition | undefined> {
  const request: ApiWatchRequest = { target: { ...DEFINITIONS, name } };
  const watch = server.watch(request);
  for (let count = 1; ; count++) {
    const event = (await watch.until(count))[count - 1];
    // A bookmark that comes first tells that there is none.
    if (event === undefined || (event.type === "BOOKMARK" && count > 1)) continue;
    const isThere = event.type === "ADDED" || event.type === "MODIFIED";
    const definition = isThere ? (event.object as CustomResourceDefinition) : undefined;
    if (!isMet(definition)) continue;
    watch.cancel();
    return definition;
  }
}
