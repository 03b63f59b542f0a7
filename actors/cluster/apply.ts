/** Creates what is not there and changes what is, as `kubectl apply` does without the server's side of it. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import { hasCode } from "../../protocols/errors.ts";
import type { CustomResourceDefinition } from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Client } from "../client/client.ts";
import type { NamedResource } from "../client/custom-resources.ts";
import { customResourceDefinitions, resourcesFrom, resourcesOf } from "../client/custom-resources.ts";
import type { Resource } from "../client/resources.ts";
import { applyPatch, definitionsIn, patchTypeOf, resourceNamed, resourceOf, withRecord } from "./manifest.ts";

/** As kubectl: a field that nobody knows is a mistake, not a wish for the future. */
const WRITE_OPTIONS = { fieldManager: "inkube", fieldValidation: "Strict" } as const;

export interface ApplyOptions {
  readonly defaultNamespace: string;
  /** Resolves when the definition of this name is established. */
  readonly established: (name: string) => Promise<unknown>;
}

/** In the order given. Errors: UNKNOWN_KIND, before anything is written; the API's own. */
export async function applyAll(
  client: Client,
  objects: readonly KubernetesObject[],
  { defaultNamespace, established }: ApplyOptions,
): Promise<readonly KubernetesObject[]> {
  // Everything is read before anything is written: half a manifest helps nobody.
  const own = definitionsIn(objects).flatMap(resourcesFrom);
  const wanted: { readonly object: KubernetesObject; readonly resource: Resource }[] = [];
  for (const object of objects) {
    const resource = await known(client, (custom) => resourceOf(object, [...own, ...custom]));
    wanted.push({ object, resource });
  }
  const applied: KubernetesObject[] = [];
  for (const { object, resource } of wanted) {
    const done = await applyObject(client, resource, object, defaultNamespace);
    if (resource.resource === customResourceDefinitions.resource) await established(done.metadata?.name ?? "");
    applied.push(done);
  }
  return applied;
}

/** Errors: UNKNOWN_KIND. */
export function findNamed(client: Client, word: string): Promise<Resource> {
  return known(client, (custom) => resourceNamed(word, custom));
}

/** The cluster is asked for its definitions only when what is built in is not enough. */
async function known(client: Client, find: (custom: readonly NamedResource[]) => Resource): Promise<Resource> {
  try {
    return find([]);
  } catch (error) {
    if (!hasCode(error, "UNKNOWN_KIND")) throw error;
  }
  const { items } = await client.list<CustomResourceDefinition>(customResourceDefinitions);
  return find(items.flatMap(resourcesOf));
}

/** Errors: the API's own. */
async function applyObject(
  client: Client,
  resource: Resource,
  object: KubernetesObject,
  defaultNamespace: string,
): Promise<KubernetesObject> {
  const namespace = resource.namespaced ? (object.metadata?.namespace ?? defaultNamespace) : undefined;
  const placed = namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
  const name = placed.metadata?.name;
  if (name === undefined) return client.create(resource, placed, WRITE_OPTIONS);
  try {
    const current = await client.get(resource, name, namespace);
    return await client.patch(resource, name, namespace, applyPatch(current, placed), {
      patchType: patchTypeOf(resource),
      ...WRITE_OPTIONS,
    });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
  return client.create(resource, withRecord(placed), WRITE_OPTIONS);
}
