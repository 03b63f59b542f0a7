/** How a stored object looks through one of the resources that it is served as. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { keepBytes } from "../../../../protocols/kept-bytes.ts";
import type { StoredObject } from "../cache/stored-object.ts";
import type { Served } from "../catalog/catalog.ts";
import type { Conversion } from "../kinds/rules.ts";
import type { Selection } from "../machinery/selectors.ts";
import { compileSelection } from "../machinery/selectors.ts";

const encoder = new TextEncoder();

export function isConverted(served: Served): boolean {
  return served.stored !== served;
}

export function toServed(served: Served, object: KubernetesObject): KubernetesObject {
  return conversionOf(served)?.toServed(object) ?? object;
}

export function toStored(served: Served, object: KubernetesObject): KubernetesObject {
  return conversionOf(served)?.toStored(object) ?? object;
}

function conversionOf(served: Served): Conversion | undefined {
  return isConverted(served) ? served.rules.convert : undefined;
}

/** JSON of the object as served. */
export function servedJson(served: Served, stored: StoredObject): KeptBytes {
  if (!isConverted(served)) return stored.json;
  return keepBytes(encoder.encode(JSON.stringify(toServed(served, stored.object))));
}

/** Selectors speak of the served version; the caches hold the stored one. */
export function selectionOf(
  served: Served,
  labelSelector: string | undefined,
  fieldSelector: string | undefined,
): Selection {
  const isCustom = served.openApiSchema !== undefined;
  const selection = compileSelection(served.info, labelSelector, fieldSelector, isCustom);
  if (!isConverted(served)) return selection;
  return { ...selection, matches: (object) => selection.matches(toServed(served, object)) };
}

/** What can be told of an object before it is converted: which it is. */
export function storedSelection({ everything, exact }: Selection): Selection {
  const name = exact.get("metadata.name");
  if (everything || name === undefined) return { everything: true, exact: new Map(), matches: () => true };
  return {
    everything: false,
    exact: new Map([["metadata.name", name]]),
    matches: ({ metadata }) => metadata?.name === name,
  };
}
