/**
 * How an object that `kubectl apply` has made becomes one that `kubectl apply --server-side` keeps: what the client noted down
 * as applied may be taken over, and the note follows what is applied. Only the manager `kubectl` asks for either.
 * Source: apimachinery `util/managedfields/internal` (lastappliedmanager.go, lastappliedupdater.go).
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { goJson } from "../machinery/go-text.ts";
import { isJsonObject, keysInOrder } from "../machinery/json-value.ts";
import { compareObjects, namedFields } from "./comparison.ts";
import type { FieldWrite } from "./field-manager.ts";
import type { FieldSet } from "./field-set.ts";
import { difference } from "./field-set.ts";

export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const KUBECTL = "kubectl";
/** Of all annotations together. As in Kubernetes. */
const ANNOTATIONS_BYTES_MAX = 262_144;

/**
 * @param live in the version of the write
 * @returns what the client has applied and is still as it was; undefined when it has noted nothing that counts
 */
export function ownByLastApplied(write: FieldWrite, live: KubernetesObject): FieldSet | undefined {
  if (write.manager !== KUBECTL) return undefined;
  const noted = notedIn(live);
  if (noted === undefined || noted.apiVersion !== write.version.apiVersion) return undefined;
  const { structure } = write.version;
  const { removed, modified, added } = compareObjects(structure, noted, live);
  return difference(difference(difference(namedFields(structure, noted), modified), added), removed);
}

function notedIn(object: KubernetesObject): KubernetesObject | undefined {
  const text = object.metadata?.annotations?.[LAST_APPLIED];
  if (!text) return undefined;
  try {
    const noted: unknown = JSON.parse(text);
    return isJsonObject(noted) ? (noted as KubernetesObject) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The object with the note of what has been applied, should it have one. */
export function withLastApplied(
  manager: string,
  object: KubernetesObject,
  configuration: KubernetesObject,
): KubernetesObject {
  const annotations = object.metadata?.annotations;
  if (manager !== KUBECTL || !annotations?.[LAST_APPLIED]) return object;
  const { [LAST_APPLIED]: _note, ...others } = annotations;
  const noted = { ...others, [LAST_APPLIED]: noteOf(configuration) };
  const bytes = Object.entries(noted).reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0);
  return { ...object, metadata: { ...object.metadata, annotations: bytes > ANNOTATIONS_BYTES_MAX ? others : noted } };
}

/** JSON with its keys in order and a line end, as Kubernetes writes it. */
function noteOf(configuration: KubernetesObject): string {
  const { metadata } = configuration;
  const { [LAST_APPLIED]: _note, ...annotations } = metadata?.annotations ?? {};
  const own = metadata?.annotations === undefined ? metadata : { ...metadata, annotations };
  return `${goJson(keysInOrder({ ...configuration, ...(own === undefined ? {} : { metadata: own }) }))}\n`;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
