/** How a stored object looks through one of the resources that it is served as. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { StoredObject } from "../cache/stored-object.ts";
import type { Selection } from "../machinery/selectors.ts";
import { compileSelection } from "../machinery/selectors.ts";
import { toAutoscalerV1, toAutoscalerV2 } from "./autoscaler-versions.ts";
import { toCoreVersion, toEventsVersion } from "./event-versions.ts";

const encoder = new TextEncoder();

interface Conversion {
  readonly served: (object: KubernetesObject) => KubernetesObject;
  readonly stored: (object: KubernetesObject) => KubernetesObject;
}

/** By the kind of those that are stored in another version than the one they are served in. */
const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  Event: { served: toEventsVersion, stored: toCoreVersion },
  HorizontalPodAutoscaler: { served: toAutoscalerV1, stored: toAutoscalerV2 },
};

export function isConverted(info: ResourceInfo): boolean {
  return info.storageApiVersion !== undefined;
}

function conversionOf(info: ResourceInfo): Conversion | undefined {
  return isConverted(info) ? CONVERSIONS[info.kind] : undefined;
}

export function toServed(info: ResourceInfo, object: KubernetesObject): KubernetesObject {
  return conversionOf(info)?.served(object) ?? object;
}

export function toStored(info: ResourceInfo, object: KubernetesObject): KubernetesObject {
  return conversionOf(info)?.stored(object) ?? object;
}

/** JSON of the object as served. */
export function servedBytes(info: ResourceInfo, stored: StoredObject): Uint8Array {
  return isConverted(info) ? encoder.encode(JSON.stringify(toServed(info, stored.object))) : stored.bytes;
}

/** Selectors speak of the served version; the caches hold the stored one. */
export function selectionOf(
  info: ResourceInfo,
  labelSelector: string | undefined,
  fieldSelector: string | undefined,
): Selection {
  const selection = compileSelection(info, labelSelector, fieldSelector);
  if (!isConverted(info)) return selection;
  return { ...selection, matches: (object) => selection.matches(toServed(info, object)) };
}
