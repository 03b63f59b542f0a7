/**
 * What this server serves now: the built-in kinds, and those that the CustomResourceDefinitions in its cache define. A definition
 * counts in the turn in which the watch brings it, before anybody is answered who waits for that revision.
 */
import type { CustomResourceDefinition } from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import { BrokenInvariant } from "./core/broken-invariant.ts";
import type { ResourceCache } from "./core/cache/resource-cache.ts";
import type { Catalog, Served } from "./core/catalog/catalog.ts";
import { hasCondition } from "./core/custom/lifecycle.ts";
import type { SchemasByVersion } from "./core/custom/version-schema.ts";
import { KeptSchemas, schemasOf } from "./core/custom/version-schema.ts";
import { customServed } from "./core/custom/served.ts";
import { storedAs } from "./core/webhooks/conversion.ts";
import type { Store, StoreFollower } from "./store.ts";

export const DEFINITIONS_PREFIX = "/registry/apiextensions.k8s.io/customresourcedefinitions";

/** A definition as it is served. */
interface Known {
  readonly shape: string;
  readonly state: string;
  readonly prefix: string;
  /** As its objects are stored. */
  readonly stored: Served;
  readonly schemas: SchemasByVersion;
}

export class CatalogFollower implements StoreFollower {
  private catalog: Catalog;
  private readonly store: Store;
  private readonly log: Context["log"];
  private readonly cache: ResourceCache;
  private readonly known = new Map<string, Known>();
  private readonly schemas: KeptSchemas;
  private listener: (name: string) => void = () => {};
  private servedListener: (served: readonly Served[]) => void = () => {};

  constructor(log: Context["log"], store: Store, builtIn: Catalog, schemas: KeptSchemas = new KeptSchemas()) {
    this.schemas = schemas;
    this.log = log;
    this.store = store;
    this.catalog = builtIn;
    this.cache = store.cache(DEFINITIONS_PREFIX);
    store.follow(DEFINITIONS_PREFIX, this);
  }

  /** Read it anew in each request: it is another one when a definition has changed. */
  get current(): Catalog {
    return this.catalog;
  }

  /** What a definition makes of its objects, served or not. */
  storedBy(name: string): Served | undefined {
    return this.known.get(name)?.stored;
  }

  /** `listener` is told the name of each definition that has changed, when the catalog has already. */
  onChange(listener: (name: string) => void): void {
    this.listener = listener;
  }

  /** `listener` is told what is served from now on. */
  onServed(listener: (served: readonly Served[]) => void): void {
    this.servedListener = listener;
  }

  loaded(): void {
    for (const name of [...this.known.keys()]) if (this.cache.get(name) === undefined) this.changed(name);
    for (const { key } of [...this.cache.values()]) this.changed(key);
  }

  changed(name: string): void {
    const definition = this.cache.get(name)?.object as CustomResourceDefinition | undefined;
    if (definition === undefined) this.drop(name);
    else this.take(name, definition);
    this.listener(name);
  }

  private drop(name: string): void {
    const known = this.known.get(name);
    if (known === undefined) return;
    this.known.delete(name);
    this.catalog = this.catalog.without(name);
    this.store.detach(known.prefix);
    this.schemas.letGo(known.schemas);
  }

  private take(name: string, definition: CustomResourceDefinition): void {
    const before = this.known.get(name);
    const shape = shapeOf(definition);
    const state = stateOf(definition);
    if (before?.shape === shape && before.state === state) return;
    const schemas = schemasOf(definition.spec.versions, this.schemas);
    const all = this.servedBy(name, definition, schemas);
    const stored = all[0] === undefined ? undefined : storedAs(all[0]);
    const prefix = stored?.info.storagePrefix ?? "";
    if (stored === undefined || this.store.isBuiltIn(prefix)) return this.drop(name);
    if (before?.shape !== shape) {
      // Objects are read as of the version and the schema of this moment: with others they are read anew.
      this.store.detach(prefix);
      this.store.attach(stored, definition.metadata?.generation !== 1);
    }
    if (before !== undefined) this.schemas.letGo(before.schemas);
    this.known.set(name, { shape, state, prefix, stored, schemas });
    const names = definition.spec.versions.flatMap((version) => (version.served ? [version.name] : []));
    const served = hasCondition(definition, "Established")
      ? all.filter(({ info }) => names.includes(info.version))
      : [];
    this.catalog = this.catalog.with(name, served);
    this.servedListener(served);
  }

  /** In every version, the ones that are not served as well. */
  private servedBy(name: string, definition: CustomResourceDefinition, schemas: SchemasByVersion): readonly Served[] {
    const { spec } = definition;
    const versions = spec.versions.map((version) => ({ ...version, served: true }));
    try {
      return customServed({ ...definition, spec: { ...spec, versions } }, schemas);
    } catch (error) {
      if (error instanceof BrokenInvariant) throw error;
      const message = error instanceof Error ? error.message : String(error);
      this.log.error("a definition can't be served by a fault of this server", { name, message });
      return [];
    }
  }
}

/** What its resources are like. */
function shapeOf({ metadata, status }: CustomResourceDefinition): string {
  return JSON.stringify([metadata?.uid, metadata?.generation, status?.acceptedNames]);
}

/** Whether, and how far, they are served. */
function stateOf(definition: CustomResourceDefinition): string {
  return ["Established", "Terminating"].map((type) => hasCondition(definition, type)).join();
}
