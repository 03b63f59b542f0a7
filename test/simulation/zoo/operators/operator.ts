/**
 * What the zoo's operators are made of: objects of several roles which are ConfigMaps, a cache of them as client-go keeps
 * one, and a loop that reconciles a store by its name. A bug is a small function that carries the pattern of a published
 * one; one switch mends it.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { hasReason } from "../../../../protocols/api-server.ts";
import type { ConfigMap } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Client } from "../../../../actors/client/client.ts";
import type { Resource } from "../../../../actors/client/resources.ts";
import { configMaps } from "../../../../actors/client/resources.ts";
import { customResourceDefinitions, isEstablished } from "../../../../actors/client/custom-resources.ts";
import { definitionOf } from "../../../unit/actors/api-server/harness/definitions.ts";
import type { Env } from "../../../../actors/cluster/chaos/controller.ts";
import type { Exploration, Search, Step } from "../../../../actors/cluster/chaos/exploration.ts";
import type { Oracle } from "../../../../actors/cluster/chaos/oracles.ts";

/** A store as a custom object: what is told of it is told apart from what is told of ConfigMaps. */
export interface Store extends KubernetesObject {
  readonly spec: Readonly<Record<string, string>>;
  readonly status?: Readonly<Record<string, string>>;
}

export const stores: Resource<Store> = {
  group: "zoo.example.com",
  version: "v1",
  resource: "stores",
  kind: "Store",
  namespaced: true,
};
/** In place of a role. */
export const STORE = "Store";

export interface Kit extends Env {
  /** The switch: whether the operator is without its mistake. */
  readonly isMended: boolean;
}

export interface Bug {
  readonly name: string;
  /** What the mistake is. */
  readonly why: string;
  /** Where it was published: an issue, or the class of a study. */
  readonly after: string;
  readonly workload: readonly Step[];
  readonly start: (kit: Kit) => void | Promise<void>;
  /** Default: those of the harness. */
  readonly oracles?: readonly Oracle[];
  /** Default 1. */
  readonly replicas?: number;
  /** Of the cluster; default none. */
  readonly workers?: number;
}

export function explorationOf(bug: Bug, isMended: boolean, search: Search = {}): Exploration {
  return {
    cluster: { masters: 1, workers: bug.workers ?? 0 },
    controllers: [
      {
        name: "operator",
        ...(bug.replicas === undefined ? {} : { replicas: bug.replicas }),
        start: (env) => bug.start({ ...env, isMended }),
      },
    ],
    workload: bug.workload,
    search,
    ...(bug.oracles === undefined ? {} : { oracles: bug.oracles }),
  };
}

export const NAMESPACE = "default";

