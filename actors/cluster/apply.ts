/** Creates what is not there and changes what is, as `kubectl apply` does without the server's side of it. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import type { Client } from "../client/client.ts";
import type { Resource } from "../client/resources.ts";
import { applyPatch, withRecord } from "./manifest.ts";

/** As kubectl: a field that nobody knows is a mistake, not a wish for the future. */
const WRITE_OPTIONS = { fieldManager: "inkube", fieldValidation: "Strict" } as const;

/** Errors: the API's own. */
export async function applyObject(
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
      patchType: "application/strategic-merge-patch+json",
      ...WRITE_OPTIONS,
    });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
  return client.create(resource, withRecord(placed), WRITE_OPTIONS);
}
