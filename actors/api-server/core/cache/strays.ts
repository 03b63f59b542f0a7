/**
 * Objects below prefixes that nothing is served from: those of custom resources whose definition has not been seen yet, or is
 * gone. They are kept as they are in etcd, so that a cache that is attached has them at once and misses none.
 */
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";

/** Groups of custom resources are domains; no prefix of a built-in resource has a dot in its first segment but those of its own. */
const PLACE = /^(\/registry\/[^/]+\.[^/]+\/[^/]+)\/./;

interface Stray {
  readonly key: string;
  readonly modRevision: number;
  /** The value. */
  readonly kept: KeptBytes;
}

export class Strays {
  private readonly places = new Map<string, Map<string, Stray>>();

  put(stray: Stray): void {
    const prefix = PLACE.exec(stray.key)?.[1];
    if (prefix === undefined) return;
    const place = this.places.get(prefix);
    if (place === undefined) this.places.set(prefix, new Map([[stray.key, stray]]));
    else place.set(stray.key, stray);
  }

  remove(key: string): void {
    const prefix = PLACE.exec(key)?.[1] ?? "";
    const place = this.places.get(prefix);
    place?.delete(key);
    if (place?.size === 0) this.places.delete(prefix);
  }

  /** Those below the prefix, which are no longer strays. */
  take(prefix: string): Iterable<Stray> {
    const place = this.places.get(prefix);
    this.places.delete(prefix);
    return place?.values() ?? [];
  }

  clear(): void {
    this.places.clear();
  }
}