export interface Thing extends ConfigMap {
  readonly metadata: NonNullable<ConfigMap["metadata"]> & { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}

type Data = Readonly<Record<string, string>>;
type Metadata = NonNullable<ConfigMap["metadata"]>;

/** An object of a role; `owner` is the store that it belongs to. */
export function thing(role: string, name: string, data: Data = {}, owner?: string, more: Metadata = {}): Thing {
  const labels = { role, ...(owner === undefined ? {} : { owner }) };
  return { metadata: { name, namespace: NAMESPACE, labels, ...more }, data };
}

/** As `thing`, with a name that is made up. */
export function generated(role: string, prefix: string, data: Data, owner: string): ConfigMap {
  const metadata = { generateName: prefix, namespace: NAMESPACE, labels: { role, owner } };
  return { metadata, data };
}

export async function find(client: Client, name: string): Promise<Thing | undefined> {
  return thingOf(await client.find(configMaps, name, NAMESPACE));
}

/** Where an API server leaves out what is empty. */
function thingOf(object: ConfigMap): Thing;
function thingOf(object: ConfigMap | undefined): Thing | undefined;
function thingOf(object: ConfigMap | undefined): Thing | undefined {
  return object === undefined ? undefined : ({ data: {}, ...object } as Thing);
}

export async function listed(client: Client, role: string, owner?: string): Promise<readonly Thing[]> {
  const labelSelector = owner === undefined ? `role=${role}` : `role=${role},owner=${owner}`;
  return (await client.list(configMaps, { namespace: NAMESPACE, labelSelector })).items.map((object) =>
    thingOf(object),
  );
}

/** Where there is none. */
export async function create(client: Client, object: ConfigMap): Promise<void> {
  try {
    await client.create(configMaps, object);
  } catch (error) {
    if (!hasReason(error, "AlreadyExists")) throw error;
  }
}

/** Creates it, or makes the data of what is there the same. */
export async function put(client: Client, object: Thing): Promise<void> {
  const known = await find(client, object.metadata.name);
  if (known === undefined) return create(client, object);
  if (JSON.stringify(known.data) === JSON.stringify(object.data)) return;
  await client.update(configMaps, { ...known, data: { ...object.data } });
}

/** If it is there; with a uid only that very one. */
export async function remove(client: Client, name: string, uid?: string): Promise<void> {
  try {
    await client.delete(configMaps, name, NAMESPACE, uid === undefined ? {} : { preconditions: { uid } });
  } catch (error) {
    if (!hasReason(error, "NotFound") && (uid === undefined || !hasReason(error, "Conflict"))) throw error;
  }
}

export async function set(client: Client, name: string, data: Readonly<Record<string, string | null>>): Promise<void> {
  await client.patch(configMaps, name, NAMESPACE, { data });
}

/** `null` takes an annotation off. */
export async function annotate(
  client: Client,
  name: string,
  annotations: Readonly<Record<string, string | null>>,
): Promise<void> {
  await client.patch(configMaps, name, NAMESPACE, { metadata: { annotations } });
}

export async function setFinalizers(client: Client, object: Thing, finalizers: readonly string[]): Promise<void> {
  const { resourceVersion } = object.metadata;
  await client.patch(configMaps, object.metadata.name, NAMESPACE, { metadata: { finalizers, resourceVersion } });
}

/** Steps of a workload. */
export const adds = (...objects: readonly ConfigMap[]): Step => ({
  name: `add ${objects.map(({ metadata }) => metadata?.name).join(", ")}`,
  run: async ({ client }) => {
    for (const object of objects) await client.create(configMaps, object);
  },
});

export const sets = (name: string, data: Data): Step => ({
  name: `set ${name} ${JSON.stringify(data)}`,
  run: ({ client }) => set(client, name, data),
});

export const removes = (name: string): Step => ({
  name: `remove ${name}`,
  run: ({ client }) => client.delete(configMaps, name, NAMESPACE),
});

/** Not before that object is there, or is there no more: it is the operator that sees to it. */
export const whenThere = (name: string, step: Step): Step => awaiting(name, step, true);
export const whenGone = (name: string, step: Step): Step => awaiting(name, step, false);

const awaiting = (name: string, { name: what, run }: Step, isThere: boolean): Step => ({
  name: what,
  run: async (world) => {
    await world.until(`${name} ${isThere ? "there" : "gone"}`, async () => {
      return ((await find(world.client, name)) !== undefined) === isThere;
    });
    await run(world);
  },
});

/** The same again, under a name of its own. */
export const again = (step: Step): Step => ({ ...step, name: `${step.name} again` });

/** One after the other, without a rest. */
export const atOnce = (pauseMs: number, ...steps: readonly Step[]): Step => ({
  name: steps.map(({ name }) => name).join(", and "),
  run: async (world) => {
    for (const [index, { run }] of steps.entries()) {
      if (index > 0) await world.clock.sleep(pauseMs);
      await run(world);
    }
  },
});

/** The custom resource, which its controller waits for. */
export const defines: Step = {
  name: "define stores",
  run: async (world) => {
    const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    const openAPIV3Schema = { type: "object", properties: { spec: open, status: open } };
    const version = {
      name: "v1",
      served: true,
      storage: true,
      schema: { openAPIV3Schema },
      subresources: { status: {} },
    };
    const definition = definitionOf("stores", stores.group);
    await world.client.create(customResourceDefinitions, {
      ...definition,
      spec: { ...definition.spec, versions: [version] },
    });
    const name = definition.metadata!.name!;
    await world.until("the definition", async () =>
      isEstablished(await world.client.get(customResourceDefinitions, name)),
    );
  },
};

export const addsStore = (name: string, spec: Data, metadata: Metadata = {}): Step => ({
  name: `add the store ${name}`,
  run: async ({ client }) =>
    void (await client.create(stores, { metadata: { name, namespace: NAMESPACE, ...metadata }, spec })),
});

export const setsStore = (name: string, spec: Data): Step => ({
  name: `set the store ${name} ${JSON.stringify(spec)}`,
  run: async ({ client }) => void (await client.patch(stores, name, NAMESPACE, { spec })),
});

export const removesStore = (name: string): Step => ({
  name: `remove the store ${name}`,
  run: ({ client }) => client.delete(stores, name, NAMESPACE),
});

export async function setStatus(client: Client, name: string, status: Data): Promise<void> {
  await client.patch(stores, name, NAMESPACE, { status }, { subresource: "status" });
}

interface Change<T> {
  readonly type: "added" | "updated" | "deleted";
  readonly object: T;
  readonly previous: T | undefined;
}

/** Pause before a list or a watch that broke is tried again. */
const RECONNECT_MS = 20;

/**
 * A local copy as client-go's reflector keeps one: it lists whatever the API server's cache has (`resourceVersion: "0"`),
 * watches from there, goes on after the last event when the watch ends, and lists anew when that is too old.
 */
export class Cache<T extends KubernetesObject> {
  private readonly env: Env;
  private readonly resource: Resource<T>;
  private readonly labelSelector: string;
  private readonly objects = new Map<string, T>();
  private readonly onChange: (change: Change<T>) => void;
  private revision: string | undefined;
  private synced: () => void = () => undefined;

