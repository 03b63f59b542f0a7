/**
 * Custom resources whose versions a webhook makes of each other. A request deals with objects in its own version from the
 * beginning to the end, as if they were stored so: they are converted when they come out of the store, and when they go into it.
 * Source: apiextensions-apiserver `apiserver/customresource_handler.go` (`crdConversionRESTOptionsGetter`).
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { WebhookClientConfig } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Served } from "../catalog/catalog.ts";
import { unexplained } from "../machinery/status.ts";

export interface WebhookConversion {
  readonly client: WebhookClientConfig;
  readonly reviewVersion: "v1" | "v1beta1";
  readonly storageApiVersion: string;
  /** By apiVersion, also those that are not served. */
  readonly versions: ReadonlyMap<string, ConvertibleVersion>;
}

export interface ConvertibleVersion {
  readonly served: Served;
  /** What a webhook has made, without what the schema does not know. Throws Status 400 for an embedded object of a wrong form. */
  readonly coerce: (object: KubernetesObject) => KubernetesObject;
}

/** The resource as its objects are stored. */
export function storedAs({ stored, conversion }: Served): Served {
  return conversion?.versions.get(conversion.storageApiVersion)?.served ?? stored;
}

/** Whether two are one resource in different versions. */
export function sameResource(one: Served, other: Served): boolean {
  return one.conversion === undefined ? one.stored === other.stored : one.conversion === other.conversion;
}

/** A stored object under the schema of today of the version that it was stored in. */
export function readInVersion({ versions }: WebhookConversion): (object: KubernetesObject) => KubernetesObject {
  return (object) => versions.get(object.apiVersion ?? "")?.served.rules.read?.(object) ?? object;
}

/** An object to be converted. */
export interface Wanted {
  readonly conversion: WebhookConversion;
  readonly object: KubernetesObject;
  readonly apiVersion: string;
}

/** Thrown through what is pure where an object is needed in another version: it is done again once that is known. */
export class NotConverted extends Error {
  readonly wanted: Wanted;

  constructor(wanted: Wanted) {
    super(`not yet converted to ${wanted.apiVersion}`);
    this.wanted = wanted;
  }
}

/** What one request knows of conversions. */
export class KnownConversions {
  /** By what was asked: the object, or why there is none. */
  private readonly known = new Map<string, KubernetesObject | string>();

  /**
   * The object in a version, with the managers that it has.
   * @throws NotConverted when nobody has asked for that yet; Status 500 when the webhook has failed
   */
  to(conversion: WebhookConversion, object: KubernetesObject, apiVersion: string): KubernetesObject {
    if (object.apiVersion === apiVersion) return object;
    const wanted = { conversion, object, apiVersion };
    const found = this.find(wanted);
    if (found === undefined) throw new NotConverted(wanted);
    if (typeof found === "string") throw unexplained(found);
    const { managedFields, resourceVersion } = object.metadata ?? {};
    const { managedFields: _managed, resourceVersion: _revision, ...metadata } = found.metadata ?? {};
    const own = {
      ...metadata,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(managedFields === undefined ? {} : { managedFields }),
    };
    return { ...found, metadata: own };
  }

  /** Without managers. A text says why there is none; undefined: nobody has asked. */
  find(wanted: Wanted): KubernetesObject | string | undefined {
    return this.known.get(keyOf(wanted));
  }

  learn(wanted: Wanted, found: KubernetesObject | string): void {
    this.known.set(keyOf(wanted), found);
  }
}

/** Who manages what, since when, makes no other object. */
function keyOf({ object, apiVersion }: Wanted): string {
  const { managedFields: _managed, resourceVersion: _revision, ...metadata } = object.metadata ?? {};
  return `${apiVersion} ${JSON.stringify({ ...object, metadata })}`;
}
