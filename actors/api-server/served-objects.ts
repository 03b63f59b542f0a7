/**
 * Objects on their way to actors. What one reads is left to its link, which encodes it at a slightly smaller price. What
 * several read at the same revision is encoded once for all of them: the Nodes, Services and EndpointSlices of a cluster
 * go to each of its kube-proxies.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { PreEncoded } from "../../runtime/pre-encoded.ts";
import { PreEncoder } from "../../runtime/pre-encoded.ts";
import type { Head, StoredObject } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import { isConverted, toServed } from "./core/registry/present.ts";

type Encoded = WeakMap<StoredObject, PreEncoded<KubernetesObject>>;

export class ServedObjects {
  /** One for each kind, so that a link carries the shapes of those kinds alone that its reader follows. */
  private readonly encoders = new Map<Head, PreEncoder>();
  /** What has been read in this period, and what was in the one before: beside an object and its JSON, a third form of it. */
  private recent: Encoded = new WeakMap();
  private older: Encoded = new WeakMap();

  /** The object for one more reader, to be put into a message. */
  forReader(served: Served, stored: StoredObject): KubernetesObject {
    // Two versions of one object would need two forms; as with JSON, the converted one is made for each reader.
    if (isConverted(served)) return toServed(served, stored.object);
    const first = stored.readers++ === 0;
    return first ? stored.object : this.encoded(stored).inMessage;
  }

  /** Once a period: what has not been read since the last time is let go of. */
  age(): void {
    this.older = this.recent;
    this.recent = new WeakMap();
  }

  private encoded(stored: StoredObject): PreEncoded<KubernetesObject> {
    let encoded = this.recent.get(stored);
    if (encoded !== undefined) return encoded;
    encoded = this.older.get(stored) ?? this.encoder(stored.head).encode(stored.object);
    this.recent.set(stored, encoded);
    return encoded;
  }

  private encoder(head: Head): PreEncoder {
    let encoder = this.encoders.get(head);
    if (encoder === undefined) this.encoders.set(head, (encoder = new PreEncoder()));
    return encoder;
  }
}