  constructor(env: Env, resource: Resource<T>, labelSelector: string, onChange: (change: Change<T>) => void) {
    this.env = env;
    this.resource = resource;
    this.labelSelector = labelSelector;
    this.onChange = onChange;
  }

  /** Resolves when the first list is in. */
  start(): Promise<void> {
    const done = new Promise<void>((resolve) => (this.synced = resolve));
    this.connectAfter(0);
    return done;
  }

  get(name: string): T | undefined {
    return this.objects.get(name);
  }

  list(): readonly T[] {
    return [...this.objects.values()];
  }

  private connectAfter(pauseMs: number): void {
    this.env.clock.after(pauseMs, () => void this.connect());
  }

  private async connect(): Promise<void> {
    try {
      if (this.revision === undefined) await this.relist();
    } catch {
      return this.connectAfter(RECONNECT_MS);
    }
    this.watch();
  }

  private async relist(): Promise<void> {
    const selected = { namespace: NAMESPACE, labelSelector: this.labelSelector };
    const { items, metadata } = await this.env.client.list(this.resource, { ...selected, resourceVersion: "0" });
    this.revision = metadata.resourceVersion;
    const names = new Set(items.map((object) => object.metadata?.name));
    for (const [name, object] of this.objects) if (!names.has(name)) this.take("DELETED", object);
    for (const object of items) this.take("ADDED", object);
    this.synced();
  }

  private watch(): void {
    const from = this.revision === undefined ? {} : { resourceVersion: this.revision };
    this.env.client.watch<T>(
      this.resource,
      { namespace: NAMESPACE, labelSelector: this.labelSelector, ...from },
      {
        next: ({ type, object }) => {
          this.revision = object.metadata?.resourceVersion ?? this.revision;
          if (type !== "BOOKMARK") this.take(type, object);
        },
        end: (error) => {
          if (hasReason(error, "Expired", "Gone")) this.revision = undefined;
          this.connectAfter(RECONNECT_MS);
        },
      },
    );
  }

  private take(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void {
    const name = object.metadata?.name ?? "";
    const previous = this.objects.get(name);
    if (type === "DELETED") {
      if (!this.objects.delete(name)) return;
      return this.onChange({ type: "deleted", object, previous });
    }
    this.objects.set(name, object);
    if (previous?.metadata?.resourceVersion === object.metadata?.resourceVersion) return;
    this.onChange({ type: previous === undefined ? "added" : "updated", object, previous });
  }
}

/** What an operator sees of its objects without asking. */
export class Cached {
  readonly caches: Map<string, Cache<ConfigMap>> = new Map<string, Cache<ConfigMap>>();
  stores: Cache<Store> | undefined;

  get(role: string, name: string): Thing | undefined {
    return thingOf(this.caches.get(role)?.get(name));
  }

  store(name: string): Store | undefined {
    return this.stores?.get(name);
  }

  list(role: string, owner?: string): readonly Thing[] {
    const all = (this.caches.get(role)?.list() ?? []).map((object) => thingOf(object));
    return owner === undefined ? all : all.filter(({ metadata }) => metadata.labels?.["owner"] === owner);
  }
}

export type Told = Change<ConfigMap>;

/**
 * Reconciles a store whenever it, or what belongs to it, has changed; again with a pause when that fails.
 * @param roles the store's own first: STORE for custom ones
 * @param onChange told beside it, before
 */
export async function follow(
  kit: Kit,
  roles: readonly string[],
  reconcile: (name: string, cached: Cached) => Promise<void>,
  onChange: (change: Told) => void = () => undefined,
): Promise<Cached> {
  const cached = new Cached();
  const queue = kit.queue("stores", (name) => reconcile(name, cached));
  const starts: Promise<void>[] = [];
  for (const role of roles) {
    if (role === STORE) {
      cached.stores = new Cache(kit, stores, "", ({ object }) => queue.add(object.metadata?.name ?? ""));
      starts.push(cached.stores.start());
      continue;
    }
    const cache = new Cache(kit, configMaps, `role=${role}`, (change) => {
      onChange(change);
      const { labels = {}, name = "" } = change.object.metadata ?? {};
      queue.add(labels["owner"] ?? name);
    });
    cached.caches.set(role, cache);
    starts.push(cache.start());
  }
  await Promise.all(starts);
  return cached;
}

/** The custom store as the mended operator sees it before it decides. */
export async function customOf({ isMended, client }: Kit, name: string, cached: Cached): Promise<Store | undefined> {
  return isMended ? client.find(stores, name, NAMESPACE) : cached.store(name);
}

/** The objects of a role that belong to a store, as the mended operator sees them. */
export async function ownedOf(
  { isMended, client }: Kit,
  role: string,
  owner: string,
  cached: Cached,
): Promise<readonly Thing[]> {
  return isMended ? listed(client, role, owner) : cached.list(role, owner);
}

/** The store as the mended operator sees it before it decides: as it is, and not as it was. */
export async function storeOf({ isMended, client }: Kit, name: string, cached: Cached): Promise<Thing | undefined> {
  return isMended ? find(client, name) : cached.get("store", name);
}
